"""What became of an attempt: the claim, the checks that ran, the evidence, the verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from harness.domain.reply import Fault, Limit, Reply

PIPE_ENDED = 141  # 128 + SIGPIPE: what a writer in a pipe ends with when its reader went away


class Outcome(StrEnum):
    """The verdict on one attempt."""

    DONE = "done"
    PROGRESSED = "progressed"
    UNCONFIRMED = "unconfirmed"
    BLOCKED = "blocked"
    STALLED = "stalled"
    TIMED_OUT = "timed_out"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    FAULT = "fault"


class Claim(StrEnum):
    """What became of the agent's word that the feature is done."""

    NONE = "none"
    CONFIRMED = "confirmed"  # every check is green
    UNVERIFIED = "unverified"  # there are no checks: accepted on the agent's word
    RED = "red"  # a check failed
    PARKED = "parked"  # every check is green, and a person lands it
    UNFOUNDED = "unfounded"  # no checks, and the agent failed or wrote nothing into the marker
    PENDING = "pending"  # stopped before the checks were through: they run at the next start


@dataclass(frozen=True, slots=True)
class CheckRun:
    """One check, run: `code` is its exit code (negative for a signal), seconds its wall time, tail its last output.

    `of` names the feature that is done, where it is not one of the feature that is worked on. `flaky` says how it ended
    before on the same files, where that was otherwise.
    """

    command: str
    code: int | None
    seconds: float
    tail: str = ""
    timed_out: bool = False
    stopped: bool = False
    of: str = ""
    flaky: str = ""

    @property
    def green(self) -> bool:
        """Whether it passed."""
        return self.code == 0 and not self.timed_out and not self.stopped

    @property
    def ran(self) -> bool:
        """Whether it came to an end of its own; else it is red for a reason that may have nothing to do with the work.

        A shell ends with 126 or 127 when there is no such command, or none that can be run.
        """
        return self.code not in (None, 126, 127) and not self.timed_out

    @property
    def ending(self) -> str:
        """How it ended, in a few words."""
        if self.stopped:
            return "stopped before it ended"
        if self.timed_out:
            return f"over its time limit after {self.seconds:.1f} s"
        if self.code is None:
            return "could not be started"
        cut = ": in a pipe its reader (`head`, `grep -q`) went away too early" if self.code == PIPE_ENDED else ""
        return f"exit {self.code} in {self.seconds:.2f} s{cut}"


def find_flaky(runs: Sequence[CheckRun], known: Sequence[CheckRun]) -> tuple[CheckRun, ...]:
    """Return the runs; one that ended otherwise before, on the same files and in the same place, says so."""
    same = len(runs) == len(known) and all(one.command == was.command for one, was in zip(runs, known, strict=True))
    if not same:
        return tuple(runs)
    return tuple(
        replace(one, flaky=was.flaky or was.ending) if _differ(one, was) or was.flaky else one
        for one, was in zip(runs, known, strict=True)
    )


def _differ(one: CheckRun, was: CheckRun) -> bool:
    """Whether one of them passed and the other one ran to an end, and failed."""
    return one.ran and was.ran and not one.stopped and not was.stopped and one.green != was.green


@dataclass(frozen=True, slots=True)
class CheckedIn:
    """Where the checks of a claim ran: in a clean checkout of its commit, or in the working tree.

    `because` says why not in a checkout. `brought` are names of what the checkout had from the project, since git does
    not hold it, `set_up_by` the commands that ran there first.
    """

    clean: bool = False
    because: str = ""
    brought: tuple[str, ...] = ()
    set_up_by: tuple[str, ...] = ()
    written_outside: tuple[str, ...] = ()  # folders outside the project that agents write and the checks saw


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known when an attempt is judged."""

    reply: Reply
    claim: Claim = Claim.NONE
    limit: Limit | None = None
    fault: Fault | None = None
    question: str | None = None
    note_bytes: int = 0
    changed: bool = False
    same_failure: bool = False  # the same checks failed last time, with the same output
    failing: tuple[str, ...] = ()  # commands of the checks that failed
    stuck_bytes: int = 32
    moved: bool = False  # git was left where nothing can be committed: a claim waits until a person put that right
    crashed: bool = False  # the run it belonged to was killed


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome, why in one sentence, and what it counts as."""

    outcome: Outcome
    reason: str
    progress: bool  # resets the breaker
    charged: bool  # counts as an iteration and an attempt
