"""Money, decided: what the next attempt may cost, and which line that would cross."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from pathlib import Path

import pytest
from helpers.rules import rules_with
from hypothesis import given
from hypothesis import strategies as st

from harness.decide.budget import Expected, expect, line_for, over, over_its_own, warnings
from harness.decide.budget import lines as lines_of
from harness.decide.next import standing_of, what_next
from harness.domain.feature import Feature
from harness.domain.halt import Halt, Stop
from harness.domain.look import FeatureHistory, Look, Markers, State, Work
from harness.domain.money import Spend, Sum
from harness.domain.rules import Rules

A = Feature("a", Path("a"))
CLAUDE, CODEX = ("claude", ""), ("codex", "gpt")
TEN = tuple((CLAUDE, cost / 10) for cost in range(1, 11))


@pytest.mark.parametrize(
    ("costs", "rules", "dollars", "because"),
    [
        pytest.param((), rules_with(), 0.5, "`expected_cost`: there is no history yet", id="no history"),
        pytest.param(
            TEN[:4], rules_with(expected_cost=2), 2, "`expected_cost`: there is no history yet", id="too little"
        ),
        pytest.param(TEN, rules_with(), 0.9, "9 of 10 here cost no more", id="p90"),
        pytest.param(TEN[:5], rules_with(), 0.5, "5 of 5 here cost no more", id="five are enough"),
        pytest.param(((CODEX, 9.0),) * 9 + TEN, rules_with(), 0.9, "9 of 10 here cost no more", id="the same model"),
        pytest.param(((CODEX, 9.0),) * 9 + TEN[:4], rules_with(), 9.0, "13 of 13 here cost no more", id="else all"),
        pytest.param(TEN, rules_with(max_cost_per_attempt=0.3), 0.3, "`max_cost_per_attempt`", id="it stops by itself"),
    ],
)
def test_what_the_next_attempt_is_expected_to_cost(costs, rules, dollars, because) -> None:
    spend = Spend(costs=costs, asked={(None, None): CLAUDE}, stopping=frozenset({"claude"}))
    expected = expect(spend, rules, A)
    assert (expected.dollars, expected.because) == (dollars, because)


NOVEMBER = {"month_name": "2026-11"}


@pytest.mark.parametrize(
    ("spend", "rules", "because"),
    [
        pytest.param(Spend(run=Sum(4.0, 4)), rules_with(max_cost=5), None, id="there is room"),
        pytest.param(Spend(run=Sum(4.5, 4)), rules_with(max_cost=5), None, id="just enough room"),
        pytest.param(
            Spend(run=Sum(4.6, 4)),
            rules_with(max_cost=5),
            "the run has cost $4.60 of $5.00 (`max_cost`), and the next attempt is expected to cost $0.50 "
            "(`expected_cost`: there is no history yet)",
            id="the next would cross it",
        ),
        pytest.param(
            Spend(run=Sum(5.1, 4)), rules_with(max_cost=5), "the run has cost $5.10 of $5.00 (`max_cost`)", id="reached"
        ),
        pytest.param(
            Spend(run=Sum(4.0, 4, 2)),
            rules_with(max_cost=5),
            "the run has cost $4.00 and 2 attempts of unknown cost, counted as $0.50 each: $5.00 of $5.00 (`max_cost`)",
            id="unknown counts as expected",
        ),
        pytest.param(
            Spend(month=Sum(89.5, 9), **NOVEMBER), rules_with(monthly_budget=100), None, id="a month has room"
        ),
        pytest.param(
            Spend(month=Sum(90.0, 9), **NOVEMBER),
            rules_with(monthly_budget=100),
            "the month 2026-11 has cost $90.00 of $100.00 (`monthly_budget`, where runs stop at 90%)",
            id="the month stops at its share",
        ),
        pytest.param(Spend(run=Sum(999.0, 1)), rules_with(), None, id="no line, no end"),
    ],
)
def test_a_run_ends_before_it_crosses_a_line(spend: Spend, rules: Rules, because: str | None) -> None:
    stop = over(spend, rules, A)
    assert (stop.because if stop else None) == because
    assert stop is None or (stop.halt is Halt.BUDGET and "raise `m" in stop.advice)


def test_the_month_says_when_the_next_begins() -> None:
    stop = over(Spend(month=Sum(90.0, 9), month_name="2026-12"), rules_with(monthly_budget=100), A)
    assert datetime.fromtimestamp(stop.resets_at, UTC) == datetime(2027, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("rules", "line"),
    [
        (rules_with(), None),
        (rules_with(max_cost_per_attempt=2), 2),
        (rules_with(max_cost=10), 6),
        (rules_with(max_cost=10, max_cost_per_feature=4), 3),
        (rules_with(max_cost=10, monthly_budget=100), 5),
        (rules_with(max_cost=10, max_cost_per_feature=4, max_cost_per_attempt=1), 1),
    ],
    ids=["none", "attempt", "run", "feature", "month", "the smallest"],
)
def test_an_attempt_s_own_line_is_what_is_left(rules: Rules, line: float | None) -> None:
    spend = Spend(run=Sum(4.0, 4), month=Sum(85.0, 99))
    assert line_for(A, Sum(1.0, 1), spend, rules) == line


@pytest.mark.parametrize(("spent", "told"), [(3.9, []), (4.0, ["max_cost"]), (5.0, ["max_cost"])])
def test_four_fifths_of_a_line_are_told(spent: float, told: list[str]) -> None:
    found = lines_of(Spend(run=Sum(spent, 1)), rules_with(max_cost=5))
    assert [line.setting for line, _ in warnings(found, Expected(0.5, ""))] == told


def look(*slugs: str, rich: frozenset[str] = frozenset(), **given) -> Look:
    histories = {slug: FeatureHistory(attempts=1, spent=Sum(9.0, 1)) for slug in rich}
    features = tuple(Feature(slug, Path(slug)) for slug in slugs)
    return Look(features, given.pop("markers", Markers()), histories, **given)


PER_FEATURE = rules_with(max_cost_per_feature=5)


def test_a_feature_over_its_line_has_a_word_of_its_own() -> None:
    standing = standing_of(A, look("a", rich=frozenset("a")), PER_FEATURE)
    assert standing.state is State.OVER_BUDGET
    assert standing.because == "it has cost $9.00 of $5.00 (`max_cost_per_feature`)"


@pytest.mark.parametrize(
    ("seen", "rules", "halt"),
    [
        pytest.param(look("a", "b", rich=frozenset("a")), PER_FEATURE, Halt.BUDGET, id="one feature halts the run"),
        pytest.param(
            look("a", rich=frozenset("a"), pending_stop=Stop(Halt.QUOTA, "x")), PER_FEATURE, Halt.QUOTA, id="6 before 7"
        ),
        pytest.param(
            look("a", "b", rich=frozenset("a"), markers=Markers(blocked=frozenset("b"))),
            rules_with(max_cost_per_feature=5, keep_going=True),
            Halt.BUDGET,
            id="7 before 4 at the end",
        ),
        pytest.param(
            look("a", "b", rich=frozenset("a"), iterations=9),
            rules_with(max_cost_per_feature=5, keep_going=True, max_iterations=9),
            Halt.BUDGET,
            id="7 before 1",
        ),
        pytest.param(look("a", spend=Spend(run=Sum(5, 1))), rules_with(max_cost=5), Halt.BUDGET, id="the run's line"),
        pytest.param(
            look("a", spend=Spend(run=Sum(5, 1)), markers=Markers(done=frozenset("a"))),
            rules_with(max_cost=5),
            Halt.ALL_DONE,
            id="done wins",
        ),
    ],
)
def test_where_the_budget_stands_in_the_order_of_halts(seen: Look, rules: Rules, halt: Halt) -> None:
    assert what_next(seen, rules).halt is halt


def test_keep_going_goes_on_with_features_that_have_money_left() -> None:
    decision = what_next(look("a", "b", rich=frozenset("a")), rules_with(max_cost_per_feature=5, keep_going=True))
    assert isinstance(decision, Work)
    assert decision.feature.slug == "b"


dollars = st.floats(0, 20, allow_nan=False)


@given(st.lists(dollars, max_size=60), st.floats(0.01, 50), dollars)
def test_a_line_is_crossed_by_no_more_than_the_last_attempt_cost_above_what_was_expected(real, limit, stated) -> None:
    rules, spent, costs, excess = rules_with(max_cost=limit, expected_cost=stated), Sum(), (), 0.0
    for cost in real:
        spend = Spend(run=spent, costs=costs)
        if over(spend, rules, A) is not None:
            break
        excess = max(0.0, cost - expect(spend, rules, A).dollars)
        spent, costs = spent.plus(cost), (*costs, (CLAUDE, cost))
    assert spent.dollars <= limit + excess + 1e-6


@given(st.lists(st.none() | dollars, max_size=20), st.floats(0.01, 50))
def test_an_attempt_of_unknown_cost_never_leaves_more_to_spend(costs, limit) -> None:
    spent = Sum()
    for cost in costs:
        spent = spent.plus(cost)
    rules, more = rules_with(max_cost=limit), spent.plus(None)
    assert line_for(A, Sum(), Spend(run=more), rules) <= line_for(A, Sum(), Spend(run=spent), rules)
    assert over(Spend(run=spent), rules, A) is None or over(Spend(run=more), rules, A) is not None
    assert math.isclose(more.dollars, spent.dollars)


@given(dollars, st.floats(0.01, 50))
def test_a_feature_is_over_its_line_or_has_a_line_left(spent, limit) -> None:
    rules, sum_ = rules_with(max_cost_per_feature=limit), Sum(spent, 1)
    assert over_its_own(A, sum_, Spend(), rules) is not None or line_for(A, sum_, Spend(), rules) > 0
