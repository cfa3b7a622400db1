"""Slugs: what a feature may be called. Pure."""

from __future__ import annotations

import re

from harness.domain.text import shown

RENAME = "rename the folder, or begin its name with a dot if it is not a feature"
WRITE_ONE = "write one with `harness new SLUG`"

_SLUG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SUFFIXES = (".done", ".log", ".blocked", ".answer")
_RESERVED = {"run", "journal", "learnings", "attempts", "halt", "lock", "harness"}
_DEVICES = {"con", "prn", "aux", "nul"} | {f"{name}{digit}" for name in ("com", "lpt") for digit in range(1, 10)}


def check_slug(slug: str) -> str | None:
    """Why this cannot be the name of a feature, in a sentence; None when it can."""
    if not slug:
        return "a slug cannot be empty"
    if len(slug) > 64:
        return f"`{shown(slug)}` is longer than 64 characters"
    if not _SLUG.fullmatch(slug):
        return f"`{shown(slug)}` is not a slug: letters, digits, `.`, `_` and `-`, with a letter or digit first"
    lowered = slug.lower()
    if lowered.endswith(_SUFFIXES):
        return f"`{slug}` ends in `.{lowered.rpartition('.')[2]}`, as the files that harness writes"
    if lowered in _RESERVED:
        return f"`{slug}` is a name that harness needs for itself"
    if lowered.partition(".")[0] in _DEVICES:
        return f"`{slug}` is the name of a device on Windows"
    return None
