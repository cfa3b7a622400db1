"""Names of files that are nearly right: another case, a mark in front, a plural, another ending. Pure."""

from __future__ import annotations

import re

_TEXT = re.compile(r"(\.(txt|text|md|markdown|rst|ya?ml|json))*$", re.IGNORECASE)
_SETTINGS = re.compile(r"\.(ya?ml|json|toml)(\.txt)?$", re.IGNORECASE)


def is_near(name: str, right: str) -> bool:
    """Whether a name is probably meant as another: `Order.md`, `.order.txt` and `orders` as `order.txt`.

    Settings have an ending of settings: `harness.yml` is near `harness.yaml`, `harness` and `harness.md` are not.
    """
    endings = _SETTINGS if _SETTINGS.search(right) else _TEXT
    return name != right and endings.search(name) is not None and _key(name, endings) == _key(right, endings)


def bare_name(name: str, endings: re.Pattern[str] = _TEXT) -> str:
    """Return a name without marks in front and endings of text: `a.DONE` for `_a.DONE.txt`."""
    return endings.sub("", name.lstrip("._"), count=1)


def _key(name: str, endings: re.Pattern[str]) -> str:
    return bare_name(name, endings).lower().rstrip("s")
