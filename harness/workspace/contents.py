"""The content of files, as a stamp: equal for equal bytes, whatever their times; read again only if a file changed."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from hashlib import sha256

LARGEST = 1 << 20  # bytes: a larger file is told by its size and time alone
IN_ALL = 64 << 20  # bytes that are read in the life of this; then times count


@dataclass(slots=True)
class Contents:
    """Remembers the stamp of each file by what the system says of it."""

    left: int = IN_ALL
    _known: dict[str, tuple[tuple[int, ...], str]] = field(default_factory=dict)

    def stamp(self, path: str) -> str:
        """Return the stamp of what stands at a path; "gone" for nothing."""
        try:
            found = os.lstat(path)
            signature = (found.st_ctime_ns, found.st_size, found.st_ino, found.st_mode)
            if (known := self._known.get(path)) is None or known[0] != signature:
                known = self._known[path] = (signature, self._read(path, found))
        except OSError:
            return "gone"
        return known[1]

    def _read(self, path: str, found: os.stat_result) -> str:
        mode = f"{stat.S_IFMT(found.st_mode):o} {found.st_mode & 0o111:o}"
        if stat.S_ISLNK(found.st_mode):
            return f"{mode} {os.readlink(path)}"  # noqa: PTH115
        if not stat.S_ISREG(found.st_mode) or found.st_size > min(LARGEST, self.left):
            return f"{mode} {found.st_size} {found.st_mtime_ns}"
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(fd, "rb") as file:
            content = file.read(LARGEST)
        self.left -= len(content)
        return f"{mode} {sha256(content).hexdigest()[:24]}"
