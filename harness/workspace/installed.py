"""What is installed in a project, and was changed by hand: in a package of which the rest is older."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from harness.system import files
from harness.workspace.left_out import CACHES

_CACHES = CACHES | {".vite", ".vitest"}
_MOST = 20_000  # files that are looked at


def find_edited(
    folders: Iterable[Path], top: Path, since: float, is_wanted: Callable[[Sequence[str]], bool]
) -> list[str]:
    """Return files that changed since a time, in epoch seconds, in packages of which other files did not.

    Packages are those whose path from the top `is_wanted` takes; one that is new as a whole was installed.
    """
    found, left = list[str](), _MOST
    for package in (one for folder in folders for one in _find_packages(folder)):
        if left <= 0 or not is_wanted((*package.relative_to(top).parts, "*")):
            continue
        changed, older = list[str](), False
        for path in _walk(package):
            left -= 1
            if _is_changed(path, since):
                changed.append(str(path.relative_to(top)))
            else:
                older = True
        found += changed if older else []
    return sorted(found)


def find_written(named: Iterable[Path], since: float) -> list[Path]:
    """Return those of the files that changed since a time, in epoch seconds."""
    return [one for one in named if files.is_file(one) and _is_changed(one, since)]


def _find_packages(folder: Path) -> Iterator[Path]:
    """Yield the packages in `node_modules`, or in a virtual environment of Python."""
    places = [folder] if folder.name == "node_modules" else [*folder.glob("lib/python*/site-packages")]
    for place in places:
        for one in _list(place):
            yield from _list(one) if one.name.startswith("@") else [one]


def _list(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            return sorted(Path(one.path) for one in entries if one.is_dir(follow_symlinks=False))
    except OSError:
        return []


def _walk(package: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(package):
        folders[:] = [one for one in folders if one not in _CACHES and one != "node_modules"]
        yield from (Path(place, name) for name in names if not name.endswith(".pyc"))


def _is_changed(path: Path, since: float) -> bool:
    """Whether a file changed since; where others link to it, too, only what is written in it counts."""
    try:
        about = path.lstat()
    except OSError:
        return False
    return (about.st_mtime if about.st_nlink > 1 else max(about.st_mtime, about.st_ctime)) >= since
