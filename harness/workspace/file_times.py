"""When files were changed last: git holds nothing of that, and there are programs (make) that go by it."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

SECOND = 1_000_000_000  # nanoseconds
TICK = 4_000_000  # nanoseconds by which the clock of files goes, on most machines
AT_ONCE = 50  # files that a clone writes in that time, about: these have one time


@dataclass(frozen=True, slots=True)
class Times:
    """When the files of a working tree were changed, in nanoseconds since the epoch, by name.

    `changed` are those that changed since the work began, which tells nothing of when they did `as_before`: there they
    are older than all others, and no program that goes by times takes one for newer than what it is made of.
    """

    now: Mapping[str, int]
    changed: tuple[str, ...]

    @property
    def as_before(self) -> Mapping[str, int]:
        """The times that were there before the work, as far as they are known."""
        others = [at for name, at in self.now.items() if name not in set(self.changed)]
        first = min(others, default=SECOND) - SECOND
        return {**self.now, **dict.fromkeys(self.changed, first)}


def find_times(top: Path, names: Iterable[str], since: float) -> Times:
    """Return when files below `top` were changed; links, and what is not there, are left out."""
    now, changed = dict[str, int](), list[str]()
    for name in names:
        with suppress(OSError):
            found = os.lstat(top / name)
            now[name] = found.st_mtime_ns
            changed += [name] if found.st_ctime >= since else []
    return Times(now, tuple(sorted(changed)))


def set_times(folder: Path, times: Mapping[str, int]) -> None:
    """Give files below a folder these times; one that is not there has none."""
    for name, at in times.items():
        with suppress(OSError):
            os.utime(f"{folder}/{name}", ns=(at, at), follow_symlinks=False)


def are_in_order(folder: Path, names: Sequence[str]) -> bool:
    """Whether files below a folder have the times that a clone gives them, in this order."""
    found = [os.lstat(f"{folder}/{name}") for name in names]
    times = [one.st_mtime_ns for one in found if not stat.S_ISDIR(one.st_mode)]
    return all(at == times[0] + number // AT_ONCE * TICK for number, at in enumerate(times))


def put_in_order(paths: Iterable[str]) -> bool:
    """Let no file be newer than one that a clone writes after it, in this order; returns whether one was.

    It gets the time of that one. All others keep theirs, so that git need not read them again.
    """
    after, put = None, False
    for path in reversed(tuple(paths)):
        found = os.lstat(path)
        if after is not None and found.st_mtime_ns > after and not stat.S_ISDIR(found.st_mode):
            os.utime(path, ns=(after, after), follow_symlinks=False)
            put = True
        elif not stat.S_ISDIR(found.st_mode):
            after = found.st_mtime_ns
    return put


def set_in_order(folder: Path, names: Sequence[str], first: int | None = None) -> int:
    """Give files below a folder the times that a clone gives them, in this order, up to now or from `first` on.

    What is a folder (of a submodule) is left out. Returns when a clone would write what comes after them.
    """
    held = [name for name in names if not stat.S_ISDIR(os.lstat(f"{folder}/{name}").st_mode)]
    first = time.time_ns() - len(held) // AT_ONCE * TICK if first is None else first
    set_times(folder, {name: first + number // AT_ONCE * TICK for number, name in enumerate(held)})
    return first + (len(held) // AT_ONCE + 1) * TICK


def set_times_of_folders(folder: Path, names: Sequence[str]) -> None:
    """Give each folder of files, in their order, the time of what came into it last; not where they are not alone."""
    last, inside = dict[str, str](), dict[str, set[str]]()
    for name in names:
        came, within = True, name
        while came and within:  # up to a folder that was there already
            within, _, own = within.rpartition("/")
            came = within not in inside
            inside.setdefault(within, set()).add(own)
            last[within] = name
    for within, name in last.items():
        with suppress(OSError):
            if within and set(os.listdir(folder / within)) == inside[within]:  # noqa: PTH208
                at = os.lstat(f"{folder}/{name}").st_mtime_ns
                os.utime(folder / within, ns=(at, at), follow_symlinks=False)
