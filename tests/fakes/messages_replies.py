"""What the scripted service can answer: turns, faults, answers that break off, and answers of something else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a turn says it used, where no cache account says it."""

    input: int = 1000
    output: int = 50
    cache_read: int = 300
    cache_write: int = 200


@dataclass(frozen=True, slots=True)
class Call:
    """One use of a tool. `spelled` is streamed in place of the input's JSON: torn, or cut short."""

    tool: str
    input: Mapping[str, Any]
    spelled: str | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """One whole answer: thinking, words, then tool calls.

    Without a `stop_reason` it is what the calls make it. `delay` in seconds before the first event, `pace` between two.
    """

    text: str = ""
    calls: tuple[Call, ...] = ()
    tokens: Tokens = Tokens()
    headers: Mapping[str, str] = field(default_factory=dict)
    thinking: str | None = None  # its text is shown where the request asks for it, its signature always
    stop_reason: str | None = None
    refusal: str | None = None  # the category in `stop_details`
    summary: str | None = None  # a compaction block with this content, and nothing else
    delay: float = 0.0
    pace: float = 0.0
    strange: bool = False  # events of types that nobody knows stand among the others

    @property
    def ending(self) -> str:
        """Its stop reason."""
        told = self.stop_reason or ("compaction" if self.summary is not None else None)
        return told or ("refusal" if self.refusal else "tool_use" if self.calls else "end_turn")


@dataclass(frozen=True, slots=True)
class Fault:
    """An HTTP error instead of an answer; `code` is what `details.error_code` names."""

    status: int
    kind: str
    message: str
    headers: Mapping[str, str] = field(default_factory=dict)
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Foreign:
    """The answer of something that is not the Messages API: a proxy's page, another service."""

    status: int
    content: str
    content_type: str = "text/html; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)


class How(Enum):
    """The ways an answer breaks off."""

    RESET = "the connection is reset"
    CLOSED = "the connection is closed, the body not finished"
    ENDED = "the body is finished, the message is not"
    ERROR = "an `error` event says what went wrong: overloaded, unless told"
    STALLED = "nothing more comes, and the connection stays open"
    PINGS = "pings come every 0.05 s, and nothing else ever"


@dataclass(frozen=True, slots=True)
class Broken:
    """An answer that breaks off `after` so many events of its stream; None: before the status line.

    So `Broken(How.STALLED, None)` accepts a request and never answers.
    """

    how: How
    after: int | None = 4
    turn: Turn = Turn("Let me have a look at that before I")
    fault: Fault = Fault(529, "overloaded_error", "Overloaded")  # what the event of How.ERROR says


Reply = Turn | Fault | Foreign | Broken
