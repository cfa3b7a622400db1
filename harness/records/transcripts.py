"""What attempts printed, in little room: older ones are compressed in place, and read as before."""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import IO, cast

from harness.domain.errors import HarnessError
from harness.domain.paths import Paths
from harness.system import files

NAMES = ("stream.jsonl", "stderr.log", "checks.log")
SMALLEST = 4096  # bytes: a smaller file takes no room on disk that compressing it would give back
AT_ONCE = 16 << 20  # bytes looked at after one attempt, so that an iteration stays short
FILES_AT_ONCE = 6


def compress_old(paths: Paths, slug: str, *, newest: int, keep: int, packed: int = 0) -> int:
    """Compress what a feature's attempts printed, but for the `keep` newest; returns up to where all are compressed.

    A few files at a time, the oldest first, beyond attempt `packed`. An attempt without an outcome.json has not ended,
    and stays as it is. A full disk keeps a file from being compressed and does no other harm.
    """
    last = newest - keep
    if not keep or last <= packed:
        return packed
    bytes_left, files_left = AT_ONCE, FILES_AT_ONCE
    for number in range(packed + 1, last + 1):
        folder = paths.attempt(slug, number)
        for path in _find_plain(folder):
            if bytes_left <= 0 or files_left <= 0:
                return number - 1
            try:
                files.remove_temporaries(folder, names=[f"{name}.gz" for name in NAMES])
                bytes_left -= files.compress(path)
            except HarnessError:
                return number - 1
            files_left -= 1
    return last


def _find_plain(folder: Path) -> list[Path]:
    """Return what is to be compressed in the folder of an attempt that has ended."""
    try:
        with os.scandir(folder) as entries:
            found = {entry.name: entry for entry in entries if entry.is_file(follow_symlinks=False)}
            if "outcome.json" not in found:
                return []
            return [folder / name for name in NAMES if name in found and found[name].stat().st_size >= SMALLEST]
    except OSError:
        return []


def open_transcript(path: Path) -> IO[bytes] | None:
    """Open what an attempt printed, compressed or not; None when there is none, or it is no plain file."""
    for there in (path, path.with_name(f"{path.name}.gz")):
        if files.exists(there) and files.is_plain(there):
            with files.storage(there, "read"):
                return there.open("rb") if there == path else cast("IO[bytes]", gzip.open(there, "rb"))
    return None
