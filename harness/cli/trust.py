"""Trust: before a command acts on what a project asks for, the person who runs it has seen that once, and said yes."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from harness.cli.trust_variable import TRUST, is_trusted_by_variable
from harness.domain.errors import NotConfined, TrustError
from harness.domain.text import one_line
from harness.records.trust_file import forget_trusted, trust_file, write_trusted
from harness.run.trust import Asked, read_asked
from harness.settings.load import Config
from harness.settings.options import OPTIONS
from harness.settings.reach import Reach
from harness.settings.setting import Group

MOST = 20  # things that are listed
LONGEST = 2_000  # characters of one


def act_on(config: Config, act: Callable[[Config], Any], *, trusted: bool) -> Any:  # noqa: ANN401 - what `act` gives
    """Do what a command does with the settings, if the person trusts the project with them. Raises TrustError.

    One that turns out to have no sandbox to work in has done nothing yet: it is asked about, and begun again.
    """
    if trusted or is_trusted_by_variable():
        return act(config)
    try:
        return act(require_trust(config))
    except NotConfined:
        asked = read_asked(config, os.environ)
        if not _can_ask(config):
            raise
        _ask(asked, tuple(one for one in asked.reaches if one.digest not in asked.trusted))
        return act(require_trust(config))


def require_trust(config: Config) -> Config:
    """Return the settings as this person trusts them; on a terminal who has not said so yet is asked.

    Raises TrustError with a list of what is not trusted.
    """
    asked = read_asked(config, os.environ)
    if asked.foreign:
        raise TrustError(
            f"{asked.foreign[0].says}, and is not obeyed",
            f"look at it, then {_say_how(config)}; `--trust` or `{TRUST}=1` trusts it for one command",
        )
    if asked.untrusted:
        if not _can_ask(config):
            raise _refuse(config, asked.untrusted)
        _ask(asked, asked.untrusted)
        asked = read_asked(config, os.environ)
    return asked.settle()


def trust_project(config: Config) -> dict[str, Any]:
    """Trust the project with what it asks for now, and with nothing else; returns what `show_trust` shows."""
    asked = read_asked(config, os.environ)
    _remember(asked, asked.needed)
    return report_trust(config)


def trust_own_files(config: Config) -> None:
    """Trust what `harness init` wrote itself; where that cannot be remembered, the first run asks."""
    asked = read_asked(config, os.environ)
    with suppress(TrustError):
        _remember(asked, [one for one in asked.needed if one.key in ("unconfined", "check", "nested")])


def forget_project(config: Config) -> dict[str, Any]:
    """Trust the project with nothing any more."""
    forget_trusted(config.paths.root, os.environ)
    return report_trust(config)


def report_trust(config: Config) -> dict[str, Any]:
    """Return what the project asks for that reaches outside the sandbox, and whether that is trusted."""
    asked = read_asked(config, os.environ)
    asks = [
        {"what": one.key, "says": one.says, "trusted": one.digest in asked.trusted} for one in asked.needed
    ]  # fmt: skip
    try:
        file = str(trust_file(config.paths.root, os.environ))
    except TrustError:
        file = ""
    return {
        "project": str(config.paths.root),
        "trusted": not asked.untrusted,
        "sandbox": asked.confined,
        "asks": asks,
        "file": file,
    }


def show_trust(report: dict[str, Any]) -> list[str]:
    """Return the lines for people."""
    if not report["asks"]:
        return [f"`{report['project']}` asks for nothing outside the sandbox: no trust is needed"]
    lines = [f"{'trusted' if one['trusted'] else 'not yet'}  {one['says']}" for one in report["asks"]]
    return [f"`{report['project']}` asks you to trust it with this:", *lines]


def _remember(asked: Asked, more: Sequence[Reach]) -> None:
    """Remember more than was trusted; what the project does not ask for any more is forgotten."""
    kept = {one.digest for one in asked.reaches} & asked.trusted
    write_trusted(asked.config.paths.root, kept | {one.digest for one in more}, os.environ)


def _can_ask(config: Config) -> bool:
    return not config.settings.json and sys.stdin.isatty() and sys.stderr.isatty()


def _ask(asked: Asked, about: Sequence[Reach]) -> None:
    """Ask on the terminal, and remember a yes. Raises TrustError for anything else."""
    print("\n".join((_head(about), *_list(about))), file=sys.stderr)
    print("Trust this project with that? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise TrustError("not trusted: nothing was done", f"{_say_how(asked.config)} when you have looked at it")
    _remember(asked, about)


def _refuse(config: Config, about: Sequence[Reach]) -> TrustError:
    said = "\n".join((_head(about), *_list(about)))
    return TrustError(said, f"{_say_how(config)}, if you want that; `--trust` or `{TRUST}=1` for one command")


def _head(about: Sequence[Reach]) -> str:
    return "this project asks for what reaches outside the sandbox, and you have not trusted it with that:"


def _list(about: Sequence[Reach]) -> list[str]:
    whole = [len(one.says) <= LONGEST for one in about[:MOST]]
    more = [] if all(whole) else ["  … what is cut is whole in `harness trust --show`"]
    more += [f"  … and {len(about) - MOST} more: `harness trust --show`"] if about[MOST:] else []
    return [*(f"  - {one_line(one.says, LONGEST)}" for one in about[:MOST]), *more]


def _say_how(config: Config) -> str:
    """Return the command that trusts the project as it was asked for, with the flags that change what it asks for."""
    ours = [name for name, option in OPTIONS.items() if option.group in (Group.FILES, Group.SANDBOX)]
    given = [name for name in ours if config.origins[name].startswith("--")]
    flags = [word for name in given for word in (config.origins[name], str(getattr(config.settings, name)))]
    return f"`{shlex.join(['harness', 'trust', *flags])}`"
