"""What an attempt made and its commit does not hold: files that git ignores, and repositories of their own."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from harness.workspace.clean_checkout import INSTALLED

LIMIT = 20_000  # files and folders that are looked at
SHOWN = 200  # names that are given
# What programs keep to be quicker the next time: nothing that a check could rest on.
CACHES = {"__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis", ".cache", ".tox", ".nox",
          ".coverage", ".gradle", ".turbo", ".parcel-cache", ".eslintcache", ".DS_Store", ".nyc_output"}  # fmt: skip


def find_left_out(top: Path, ignored: Iterable[str], since: float) -> tuple[str, ...]:
    """Return the files among the `ignored` names below `top` that changed `since` (epoch seconds), sorted.

    Neither what is installed there nor caches; a folder too large to walk is looked at in part.
    """
    found: list[str] = []
    for count, entry in enumerate(_walk(top, ignored)):
        if count >= LIMIT or len(found) >= SHOWN:
            break
        with suppress(OSError):
            if os.lstat(entry).st_ctime >= since:
                found.append(os.path.relpath(entry, top))
    return tuple(sorted(found))


def _walk(top: Path, names: Iterable[str]) -> Iterator[str]:
    """Yield the files below the names, folder after folder."""
    waiting = [str(top / name) for name in names if _counts(name.rstrip("/").rpartition("/")[2])]
    while waiting:
        place = waiting.pop()
        if os.path.islink(place) or not os.path.isdir(place):  # noqa: PTH112, PTH114
            yield place
            continue
        with suppress(OSError), os.scandir(place) as entries:
            waiting += [entry.path for entry in entries if _counts(entry.name)]


def _counts(name: str) -> bool:
    return name not in CACHES and name not in INSTALLED and not name.endswith((".pyc", ".pyo", ".log"))
