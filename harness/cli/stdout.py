"""What a command prints: a document with --json, else lines for people."""

from __future__ import annotations

import json as jsonlib
import os
import sys
from collections.abc import Callable
from typing import Any

from harness.domain.errors import StreamError
from harness.domain.text import plain
from harness.settings.load import Config


def print_report(
    report: dict[str, Any], lines: Callable[[dict[str, Any]], list[str]], config: Config, *, exact: bool = False
) -> None:
    """Print a report: one JSON document with --json, else lines for people, without what could lie on a screen.

    With `exact`, what goes into a pipe or a file stays as it is.
    """
    from harness.records.env_files import open_redactor

    report = open_redactor(config.paths, os.environ).deep(report)
    if config.settings.json:
        say(jsonlib.dumps(report, indent=1, default=str))
        return
    text = "\n".join(lines(report))
    say(text if exact and not sys.stdout.isatty() else plain(text))


def say(text: str, end: str = "\n") -> None:
    """Write to stdout. Raises StreamError where it takes no more, as on a full disk."""
    try:
        print(text, end=end, flush=True)
    except OSError as error:
        raise StreamError(error) from error


def say_bytes(content: bytes) -> None:
    """Write what a program may read to stdout as it is, but to a terminal as text that does nothing there."""
    if sys.stdout.isatty():
        say(plain(content.decode("utf-8", "replace")), end="")
        return
    try:
        sys.stdout.buffer.write(content)
        sys.stdout.flush()
    except OSError as error:
        raise StreamError(error) from error


def say_result(text: str, code: int) -> None:
    """Write to stdout how something ended with `code`, which stays the exit code where it was no success."""
    try:
        say(text)
    except StreamError as error:
        error.exit_code = code or error.exit_code
        raise
