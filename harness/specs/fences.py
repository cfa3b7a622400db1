"""Which lines of Markdown are not code. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_FENCE = re.compile(r"[ \t]*(```|~~~)")


def outside_fences(lines: Iterable[str]) -> Iterator[int]:
    """Yield the index of each line that is neither code nor a fence around it."""
    fence = ""
    for index, line in enumerate(lines):
        mark = _FENCE.match(line)
        if mark and fence in ("", mark[1]):
            fence = "" if fence else mark[1]
        elif not fence:
            yield index
