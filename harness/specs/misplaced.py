"""What looks like front matter and is not read as such: its checks would be lost without a word. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from harness.specs.fences import outside_fences

_RULE = re.compile(r"[^\w\n]*[^\w\s][^\w\n]*(?:ya?ml|toml)?\s*")  # dashes, what editors make of them, and their like
_OF_YAML = re.compile(r"""$|[\s#]|- |["']?[\w-]+["']?[ \t]*:(?:\s|$)""")


def find_misplaced(text: str, keys: Iterable[str]) -> tuple[int, str] | None:
    """Return the line, from 0, and the key of what looks like front matter in a text without any; None where nothing.

    It does where nothing stands above one of the `keys`, or a line of signs alone, or a fence that opens the text.
    """
    exact = re.compile(rf"""[ \t{{"']*({"|".join(keys)})["']?[ \t]*[:=](?:\s|$)""")
    in_any_case = re.compile(exact.pattern, re.IGNORECASE)
    lines = text.split("\n")
    above = None
    for number in (*_below_first_fence(lines), *outside_fences(lines)):
        line = lines[number]
        if not line.strip() or (line.startswith("#") and above and _RULE.fullmatch(above)):
            continue  # a heading, or a comment of YAML
        if above is None or _RULE.fullmatch(above):
            known = in_any_case if above is not None and _is_closed(lines[number:]) else exact
            if key := known.match(line):
                return number, key[1]
        above = line
    return None


def _below_first_fence(lines: Sequence[str]) -> list[int]:
    """The line below a fence that opens the text: nobody begins with an example."""
    first = next((number for number, line in enumerate(lines) if line.strip()), 0)
    return [first + 1] if lines[first].strip().startswith(("```", "~~~")) and first + 1 < len(lines) else []


def _is_closed(lines: Sequence[str]) -> bool:
    """Whether these lines are those of a YAML mapping up to one that closes it."""
    end = next((index for index, line in enumerate(lines) if line.strip() and _RULE.fullmatch(line)), None)
    return end is not None and all(_OF_YAML.match(line) for line in lines[:end])
