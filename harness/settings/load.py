"""Settings from flags, HARNESS_* variables, harness.yaml and defaults, in that order, and where each came from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.domain.errors import ConfigError
from harness.domain.paths import Paths
from harness.domain.text import find_not_utf8, shown, suggest
from harness.settings.options import OPTIONS, Settings
from harness.settings.policy import Demand, check_demand, find_policies, tighten_settings
from harness.system import files
from harness.system.yamls import Mistake, Node, is_blank, is_null, parse_yaml, to_plain

CONFIG_FILE = "harness.yaml"
_UNSPEAKABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Config:
    """The settings of a project, where each came from, and what a person should know about them."""

    settings: Settings
    origins: dict[str, str]
    paths: Paths
    warnings: tuple[str, ...] = ()
    file: Path | None = None
    demands: tuple[Demand, ...] = ()  # of policies: spec.md loosens none of them, either
    confined_only: bool = False  # nobody trusted the project to do anything without a sandbox

    @property
    def written(self) -> tuple[Path, ...]:
        """The folders that agents may write: what lies there, harness does not run outside the sandbox."""
        return self.paths.root, *(_below(self.paths.root, path) for path in self.settings.sandbox_write)


def is_root(folder: Path) -> bool:
    """Whether a folder looks like a project's root."""
    return files.is_file(folder / CONFIG_FILE) or files.is_dir(folder / "specs")


def find_root(start: Path) -> Path:
    """Return the project's root: the nearest folder upwards with harness.yaml or specs/, not beyond a repository's."""
    for folder in (start, *start.parents):
        if is_root(folder):
            return folder
        if files.exists(folder / ".git"):
            break
    return start


def load_config(
    start: Path, flags: Mapping[str, Any], environ: Mapping[str, str], *, root: Path | None = None
) -> Config:
    """Return the configuration for a command started in `start`; `root` is looked for upwards unless it is given.

    `flags` holds what was given on the command line (None for what was not). Raises ConfigError that names the source.
    """
    root = root or find_root(start.resolve())
    if _UNSPEAKABLE.search(str(root)):
        why = f"the path of the project, `{shown(str(root))}`, is not one line of UTF-8"
        raise ConfigError(f"{why}: agents could not be told their files", "rename the folder")
    file = root / CONFIG_FILE
    near = files.find_near(file)
    if near and not files.exists(file):
        hint = f"rename it to {CONFIG_FILE}; if it is something else, write a {CONFIG_FILE} beside it"
        raise ConfigError(f"`{near[0]}` is not read: settings stand in `{CONFIG_FILE}`", hint)
    nodes = _parse_file(file)
    said = {name: node for name, node in nodes.items() if not is_null(node)}
    given = [*_read_nodes(said, file.name), *_read_variables(environ), *_read_flags(flags)]  # the last of a name wins
    origins = dict.fromkeys(OPTIONS, "default") | {one.name: one.origin for one in given}
    demands, unread = _read_policies(root, environ)
    settings = Settings(**{one.name: one.value for one in given})
    settings, origins, told = tighten_settings(settings, origins, demands)
    return Config(
        settings=settings,
        origins=origins,
        paths=Paths(root, _below(root, settings.specs_dir), _below(root, settings.logs_dir)),
        warnings=(*_warn_of_unread(near, nodes), *_warn_of_unknown(environ), *_warn(settings), *unread, *told),
        demands=tuple(demands),
        file=file if files.exists(file) else None,
    )


@dataclass(frozen=True, slots=True)
class _Given:
    """A value that was given for a setting, and where."""

    name: str
    value: Any
    origin: str


def _read_nodes(nodes: Mapping[str, Node], origin: str) -> Iterator[_Given]:
    for name, node in nodes.items():
        where = f"`{origin}` line {node.line}: `{name}`"
        value = node if OPTIONS[name].kind.with_lines else to_plain(node)
        yield _Given(name, _parse_one(name, value, where), origin)


def _read_policies(root: Path, environ: Mapping[str, str]) -> tuple[list[Demand], list[str]]:
    """Return what policies demand of a project, and what a person is to know of those that are not read."""
    demands, told = list[Demand](), list[str]()
    for path, unread in find_policies(root, environ):
        if unread:
            told.append(f"the policy `{path}` is not read: {unread}")
            continue
        nodes = _parse_file(path)
        for name, node in nodes.items():
            check_demand(name, f"`{path}` line {node.line}: `{name}`")
        demands += [Demand(one.name, one.value, one.origin) for one in _read_nodes(nodes, str(path))]
    return demands, told


def _read_variables(environ: Mapping[str, str]) -> Iterator[_Given]:
    for variable in _ours(environ):
        if (name := _setting_of(variable)) in OPTIONS:
            yield _Given(name, _parse_one(name, environ[variable], f"`{variable}`"), variable)


def _read_flags(flags: Mapping[str, Any]) -> Iterator[_Given]:
    for name, value in flags.items():
        if value is not None:
            flag = OPTIONS[name].flag
            yield _Given(name, _parse_one(name, value, f"`{flag}`"), flag)


def _ours(environ: Mapping[str, str]) -> list[str]:
    """Return the variables that are meant as settings; an empty one is one that is not set."""
    mine = (name for name, text in environ.items() if name.upper().startswith("HARNESS_") and text)
    return sorted(name for name in mine if name not in _NOT_SETTINGS)


def _setting_of(variable: str) -> str:
    return variable.removeprefix("HARNESS_").lower()  # one in another case is none


def _warn_of_unread(near: Sequence[str], nodes: Mapping[str, Node]) -> Iterator[str]:
    yield from (f"`{name}` is not read: `{CONFIG_FILE}` is" for name in near)
    for name in (name for name, node in nodes.items() if is_blank(node)):
        yield f"`{CONFIG_FILE}` line {nodes[name].line}: `{name}` has no value, and counts as left out"


def _warn_of_unknown(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return one warning for the variables that name no setting."""
    unknown = [variable for variable in _ours(environ) if _setting_of(variable) not in OPTIONS]
    if not unknown:
        return ()
    more = f" (and {len(unknown) - 1} more)" if unknown[1:] else ""
    close = suggest(unknown[0][len("HARNESS_") :].upper(), map(str.upper, OPTIONS)).replace("`", "`HARNESS_", 1)
    return (f"`{unknown[0]}` is not a setting{close}{more}",)


def _warn(settings: Settings) -> tuple[str, ...]:
    if settings.sandbox_hosts and settings.sandbox_network != "broker":
        return (f"`sandbox_hosts` has no effect while `sandbox_network` is `{settings.sandbox_network}`",)
    return ()


# we set them ourselves; and trust is a person's, never a file's
_NOT_SETTINGS = {"HARNESS_RUN_ID", "HARNESS_ATTEMPT", "HARNESS_EVENT", "HARNESS_HALT", "HARNESS_EXIT", "HARNESS_TRUST"}


def _below(root: Path, path: str) -> Path:
    return root / files.expand_home(path)


def _parse_file(file: Path) -> dict[str, Node]:
    if not files.exists(file):
        return {}
    content = files.read_span(file, 0, 1 << 20)
    if line := find_not_utf8(content):
        raise ConfigError(f"`{file.name}` line {line}: this is not UTF-8", "save it as UTF-8")
    try:
        root = parse_yaml(content.decode("utf-8"))
    except Mistake as mistake:
        where = f"`{file.name}` line {mistake.line}" if mistake.line else f"`{file.name}`"
        raise ConfigError(f"{where}: {mistake.sentence}", mistake.hint) from None
    if root is None or is_null(root):
        return {}
    if not isinstance(root.value, dict):
        raise ConfigError(f"`{file.name}` is not a list of `key: value` lines", "`harness config` lists every key")
    for name, node in root.value.items():
        if name not in OPTIONS:
            raise ConfigError(
                f"`{file.name}` line {node.line}: unknown key `{name}`{suggest(name, OPTIONS)}",
                "`harness config` lists every key",
            )
    return root.value


def _parse_one(name: str, value: object, where: str) -> Any:  # noqa: ANN401 - the kinds give every type
    option = OPTIONS[name]
    try:
        return option.kind.parse(value)
    except Mistake as mistake:
        raise ConfigError(f"{where}: {mistake.sentence}", mistake.hint) from None
    except ValueError as error:
        shown = f" (it is `{value}`)" if isinstance(value, str | int | float) and f"`{value}`" not in str(error) else ""
        shown = "" if option.kind.secret else shown
        raise ConfigError(f"{where} {_sentence(error)}{shown}", option.help) from None


def _sentence(error: ValueError) -> str:
    return str(error) if str(error).startswith("must") else f"cannot be used: {error}"
