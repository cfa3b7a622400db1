"""What a note assumes instead of asking: the lines that start with `ASSUMED:`. Pure."""

from __future__ import annotations

import re

from harness.decide.blocked import unfenced
from harness.domain.text import one_line

MOST = 20  # of one note
LONGEST = 300  # characters of one
_ITEM = r"(?:[ \t]*(?:[-*+]|\d{1,3}[.)])[ \t]+| {0,3})"
_ASSUMED = re.compile(_ITEM + r"(?:\*\*|__)?ASSUMED(?:\*\*|__)?:(?:\*\*|__)?(?P<text>.*)")


def find_assumed(note: str) -> tuple[str, ...]:
    """Return what a note says that was assumed, each in one line; code blocks and quotes are somebody else's words."""
    found = (match for line in unfenced(note) if (match := _ASSUMED.fullmatch(line)))
    texts = (one_line(match["text"], LONGEST) for match in found)
    return tuple(dict.fromkeys(filter(None, texts)))[:MOST]
