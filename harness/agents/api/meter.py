"""What an attempt has used and what that cost, by model, and where its line is. Pure but for the price list."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from harness.domain.reply import Usage

Price = Callable[[str, Usage], float | None]
_SOMETHING = Usage(1_000_000, 1_000_000)
NEARLY = 0.8  # of the line: there the agent is told to write its note


@dataclass(slots=True)
class Meter:
    """Adds up the calls of one attempt. `line` in dollars, None for none; `price` gives the dollars of one call."""

    price: Price
    line: float | None = None
    usage: dict[str, Usage] = field(default_factory=dict)
    dollars: dict[str, float] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)  # models that have no price
    uncounted: set[str] = field(default_factory=set)  # models of which nobody knows what they used
    last: float = 0.0  # dollars of the last call
    warned: bool = False

    def add(self, model: str, usage: Usage, asked: str = "", *, counted: bool = True) -> None:
        """Count one call; `asked` is what the model was asked for as, where the server has another name for it.

        `counted` says whether its usage is known; where it is not, the call of a model that costs nothing is known.
        """
        if asked and self.price(model, usage) is None:
            model = asked
        if not counted and self.price(model, _SOMETHING) != 0:
            self.uncounted.add(model)
        self.usage[model] = self.usage.get(model, Usage()) + usage
        cost = self.price(model, usage)
        if cost is None:
            self.unknown.add(model)
            return
        self.last = cost
        self.dollars[model] = self.dollars.get(model, 0.0) + cost

    @property
    def spent(self) -> float | None:
        """The dollars of all models; None when one has no price, or was not counted: unknown is never 0."""
        return None if self.unknown or self.uncounted else sum(self.dollars.values())

    def exhausted(self) -> str:
        """Return why no further call may be made, "" while one may: the next is taken to cost what the last did."""
        if self.line is None:
            return ""
        if self.unknown:
            return f"a budget is set, and the price of {', '.join(sorted(self.unknown))} is not known"
        if self.uncounted:
            return f"a budget is set, and what {', '.join(sorted(self.uncounted))} used is not known"
        spent = sum(self.dollars.values())
        if spent + self.last <= self.line:
            return ""
        return f"${spent:.4f} of ${self.line:.4f} is spent, and another call costs about ${self.last:.4f}"

    def warning(self) -> str:
        """Return, once, what the model is told when the line comes near."""
        spent = sum(self.dollars.values())
        if self.line is None or self.warned or spent + 3 * self.last < NEARLY * self.line:
            return ""
        self.warned = True
        return (
            "[harness] The budget of this step is nearly used up: append your progress note to the feature's log now."
        )
