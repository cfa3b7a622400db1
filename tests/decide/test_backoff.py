"""How long a run bears outages and limits, by table and by law."""

from __future__ import annotations

import pytest
from helpers.rules import rules_with
from hypothesis import given
from hypothesis import strategies as st

from harness.decide.backoff import (
    DEFAULT_FAULT_LIMIT,
    JITTER,
    after_failures,
    after_fault,
    after_limit,
    pick_agent,
    retry_time,
)
from harness.domain.halt import Halt, Stop
from harness.domain.look import Wait
from harness.domain.reply import FURTHEST, Limit, LimitKind
from harness.domain.rules import Rules

NOW = 1_795_266_900.0
WAITING = rules_with(on_limit="wait")


def limit(resets_at: float | None = NOW + 3600, kind: LimitKind = LimitKind.USAGE) -> Limit:
    return Limit(kind, "it is used up", resets_at, "wait")


@pytest.mark.parametrize(
    ("met", "rules", "limits", "halt", "says"),
    [
        pytest.param(limit(), rules_with(), 1, Halt.QUOTA, "it is used up", id="the default is to halt"),
        pytest.param(limit(None), WAITING, 1, Halt.QUOTA, "when it resets is not known", id="no reset"),
        pytest.param(limit(NOW), WAITING, 1, Halt.QUOTA, "when it resets is not known", id="a reset in the past"),
        pytest.param(limit(NOW + FURTHEST + 1), WAITING, 1, Halt.QUOTA, "is not known", id="a reset beyond belief"),
        pytest.param(limit(), WAITING, 20, Halt.QUOTA, "20 limits in a row", id="limit after limit"),
        pytest.param(limit(kind=LimitKind.SPEND), WAITING, 1, Halt.QUOTA, "spend limit", id="a spend limit"),
        pytest.param(limit(kind=LimitKind.CREDIT), WAITING, 1, Halt.QUOTA, "credit", id="credit"),
        pytest.param(limit(kind=LimitKind.AUTH), WAITING, 1, Halt.QUOTA, "authentication", id="authentication"),
        pytest.param(limit(kind=LimitKind.REFUSED), WAITING, 1, Halt.CANNOT_START, "refused", id="refused"),
    ],
)
def test_what_cannot_be_waited_for_halts(met: Limit, rules: Rules, limits: int, halt: Halt, says: str) -> None:
    stop = after_limit(met, [retry_time(met, NOW, 0.5)], limits, rules, NOW)
    assert isinstance(stop, Stop)
    assert (stop.halt, says in stop.because) == (halt, True)


kinds, jitters = st.sampled_from(LimitKind), st.floats(0, 1, exclude_max=True)
resets = st.none() | st.floats(NOW - 1e6, NOW + 2 * FURTHEST)


@given(kinds, resets, jitters, st.integers(1, 30), st.sampled_from([0, 3, 20]))
def test_no_call_comes_before_the_reset_nor_long_after(kind, resets_at, jitter, limits, fault_limit) -> None:
    met, rules = limit(resets_at, kind), rules_with(on_limit="wait", fault_limit=fault_limit)
    decision = after_limit(met, [retry_time(met, NOW, jitter)], limits, rules, NOW)
    if isinstance(decision, Wait):
        assert kind is LimitKind.USAGE
        assert limits < (fault_limit or DEFAULT_FAULT_LIMIT)
        assert resets_at is not None
        assert resets_at <= NOW + decision.seconds + 1e-3
        assert decision.seconds <= resets_at - NOW + JITTER


@given(st.dictionaries(st.sampled_from("abc"), st.none() | st.floats(0, 100)), st.floats(0, 100))
def test_no_agent_is_picked_before_its_limit_is_over_and_the_first_wins(closed, now) -> None:
    picked = pick_agent("abc", closed, now)
    is_open = [name for name in "abc" if name not in closed or (closed[name] is not None and closed[name] <= now)]
    assert picked == (is_open[0] if is_open else "")


@given(st.integers(1, 60), st.floats(0, 7199), st.floats(0, 0.999), st.sampled_from([0.0, 0.05, 15.0, 600.0]))
def test_a_wait_grows_is_capped_and_stays_within_the_outage(faults, outage, jitter, backoff) -> None:
    decision = after_fault(faults, outage, rules_with(fault_backoff=backoff, fault_limit=0), jitter, "busy")
    assert isinstance(decision, Wait)
    assert 0 <= decision.seconds <= max(270, backoff)
    assert outage + decision.seconds <= 7200


@pytest.mark.parametrize(("faults", "outage"), [(9, 7200), (20, 60)], ids=["too long", "too many in a row"])
def test_an_outage_that_goes_on_is_a_halt(faults: int, outage: float) -> None:
    assert after_fault(faults, outage, rules_with(), 0.0, "busy").halt is Halt.QUOTA


@pytest.mark.parametrize(
    ("reasons", "stops"),
    [
        pytest.param(["no such key"] * 2, False, id="twice"),
        pytest.param(["no such key"] * 3, True, id="three times"),
        pytest.param(["pid 41: at 0x7f", "pid 42: at 0x8a", "pid 43: at 0x9b"], True, id="numbers aside"),
        pytest.param(["a", "b", "a"], False, id="different"),
        pytest.param(["a", "b"] * 10, True, id="different, without an end"),
    ],
)
def test_failures_at_once_that_say_the_same_end_the_run(reasons: list[str], stops: bool) -> None:
    assert (after_failures(reasons, rules_with(fault_limit=0)) is not None) == stops
