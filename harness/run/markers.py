"""The `.done` and `.blocked` files in logs/, by name: what lies there, and what harness knows to stand.

While an agent works, what lies there may be its doing: then only those count that harness wrote itself, or found before
any agent began. What is missing or more is looked at when an attempt comes back.
"""

from __future__ import annotations

from harness.domain.look import Markers
from harness.domain.paths import Paths
from harness.records.history import read_markers


def read_names(paths: Paths) -> set[str]:
    """Return the names of the markers that lie in logs/."""
    markers = read_markers(paths)
    return {f"{slug}.done" for slug in markers.done} | {f"{slug}.blocked" for slug in markers.blocked}


def parse_names(names: set[str]) -> Markers:
    """Return the markers that these names stand for."""
    pairs = [name.rsplit(".", 1) for name in names]
    done, blocked = ({slug for slug, kind in pairs if kind == wanted} for wanted in ("done", "blocked"))
    return Markers(frozenset(done), frozenset(blocked))
