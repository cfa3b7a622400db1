"""What a run sees when it looks: markers, what is remembered of each feature, and what it decides to do next."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from harness.domain.feature import Check, Feature
from harness.domain.halt import HaltFile, Stop
from harness.domain.money import Spend, Sum
from harness.domain.review import Comment


@dataclass(frozen=True, slots=True)
class Markers:
    """Which features have a marker in logs/, by slug."""

    done: frozenset[str] = frozenset()
    blocked: frozenset[str] = frozenset()
    answered: frozenset[str] = frozenset()


LAND = "land"  # an answer that lets parked work land
IN_TREE = "tree"  # in the place of a parked commit: the work waits in the working tree
UNKNOWN = "unknown"  # the spec of a receipt that the journal does not know: it proves nothing until it is checked


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
    assumed: tuple[str, ...] = ()  # by attempts since it was accepted last
    flaky: tuple[str, ...] = ()  # checks that ended in two ways on the same commit since it was accepted last
    parked: str = ""  # the commit that waits for `harness land`, or IN_TREE
    regressed_at: str = ""  # the commit on which its checks failed, where they ran on one
    failing: str = ""  # digest of the failing checks of the last red claim
    note: str = ""  # digest of what its last note said
    answered: set[str] = field(default_factory=set)  # digests of the questions that a person answered
    tree: str = ""  # fingerprint of the working tree after the last attempt
    answer: str = ""  # what a person answered since the last attempt
    question: str = ""
    judging: dict[str, str] = field(default_factory=dict)  # files that the question is about: mode and blob of each
    allowed: dict[str, str] = field(default_factory=dict)  # those that a person lets stand so
    accepted_spec: str = ""  # SHA-256 of the spec that harness accepted it by, or UNKNOWN; "" where a person did
    marker_sha256: str = ""  # of the receipt or marker that the journal knows
    changed: set[str] = field(default_factory=set)  # files it changed since it was accepted last
    changed_more: bool = False  # than that
    landed: set[str] = field(default_factory=set)  # files that it had changed when it was accepted
    to_commit: set[str] = field(default_factory=set)  # those of them that no commit holds: a person accepted it
    in_tree: bool = False  # its checks passed in the working tree, not in a clean checkout of the commit
    refused: bool = False  # it is done, and git refused to commit it
    regressed: tuple[str, ...] = ()  # checks that failed since
    proven_at: str = ""  # the commit that its receipt names
    commits: list[tuple[str, str]] = field(default_factory=list)  # what it is made of in git: after the first, to the
    # second; the second alone where there is no first
    spent: Sum = field(default_factory=Sum)
    seconds: float = 0.0
    open_attempts: int = 0  # that have ended since it was accepted last
    unfinished: bool = False  # an attempt began and has not ended
    claim_pending: bool = False  # interrupted with its claim unchecked
    baseline: str = ""  # SHA-256 of the spec whose checks ran before the work
    baseline_run: str = ""  # the run in which they did
    tests_before: dict[str, int] = field(default_factory=dict)  # how many tests each ran then, where one knows
    own_since: str = ""  # the commit before the first that agents made since it was accepted last
    reviews: dict[str, tuple[Comment, ...]] = field(default_factory=dict)  # what reviewers said, by tree and question
    review_folders: set[tuple[int, int]] = field(default_factory=set)  # attempt and number of those written down
    rounds: dict[str, int] = field(default_factory=dict)  # how often a comment kept a claim from standing
    before: dict[str, bool] = field(default_factory=dict)  # whether each was green then
    could_not_run: set[str] = field(default_factory=set)  # the commands that had no program then
    pass_when_clean: set[str] = field(default_factory=set)  # the commands that were, in a clean checkout

    @property
    def is_landing(self) -> bool:
        """Whether a person has let its parked work land, and that has not come to its end."""
        return bool(self.parked) and not self.question and self.answer.strip() == LAND

    @property
    def parked_commit(self) -> str:
        """The commit on a branch of its own that waits for `harness land`, "" where none does."""
        return "" if self.parked == IN_TREE else self.parked

    def red_before(self, checks: Iterable[Check]) -> list[str]:
        """Return the commands of those checks that failed before the work."""
        return [one.command for one in checks if self.before.get(one.command) is False]


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
class Look:
    """Everything that the next decision depends on, read from disk at one moment."""

    features: tuple[Feature, ...]
    markers: Markers
    histories: dict[str, FeatureHistory]
    halt: HaltFile | None = None
    interrupted: bool = False
    moved: Stop | None = None  # git is not where a commit may be made
    pending_stop: Stop | None = None  # what the last attempt means for the run as a whole
    wait: Wait | None = None  # a limit that resets: nothing begins before
    iterations: int = 0  # charged in this run
    elapsed: float = 0.0  # seconds since the run began
    begins: bool = True  # attempts
    skipped: frozenset[str] = frozenset()  # stuck in this run, skipped with --keep-going
    blocked_in_this_run: frozenset[str] = frozenset()  # blocked in this run
    spend: Spend = field(default_factory=Spend)
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
