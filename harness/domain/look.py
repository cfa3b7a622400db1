"""The words of the program as values: features, replies, outcomes, halts. No files, no clocks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from pathlib import Path

from harness.domain.feature import Feature

# --- what a person wrote ------------------------------------------------------------------------------------------


# --- what an attempt gave back ------------------------------------------------------------------------------------


# --- verdicts -----------------------------------------------------------------------------------------------------


class Halt(Enum):
    """Why a run ended: exit code, the sentence for a person, and what to do next."""

    ALL_DONE = (0, "every feature asked for is done", "read the receipts: `harness status`")
    LIMIT_REACHED = (1, "the iteration or time limit is reached with work left", "run again to go on: `harness run`")
    CANNOT_START = (2, "it cannot start", "fix what the message names, then `harness run`")
    PAUSED = (3, "a HALT file is present", "run `harness resume`, then `harness run`")
    BLOCKED = (4, "a feature waits for a person", 'answer with `harness answer SLUG "text"`, then `harness run`')
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


# --- what the disk says -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Markers:
    """Which features have a marker in logs/, by slug."""

    done: frozenset[str] = frozenset()
    blocked: frozenset[str] = frozenset()
    answered: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Sum:
    """Dollars of `known` attempts; `unknown` more attempts cost nobody knows what."""

    dollars: float = 0.0
    known: int = 0
    unknown: int = 0

    def plus(self, dollars: float | None) -> Sum:
        """Return the sum with one attempt more."""
        if dollars is None:
            return Sum(self.dollars, self.known, self.unknown + 1)
        return Sum(self.dollars + dollars, self.known + 1, self.unknown)

    @property
    def shown(self) -> float | None:
        """The dollars for a reader; None where attempts were made and the cost of none is known."""
        return None if self.unknown and not self.known else self.dollars


@dataclass(slots=True)
class FeatureHistory:
    """What the journal remembers about one feature; grown event by event, never edited otherwise."""

    attempts: int = 0  # the highest number used, ever
    charged: int = 0  # attempts that count against max_attempts, since the last reset
    faults: int = 0  # attempts that somebody else's fault ended, ever: they are refunded, and counted all the same
    attempts_without_progress: int = 0  # in a row
    outcome: str = ""
    reason: str = ""
    observed: str = ""  # what the next prompt says harness saw
    failing: str = ""  # digest of the failing checks of the last red claim
    tree: str = ""  # fingerprint of the working tree after the last attempt
    answer: str = ""  # what a person answered since the last attempt
    question: str = ""
    marker_sha256: str = ""  # of the receipt or marker that the journal knows
    changed: set[str] = field(default_factory=set)  # files it changed since it was accepted last
    spent: Sum = Sum()
    seconds: float = 0.0
    unfinished: bool = False  # an attempt began and has not ended
    claim_pending: bool = False  # interrupted with its claim unchecked


class GroupBy(StrEnum):
    """What the rows of `harness cost` are about."""

    FEATURE = "feature"
    MODEL = "model"
    DAY = "day"


class State(StrEnum):
    """Where a feature stands, in the word that status shows."""

    DONE = "done"
    READY = "ready"
    WAITING = "waiting"
    BLOCKED = "blocked"
    STUCK = "stuck"
    OVER_BUDGET = "over budget"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a feature stands and the sentence that says why."""

    state: State
    because: str


@dataclass(frozen=True, slots=True)
class HaltFile:
    """A HALT file, read: `now` when its first word is that; `by_harness` when harness wrote it; `gone` since."""

    path: Path
    now: bool
    text: str = ""
    by_harness: bool = False
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Rules:
    """The settings that decisions are made by; their defaults are those of the settings. Durations in seconds, 0: none.

    A decision says here what it needs and knows no default, so that there is one place for each.
    """

    stuck_limit: int
    stuck_bytes: int
    max_iterations: int
    max_attempts: int
    max_time: float
    keep_going: bool
    fault_backoff: float
    outage_limit: float
    fault_limit: int
    on_limit: str  # or wait
    max_cost: float  # dollars, like those that follow
    max_cost_per_feature: float
    max_cost_per_attempt: float
    monthly_budget: float
    monthly_stop: float
    expected_cost: float


Who = tuple[str, str]  # an agent and the model it was asked for, "" for its own choice


@dataclass(frozen=True, slots=True)
class Spend:
    """What was spent besides the features' own sums, and what attempts cost so far, newest last."""

    run: Sum = Sum()
    month: Sum = Sum()
    month_name: str = ""  # 2026-11, in UTC
    costs: tuple[tuple[Who, float], ...] = ()
    asked: Mapping[tuple[str | None, str | None], Who] = field(default_factory=dict)  # agent and model of a spec -> who
    stopping: frozenset[str] = frozenset()  # agents that are told their line, and end at it
    reserved: float = 0.0  # dollars that the attempts in flight are expected to cost


@dataclass(frozen=True, slots=True)
class Look:
    """Everything that the next decision depends on, read from disk at one moment."""

    features: tuple[Feature, ...]
    markers: Markers
    histories: dict[str, FeatureHistory]
    halt: HaltFile | None = None
    interrupted: bool = False
    pending_stop: Stop | None = None  # what the last attempt means for the run as a whole
    wait: Wait | None = None  # a limit that resets: nothing begins before
    iterations: int = 0  # charged in this run
    elapsed: float = 0.0  # seconds since the run began
    skipped: frozenset[str] = frozenset()  # stuck in this run, skipped with --keep-going
    blocked_in_this_run: frozenset[str] = frozenset()  # blocked in this run
    spend: Spend = Spend()
    in_flight: frozenset[str] = frozenset()  # features that are worked on at this moment


@dataclass(frozen=True, slots=True)
class Work:
    """Go and work on this feature."""

    feature: Feature
    because: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait so many seconds, for this reason; `until` by the wall clock (epoch seconds) where that is what counts."""

    seconds: float
    because: str
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Stop:
    """End the run: the halt, why in one sentence, and the feature it is about if it is about one."""

    halt: Halt
    because: str
    slug: str = ""
    advice: str = ""
    resets_at: float | None = None
    sums: tuple[str, ...] = ()  # of money, a sentence each


# --- judging an attempt -------------------------------------------------------------------------------------------
