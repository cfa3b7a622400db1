"""Folders, listed again only when a name in them came or went: one stat for each that stayed as it was.

A folder's ctime says so, and nobody can set it back. Where it changed just before a listing, a second change could
bear the same time: such a listing is not used again.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar

Kind = Literal["folder", "fifo", "link", "other"]  # a fifo, or a device: what opens it to read may wait for ever
RACY = 50_000_000  # nanoseconds

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class _Listed(Generic[_T]):
    stamp: tuple[int, int]
    settled: bool
    value: _T


@dataclass(slots=True)
class Folders(Generic[_T]):
    """Remembers of each folder what `read` made of its path and its entries, which are names with their kinds."""

    read: Callable[[str, list[tuple[str, Kind]]], _T]
    _listed: dict[str, _Listed[_T]] = field(default_factory=dict)

    def look(self, path: str) -> _T | None:
        """Return what is known of a folder; None for what is no folder, or is closed to us. A link is no folder."""
        try:
            found = os.lstat(path)
            stamp = (found.st_ctime_ns, found.st_ino)
            if (last := self._listed.get(path)) is not None and last.settled and last.stamp == stamp:
                return last.value
            if not stat.S_ISDIR(found.st_mode):
                return None
            if not found.st_mode & 0o111 and os.geteuid() != 0:  # its names could be read, and nothing behind them
                return None
            settled = time.time_ns() - found.st_ctime_ns > RACY
            with os.scandir(path) as entries:
                value = self.read(path, [(entry.name, _kind(entry)) for entry in entries])
        except OSError:
            self._listed.pop(path, None)
            return None
        self._listed[path] = _Listed(stamp, settled, value)
        return value


def _kind(entry: os.DirEntry[str]) -> Kind:
    if entry.is_dir(follow_symlinks=False):
        return "folder"
    if entry.is_file(follow_symlinks=False):
        return "other"
    return "link" if entry.is_symlink() else "fifo" if is_fifo(entry.path) else "other"


def is_fifo(path: str) -> bool:
    """Whether a fifo or a device stands at the path, or where it leads."""
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode) or stat.S_ISBLK(mode)


Own = tuple[list[str], list[str], list[str]]  # paths of the folders in a folder, of its fifos, of its links


def find_fifos(folders: Folders[Own], top: str, limit: int) -> list[str]:
    """Return the fifos and devices below a folder, and the links to some; at most `limit` folders are looked at."""
    waiting, found, looked = [top], list[str](), 0
    while waiting and looked < limit:
        if (seen := folders.look(waiting.pop())) is not None:
            looked += 1
            waiting += seen[0]
            found += [*seen[1], *filter(is_fifo, seen[2])]
    return sorted(found)


def find_links(folders: Folders[Own], top: str, limit: int) -> set[str]:
    """Return the links below a folder; at most `limit` folders are looked at."""
    waiting, found, looked = [top], set[str](), 0
    while waiting and looked < limit:
        if (seen := folders.look(waiting.pop())) is not None:
            looked += 1
            waiting += seen[0]
            found.update(seen[2])
    return found


def sort_by_kind(path: str, entries: list[tuple[str, Kind]]) -> Own:
    """Return what is in a folder, for `find_fifos` and `find_links`."""
    within: dict[str, list[str]] = {"folder": [], "fifo": [], "link": [], "other": []}
    for name, kind in entries:
        within[kind].append(f"{path}/{name}")
    return within["folder"], within["fifo"], within["link"]
