"""What the journal tells of, a type for each kind; a field is called as in its JSON line (see `event_fields`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from harness.domain.finding import Finding
from harness.domain.halt import Halt
from harness.domain.reply import Ended, Limit, Usage
from harness.domain.review import Comment
from harness.domain.verdict import Claim, Outcome
from harness.records.notes import Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What every event has: its number, when it was written, and the run that wrote it; the journal fills them in."""

    kind: ClassVar[str] = ""
    seq: int = 0
    at: str = ""
    run: str = ""
    left_out: frozenset[str] = frozenset()  # fields that its line does not have: their values here are the defaults


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown(Event):
    """What this version does not understand: `fields` as they stand in the line. It changes nothing."""

    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureEvent(Event):
    """What every event about one feature has."""

    slug: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptEvent(FeatureEvent):
    """What every event about one attempt has."""

    attempt: int = 0


# --- a run --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class RunBegan(Event):
    """A run begins: the process, its agents and features, how many are to do, and what bounds it."""

    kind: ClassVar[str] = "run_began"
    pid: int = 0
    started: str = ""
    version: str = ""
    agents: str = ""
    features: tuple[str, ...] = ()
    todo: int = 0
    commits: bool = False
    confined: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Halted(Event):
    """Why a run ended; `slug` where it is about one feature, `resets_at` in epoch seconds where it is known.

    `halt_file` is the digest of the HALT that it wrote.
    """

    kind: ClassVar[str] = "halted"
    halt: Halt | None = None
    code: int | None = None
    because: str = ""
    slug: str = ""
    resets_at: float | None = None
    halt_file: str = field(default="", metadata={"rare": True})


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnded(Event):
    """A run came to its end: what it cost, and the tree as it left it."""

    kind: ClassVar[str] = "run_ended"
    halt: Halt | None = None
    code: int | None = None
    iterations: int = 0
    dollars: float | None = None
    unknown_costs: int = 0
    tree: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeLeft(Event):
    """What a run leaves uncommitted in the tree: each file with a stamp of its content."""

    kind: ClassVar[str] = "tree_left"
    files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting(Event):
    """The run waits: so many seconds, until then (epoch seconds); `reset` when it is a limit's."""

    kind: ClassVar[str] = "waiting"
    seconds: float
    until: float
    because: str = ""
    reset: bool = field(default=False, metadata={"rare": True})


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentChanged(Event):
    """Another agent goes on; `until` is when the one before may be asked again, in epoch seconds."""

    kind: ClassVar[str] = "agent_changed"
    was: str
    agent: str
    because: str = ""
    until: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetWarned(Event):
    """Most of a line in dollars is spent; `slug` where it is a feature's own."""

    kind: ClassVar[str] = "budget_warning"
    line: str = ""
    limit: float = 0.0
    text: str = ""
    spent: float = 0.0
    unknown: int = 0
    slug: str = field(default="", metadata={"rare": True})


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockJumped(Event):
    """The wall clock jumped by so many seconds."""

    kind: ClassVar[str] = "clock_jumped"
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifyFailed(Event):
    """A channel did not take a message (of the kind `told`)."""

    kind: ClassVar[str] = "notify_failed"
    channel: str = ""
    told: str = ""
    why: str = ""


# --- an attempt ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptBegan(FeatureEvent):
    """An attempt begins: why this feature, for whom, with which prompt, and what stood where."""

    kind: ClassVar[str] = "attempt_began"
    attempt: int
    because: str = ""
    spec: str = ""  # SHA-256
    agent: str = ""
    model: str = ""
    sections: Mapping[str, str] = field(default_factory=dict)  # of the prompt: a digest each
    log: Mark | None = None
    learnings: Mark | None = None
    tree: str = ""
    head: str = field(default="", metadata={"rare": True})  # the commit at HEAD
    branch: str = field(default="", metadata={"rare": True})  # as a full ref, "" for a detached HEAD
    since: str = field(default="", metadata={"rare": True})  # a commit of the tree that it found, "" if none is kept
    confined: bool = False
    absent: tuple[str, ...] = ()  # what was not there, and would be obeyed outside the sandbox


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One check: its exit code (None where it could not start), its seconds."""

    command: str = ""
    exit: int | None = None
    seconds: float = 0.0
    timed_out: bool = False
    tests: int | None = None  # how many ran, where a test runner says it
    flaky: str = field(default="", metadata={"rare": True})  # how it ended before on the same files


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptEnded(FeatureEvent):
    """An attempt was judged: the verdict, what it rests on, and what it cost."""

    kind: ClassVar[str] = "attempt_ended"
    attempt: int
    outcome: Outcome | None = None
    reason: str = ""
    progress: bool = False
    charged: bool = False
    claim: Claim | None = None
    note_bytes: int = 0
    changed: tuple[str, ...] = ()
    changed_files: int = 0
    tree: str = ""
    kept: str = field(default="", metadata={"rare": True})  # a commit of the tree that it left, "" if none is kept
    not_kept: tuple[str, ...] = field(default=(), metadata={"rare": True})  # files that this does not hold as they were
    failing: str = ""  # digest of the checks that failed
    note: str = field(default="", metadata={"rare": True})  # digest of what the note said
    checks: tuple[CheckResult, ...] = ()
    observed: str = ""  # what the next prompt says
    remarks: tuple[str, ...] = ()
    assumed: tuple[str, ...] = field(default=(), metadata={"rare": True})  # what its note says was assumed
    findings: tuple[Finding, ...] = field(default=(), metadata={"rare": True})  # in its change, that refused nothing
    ended: Ended | None = None
    exit: int | None = None
    limit: Limit | None = None
    seconds: float = 0.0
    strays: int = 0
    agent: str = ""
    agent_version: str = ""
    model: str = ""
    dollars: float | None = None
    cost_source: str = ""
    prices: str = ""
    usage: Usage = field(default_factory=Usage)
    prefix: Mapping[str, str] = field(default_factory=dict)  # what stands before every prompt: a digest each


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked(FeatureEvent):
    """A feature without progress is skipped for the rest of the run, after so many attempts in a row."""

    kind: ClassVar[str] = "parked"
    streak: int = 0
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tampered(AttemptEvent):
    """A file that only grows was cut or rewritten."""

    kind: ClassVar[str] = "tampered"
    file: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreign(AttemptEvent):
    """Something appeared that was nobody's to write, and was quarantined."""

    kind: ClassVar[str] = "foreign"
    marker: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vanished(AttemptEvent):
    """A marker was gone after an attempt."""

    kind: ClassVar[str] = "vanished"
    marker: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadMoved(AttemptEvent):
    """An agent moved something in git, or `by` says who: `what` in a word, `text` in a sentence without its subject.

    HEAD stood at `since` on `branch`, and then at `commit`; `back` when it was put back to the branch.
    """

    kind: ClassVar[str] = "head_moved"
    what: str = ""
    text: str = ""
    branch: str = ""
    since: str = ""
    commit: str = ""
    back: bool = False
    by: str = field(default="", metadata={"rare": True})


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecChanged(AttemptEvent):
    """A spec changed `during` an attempt at a feature; `was` is the SHA-256 it had."""

    kind: ClassVar[str] = "spec_changed"
    during: str = ""
    was: str = ""


# --- a feature done, asked about, begun anew ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted(FeatureEvent):
    """A feature is accepted with this receipt, whose marker follows; `by` says who, if it was not harness."""

    kind: ClassVar[str] = "accepted"
    attempt: int = field(default=0, metadata={"rare": True})  # a person's has none
    sha256: str = ""
    receipt: str
    by: str = field(default="", metadata={"rare": True})


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked(FeatureEvent):
    """The receipt stands in the feature's `.done`."""

    kind: ClassVar[str] = "marked"
    sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkedByHand(FeatureEvent):
    """A person wrote the feature's `.done`, or it is a `receipt` of harness that the journal does not know."""

    kind: ClassVar[str] = "by_hand"
    sha256: str = ""
    receipt: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed(AttemptEvent):
    """A feature was committed."""

    kind: ClassVar[str] = "committed"
    commit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitFailed(AttemptEvent):
    """A proven feature could not be committed."""

    kind: ClassVar[str] = "commit_failed"
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedBefore(FeatureEvent):
    """The checks of a feature ran before the work on it, `clean` in a checkout of the commit it begins at."""

    kind: ClassVar[str] = "checked_before"
    spec: str = ""  # SHA-256
    clean: bool = False
    checks: tuple[CheckResult, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed(AttemptEvent):
    """A reviewer was asked about a claim: what it found, or the `problem` why it gave no verdict, and what it cost.

    `key` is equal for one and the same question about one and the same tree. Where it was not `asked`, there was a
    problem, or it was answered before.
    """

    kind: ClassVar[str] = "reviewed"
    number: int = 0  # of its folder, below the attempt's; 0 where it has none
    key: str = ""
    question: str = ""
    blocking: bool = False
    tree: str = ""
    agent: str = ""
    agent_version: str = ""
    model: str = ""
    problem: str = field(default="", metadata={"rare": True})
    asked: bool = False
    confined: bool = False
    comments: tuple[Comment, ...] = ()
    blocked: tuple[str, ...] = field(default=(), metadata={"rare": True})  # the comments that did, by what they are of
    seconds: float = 0.0
    dollars: float | None = None
    cost_source: str = ""
    prices: str = ""
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified(FeatureEvent):
    """The checks of an accepted feature ran again; `failing` are the commands of those that failed, on that commit.

    `flaky` are those that were red on the same files before, or green.
    """

    kind: ClassVar[str] = "verified"
    green: bool = False
    failing: tuple[str, ...] = ()
    commit: str = field(default="", metadata={"rare": True})
    flaky: tuple[str, ...] = field(default=(), metadata={"rare": True})


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked(AttemptEvent):
    """A feature waits for a person's answer."""

    kind: ClassVar[str] = "blocked"
    question: str = ""
    judging: Mapping[str, str] = field(default_factory=dict, metadata={"rare": True})  # files it is about, as in git
    parked: str = field(default="", metadata={"rare": True})  # where it is about landing: the commit, or "tree"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered(FeatureEvent):
    """A person answered."""

    kind: ClassVar[str] = "answered"
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed(FeatureEvent):
    """A person lets files stand as an attempt made them, or land: mode and blob, "" for gone."""

    kind: ClassVar[str] = "allowed"
    files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureReset(FeatureEvent):
    """A person let a feature begin anew."""

    kind: ClassVar[str] = "reset"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopened(FeatureEvent):
    """A receipt does not hold any more: the feature is worked on again."""

    kind: ClassVar[str] = "reopened"
    because: str = ""
    observed: str = ""  # what the next prompt says
    commit: str = field(default="", metadata={"rare": True})  # that takes its work back, where a person wanted that


@dataclass(frozen=True, slots=True, kw_only=True)
class Renamed(FeatureEvent):
    """A person gave a feature another name; what is known of it by its old one, `was`, is true of it."""

    kind: ClassVar[str] = "renamed"
    was: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored(AttemptEvent):
    """A person brought back what an attempt left, which is kept in a commit; these files came into the tree."""

    kind: ClassVar[str] = "restored"
    commit: str = ""
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaned(Event):
    """A person had what was kept of attempts (`SLUG/NUMBER`) forgotten: the commits, and what was printed."""

    kind: ClassVar[str] = "cleaned"
    attempts: tuple[str, ...] = ()


KINDS: dict[str, type[Event]] = {
    one.kind: one for one in list(globals().values()) if isinstance(one, type) and issubclass(one, Event) and one.kind
}
