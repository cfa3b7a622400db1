"""What came back from an attempt: stream, exit, usage, cost, and what stood in the way."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from enum import StrEnum

FURTHEST = 35 * 86_400.0  # seconds; no window of an account is longer than a month


# Endings that no window, no outage and no setup has a part in, though a retry or a status came before them.
OWN_ENDINGS = ("max_turns", "budget_exhausted", "prompt_too_long", "blocking_limit", "image_error", "refusal")


CACHE_LIFE = 270.0  # seconds; a wait below it keeps the model's prompt cache of five minutes warm


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
    counted: bool = True  # whether the usage can be believed; where not, what it cost is unknown
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
    """An outage of the service or the network: it never counts against a feature."""

    RATE = "rate limited"
    OVERLOAD = "overloaded"
    SERVER = "server error"
    NETWORK = "network"


@dataclass(frozen=True, slots=True)
class Fault:
    """A passing outage of the service or the network; `text` in the agent's words."""

    kind: FaultKind
    text: str
