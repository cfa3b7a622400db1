"""A wall clock that somebody sets: runs a Python program that reads another time than its machine. For `harness chaos`.

Started by its path, as `python -P skew.py FILE -m MODULE WORD…` or `… FILE PROGRAM WORD…`. A line of FILE is a moment
of the steady clock and by how many seconds the wall clock is ahead from then on. The steady clock is left alone, as it
is when a laptop slept or a person sets the time; so are the times of files and child processes.
"""

from __future__ import annotations

import datetime
import runpy
import sys
import time
from pathlib import Path

_true, _true_ns = time.time, time.time_ns


class Skew:
    """What is added to the time, as the file says."""

    def __init__(self, path: Path) -> None:
        """There need be no file yet."""
        self._path, self._last = path, 0.0

    def seconds(self) -> float:
        """Return by how much the clock is ahead now; what cannot be read changes nothing."""
        try:
            lines = [tuple(map(float, line.split())) for line in self._path.read_text("utf-8").splitlines()]
            begun = [ahead for moment, ahead in lines if moment <= time.monotonic()]
        except (OSError, ValueError):
            return self._last
        self._last = begun[-1] if begun else self._last
        return self._last


def set_clock(skew: Skew) -> None:
    """Replace what tells the time in this process."""

    class Skewed(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Skewed:
            return cls.fromtimestamp(time.time(), tz)

    time.time = lambda: _true() + skew.seconds()
    time.time_ns = lambda: _true_ns() + int(skew.seconds() * 1e9)
    datetime.datetime = Skewed  # type: ignore[misc]


def main() -> None:
    """Set the clock, then become the program."""
    file, program, *words = sys.argv[1:]
    set_clock(Skew(Path(file)))
    sys.argv = [program, *words] if program != "-m" else words
    if program == "-m":
        runpy.run_module(words[0], run_name="__main__", alter_sys=True)
    else:
        runpy.run_path(program, run_name="__main__")


if __name__ == "__main__":
    main()
