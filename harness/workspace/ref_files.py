"""The files in which git keeps HEAD, branches, tags and the stash: while they are the same, git need not be asked.

Their bytes are compared, never read as refs: that is left to git.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

from harness.system import untrusted
from harness.system.folders import Folders, Kind

MOST = 200  # files and folders that are looked at; where there are more, git is quicker
LARGEST = 1 << 20  # bytes of a file that is read
_OF_WORK_TREE = ("HEAD", "config.worktree")
_STASHED = "logs/refs/stash"  # its entries, but for the newest one
_OF_REPOSITORY = (
    "config",
    "packed-refs",
    "refs/stash",
    _STASHED,
    "reftable/tables.list",
    "refs/heads",
    "refs/tags",
    "refs/notes",
)


_USUAL = frozenset(
    ("heads", "tags", "notes", "stash", "remotes", "harness", "replace", "bisect", "rewritten", "worktree", "original")
)


_PACKED = re.compile(rb" refs/([^/\n]+)")


class RefFiles:
    """Reads the files of one repository: `own` is the folder of its work tree, `common` that of the repository."""

    def __init__(self, own: Path, common: Path) -> None:
        named = [own / name for name in _OF_WORK_TREE] + [common / name for name in _OF_REPOSITORY]
        self._named = [str(path) for path in named]
        self._common = common
        self._folders = Folders(_join)

    def find_others(self) -> list[str]:
        """Return what is beside branches, tags, notes and the stash: refs that git takes for those, and their folders.

        What is fetched is not among them, nor what harness and git itself keep there.
        """
        packed = untrusted.read_plain(self._common / "packed-refs", LARGEST) or b""
        names = {os.fsdecode(name) for name in _PACKED.findall(packed)} - _USUAL
        return sorted({*self._find_loose(), *(f"refs/{name}" for name in names)})

    def find_stashed(self) -> tuple[str, ...]:
        """Return the entries of the stash, the oldest first."""
        held = untrusted.read_plain(self._common / _STASHED, LARGEST) or b""
        return tuple(os.fsdecode(line.split(b" ")[1]) for line in held.splitlines() if line.count(b" ") > 1)

    def _find_loose(self) -> list[str]:
        with suppress(OSError):
            names = os.listdir(self._common / "refs")  # noqa: PTH208
            return [f"refs/{name}" for name in names if name not in _USUAL]
        return []

    def find(self, branch: str) -> str:
        """Return the path of the file that holds a branch (a full ref), if it has one."""
        return str(self._common / branch)

    def read(self) -> dict[str, bytes] | None:
        """Return what each file holds; None where they are too many or too large, or a link or a fifo is among them."""
        found: dict[str, bytes] = {}
        waiting, looked = [*self._named, *(str(self._common / name) for name in self._find_loose())], 0
        while waiting and (path := waiting.pop()):
            looked += 1
            if looked > MOST:
                return None
            if (within := self._folders.look(path)) is not None:
                waiting += within
            elif (held := untrusted.read_plain(Path(path), LARGEST)) is not None and len(held) < LARGEST:
                found[path] = held
            elif os.path.lexists(path):
                return None
        return found


def _join(path: str, entries: list[tuple[str, Kind]]) -> list[str]:
    return [f"{path}/{name}" for name, _ in entries]
