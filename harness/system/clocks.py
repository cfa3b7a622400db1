"""The wall clock compared with the monotonic one: a jump means that the machine slept, or that its clock was set."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

from harness.domain.units import format_duration

JUMP = 60.0  # seconds by which the wall clock may run away from the steady one unnoticed


def draw_jitter() -> float:
    """Return a random number in [0, 1)."""
    return secrets.randbelow(1 << 20) / (1 << 20)


class Clocks:
    """The time of a run: the wall clock, compared at each look with a steady one, and `jitter` for its waits."""

    def __init__(
        self,
        wall: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = draw_jitter,
    ) -> None:
        """Both clocks give seconds, `wall` since the epoch; `steady` goes on whatever the other is set to."""
        self.wall, self.steady, self.jitter = wall, steady, jitter
        self._began = steady()
        self._ahead = wall() - steady()

    @property
    def elapsed(self) -> float:
        """Seconds since these clocks were made."""
        return self.steady() - self._began

    def find_jump(self) -> float:
        """Return the seconds that the wall clock jumped ahead since the last look, below 0 for back; 0 for none."""
        was, self._ahead = self._ahead, self.wall() - self.steady()
        jump = self._ahead - was
        return jump if abs(jump) > JUMP else 0.0


def say_jump(jump: float) -> str:
    """Return the sentence about a jump."""
    way, size = ("ahead" if jump > 0 else "back"), format_duration(round(abs(jump)))
    return f"the clock jumped {way} by {size}: this machine slept, or its clock was set"
