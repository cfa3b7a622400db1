"""The wall clock beside the steady one: when it runs away, the machine slept, or somebody set its time."""

from __future__ import annotations

from collections.abc import Callable

from harness.domain.units import format_duration

JUMP = 60.0  # seconds by which the wall clock may run away from the steady one unnoticed


class Clocks:
    """Compares the clocks at each look, with how they stood at the look before."""

    def __init__(self, wall: Callable[[], float], steady: Callable[[], float]) -> None:
        """Both give seconds; `steady` goes on whatever the other is set to."""
        self._wall, self._steady = wall, steady
        self._ahead = wall() - steady()

    def find_jump(self) -> float:
        """Return the seconds that the wall clock jumped ahead since the last look, below 0 for back; 0 for none."""
        was, self._ahead = self._ahead, self._wall() - self._steady()
        jump = self._ahead - was
        return jump if abs(jump) > JUMP else 0.0


def say_jump(jump: float) -> str:
    """Return the sentence about a jump."""
    way, size = ("ahead" if jump > 0 else "back"), format_duration(round(abs(jump)))
    return f"the clock jumped {way} by {size}: this machine slept, or its clock was set"
