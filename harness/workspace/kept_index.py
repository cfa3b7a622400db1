"""The index of git as a person left it: what an agent staged, and the flags that it set there, are not believed.

A flag (`assume-unchanged`, `skip-worktree`) hides a change from every look; a forced add takes in what git ignores; an
added repository becomes a gitlink. So the index is kept before an attempt and put back after it.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from harness.system import files


@dataclass(slots=True)
class KeptIndex:
    """Keeps a copy of `index` beside harness's other copies; `copy` is where."""

    index: Path
    copy: Path
    _seen: tuple[int, ...] = ()

    def keep(self) -> None:
        """Copy the index where it was changed since it was kept."""
        if (now := _sign(self.index)) != self._seen:
            with suppress(OSError):
                self._copy(self.index, self.copy)
                self._seen = now

    def put_back(self) -> bool:
        """Put the copy in the place of an index that was changed since; returns whether it was."""
        if not self._seen or _sign(self.index) == self._seen or not self.index.parent.is_dir():
            return False
        with files.storage(self.index, "put back"):
            if self.index.is_dir() and not self.index.is_symlink():
                self.index.rename(files.find_free(self.index.with_name("index.aside")))
            self._copy(self.copy, self.index)
        self._seen = _sign(self.index)
        return True

    def _copy(self, source: Path, target: Path) -> None:
        new = target.with_name(f"{target.name}.{os.getpid()}.new")
        new.unlink(missing_ok=True)
        shutil.copyfile(source, new, follow_symlinks=False)
        times = source.lstat()  # git trusts what it noted of a file by how old its index is
        os.utime(new, ns=(times.st_atime_ns, times.st_mtime_ns), follow_symlinks=False)
        new.replace(target)


def _sign(path: Path) -> tuple[int, ...]:
    try:
        found = path.lstat()
    except OSError:
        return ()
    return found.st_ctime_ns, found.st_size, found.st_ino, found.st_mode
