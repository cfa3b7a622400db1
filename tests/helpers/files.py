"""What lies in a folder, to compare before with after."""

from __future__ import annotations

import stat
from pathlib import Path


def tree(root: Path) -> dict[str, tuple[object, ...]]:
    """Everything below a folder: kind and mode, time of change, and content."""
    return {str(path.relative_to(root)): _entry(path) for path in (root, *root.rglob("*"))}


def _entry(path: Path) -> tuple[object, ...]:
    status = path.lstat()
    content = path.read_bytes() if stat.S_ISREG(status.st_mode) else None
    return status.st_mode, status.st_mtime_ns, content
