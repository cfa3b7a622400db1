"""The words of the program as values: features, replies, outcomes, halts. No files, no clocks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import Enum, StrEnum
from pathlib import Path

CACHE_LIFE = 270.0  # seconds; a wait below it keeps the model's prompt cache of five minutes warm

# --- what a person wrote ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Check:
    """A shell command that harness runs before it believes a claim; `timeout` in seconds, None for the default."""

    command: str
    timeout: float | None = None


@dataclass(frozen=True, slots=True)
class Feature:
    """A spec, read. `problem` is a sentence when it cannot be worked on (broken front matter, empty, too large)."""

    slug: str
    path: Path
    sha256: str = ""
    size: int = 0
    title: str = ""
    depends_on: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()
    agent: str | None = None
    model: str | None = None
    timeout: float | None = None
    stuck_bytes: int | None = None
    stuck_limit: int | None = None
    priority: int = 0
    problem: str | None = None
    hint: str = ""


# --- what an attempt gave back ------------------------------------------------------------------------------------


class Ended(StrEnum):
    """How a child process came to its end."""

    EXITED = "exited"
    TIMED_OUT = "timed out"
    IDLE = "idle"
    STOPPED = "stopped"  # by a person: `now`, Ctrl-C, or the run's own time limit
    FINISHED = "finished"  # it had printed its result and was ended after a grace
    LOST = "lost"  # something killed the supervisor, and with it the agent
    NOT_STARTED = "not started"  # exec failed: no such program, not executable, no such folder


@dataclass(frozen=True, slots=True)
class Exit:
    """How a child process ended. `seconds` is its own wall time; `code` is negative for a signal, None if unknown."""

    ended: Ended
    code: int | None = None
    seconds: float = 0.0
    strays: int = 0  # descendants that were still alive when it ended, and were killed
    stdout_bytes: int = 0
    stderr_bytes: int = 0
    dropped_bytes: int = 0  # output beyond the cap, read and thrown away
    long_lines: int = 0  # lines that were cut before they were parsed
    stderr_tail: str = ""
    error: str = ""  # why it could not be started


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one process, summed over all its models and turns; `input_tokens` is what no cache had part in."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    cache_write_1h_tokens: int = 0  # of those, what is kept for an hour and costs more

    def __add__(self, other: Usage) -> Usage:
        """Return the sum."""
        return Usage(*(getattr(self, name.name) + getattr(other, name.name) for name in fields(Usage)))

    @property
    def prompt_tokens(self) -> int:
        """Everything the model read: what was in its cache, what it wrote there, and the rest."""
        return self.input_tokens + self.cache_read_tokens + self.cache_write_tokens


@dataclass(frozen=True, slots=True)
class ModelPrice:
    """Dollars for a million tokens of a model, as a person gave them; a cache figure left out is that of input."""

    model: str
    input: float
    output: float
    cache_read: float | None = None
    cache_write: float | None = None
    cache_write_1h: float | None = None


@dataclass(frozen=True, slots=True)
class Cost:
    """Dollars and where the figure came from: `reported` by the agent, `derived` from prices, or `unknown`."""

    dollars: float | None = None
    source: str = "unknown"


@dataclass(frozen=True, slots=True)
class RateLimit:
    """The last `rate_limit_event` that was rejected; `resets_at` in epoch seconds, None when it did not say."""

    kind: str = ""
    resets_at: float | None = None


@dataclass(frozen=True, slots=True)
class Transcript:
    """What an agent's stream said, read once, by dialect; every field that was absent is empty or None."""

    agent_version: str = ""
    model: str = ""
    session_id: str = ""
    api_key_source: str = ""
    results: int = 0  # how many final `result` events came; 0 means it never finished by its own word
    is_error: bool = False  # of the last result
    text: str = ""  # the last result's text, or the last words of a text-only agent
    error_text: str = ""  # the error's own words: never prose of a good run
    api_error: str = ""  # e.g. usage_limit_reached, connection_failed
    api_status: int | None = None  # HTTP status of the error, or of the last retry when there was no result
    error_kind: str = ""  # e.g. authentication_failed, billing_error, rate_limit, overloaded
    terminal_reason: str = ""
    num_turns: int | None = None
    denials: tuple[str, ...] = ()  # tools that were denied
    rate_limit: RateLimit | None = None
    background_tasks: int = 0  # alive at the last word about them
    usage: Usage = field(default_factory=Usage)
    cost: Cost = field(default_factory=Cost)
    events: int = 0
    bad_lines: int = 0  # lines that were not JSON although the dialect is
    last_words: str = ""  # one line, for the live status
    notices: tuple[str, ...] = ()  # what the agent itself found worth telling, in sentences
    requests: int = 0  # of the model, as printed one by one; 0 when only a sum over them is known
    prefix: tuple[tuple[str, str], ...] = ()  # digests of what it sends before every prompt: tools, system


@dataclass(frozen=True, slots=True)
class Reply:
    """Everything that came back from one attempt's process."""

    exit: Exit
    transcript: Transcript = field(default_factory=Transcript)


class LimitKind(StrEnum):
    """Why no further attempt makes sense before something outside changes."""

    USAGE = "usage limit"  # a window that resets
    SPEND = "spend limit"  # monthly or organisation limit, disabled by an admin
    CREDIT = "credit"
    AUTH = "authentication"
    REFUSED = "refused to start"  # wrong flags, root refusal, bad settings: nothing ran


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit that ends the run; `resets_at` in epoch seconds where the agent said so; `text` in its own words."""

    kind: LimitKind
    text: str
    resets_at: float | None = None
    hint: str = ""


class FaultKind(StrEnum):
    """Somebody else's outage: never charged to a feature."""

    RATE = "rate limited"
    OVERLOAD = "overloaded"
    SERVER = "server error"
    NETWORK = "network"


@dataclass(frozen=True, slots=True)
class Fault:
    """A passing outage of the service or the network; `text` in the agent's words."""

    kind: FaultKind
    text: str


# --- verdicts -----------------------------------------------------------------------------------------------------


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


class Halt(Enum):
    """Why a run ended: exit code, the sentence for a person, and what to do next."""

    ALL_DONE = (0, "every feature asked for is done", "read the receipts: `harness status`")
    LIMIT_REACHED = (1, "the iteration or time limit is reached with work left", "run again to go on: `harness run`")
    CANNOT_START = (2, "it cannot start", "mend what the message names, then `harness run`")
    PAUSED = (3, "a HALT file is present", "go on with `harness resume`, then `harness run`")
    BLOCKED = (4, "a feature waits for a person", 'answer with `harness answer SLUG "text"`, then `harness run`')
    STUCK = (5, "attempts in a row brought no progress", "read `harness why`, improve the spec, then `harness resume`")
    QUOTA = (6, "the agent's service does not let us go on", "see the reason, then `harness resume`")
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
class Record:
    """What the journal remembers about one feature; grown event by event, never edited otherwise."""

    attempts: int = 0  # the highest number used, ever
    charged: int = 0  # attempts that count against max_attempts, since the last reset
    faults: int = 0  # attempts that somebody else's fault ended, ever: they are refunded, and counted all the same
    streak: int = 0  # attempts in a row without progress
    outcome: str = ""
    reason: str = ""
    observed: str = ""  # what the next prompt says harness saw
    failing: str = ""  # digest of the failing checks of the last red claim
    tree: str = ""  # fingerprint of the working tree after the last attempt
    answer: str = ""  # what a person answered since the last attempt
    question: str = ""
    marked: str = ""  # SHA-256 of the receipt or marker that the journal knows
    changed: set[str] = field(default_factory=set)  # files it changed since it was accepted last
    spent: Sum = Sum()
    seconds: float = 0.0
    accepted: dict[str, object] | None = None  # an `accepted` event that has no `marked` yet
    began: dict[str, object] | None = None  # an attempt that began and has not ended
    claim_pending: bool = False  # interrupted with its claim unchecked


class By(StrEnum):
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
class HaltRequest:
    """A HALT file, read: `now` when its first word is that; `by_harness` when harness wrote it; `gone` since."""

    path: Path
    now: bool
    text: str = ""
    by_harness: bool = False
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Rules:
    """The limits of a run. Durations in seconds, 0 for none."""

    stuck_limit: int = 3
    stuck_bytes: int = 32
    max_iterations: int = 200
    max_attempts: int = 30
    max_time: float = 0.0
    keep_going: bool = False
    fault_backoff: float = 15.0
    outage_limit: float = 7200.0
    fault_limit: int = 20
    on_limit: str = "halt"  # or wait
    max_cost: float = 0.0  # dollars, like those that follow
    max_cost_per_feature: float = 0.0
    max_cost_per_attempt: float = 0.0
    monthly_budget: float = 0.0
    monthly_stop: float = 0.9
    expected_cost: float = 0.5


Who = tuple[str, str]  # an agent and the model it was asked for, "" for its own choice


@dataclass(frozen=True, slots=True)
class Spend:
    """What was spent besides the features' own sums, and what attempts cost so far, newest last."""

    run: Sum = Sum()
    month: Sum = Sum()
    month_name: str = ""  # 2026-11, in UTC
    costs: tuple[tuple[Who, float], ...] = ()
    asked: Mapping[tuple[str | None, str | None], Who] = field(default_factory=dict)  # agent and model of a spec -> who


@dataclass(frozen=True, slots=True)
class Look:
    """Everything that the next decision depends on, read from disk at one moment."""

    features: tuple[Feature, ...]
    markers: Markers
    records: dict[str, Record]
    halt: HaltRequest | None = None
    interrupted: bool = False
    trip: Stop | None = None  # what the last attempt means for the run as a whole
    wait: Wait | None = None  # a limit that resets: nothing begins before
    iterations: int = 0  # charged in this run
    elapsed: float = 0.0  # seconds since the run began
    parked: frozenset[str] = frozenset()  # stuck in this run, set aside by --keep-going
    fresh_blocks: frozenset[str] = frozenset()  # blocked in this run
    spend: Spend = Spend()


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


class Claim(StrEnum):
    """What became of the agent's word that the feature is done."""

    NONE = "none"
    CONFIRMED = "confirmed"  # every check is green
    UNVERIFIED = "unverified"  # there are no checks: accepted on the agent's word
    RED = "red"  # a check failed
    UNFOUNDED = "unfounded"  # no checks, and the agent failed or wrote nothing into the marker
    PENDING = "pending"  # stopped before the checks were through: they run at the next start


@dataclass(frozen=True, slots=True)
class CheckRun:
    """One check, run: `code` is its exit code (negative for a signal), seconds its wall time, tail its last output."""

    command: str
    code: int | None
    seconds: float
    tail: str = ""
    timed_out: bool = False
    stopped: bool = False

    @property
    def green(self) -> bool:
        """Whether it passed."""
        return self.code == 0 and not self.timed_out and not self.stopped


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
    same_failure: bool = False  # the tree and the failing checks equal last time's
    failing: tuple[str, ...] = ()  # commands of the checks that failed
    stuck_bytes: int = 32
    crashed: bool = False  # the run it belonged to was killed


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome, why in one sentence, and what it counts as."""

    outcome: Outcome
    reason: str
    progress: bool  # resets the breaker
    charged: bool  # counts as an iteration and an attempt
