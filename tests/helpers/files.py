"""What lies in a folder, to compare before with after."""

from __future__ import annotations

import os
import stat
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


def tree(root: Path) -> dict[str, tuple[object, ...]]:
    """Everything below a folder: kind and mode, time of change, and content."""
    return {str(path.relative_to(root)): _entry(path) for path in (root, *root.rglob("*"))}


def _entry(path: Path) -> tuple[object, ...]:
    status = path.lstat()
    content = path.read_bytes() if stat.S_ISREG(status.st_mode) else None
    return status.st_mode, status.st_mtime_ns, content


# --- files that are read --------------------------------------------------------------------------------------------


def dig(folder: Path) -> None:
    """Make twelve hundred folders in one another, and a file at the end."""
    fd = os.open(folder, os.O_RDONLY)
    for _ in range(1200):
        os.mkdir("d", dir_fd=fd)
        inner = os.open("d", os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = inner
    os.close(os.open("end", os.O_CREAT, dir_fd=fd))
    os.close(fd)
