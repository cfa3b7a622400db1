"""Why a run ends, and the file that pauses it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path


class Halt(Enum):
    """Why a run ended: exit code, the sentence for a person, and what to do next."""

    ALL_DONE = (0, "every feature asked for is done", "read the receipts: `harness status`")
    LIMIT_REACHED = (1, "the iteration or time limit is reached with work left", "run again to go on: `harness run`")
    NOTHING_READY = (1, "no feature that is left can be worked on", "see `harness why`")
    REGRESSED = (1, "work that was done does not hold any more", "run again: it is taken up first")
    STALE = (1, "the spec of a done feature has changed", "run again: its checks run as they are now")
    NOT_CHECKED = (1, "done features could not be checked on the last commit", "mend what is named, then run again")
    NOT_COMMITTED = (1, "work that is done is not committed", "see what git says, then run again: it is tried first")
    CANNOT_START = (2, "it cannot start", "fix what the message names, then `harness run`")
    PAUSED = (3, "a HALT file is present", "run `harness resume`, then `harness run`")
    BLOCKED = (4, "a feature waits for a person", 'answer with `harness answer SLUG "text"`, then `harness run`')
    MOVED = (4, "git needs a person", "put it right as the reason says, then `harness resume`")
    STUCK = (
        5,
        "several attempts in a row made no progress",
        "read `harness why`, improve the spec, then `harness resume`",
    )
    QUOTA = (6, "the agent or its service is not available", "solve what the reason names, then `harness resume`")
    BUDGET = (7, "the budget is reached", "raise it in harness.yaml, then `harness resume`, then `harness run`")
    BUG = (70, "a bug in harness", "please report it with the file it wrote under logs/")
    INTERRUPTED = (130, "interrupted", "nothing is lost: `harness run` goes on where it stopped")

    def __init__(self, code: int, sentence: str, advice: str) -> None:
        """Give each member its three attributes."""
        self.code = code
        self.sentence = sentence
        self.advice = advice


@dataclass(frozen=True, slots=True)
class HaltFile:
    """A HALT file, read: `now` when its first word is that; `by_harness` when harness wrote it; `gone` since."""

    path: Path
    now: bool
    text: str = ""
    by_harness: bool = False
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Stop:
    """End the run: the halt, why in one sentence, and the feature it is about if it is about one."""

    halt: Halt
    because: str
    slug: str = ""
    advice: str = ""
    resets_at: float | None = None
    sums: tuple[str, ...] = ()  # of money, a sentence each

    @staticmethod
    def over(halt: Halt, slugs: Sequence[str]) -> Stop:
        """Return the end of a run over some features, which names the first."""
        more = f" and {len(slugs) - 1} more" if slugs[1:] else ""
        return Stop(halt, f"{slugs[0]}{more}", slugs[0])
