"""The sign of life of a run: `logs/heartbeat.json`, replaced where its phase changes and at least each 30 s."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.domain.errors import HarnessError
from harness.records.journal import utc
from harness.records.run_lock import Holder
from harness.system import files

EVERY = 30.0  # seconds between signs of life while nothing changes
SOON = 0.1  # seconds that a phase must last to be written down
HUNG = 120.0  # seconds without one after which a run that is alive is taken to hang


class Heartbeat:
    """Writes the sign of life. A convenience: failing to write it changes nothing."""

    def __init__(self, path: Path, who: dict[str, Any], clock: Callable[[], float]) -> None:
        """`who` says whose sign it is: pid, started, run; `clock` gives epoch seconds."""
        self._path, self._who, self._clock = path, who, clock
        self._now: dict[str, Any] = {}
        self._at_work: dict[str, dict[str, Any]] = {}  # by feature: what is said of its attempt in flight
        self._next = 0.0
        self._over = False

    def phase(self, name: str, *, silent: bool = False, **about: Any) -> None:  # noqa: ANN401
        """Begin a phase: working, checking, keeping, waiting, ...; `about` says on what, if that changed.

        It is written with the next beat, so that what is over at once costs no write (over a millisecond on ext4);
        `silent` says that no beat will come in it: then at once.
        """
        self._now = {**self._now, **about, "phase": name}
        if about.get("feature"):
            self._at_work[str(about["feature"])] = self._now
        if silent:
            self._write()
        else:
            self._next = min(self._next, time.monotonic() + SOON)

    def over(self, feature: str) -> None:
        """The feature's attempt is kept: from now on the sign says what another is at, if one is."""
        self._at_work.pop(feature, None)
        if self._at_work:
            self._now = next(reversed(self._at_work.values()))
            self._next = min(self._next, time.monotonic() + SOON)

    def beat(self) -> None:
        """Give a sign of life if one is due; asked at every wake of what waits, so it costs a look at the clock."""
        if time.monotonic() >= self._next:
            self._write()

    def end(self) -> None:
        """Take it away: the run has ended by its own will."""
        self._over = True
        with suppress(HarnessError):
            files.remove(self._path)

    def _write(self) -> None:
        if self._over:
            return
        now = time.monotonic()  # one clock for all processes of a machine, and it stands still while that sleeps
        self._next = now + EVERY
        beat = {**self._who, "at": utc(self._clock()), "monotonic": round(now, 3), **self._now}
        with suppress(HarnessError):
            files.write_atomic(self._path, json.dumps(beat) + "\n", sync=False)


@dataclass(frozen=True, slots=True)
class Beat:
    """The last sign of life of the run that is on: what it was at, and how many seconds ago."""

    age: float
    phase: str
    feature: str
    attempt: int | None

    @property
    def hung(self) -> bool:
        """Whether it is so old that the run hangs."""
        return self.age > HUNG


def read_beat(path: Path, holder: Holder | None) -> Beat | None:
    """Return the last sign of life of who holds the lock; None when there is none, or it is another's. Locks nothing.

    Only of a process of this machine: its clock tells how long ago, and a machine that slept is not a run that hangs.
    """
    if holder is None or not holder.alive or holder.host != socket.gethostname():
        return None
    try:
        said = json.loads(files.read_text(path, 16 * 1024))
        pid, then, phase = int(said["pid"]), float(said["monotonic"]), str(said["phase"])
    except (ValueError, KeyError, TypeError, HarnessError):
        return None
    if pid != holder.pid:
        return None
    attempt = said.get("attempt")
    return Beat(
        age=max(0.0, time.monotonic() - then),
        phase=phase,
        feature=str(said.get("feature") or ""),
        attempt=attempt if isinstance(attempt, int) else None,
    )
