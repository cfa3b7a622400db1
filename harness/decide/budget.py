"""Decisions about money: what was spent, what the next attempt may cost, and which budget that would exceed. Pure.

An attempt whose cost nobody knows counts as the expected cost: unknown is never 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from harness.domain.feature import Feature
from harness.domain.halt import Halt, Stop
from harness.domain.money import Spend, Sum, Who
from harness.domain.rules import Rules
from harness.domain.text import counted
from harness.domain.units import end_of_month, format_dollars

WARN_AT = 0.8  # of a line
ENOUGH = 5  # attempts of known cost that say what the next may cost
_HAIR = 1e-9  # dollars: sums of floats are not exact


@dataclass(frozen=True, slots=True)
class Expected:
    """What the next attempt is expected to cost, in dollars, and where that comes from."""

    dollars: float
    because: str
    stated: bool = False  # by the setting: there is no history yet


@dataclass(frozen=True, slots=True)
class Line:
    """A limit in dollars: the setting it comes from, whose sum it bounds, and where in it the spending stops."""

    setting: str
    whose: str
    spent: Sum
    limit: float
    share: float = 1.0
    reserved: float = 0.0  # dollars for what is in flight

    @property
    def stop(self) -> float:
        """The dollars beyond which nothing is begun."""
        return self.limit * self.share


# --- what the next attempt costs ----------------------------------------------------------------------------------


def expect(spend: Spend, rules: Rules, feature: Feature | None = None) -> Expected:
    """Return the p90 of what attempts here cost: of the same agent and model if they are enough, else of all."""
    who = _who(spend, feature)
    same = [dollars for one, dollars in spend.costs if one == who]
    costs = same if len(same) >= ENOUGH else [dollars for _, dollars in spend.costs]
    if len(costs) < ENOUGH:
        expected = Expected(rules.expected_cost, "`expected_cost`: there is no history yet", stated=True)
    else:
        dollars = sorted(costs)[math.ceil(0.9 * len(costs)) - 1]
        within = sum(cost <= dollars for cost in costs)
        expected = Expected(dollars, f"{within} of {len(costs)} here cost no more")
    cap = rules.max_cost_per_attempt
    if cap and cap < expected.dollars and who is not None and who[0] in spend.stopping:
        return Expected(cap, "`max_cost_per_attempt`")
    return expected


def _who(spend: Spend, feature: Feature | None) -> Who | None:
    return None if feature is None else spend.asked.get((feature.agent, feature.model))


# --- the lines ----------------------------------------------------------------------------------------------------


def has_budget(rules: Rules) -> bool:
    """Whether any limit in dollars is set."""
    return bool(rules.max_cost or rules.max_cost_per_feature or rules.max_cost_per_attempt or rules.monthly_budget)


def lines(spend: Spend, rules: Rules) -> list[Line]:
    """Return the lines of the run as a whole."""
    found = []
    if rules.max_cost:
        found.append(Line("max_cost", "the run", spend.run, rules.max_cost, reserved=spend.reserved))
    if rules.monthly_budget:
        whose = f"the month {spend.month_name}".strip()
        share = rules.monthly_stop
        found.append(Line("monthly_budget", whose, spend.month, rules.monthly_budget, share, spend.reserved))
    return found


def line_of(slug: str, spent: Sum, rules: Rules) -> list[Line]:
    """Return the line of a feature, none where none is set."""
    limit = rules.max_cost_per_feature
    return [Line("max_cost_per_feature", slug, spent, limit)] if limit else []


def amount(spent: Sum, expected: Expected) -> float:
    """Return what a sum counts as: an attempt of unknown cost is taken to have cost what is expected of the next."""
    return spent.dollars + spent.unknown * expected.dollars


def over(spend: Spend, rules: Rules, feature: Feature | None) -> Stop | None:
    """Return the halt when a line of the run is reached, or the feature's next attempt is expected to cross it.

    Without a feature there is no next attempt: only what is spent already counts.
    """
    expected = expect(spend, rules, feature)
    for line in lines(spend, rules):
        if _crossed(line, expected, begins=feature is not None):
            return Stop(
                Halt.BUDGET,
                _explain(line, expected),
                advice=_advise(line, expected),
                resets_at=end_of_month(spend.month_name)
                if line.setting == "monthly_budget" and spend.month_name
                else None,
                sums=say_sums(lines(spend, rules), expected),
            )
    return None


def over_its_own(feature: Feature, spent: Sum, spend: Spend, rules: Rules) -> str | None:
    """Return why a feature has no money for another attempt, None while it has."""
    for line in line_of(feature.slug, spent, rules):
        expected = expect(spend, rules, feature)
        if _crossed(line, expected, begins=True):
            return _explain(line, expected, whose="it")
    return None


def stop_for(feature: Feature, spent: Sum, spend: Spend, rules: Rules) -> Stop:
    """Return the halt for a feature that is over its own line."""
    expected, line = expect(spend, rules, feature), line_of(feature.slug, spent, rules)[0]
    because = _explain(line, expected)
    every = [line, *lines(spend, rules)]
    return Stop(Halt.BUDGET, because, feature.slug, _advise(line, expected), sums=say_sums(every, expected))


def line_for(feature: Feature, spent: Sum, spend: Spend, rules: Rules) -> float | None:
    """Return the dollars that the feature's next attempt may cost at most, None where nothing bounds it."""
    expected = expect(spend, rules, feature)
    every = [*lines(spend, rules), *line_of(feature.slug, spent, rules)]
    left = [line.stop - amount(line.spent, expected) - line.reserved for line in every]
    left += [rules.max_cost_per_attempt] if rules.max_cost_per_attempt else []
    return max(0.0, min(left)) if left else None


def warnings(found: Iterable[Line], expected: Expected) -> list[tuple[Line, str]]:
    """Return the lines of which four fifths are spent, each with a sentence."""
    near = [line for line in found if amount(line.spent, expected) >= WARN_AT * line.limit - _HAIR]
    return [(line, f"budget: {_say(line, expected)}") for line in near]


def _crossed(line: Line, expected: Expected, *, begins: bool) -> bool:
    spent = amount(line.spent, expected)
    return spent >= line.stop - _HAIR or (begins and spent + line.reserved + expected.dollars > line.stop + _HAIR)


# --- in words -----------------------------------------------------------------------------------------------------


def say_sums(found: Iterable[Line], expected: Expected) -> tuple[str, ...]:
    """Return what was spent of each line, and what the next attempt is expected to cost, a sentence each."""
    said = [_say(line, expected) for line in found]
    return (*said, f"the next attempt is expected to cost {format_dollars(expected.dollars)} ({expected.because})")


def _explain(line: Line, expected: Expected, *, whose: str = "") -> str:
    said = _say(line, expected, whose)
    if amount(line.spent, expected) >= line.stop - _HAIR:
        return said
    return f"{said}, and the next attempt is expected to cost {format_dollars(expected.dollars)} ({expected.because})"


def _say(line: Line, expected: Expected, whose: str = "") -> str:
    stops = f", where runs stop at {line.share:.0%}" if line.share < 1 else ""
    total = f"{format_dollars(amount(line.spent, expected))} of {format_dollars(line.limit)} (`{line.setting}`{stops})"
    if not line.spent.unknown:
        return f"{whose or line.whose} has cost {total}"
    guessed = f"{counted(line.spent.unknown, 'attempt')} of unknown cost, counted as {format_dollars(expected.dollars)}"
    each = " each" if line.spent.unknown > 1 else ""
    return f"{whose or line.whose} has cost {format_dollars(line.spent.dollars)} and {guessed}{each}: {total}"


def _advise(line: Line, expected: Expected) -> str:
    lower = ""
    if expected.stated and expected.dollars > line.stop - amount(line.spent, expected) > 0:
        lower = f", or lower `expected_cost` if an attempt costs less than {format_dollars(expected.dollars)}"
    if line.setting == "max_cost_per_feature":
        lower += ", or go on with the others by `--keep-going`"
    again = "; a new run may cost as much again" if line.setting == "max_cost" and line.spent.known else ""
    return f"raise `{line.setting}`{lower}, then `harness resume`, then `harness run`{again}"
