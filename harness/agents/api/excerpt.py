"""Parts of a text for the eyes of a model: numbered lines, a change in its surroundings, where a text nearly stands.

Pure.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from harness.domain.text import counted

_AROUND = 4  # lines shown before and after a change
_LONGEST_SNIPPET = 40  # lines of the change itself
_LONGEST_LINE = 500  # characters of a line in a snippet
_NEAR = 5_000  # lines that are compared when nothing matches: 5,000 take about 0.1 s
_LARGE = 1 << 20  # characters of a text from which on no hint is looked for
_MATCHES = 100  # more are not counted
_COMPARED = 1 << 26  # characters that are compared while counting, so that long texts that repeat take no minutes


def split_lines(text: str, *, keep_ends: bool = False) -> list[str]:
    """Return the lines as editors count them: only a newline ends one, and a CR before it is part of the end."""
    lines = text.split("\n")
    last = lines.pop()
    if keep_ends:
        return [f"{line}\n" for line in lines] + ([last] if last else [])
    return [line.removesuffix("\r") for line in lines] + ([last] if last else [])


def counted_lines(number: int) -> str:
    """Return `1 line`, `2 lines`."""
    return counted(number, "line")


def numbered(lines: Sequence[str], first: int, total: int | None, limit: int) -> str:
    """Return the lines as `cat -n` shows them in at most `limit` bytes, and a note when some are missing.

    `first` is the number of the first; `total` how many the file has, None when nobody counted.
    """
    if not lines:
        return "(empty file)" if not total else "(no lines)"
    shown: list[str] = []
    left = limit - 256
    for number, line in enumerate(lines, first):
        text = f"{number:6}\t{line}"
        size = len(text.encode("utf-8", "replace")) + 1
        if size > left:
            break
        shown.append(text)
        left -= size
    if len(shown) == len(lines):
        return "\n".join(shown)
    if not shown:
        start = f"{first:6}\t{lines[0]}".encode("utf-8", "replace")[:left].decode("utf-8", "ignore")
        return f"{start}\n[line {first} is too long for one result: only its start is shown; use `cut -c` in bash]"
    of = "" if total is None else f" of {total:,}"
    last = first + len(shown) - 1
    return "\n".join(shown) + f"\n[lines {first}-{last}{of}: the rest is too long for one result; use `view_range`]"


def snippet(text: str, first: int, last: int) -> str:
    """Return lines `first` to `last` and a few around them, numbered, long ones cut."""
    lines = split_lines(text)
    if not lines:
        return "(the file is empty now)"
    begin, end = max(1, first - _AROUND), min(len(lines), last + _AROUND)
    numbers = list(range(begin, end + 1))
    if len(numbers) > _LONGEST_SNIPPET + 2 * _AROUND:
        half = _LONGEST_SNIPPET // 2 + _AROUND
        before, after = numbers[:half], numbers[-half:]
        return "\n".join([*_show(lines, before), "   ...", *_show(lines, after)])
    return "\n".join(_show(lines, numbers))


def _show(lines: Sequence[str], numbers: Sequence[int]) -> list[str]:
    return [f"{number:6}\t{_cut(lines[number - 1], _LONGEST_LINE)}" for number in numbers]


def find_all(text: str, wanted: str) -> list[int]:
    """Return where `wanted` begins in the text, overlapping places too: all of them, or the first few when many."""
    places: list[int] = []
    at = text.find(wanted)
    while at >= 0 and len(places) < _most(wanted):
        places.append(at)
        at = text.find(wanted, at + 1)
    return places


def explain_many(text: str, wanted: str, places: Sequence[int]) -> str:
    """Return the sentence for a text that stands in several places."""
    lines = ", ".join(str(text.count("\n", 0, place) + 1) for place in places[:10])
    more = ", ..." if len(places) > 10 else ""
    number = f"{len(places)} or more" if len(places) == _most(wanted) else str(len(places))
    return (
        f"Found {number} matches for replacement text (lines {lines}{more}). "
        "Please provide more context to make a unique match."
    )


def _most(wanted: str) -> int:
    return max(2, min(_MATCHES, _COMPARED // len(wanted)))


def explain_no_match(text: str, wanted: str) -> str:
    """Return the sentence for a text that stands nowhere, with the place where it nearly stands."""
    start = "No match found for replacement. Check the text against `view`: it must match exactly, whitespace included"
    if len(text) > _LARGE:
        return f"{start}."
    lines, parts = split_lines(text), split_lines(wanted)
    while parts and not parts[0].strip():
        parts.pop(0)
    while parts and not parts[-1].strip():
        parts.pop()
    if not parts:
        return f"{start}; it is nothing but whitespace."
    place = _find_ignoring_whitespace(lines, parts)
    if place is not None:
        where = f"line {place}" if len(parts) == 1 else f"lines {place}-{place + len(parts) - 1}"
        first = lines[place - 1]
        return f"{start} ({where}: the same but for whitespace; line {place} is {_cut(first, 200)!r})."
    number = _find_nearest(lines, parts)
    return f"{start}." if number is None else f"{start} (nearest line {number}: {_cut(lines[number - 1], 200)!r})."


def _find_ignoring_whitespace(lines: Sequence[str], parts: Sequence[str]) -> int | None:
    """The number of the line from which on the parts stand, if one looks at no whitespace."""
    wanted = ["".join(part.split()) for part in parts]
    squeezed = ["".join(line.split()) for line in lines]
    if len(wanted) == 1:
        return next((number for number, line in enumerate(squeezed, 1) if wanted[0] in line), None)
    head, *middle, tail = wanted
    for at in range(len(squeezed) - len(wanted) + 1):
        if (
            squeezed[at].endswith(head)
            and squeezed[at + len(wanted) - 1].startswith(tail)
            and squeezed[at + 1 : at + len(wanted) - 1] == middle
        ):
            return at + 1
    return None


def _find_nearest(lines: Sequence[str], parts: Sequence[str]) -> int | None:
    """The number of the line that looks most like the first telling line of the parts."""
    telling = next((part.strip() for part in parts if len(part.strip()) > 3), parts[0].strip())[:300]
    stripped = [line.strip() for line in lines]
    if telling in stripped:
        return stripped.index(telling) + 1
    some = [line for line in stripped[:_NEAR] if line and len(line) <= 300]
    near = difflib.get_close_matches(telling, some, n=1)
    return stripped.index(near[0]) + 1 if near else None


def _cut(line: str, limit: int) -> str:
    return line if len(line) <= limit else f"{line[:limit]}… ({len(line):,} characters)"
