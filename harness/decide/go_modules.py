"""What a go.mod or go.work says of the modules that were known before the work: what stands in their place. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

_COMMENT = re.compile(r"(?:^|\s)//.*")


def restore_replaced(old: str, new: str) -> str:
    """Return the new text, with the modules that the old one names replaced as that says; others as now.

    The new text itself where these are the same.
    """
    known = {_module_of(rest) for _, word, rest in _read(old) if word in ("require", "replace")}
    was = {rest for _, word, rest in _read(old) if word == "replace"}
    now = {number: rest for number, word, rest in _read(new) if word == "replace" and _module_of(rest) in known}
    if set(now.values()) == was:
        return new
    kept = [line for number, line in enumerate(new.splitlines()) if number not in now]
    return "\n".join([*kept, *(f"replace {rest}" for rest in sorted(was))]) + "\n"


def _module_of(rest: str) -> str:
    return rest.split(" ", 1)[0].strip('"`')


def _read(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield the number, the directive and the rest of each line, also of those in a block."""
    block = ""
    for number, line in enumerate(text.splitlines()):
        words = _COMMENT.sub("", line).split()
        if words[-1:] == ["("]:
            block = words[0]
        elif words == [")"]:
            block = ""
        elif words and (block or len(words) > 1):
            yield number, block or words[0], " ".join(words if block else words[1:])
