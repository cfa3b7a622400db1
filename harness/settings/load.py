"""Settings from flags, HARNESS_* variables, harness.yaml and defaults, in that order, and where each came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.domain.errors import ConfigError
from harness.domain.paths import Paths
from harness.domain.text import suggest
from harness.settings.options import OPTIONS, Settings
from harness.system import files
from harness.system.yamls import Mistake, Node, is_null, parse_yaml, to_plain

CONFIG_FILE = "harness.yaml"


@dataclass(frozen=True, slots=True)
class Config:
    """The settings of a project, where each came from, and what a person should know about them."""

    settings: Settings
    origins: dict[str, str]
    paths: Paths
    warnings: tuple[str, ...] = ()
    file: Path | None = None


def find_root(start: Path) -> Path:
    """Return the project's root: the nearest folder upwards with harness.yaml or specs/, not beyond a repository's."""
    for folder in (start, *start.parents):
        if (folder / CONFIG_FILE).is_file() or (folder / "specs").is_dir():
            return folder
        if (folder / ".git").exists():
            break
    return start


def load_config(
    start: Path, flags: Mapping[str, Any], environ: Mapping[str, str], *, root: Path | None = None
) -> Config:
    """Return the configuration for a command started in `start`; `root` is looked for upwards unless it is given.

    `flags` holds what was given on the command line (None for what was not). Raises ConfigError that names the source.
    """
    root = root or find_root(start.resolve())
    file = root / CONFIG_FILE
    values: dict[str, Any] = {}
    origins = dict.fromkeys(OPTIONS, "default")
    for name, node in _read_file(file).items():
        where = f"`{file.name}` line {node.line}: `{name}`"
        values[name] = _parse_one(name, node if name == "checks" else to_plain(node), where)
        origins[name] = file.name
    unknown = []
    for variable, text in sorted(environ.items()):
        name = variable.removeprefix("HARNESS_").lower()
        if not variable.startswith("HARNESS_") or variable in _NOT_SETTINGS:
            continue
        if not text:
            continue  # an empty variable is one that is not set
        if name not in OPTIONS:
            close = suggest(name.upper(), [option.upper() for option in OPTIONS]).replace("`", "`HARNESS_", 1)
            unknown.append(f"`{variable}` is not a setting of harness{close}")
            continue
        values[name], origins[name] = _parse_one(name, text, f"`{variable}`"), variable
    for name, value in flags.items():
        if value is not None:
            flag = "--" + name.replace("_", "-")
            values[name], origins[name] = _parse_one(name, value, f"`{flag}`"), flag
    settings = Settings(**values)
    if unknown:
        unknown = [unknown[0] + (f" (and {len(unknown) - 1} more)" if unknown[1:] else "")]
    return Config(
        settings=settings,
        origins=origins,
        paths=Paths(root, _below(root, settings.specs_dir), _below(root, settings.logs_dir)),
        warnings=(*unknown, *_warn(settings)),
        file=file if file.exists() else None,
    )


def _warn(settings: Settings) -> tuple[str, ...]:
    if settings.sandbox_hosts and settings.sandbox_network != "broker":
        return (f"`sandbox_hosts` bounds nothing while `sandbox_network` is `{settings.sandbox_network}`",)
    return ()


# we set them ourselves
_NOT_SETTINGS = {"HARNESS_RUN_ID", "HARNESS_ATTEMPT", "HARNESS_EVENT", "HARNESS_HALT", "HARNESS_EXIT"}


def _below(root: Path, path: str) -> Path:
    return root / Path(path).expanduser()


def _read_file(file: Path) -> dict[str, Node]:
    if not file.exists():
        return {}
    try:
        root = parse_yaml(files.read_text(file, 1 << 20))
    except Mistake as mistake:
        raise ConfigError(f"`{file.name}` line {mistake.line}: {mistake.sentence}", mistake.hint) from None
    if root is None or is_null(root):
        return {}
    if not isinstance(root.value, dict):
        raise ConfigError(f"`{file.name}` is no list of `key: value`", "`harness config` lists every key")
    for name, node in root.value.items():
        if name not in OPTIONS:
            raise ConfigError(
                f"`{file.name}` line {node.line}: unknown key `{name}`{suggest(name, OPTIONS)}",
                "`harness config` lists every key",
            )
    return {name: node for name, node in root.value.items() if not is_null(node)}


def _parse_one(name: str, value: object, where: str) -> Any:  # noqa: ANN401 - the table's parsers give every type
    try:
        return OPTIONS[name].parse(value)
    except Mistake as mistake:
        raise ConfigError(f"{where}: {mistake.sentence}", mistake.hint) from None
    except ValueError as error:
        shown = f" (it is `{value}`)" if isinstance(value, str | int | float) and f"`{value}`" not in str(error) else ""
        shown = "" if OPTIONS[name].secret else shown
        raise ConfigError(f"{where} {_sentence(error)}{shown}", OPTIONS[name].help) from None


def _sentence(error: ValueError) -> str:
    return str(error) if str(error).startswith("must") else f"cannot be used: {error}"
