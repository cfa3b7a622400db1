"""Money, decided: what the next attempt may cost, and which line that would cross."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from pathlib import Path

import pytest
from helpers.rules import rules_with
from hypothesis import given
from hypothesis import strategies as st

from harness.decide.budget import (
    Expected,
    Line,
    amount,
    expect,
    has_budget,
    line_for,
    line_of,
    over,
    over_its_own,
    say_sums,
    stop_for,
    warnings,
)
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


# --- to the cent --------------------------------------------------------------------------------------------------

EXACTLY = Expected(1.0, "x")


def line(spent: float = 0.0, limit: float = 10.0, **given) -> Line:
    return Line("max_cost", "the run", Sum(spent, 1), limit, **given)


@pytest.mark.parametrize(
    ("who", "stopping", "cap", "dollars"),
    [
        (CLAUDE, "claude", 0.3, 0.3),
        (CLAUDE, "claude", 0.9, 0.9),
        (CLAUDE, "claude", 2.0, 0.9),
        (CLAUDE, "codex", 0.3, 0.9),
        (None, "claude", 0.3, 0.9),
    ],
)
def test_an_attempt_that_ends_at_its_line_costs_no_more(who, stopping, cap, dollars) -> None:
    spend = Spend(costs=TEN, asked={(None, None): who} if who else {}, stopping=frozenset({stopping}))
    expected = expect(spend, rules_with(max_cost_per_attempt=cap), A)
    assert (expected.dollars, "max_cost_per_attempt" in expected.because) == (dollars, dollars < 0.9)


def test_what_is_expected_is_stated_only_where_there_is_no_history() -> None:
    assert expect(Spend(), rules_with(), A).stated is True
    assert expect(Spend(costs=TEN), rules_with(), A).stated is False
    nine = ((CODEX, 9.0),) * 9 + TEN[:5]
    assert expect(Spend(costs=nine, asked={(None, None): CLAUDE}), rules_with(), A).dollars == 0.5
    assert expect(Spend(costs=nine, asked={(None, None): CLAUDE}), rules_with()).dollars == 9.0


@pytest.mark.parametrize("name", ["max_cost", "max_cost_per_feature", "max_cost_per_attempt", "monthly_budget"])
def test_any_limit_in_dollars_is_a_budget(name: str) -> None:
    assert has_budget(rules_with(**{name: 1})) is True
    assert has_budget(rules_with()) is False


def test_the_lines_of_a_run() -> None:
    spend = Spend(run=Sum(1, 1), month=Sum(2, 2), month_name="2026-11", reserved=3.0)
    rules = rules_with(max_cost=5, monthly_budget=100, max_cost_per_feature=4)
    assert lines_of(spend, rules) == [
        Line("max_cost", "the run", Sum(1, 1), 5, 1.0, 3.0),
        Line("monthly_budget", "the month 2026-11", Sum(2, 2), 100, 0.9, 3.0),
    ]
    assert lines_of(Spend(), rules)[1].whose == "the month"
    assert line_of("a", Sum(3, 1), rules) == [Line("max_cost_per_feature", "a", Sum(3, 1), 4, 1.0, 0.0)]
    assert (lines_of(spend, rules_with()), line_of("a", Sum(), rules_with())) == ([], [])
    assert amount(Sum(3, 1, 2), EXACTLY) == 5.0


@pytest.mark.parametrize(
    ("spent", "reserved", "limit", "feature", "ends"),
    [
        (4.5, 0.0, 5, A, False),
        (4.51, 0.0, 5, A, True),
        (4.0, 0.5, 5, A, False),
        (4.0, 0.51, 5, A, True),
        (4.51, 0.0, 5, None, False),
        (4.0, 9.0, 5, None, False),
        (5.0, 0.0, 5, None, True),
        (4.0, 0.0, 3, None, True),
        (0.1 + 0.2 + 4.2, 0.0, 5, A, False),
        (4.9999999999, 0.0, 5, None, True),
    ],
)
def test_what_is_in_flight_counts_for_the_next_attempt_alone(spent, reserved, limit, feature, ends) -> None:
    spend = Spend(run=Sum(spent, 9), reserved=reserved)
    assert (over(spend, rules_with(max_cost=limit), feature) is not None) is ends


def test_only_the_month_says_when_the_next_begins() -> None:
    spend = Spend(run=Sum(9, 1), month=Sum(90.0, 9), month_name="2026-12")
    assert over(spend, rules_with(max_cost=5), A).resets_at is None
    unnamed = Spend(month=Sum(90.0, 9))
    assert over(unnamed, rules_with(monthly_budget=100), A).resets_at is None


def test_the_halt_gives_every_sum() -> None:
    spend = Spend(run=Sum(5, 1), month=Sum(2, 2), month_name="2026-11")
    rules = rules_with(max_cost=5, monthly_budget=100, max_cost_per_feature=4)
    ends = ["(`max_cost`)", "stop at 90%)", "is expected to cost $0.50 (`expected_cost`: there is no history yet)"]
    said = over(spend, rules, A).sums
    assert [one.endswith(end) for one, end in zip(said, ends, strict=True)] == [True] * 3, said
    stop = stop_for(A, Sum(4, 1), spend, rules)
    assert (stop.halt, stop.slug, stop.because) == (
        Halt.BUDGET,
        "a",
        "a has cost $4.00 of $4.00 (`max_cost_per_feature`)",
    )
    assert stop.sums == (stop.because, *said)
    assert stop_for(A, Sum(3.8, 1), spend, rules).because.endswith("no history yet)")


@pytest.mark.parametrize(
    ("spent", "why"),
    [
        (Sum(3.5, 9), None),
        (Sum(3.6, 9), "it has cost $3.60 of $4.00 (`max_cost_per_feature`), and the next attempt is expected"),
        (Sum(4.0, 9), "it has cost $4.00 of $4.00 (`max_cost_per_feature`)"),
        (Sum(3.5, 9, 1), "it has cost $3.50 and 1 attempt of unknown cost, counted as $0.50: $4.00 of"),
        (Sum(3.0, 9, 2), "it has cost $3.00 and 2 attempts of unknown cost, counted as $0.50 each: $4.00 of"),
    ],
)
def test_why_a_feature_has_no_money_left(spent: Sum, why: str | None) -> None:
    said = over_its_own(A, spent, Spend(), rules_with(max_cost_per_feature=4))
    assert said == why if why is None or said is None else said.startswith(why)
    assert said is None or ("expected to cost" in said) == (spent.dollars == 3.6)


def test_what_is_in_flight_is_taken_from_what_is_left() -> None:
    assert line_for(A, Sum(), Spend(run=Sum(4, 1), reserved=1.5), rules_with(max_cost=10)) == 4.5
    assert line_for(A, Sum(), Spend(run=Sum(11, 1)), rules_with(max_cost=10)) == 0.0


def test_a_warning_says_the_sum() -> None:
    (told,) = warnings([line(8.0), line(7.9)], EXACTLY)
    assert told == (line(8.0), "budget: the run has cost $8.00 of $10.00 (`max_cost`)")
    assert warnings([line(0.8 * 3, 3)], EXACTLY) != []
    assert "where runs stop at 50%" in warnings([line(8.0, share=0.5)], EXACTLY)[0][1]


def test_sums_are_said_before_what_is_expected() -> None:
    said = say_sums([line(1.0), line(2.0)], EXACTLY)
    assert [one[:30] for one in said] == [
        "the run has cost $1.00 of $10.",
        "the run has cost $2.00 of $10.",
        "the next attempt is expected t",
    ]
    assert said[-1].endswith("$1.00 (x)")


@pytest.mark.parametrize(
    ("spent", "rules", "feature", "advice"),
    [
        (Sum(4.6, 1), rules_with(max_cost=5), A, "lower-again"),
        (Sum(4.6), rules_with(max_cost=5), A, "lower"),
        (Sum(5.0, 1), rules_with(max_cost=5), A, "again"),
        (Sum(5.1), rules_with(max_cost=5), A, ""),
    ],
)
def test_the_advice_names_every_setting_that_helps(spent, rules, feature, advice) -> None:
    said = over(Spend(run=spent), rules, feature).advice
    assert said.startswith("raise `max_cost`")
    assert (", or lower `expected_cost` if an attempt costs less than $0.50" in said) == ("lower" in advice)
    assert said.endswith("; a new run may cost as much again" if "again" in advice else "then `harness run`")
    assert "--keep-going" not in said


def test_what_was_learned_from_history_is_not_advised_to_be_lowered() -> None:
    spend = Spend(run=Sum(4.5, 9), costs=TEN)
    assert "expected_cost" not in over(spend, rules_with(max_cost=5), A).advice
    reserved = Spend(run=Sum(4.0, 9), reserved=0.9)
    assert "expected_cost" not in over(reserved, rules_with(max_cost=5), A).advice
    exact = Spend(run=Sum(4.5, 9), reserved=0.9)
    assert "expected_cost" not in over(exact, rules_with(max_cost=5), A).advice


def test_a_feature_over_its_line_may_be_passed_over() -> None:
    advice = stop_for(A, Sum(4, 1), Spend(), rules_with(max_cost_per_feature=4)).advice
    assert advice.startswith("raise `max_cost_per_feature`, or go on with the others by `--keep-going`, then ")
    month = Spend(month=Sum(95.0, 9), month_name="2026-11")
    said = over(month, rules_with(monthly_budget=100), A).advice
    assert said.startswith("raise `monthly_budget`, then ") and said.endswith("then `harness run`")
