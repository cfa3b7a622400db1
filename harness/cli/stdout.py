"""What a command prints: a document with --json, else lines for people."""

from __future__ import annotations

import json as jsonlib
import os
import sys
from collections.abc import Callable
from typing import Any

from harness.settings.load import Config


def print_report(report: dict[str, Any], lines: Callable[[dict[str, Any]], list[str]], config: Config) -> None:
    """Print a report: one JSON document with --json, else lines for people."""
    from harness.system.secrets import read_redactor

    report = read_redactor(config.paths.root, os.environ).deep(report)
    say(jsonlib.dumps(report, indent=1, default=str) if config.settings.json else "\n".join(lines(report)))


def say(text: str, end: str = "\n") -> None:
    """Write to stdout; a closed pipe (`| head -1`) changes nothing, not even the exit code."""
    try:
        print(text, end=end, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter complains at exit
