"""Who hears what happens: the protocols that a run speaks to; `listeners` implements them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeVar

_Event = TypeVar("_Event", contravariant=True)


class Tone(StrEnum):
    """How a line is meant, for colour and for --quiet."""

    PLAIN = "plain"
    GOOD = "good"
    NOTICE = "notice"  # something a person may want to know
    BAD = "bad"  # something that needs a person


class Narrator(Protocol):
    """Told a line per event; may show a live status below it. What has a key may come from any thread."""

    def tell(self, line: str, tone: Tone) -> None:
        """Show one event, one line."""

    def began(self, key: str, title: str) -> None:
        """What the key stands for (an attempt, a wait) is at this now; a title before it is over."""

    def says(self, key: str, words: str) -> None:
        """The agent at work there said something, one line."""

    def cost(self, dollars: float | None) -> None:
        """The run has cost so many dollars so far; None while nothing is known."""

    def ended(self, key: str) -> None:
        """It is over, for now or for good."""


class Silent:
    """A narrator that says nothing."""

    def tell(self, line: str, tone: Tone) -> None:
        """Say nothing."""

    def began(self, key: str, title: str) -> None:
        """Say nothing."""

    def says(self, key: str, words: str) -> None:
        """Say nothing."""

    def cost(self, dollars: float | None) -> None:
        """Say nothing."""

    def ended(self, key: str) -> None:
        """Say nothing."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A channel that did not take a message, and why; without its address."""

    channel: str
    why: str
    told: str = ""  # the kind of message


class Messenger(Protocol[_Event]):
    """Told every event of the journal; sends a message outside for those that people want to hear of at once."""

    def hear(self, event: _Event) -> list[Failure]:
        """Send what this event means to people outside, if anything; return the channels that failed."""

    def problem(self) -> str:
        """Return what keeps a channel from ever being reached, "" when nothing is known to."""


class NoMessages:
    """A messenger with nobody to tell."""

    def hear(self, event: object) -> list[Failure]:
        """Send nothing."""
        return []

    def problem(self) -> str:
        """Nothing is sent, so nothing is in the way."""
        return ""
