"""The one place that turns errors into text and an exit code."""

from __future__ import annotations

import json as jsonlib
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from typer.core import TyperGroup
from typer.main import get_command

from harness import __version__
from harness.cli.app import app
from harness.cli.flags import read_config
from harness.cli.surroundings import set_aside
from harness.domain.errors import as_expected
from harness.domain.text import plain

if TYPE_CHECKING:
    from typer._click.exceptions import ClickException, UsageError
else:  # what typer raises: up to 0.25 the classes of the library click, from 0.26 on those of a copy it brings
    _raised = sys.modules[typer.BadParameter.__module__]
    ClickException, UsageError = _raised.ClickException, _raised.UsageError


def start(argv: Sequence[str]) -> int:
    """Run one command and return its exit code: the one place that turns errors into text and a number."""
    try:
        told = set_aside(os.environ, Path.cwd())
    except FileNotFoundError:
        return _tell_error(argv, "the current folder is gone", "`cd` to your project", 2)
    if told and "_HARNESS_COMPLETE" not in os.environ:
        print("\n".join(f"note: {line}" for line in told), file=sys.stderr)
    try:
        code = command().main(args=list(argv), standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except ClickException as error:
        return _tell_error(argv, _lower(error.format_message()), _say_where_to_look(error), 2)
    except (KeyboardInterrupt, typer.Abort):
        return 130
    except Exception as error:
        if (known := as_expected(error)) is not None:
            return _tell_error(argv, known.message, known.hint, known.exit_code)
        return _tell_error(argv, *_report_bug(argv), 70)


@cache
def command() -> TyperGroup:
    """Return what typer makes of the commands in `app.py`."""
    made = get_command(app)
    assert isinstance(made, TyperGroup)
    return made


def _say_where_to_look(error: ClickException) -> str:
    context = error.ctx if isinstance(error, UsageError) else None
    if context is None or context.parent is None:
        return "`harness -h` lists the commands"
    return f"`harness {context.info_name} -h` shows how"


def _lower(sentence: str) -> str:
    sentence = " ".join(sentence.split()).rstrip(".")
    return sentence[:1].lower() + sentence[1:].replace("'", "`")


def _tell_error(argv: Sequence[str], message: str, hint: str, code: int) -> int:
    """Tell an error on stderr, and with --json as the one document on stdout."""
    message, hint = plain(_redact(message)), plain(_redact(hint))
    if _wants_json(argv):
        with suppress(OSError):  # it may be what is told
            print(jsonlib.dumps({"error": message, "hint": hint, "code": code}), flush=True)
    print(f"error: {message}" + (f"\nhint: {hint}" if hint else ""), file=sys.stderr)
    return code


def _redact(text: str) -> str:
    from harness.system.secrets import read_redactor

    try:
        return read_redactor(Path.cwd(), os.environ).text(text)
    except Exception:  # an error that is told plainly is better than one that is lost
        return text


def _wants_json(argv: Sequence[str]) -> bool:
    if "--json" in argv:
        return True
    try:
        return read_config().settings.json
    except Exception:  # it is an error that is told just now
        return False


def _report_bug(argv: Sequence[str]) -> tuple[str, str]:
    """Write a paste-ready report and return the sentence and the hint that point to it."""
    text = _redact(
        f"harness {__version__}, Python {sys.version.split()[0]}, {sys.platform}\n"
        f"command: harness {' '.join(argv)}\n\n{traceback.format_exc()}"
    )
    name = f"bug-{time.strftime('%Y%m%d-%H%M%S')}.txt"
    for folder in (Path.cwd() / "logs", Path(tempfile.gettempdir())):  # not into the tree: that would be a change
        try:
            with (folder / name).open("x", encoding="utf-8") as file:  # through no link, and over nobody's file
                file.write(text)
        except OSError:
            continue
        return f"a bug in harness: {_last_line(text)}", f"please report it with `{folder / name}`"
    sys.stderr.write(text)
    return f"a bug in harness: {_last_line(text)}", "please report it with the text above"


def _last_line(text: str) -> str:
    return text.strip().splitlines()[-1]
