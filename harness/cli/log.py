"""What `harness log` prints: the notes of a feature, and with --follow what is added to them."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

from harness.cli.stdout import say
from harness.domain.text import plain
from harness.system import files

PAUSE = 0.2  # seconds between two looks


def print_notes(path: Path, slug: str, *, follow: bool) -> None:
    """Print the notes, made safe to show; with `follow` this goes on until it is interrupted."""
    if not follow and not files.exists(path):
        print(f"no notes about `{slug}` yet", file=sys.stderr)
    for text in _read_on(path, follow=follow):
        say(plain(text), end="")


def _read_on(path: Path, *, follow: bool) -> Iterator[str]:
    offset = 0
    while True:
        while chunk := files.read_span(path, offset, 1 << 20):
            offset += len(chunk)
            yield chunk.decode("utf-8", "replace")
        if not follow:
            return
        time.sleep(PAUSE)
