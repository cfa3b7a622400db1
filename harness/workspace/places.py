"""Where the clean checkouts of projects are kept between runs: a place for each, with the lock of who uses it."""

from __future__ import annotations

import fcntl
import os
import re
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from pathlib import Path

from harness.system import untrusted

UNUSED = 30 * 86_400.0  # seconds after which a place that no run has used is taken away
LOOKED_AT = 1_000  # places that are looked at when a run begins
PATIENCE = 1.0  # seconds after which no other place is taken away
_NAME = re.compile(r"[0-9a-f]{16}")
_PLAIN = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Place:
    """A folder for the clean checkout of one project, and beside it which checks passed on which tree."""

    folder: Path

    @property
    def verdicts(self) -> Path:
        """The file of what is known of trees."""
        return self.folder.with_suffix(".verdicts")

    @property
    def lock(self) -> Path:
        """The file that is locked by whoever uses the place; it names the project."""
        return self.folder.with_suffix(".lock")

    def hold(self) -> int | None:
        """Return the descriptor that holds the lock until it is closed; None where another has it, or none can."""
        fd = os.open(self.lock, _PLAIN, 0o600)
        with suppress(OSError):
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(fd), self.lock.lstat()):  # else it was taken away meanwhile
                return fd
        os.close(fd)
        return None


def find_place(root: Path, environ: Mapping[str, str]) -> Place | None:
    """Return the place of a project; None where there is no home for it."""
    home = environ.get("HOME", "")
    cache = environ.get("XDG_CACHE_HOME", "") or (f"{home}/.cache" if home.startswith("/") else "")
    if not cache.startswith("/") or not os.access(home or cache, os.W_OK):
        return None
    folder = Path(cache) / "harness" / "checkouts" / _name(root)
    return None if folder.is_relative_to(root) else Place(folder)


def hold_place(place: Place, root: Path) -> int | None:
    """Take the place of a project for as long as the descriptor is open; None where another has it. Raises OSError."""
    place.lock.parent.mkdir(parents=True, exist_ok=True)
    if (fd := place.hold()) is not None:
        os.ftruncate(fd, 0)
        os.pwrite(fd, os.fsencode(root) + b"\n", 0)
    return fd


def remove_unused(around: Path, now: float) -> None:
    """Take places away whose project is gone, or that were not used for long; none that is in use or not ours."""
    began = time.monotonic()
    for place in _find_places(around):
        if time.monotonic() - began > PATIENCE:
            return
        with suppress(OSError):
            if _is_ours(place) and _is_unused(place, now) and (fd := place.hold()) is not None:
                try:
                    untrusted.remove_tree(place.folder)
                    for file in (place.verdicts, place.lock):
                        file.unlink(missing_ok=True)
                finally:
                    os.close(fd)


def _find_places(around: Path) -> Iterator[Place]:
    with suppress(OSError), os.scandir(around) as entries:
        stems = (entry.name.partition(".")[0] for entry in islice(entries, 3 * LOOKED_AT))
        yield from (Place(around / stem) for stem in sorted({one for one in stems if _NAME.fullmatch(one)}))


def _is_ours(place: Place) -> bool:
    there = [path.lstat() for path in (place.folder, place.verdicts, place.lock) if os.path.lexists(path)]
    return all(found.st_uid == os.geteuid() and not stat.S_ISLNK(found.st_mode) for found in there)


def _is_unused(place: Place, now: float) -> bool:
    said = untrusted.read_plain(place.lock, 1 << 14) or b""
    root = Path(os.fsdecode(said.removesuffix(b"\n")))
    if _name(root) == place.folder.name and not os.path.lexists(root):
        return True
    seen = (place.folder, place.folder / "git/index", place.verdicts, place.lock)
    return now - max((one.lstat().st_mtime for one in seen if os.path.lexists(one)), default=now) > UNUSED


def _name(root: Path) -> str:
    return sha256(os.fsencode(root)).hexdigest()[:16]
