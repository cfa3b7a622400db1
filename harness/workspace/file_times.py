"""When files were changed last: git holds nothing of that, and there are programs (make) that go by it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

SECOND = 1_000_000_000  # nanoseconds


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
            os.utime(folder / name, ns=(at, at), follow_symlinks=False)
