"""Flags, made from the table of settings: each is declared once, in `settings`."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from harness.settings.load import Config, load_config
from harness.settings.options import OPTIONS

RUN_SETTINGS = (
    "agent", "model", "timeout", "idle_timeout", "max_iterations", "max_time", "stuck_limit", "stuck_bytes", "pause",
    "max_cost", "max_cost_per_feature", "max_cost_per_attempt", "monthly_budget",
    "keep_going", "fault_backoff", "outage_limit", "fault_limit", "on_limit", "max_attempts", "check_timeout", "commit",
    "sandbox", "script", "order_file", "specs_dir", "spec_file", "logs_dir", "json", "quiet", "verbose",
)  # fmt: skip


FILE_SETTINGS = ("order_file", "specs_dir", "spec_file", "logs_dir", "json")


_SHORT = {"keep_going": "-k", "quiet": "-q", "verbose": "-v"}


_SWITCHES = ("keep_going", "json", "quiet", "verbose")


def with_settings(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command one flag per setting, from the table in `config`; it gets those given as `flags`."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(**given: Any) -> Any:  # noqa: ANN401
            flags = {name: given.pop(name) for name in names}
            return command(**given, flags=flags)

        own = inspect.signature(command, eval_str=True)
        kept = [parameter for parameter in own.parameters.values() if parameter.name != "flags"]
        wrapped.__signature__ = inspect.Signature([*kept, *map(_flag, names)])  # type: ignore[attr-defined]
        wrapped.__annotations__ = {one.name: one.annotation for one in (*kept, *map(_flag, names))}
        wrapped.__doc__, wrapped.__name__ = command.__doc__, command.__name__
        return wrapped

    return decorate


def _flag(name: str) -> inspect.Parameter:
    kind: Any = bool | None if name in _SWITCHES else str | None
    long = "--" + name.replace("_", "-")
    if name in _SWITCHES:
        long += "/--no-" + name.replace("_", "-")
    flags = [long, *([_SHORT[name]] if name in _SHORT else [])]
    option = typer.Option(*flags, help=OPTIONS[name].help, show_default=False)
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind, option])


def read_config(flags: dict[str, Any] | None = None) -> Config:
    """Return the settings of the project around the current folder. Raises ConfigError."""
    return load_config(Path.cwd(), flags or {}, os.environ)
