"""The index of git as it was before an attempt: what was made of it meanwhile is not believed.

A flag (`assume-unchanged`, `skip-worktree`) hides a change from every look, and so do times that somebody wrote there;
a forced add takes in what git ignores; an added repository becomes a gitlink. So the index is kept before an attempt
and put back after it. What was staged meanwhile may be a person's: that is staged again, entry by entry.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from harness.system import files


@dataclass(slots=True)
class KeptIndex:
    """Keeps a copy of `index` beside harness's other copies; `copy` is where."""

    index: Path
    copy: Path
    version: int = 0  # of what is kept: 0 where nothing is
    _seen: tuple[tuple[int, ...], ...] = ()

    def keep(self) -> None:
        """Copy the index where it was changed since it was kept."""
        if (now := self._sign()) != self._seen:
            with suppress(OSError):
                for shared in _find_shared(self.copy):
                    shared.unlink()
                for shared in _find_shared(self.index):
                    self._copy(shared, self.copy.with_name(shared.name))
                self._copy(self.index, self.copy)
                self._seen = now
                self.version += 1

    def copy_index_to(self, target: Path) -> None:
        """Copy the index as it is, if there is one."""
        if files.is_file(self.index):
            self._copy(self.index, target)

    def copy_to(self, target: Path) -> bool:
        """Copy the index as it was kept; returns whether that is whole in one file, and the index still so."""
        if not self._seen or self.is_changed or _find_shared(self.index):
            return False
        with suppress(OSError):
            self._copy(self.copy, target)
            return True
        return False

    @property
    def is_changed(self) -> bool:
        """Whether it was kept, and is not as it was."""
        return bool(self._seen) and self._sign() != self._seen

    def put_back(self) -> bool:
        """Put the copy in the place of an index that was changed since; returns whether it was."""
        if not self.is_changed or not files.is_dir(self.index.parent):
            return False
        with files.storage(self.index, "put back"):
            if files.is_dir(self.index) and not files.is_link(self.index):
                self.index.rename(files.find_free(self.index.with_name("index.aside")))
            for shared in _find_shared(self.copy):
                self._copy(shared, self.index.with_name(shared.name))
            self._copy(self.copy, self.index)
        self._seen = self._sign()
        return True

    def _sign(self) -> tuple[tuple[int, ...], ...]:
        own = _sign(self.index)
        return (own, *map(_sign, _find_shared(self.index))) if own else ()

    def _copy(self, source: Path, target: Path) -> None:
        new = target.with_name(f"{target.name}.{os.getpid()}.new")
        new.unlink(missing_ok=True)
        shutil.copyfile(source, new, follow_symlinks=False)
        times = source.lstat()  # git trusts what it noted of a file by how old its index is
        os.utime(new, ns=(times.st_atime_ns, times.st_mtime_ns), follow_symlinks=False)
        new.replace(target)


@dataclass(frozen=True, slots=True)
class Entry:
    """What the index holds of a file: `what` is its mode and its blob, "" where it holds nothing of it any more."""

    name: str
    what: str

    @property
    def blob(self) -> str:
        """The id of its blob, "" for none."""
        return self.what.partition(" ")[2]

    @property
    def is_file(self) -> bool:
        """Whether it is a plain file."""
        return self.what.startswith("100")

    @property
    def is_repository(self) -> bool:
        """Whether it is a repository of its own."""
        return self.what.startswith("160000 ")

    @property
    def is_empty(self) -> bool:
        """Whether nothing is in the file: as it is where git is only to know of it (`add --intent-to-add`)."""
        return self.what.endswith(_EMPTY)


_EMPTY = (
    " e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
    " 473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813",
)


def find_staged(kept: str, now: str) -> list[Entry]:
    """Return what differs between two listings of the index (`ls-files --stage -z`), as it is now."""
    if kept == now:
        return []
    old, new = _read_entries(kept), _read_entries(now)
    return [
        Entry(name, new.get(name, "")) for name in sorted(old.keys() | new.keys()) if old.get(name) != new.get(name)
    ]


def _read_entries(listing: str) -> dict[str, str]:
    pairs = (line.partition("\t")[::2] for line in listing.split("\0") if line)
    return {name: about.rpartition(" ")[0] for about, name in pairs}


def compose_entries(entries: Iterable[Entry], width: int) -> bytes:
    """Return entries for `update-index -z --index-info`, what goes first: it may be in the way.

    `width` is how long ids are.
    """
    ordered, nothing = sorted(entries, key=lambda one: bool(one.what)), f"0 {'0' * width}"
    return b"".join(os.fsencode(f"{one.what or nothing}\t{one.name}") + b"\0" for one in ordered)


def _find_shared(index: Path) -> list[Path]:
    """Return the files beside an index that hold a part of it (`core.splitIndex`)."""
    return sorted(index.parent.glob("sharedindex.*"))


def _sign(path: Path) -> tuple[int, ...]:
    try:
        found = path.lstat()
    except OSError:
        return ()
    return found.st_ctime_ns, found.st_size, found.st_ino, found.st_mode
