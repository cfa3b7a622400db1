"""Flags, made from the settings: what each is called and what it says is written once, in `settings.options`."""

from __future__ import annotations

import inspect
import os
import shlex
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from harness.agents.table import explain
from harness.cli.trust_variable import is_trusted_by_variable
from harness.domain.errors import UsageError
from harness.records.trust_file import read_trusted
from harness.settings.kinds import SWITCH
from harness.settings.load import CONFIG_FILE, Config, load_config
from harness.settings.options import OPTIONS
from harness.settings.reach import Reach, find_foreign, find_nested
from harness.settings.setting import Group, Option

RUN_SETTINGS = tuple(name for name, option in OPTIONS.items() if option.is_flag)
FILE_SETTINGS = (*(name for name in RUN_SETTINGS if OPTIONS[name].group is Group.FILES), "json")

Command = Callable[..., Any]


def with_config(*names: str) -> Callable[[Command], Command]:
    """Give a command one flag for each of these settings; it gets the configuration that they make as `config`.

    It may act on it: without the person's trust in what the project asks for, it is not called (`cli.trust`).
    """
    return lambda command: _with_flags(command, names, "config", read_config, acts=True)


def with_config_to_read(*names: str) -> Callable[[Command], Command]:
    """Give a command the configuration as `with_config` does, untrusted: it runs nothing and sends nothing.

    Of a project within another it is said which of the two it looks at.
    """
    return lambda command: _with_flags(command, names, "config", read_and_tell)


def with_config_to_decide(*names: str) -> Callable[[Command], Command]:
    """Give a command that carries a person's decision the configuration, untrusted.

    Within another project it is refused unless the person trusts the inner one: an agent may have made that. So it is
    where the project belongs to another user.
    """
    return lambda command: _with_flags(command, names, "config", _read_the_right_one)


def with_flags(*names: str) -> Callable[[Command], Command]:
    """Give a command one flag for each of these settings; it gets those that were given as `flags`."""
    return lambda command: _with_flags(command, names, "flags", dict)


def read_config(flags: Mapping[str, Any] | None = None) -> Config:
    """Return the settings of the project around the current folder. Raises ConfigError."""
    return load_config(Path.cwd(), flags or {}, os.environ)


def read_and_tell(flags: Mapping[str, Any]) -> Config:
    """Return the settings as `read_config` does, after it is said where they are of a project within another one."""
    config = read_config(flags)
    if (nested := find_nested(config.paths.root)) is not None and not _is_trusted(config, nested):
        print(f"note: this is another project within yours: {nested.says}", file=sys.stderr)
    return config


def refuse_foreign(config: Config) -> None:
    """Raise UsageError where another user owns what would be read or written, and nobody trusts that."""
    root, paths = config.paths.root, config.paths
    looked = (root / CONFIG_FILE, paths.specs, paths.logs, paths.journal, root)
    for one in find_foreign(looked, os.environ):
        if not _is_trusted(config, one):
            hint = "look at it, then `harness trust`; `HARNESS_TRUST=1` trusts it for one command"
            raise UsageError(f"nothing was done: {one.says}", hint)


def _read_the_right_one(flags: Mapping[str, Any]) -> Config:
    config = read_config(flags)
    refuse_foreign(config)
    if (nested := find_nested(config.paths.root)) is not None and not _is_trusted(config, nested):
        outer = shlex.quote(str(Path(nested.value).parent))
        raise UsageError(
            f"nothing was done, since this is another project within yours: {nested.says}",
            f"`cd {outer}` for yours; `harness trust` makes this one yours, too",
        )
    return config


def _is_trusted(config: Config, reach: Reach) -> bool:
    return is_trusted_by_variable() or reach.digest in read_trusted(config.paths.root, os.environ)


def _with_flags(
    command: Command,
    names: tuple[str, ...],
    receives: str,
    make: Callable[[Mapping[str, Any]], Any],
    *,
    acts: bool = False,
) -> Command:
    def wrapped(**given: Any) -> Any:  # noqa: ANN401
        flags = {name: given.pop(name) for name in names}
        trusted = given.pop("trust", False)
        if not acts:
            return command(**given, **{receives: make(flags)})
        from harness.cli.trust import act_on  # what it needs is slow to import

        return act_on(make(flags), lambda config: command(**given, **{receives: config}), trusted=trusted)

    own = inspect.signature(command, eval_str=True).parameters.values()
    shown = [*(one for one in own if one.name != receives), *(_flag(OPTIONS[name]) for name in names)]
    shown += [_TRUST] if acts else []
    wrapped.__signature__ = inspect.Signature(shown)  # type: ignore[attr-defined]
    wrapped.__annotations__ = {one.name: one.annotation for one in shown}
    wrapped.__doc__, wrapped.__name__ = command.__doc__, command.__name__
    return wrapped


_TRUST = inspect.Parameter(
    "trust",
    inspect.Parameter.KEYWORD_ONLY,
    default=False,
    annotation=Annotated[bool, typer.Option("--trust", help="Trust the project for this one command.")],
)


def _flag(option: Option) -> inspect.Parameter:
    is_switch = option.kind is SWITCH
    long = f"{option.flag}/--no-{option.flag.removeprefix('--')}" if is_switch else option.flag
    names = (long, option.short) if option.short else (long,)
    metavar = None if is_switch else "|".join(option.choices) or option.kind.name.upper()
    written = typer.Option(*names, help=explain(option.name, option.help), metavar=metavar, show_default=False)
    kind: Any = Annotated[bool | None if is_switch else str | None, written]
    return inspect.Parameter(option.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)
