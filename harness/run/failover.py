"""Which agent goes on when one cannot, and what went wrong in a row that no feature is to blame for."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from harness.decide.backoff import Turn
from harness.domain.halt import Stop


@dataclass(slots=True)
class Failover:
    """Whose turn it is in the chain of agents, and outages and failures in a row; the main thread alone changes it."""

    turn: Turn  # who works now, who is closed until when, what limits mean for the run
    faults: int = 0  # in a row
    first_fault: float = 0.0  # of them, by the steady clock
    quiet_until: float = 0.0  # by the steady clock: somebody else's outage is waited out while others are at work
    failures: list[str] = field(default_factory=list)  # at once and without a token, in a row: what was said

    def count_fault(self, now: float) -> float:
        """Count one fault more, and return the seconds since the first in a row; `now` by the steady clock."""
        if self.faults == 0:
            self.first_fault = now
        self.faults += 1
        return now - self.first_fault

    def stop(self, stop: Stop) -> None:
        """End the run when what is in flight has come back."""
        self.turn = replace(self.turn, stop=stop)

    def end_wait(self) -> None:
        """What was waited for is there."""
        self.turn = replace(self.turn, wait=None)

    def forget_limits(self) -> None:
        """An attempt met none: the next is the first in a row."""
        self.turn = replace(self.turn, limits=0)
