"""What an attempt made and its commit does not hold: what git ignores, repositories of their own, empty folders."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from itertools import chain, islice
from pathlib import Path

from harness.workspace.clean_checkout import INSTALLED

LIMIT = 20_000  # files and folders that are looked at below one name
SHOWN = 200  # names that are given
# What programs keep to be quicker the next time: nothing that a check could rest on.
CACHES = {"__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis", ".cache", ".tox", ".nox",
          ".coverage", ".gradle", ".turbo", ".parcel-cache", ".eslintcache", ".DS_Store", ".nyc_output"}  # fmt: skip


def find_left_out(top: Path, ignored: Iterable[str], since: float) -> tuple[str, ...]:
    """Return the files among the `ignored` names below `top` that changed `since` (epoch seconds), sorted.

    Neither what is installed there nor caches; a folder too large to walk is looked at in part.
    """
    found: list[str] = []
    for entry in chain.from_iterable(islice(_walk(top, name, since), LIMIT) for name in ignored):
        with suppress(OSError):
            if os.lstat(entry).st_ctime >= since:
                found.append(os.path.relpath(entry, top))
        if len(found) >= SHOWN:
            break
    return tuple(sorted(found))


def _walk(top: Path, name: str, since: float) -> Iterator[str]:
    """Yield the files below a name, folder after folder; of a folder that was moved there, itself."""
    waiting = [str(top / name).rstrip("/")] if _counts(name.rstrip("/").rpartition("/")[2]) else []
    while waiting:
        place = waiting.pop()
        if (inside := _list(place)) is None or _was_moved(place, since):
            yield place
        else:
            waiting += [one for one in inside if _counts(one.rpartition("/")[2])]


def _was_moved(folder: str, since: float) -> bool:
    """Whether a folder came from elsewhere since a moment: that changes its inode, and nothing in it."""
    try:
        found = os.lstat(folder)
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_ctime >= since > found.st_mtime


def _counts(name: str) -> bool:
    return name not in CACHES and name not in INSTALLED and not name.endswith((".pyc", ".pyo", ".log"))


def is_cache(name: str) -> bool:
    """Whether programs keep a file to be quicker the next time, by its name."""
    return not all(map(_counts, name.rstrip("/").split("/")))


def sort_by_time(top: Path, names: Iterable[str], since: float) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what below the names is older than a moment, and what changed since (epoch seconds), caches too.

    The older things are the largest folders in which nothing changed. Below each name, what is more than is looked at
    counts as older.
    """
    places, parents, changed, made = list[str](), list[int](), list[bool](), list[str]()
    for name in names:
        _sort_below(str(top / name.rstrip("/")), since, places, parents, changed, made)
    for number in reversed(range(len(places))):
        if changed[number] and parents[number] >= 0:
            changed[parents[number]] = True
    largest = (one for one, parent in enumerate(parents) if not changed[one] and (parent < 0 or changed[parent]))
    older = sorted(os.path.relpath(places[one], top) for one in largest)
    return tuple(older), tuple(sorted(one.removeprefix(f"{top}/") for one in made))


def _sort_below(
    name: str, since: float, places: list[str], parents: list[int], changed: list[bool], made: list[str]
) -> None:
    """Look at what is below one name: add each place, the number of its folder, whether it changed, what was made."""
    waiting, end = ([(name, -1)] if os.path.lexists(name) else []), len(places) + LIMIT
    while waiting and len(places) < end:
        place, parent = waiting.pop()
        if os.path.basename(place) in INSTALLED:  # noqa: PTH119
            continue
        number, inside = len(places), _list(place)
        with suppress(OSError):
            moved = bool(inside) and _was_moved(place, since)
            new = moved or (not inside and os.lstat(place).st_ctime >= since)
            places.append(place)
            parents.append(parent)
            changed.append(new)
            made += [place if inside is None else f"{place}/"] if new else []
            waiting += [] if moved else [(one, number) for one in inside or ()]


def _list(place: str) -> list[str] | None:
    """Return what is in a folder; None for anything else."""
    if os.path.islink(place) or not os.path.isdir(place):  # noqa: PTH112, PTH114
        return None
    with suppress(OSError), os.scandir(place) as entries:
        return [entry.path for entry in entries]
    return []


def find_empty(top: Path, apart: Collection[str], since: float) -> tuple[str, ...]:
    """Return the empty folders that came since a moment (epoch seconds), but for what is `apart`; git holds none."""
    waiting, found, seen = [str(top)], list[str](), 0
    left = {str(top / name).rstrip("/") for name in apart}
    while waiting and seen < LIMIT:
        place, seen = waiting.pop(), seen + 1
        with suppress(OSError), os.scandir(place) as entries:
            inside = list(entries)
            if not inside and os.lstat(place).st_ctime >= since:
                found.append(f"{os.path.relpath(place, top)}/")
            folders = (entry for entry in inside if entry.is_dir(follow_symlinks=False) and entry.path not in left)
            waiting += [entry.path for entry in folders if entry.name != ".git" and _counts(entry.name)]
    return tuple(sorted(found))
