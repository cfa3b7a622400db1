"""Who tells a person what happens: the protocol that the loop speaks to; the terminal implements it."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol


class Tone(StrEnum):
    """How a line is meant, for colour and for --quiet."""

    PLAIN = "plain"
    GOOD = "good"
    NOTICE = "notice"  # something a person may want to know
    BAD = "bad"  # something that needs a person


class Narrator(Protocol):
    """Told a line per event; may show a live status below it."""

    def tell(self, line: str, tone: Tone) -> None:
        """Show one event, one line."""

    def began(self, title: str) -> None:
        """An attempt (or its checks) runs now under this title."""

    def says(self, words: str) -> None:
        """The agent said something, one line."""

    def cost(self, dollars: float | None) -> None:
        """The run has cost so many dollars so far; None while nothing is known."""

    def ended(self) -> None:
        """Nothing runs now."""


class Silent:
    """A narrator that says nothing."""

    def tell(self, line: str, tone: Tone) -> None:
        """Say nothing."""

    def began(self, title: str) -> None:
        """Say nothing."""

    def says(self, words: str) -> None:
        """Say nothing."""

    def cost(self, dollars: float | None) -> None:
        """Say nothing."""

    def ended(self) -> None:
        """Say nothing."""
