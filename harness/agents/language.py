"""How the lines of one dialect are understood."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from harness.agents.draft import Draft, Event, Trouble
from harness.agents.error_patterns import ErrorTexts
from harness.domain.agent import CostSource


@dataclass(frozen=True, slots=True)
class Language:
    """A dialect, understood: `read` takes an event and changes the draft, and gives back words for a person."""

    read: Callable[[Event, Draft], str] | None  # None: plain text, of which nothing but the exit code says how it went
    status: str  # the pattern of an HTTP status in an error's own text; "" for none
    errors: ErrorTexts  # the words in which those who print it fail
    cost: CostSource  # whether its lines tell dollars, tokens or neither
    exit_status: Callable[[Trouble, int | None], Trouble] | None = None  # where the exit code holds an HTTP status

    def find_status(self, text: str) -> int | None:
        """Return the HTTP status in an error's own text; None if it names none."""
        return find_status(self.status, text)


def find_status(pattern: str, text: str) -> int | None:
    """Return the HTTP status where the pattern finds one; None if it does not."""
    found = re.search(pattern, text) if pattern else None
    return int(found[1]) if found else None
