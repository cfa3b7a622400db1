"""How long a run bears outages and limits, by table and by law."""

from __future__ import annotations

from dataclasses import replace

import pytest
from helpers.rules import rules_with
from hypothesis import given
from hypothesis import strategies as st

from harness.decide.backoff import (
    DEFAULT_FAULT_LIMIT,
    JITTER,
    Turn,
    after_failures,
    after_fault,
    after_limit,
    is_believed,
    meet_limit,
    pick_agent,
    retry_time,
    take_turn,
)
from harness.domain.halt import Halt, Stop
from harness.domain.look import Wait
from harness.domain.reply import CACHE_LIFE, FURTHEST, Limit, LimitKind
from harness.domain.rules import Rules

NOW = 1_795_266_900.0
WAITING, UNLIMITED = rules_with(on_limit="wait"), rules_with(on_limit="wait", fault_limit=0)


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


# --- to the second ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("faults", "outage", "jitter", "rules", "seconds"),
    [
        pytest.param(1, 0, 0, rules_with(fault_backoff=15), 15, id="the first"),
        pytest.param(2, 0, 0, rules_with(fault_backoff=15), 30, id="the second"),
        pytest.param(4, 0, 0, rules_with(fault_backoff=15), 120, id="the fourth"),
        pytest.param(9, 0, 0, rules_with(fault_backoff=15), CACHE_LIFE, id="within the life of a cache"),
        pytest.param(9, 0, 0, rules_with(fault_backoff=600), 600, id="or what is set"),
        pytest.param(2, 0, 0.5, rules_with(fault_backoff=16), 28, id="less some jitter"),
        pytest.param(4, 7190, 0, rules_with(fault_backoff=15), 10, id="to the end of the outage"),
        pytest.param(4, 9999, 0, rules_with(fault_backoff=15, outage_limit=0), 120, id="an outage without an end"),
        pytest.param(5_000, 0, 0, rules_with(fault_backoff=15, fault_limit=0), CACHE_LIFE, id="faults without an end"),
    ],
)
def test_the_wait_after_a_fault(faults: int, outage: float, jitter: float, rules: Rules, seconds: float) -> None:
    assert after_fault(faults, outage, rules, jitter, "busy") == Wait(seconds, "busy")


@pytest.mark.parametrize(
    ("faults", "outage", "says"),
    [(9, 7200, "`outage_limit`: busy"), (20, 60, "20 faults in a row (`fault_limit`), the last one: busy")],
)
def test_the_end_of_an_outage_says_which_setting_ends_it(faults: int, outage: float, says: str) -> None:
    assert after_fault(faults, outage, rules_with(), 0.0, "busy").because.endswith(says)


@pytest.mark.parametrize(
    ("resets_at", "at"),
    [(NOW + 1, NOW + 31), (NOW + FURTHEST, NOW + FURTHEST + 30), (NOW + FURTHEST + 1, None), (NOW, None), (None, None)],
)
def test_an_agent_may_be_asked_again_within_a_minute_of_the_reset(resets_at: float | None, at: float | None) -> None:
    assert retry_time(limit(resets_at), NOW, 0.5) == at
    assert retry_time(limit(resets_at, LimitKind.SPEND), NOW, 0.5) is None
    assert JITTER == 60


@pytest.mark.parametrize(
    ("moment", "believed"),
    [(NOW, False), (NOW + 0.5, True), (NOW + FURTHEST + JITTER, True), (NOW + FURTHEST + JITTER + 1, False)],
)
def test_a_moment_is_believed_if_it_lies_ahead_and_not_too_far(moment: float, believed: bool) -> None:
    assert is_believed(moment, NOW) is believed


@pytest.mark.parametrize(
    ("kind", "opens", "limits", "rules", "decision"),
    [
        pytest.param("usage", [NOW + 9, NOW + 5, None], 1, WAITING, Wait(5, "USED", NOW + 5), id="the first"),
        pytest.param("usage", [NOW + 9, NOW, NOW - 1], 1, WAITING, Wait(9, "USED", NOW + 9), id="none in the past"),
        pytest.param("usage", [NOW + 9], 2, WAITING, Wait(9, "USED", NOW + 9), id="again"),
        pytest.param("spend", [NOW + 9], 1, WAITING, Wait(9, "USED", NOW + 9), id="another agent opens"),
        pytest.param("usage", [NOW + 9], 3, rules_with(on_limit="wait", fault_limit=3), "; 3 limits", id="too many"),
        pytest.param("usage", [NOW + 9], 19, UNLIMITED, Wait(9, "USED", NOW + 9), id="19"),
        pytest.param("usage", [NOW + 9], 20, UNLIMITED, "; 20 limits", id="20"),
        pytest.param("usage", [], 1, WAITING, "; when it resets is not known", id="nobody knows"),
        pytest.param("spend", [None], 1, WAITING, "USED", id="of what has no reset"),
        pytest.param("usage", [NOW + 9], 1, rules_with(), "USED", id="the default"),
        pytest.param("refused", [NOW + 9], 1, WAITING, "USED", id="refused"),
    ],
)  # fmt: skip
def test_a_limit_is_waited_for_or_ends_the_run(kind, opens, limits, rules, decision) -> None:
    met = limit(kind=LimitKind[kind.upper()])
    found, used = after_limit(met, opens, limits, rules, NOW), f"{met.kind}: it is used up"
    if isinstance(decision, Wait):
        assert found == replace(decision, because=used)
    else:
        assert found.because.startswith(used + decision.removeprefix("USED"))
        assert (found.because == used) == (decision == "USED")
        assert (found.advice, found.resets_at) == ("wait", NOW + 3600)


# --- a chain of agents --------------------------------------------------------------------------------------------

USAGE, REFUSED = limit(), limit(kind=LimitKind.REFUSED)


def chain(worker: str = "a", **given) -> Turn:
    return Turn(("a", "b", "c"), worker, **given)


def test_a_turn_begins_without_limits_and_passes_to_who_is_in_the_chain() -> None:
    assert chain() == Turn(("a", "b", "c"), "a", {}, 0, None, None)
    assert chain().passed_to("b") == chain("b")
    assert chain().passed_to("x") == chain()


@pytest.mark.parametrize(
    ("closed", "cannot", "worker", "still"),
    [
        pytest.param({}, "", "a", {}, id="none is closed"),
        pytest.param({"a": NOW + 1}, "", "b", {"a": NOW + 1}, id="the next"),
        pytest.param({"a": None, "b": NOW + 1}, "", "c", {"a": None, "b": NOW + 1}, id="the one after it"),
        pytest.param({"a": None}, "b", "c", {"a": None, "b": None}, id="one cannot start"),
        pytest.param({"a": NOW + 1}, "bc", "a", {"a": NOW + 1, "b": None, "c": None}, id="none can start"),
        pytest.param({"a": NOW + 1, "b": NOW - 1}, "", "b", {"a": NOW + 1}, id="one that is open again"),
        pytest.param(
            {"a": None, "b": None, "c": None}, "", "a", {"a": None, "b": None, "c": None}, id="all are closed"
        ),
    ],
)
def test_the_turn_is_the_first_s_that_is_open_and_can_start(closed, cannot, worker, still) -> None:
    turn = take_turn(chain(closed_until=closed), NOW, lambda name: name not in cannot)
    assert turn == chain(worker, closed_until=still)


def test_the_first_takes_its_turn_back_when_it_is_open_again() -> None:
    assert take_turn(chain("b", closed_until={"a": NOW}), NOW, bool) == chain("a")


HALTED = Stop(Halt.QUOTA, f"{USAGE.kind}: it is used up", advice="wait", resets_at=NOW + 3600)
OPENS = NOW + 100


@pytest.mark.parametrize(
    ("turn", "met", "rules", "can_start", "after"),
    [
        pytest.param(chain(), USAGE, WAITING, bool, chain("b", closed_until={"a": OPENS}, limits=1), id="the next"),
        pytest.param(
            chain(closed_until={"b": NOW + 50, "c": None}), USAGE, WAITING, bool,
            chain(closed_until={"a": OPENS, "b": NOW + 50, "c": None}, limits=1,
                  wait=Wait(50, HALTED.because, NOW + 50)),
            id="a wait for the first that opens",
        ),
        pytest.param(
            chain(), USAGE, WAITING, None, chain(limits=1, wait=Wait(100, HALTED.because, OPENS)), id="its own agent"
        ),
        pytest.param(
            chain(closed_until={"b": NOW + 50}), USAGE, WAITING, None,
            chain(closed_until={"b": NOW + 50}, limits=1, wait=Wait(100, HALTED.because, OPENS)), id="it alone"
        ),
        pytest.param(
            chain(), USAGE, rules_with(), lambda name: False,
            chain(closed_until={"a": OPENS, "b": None, "c": None}, limits=1, stop=HALTED), id="none can start",
        ),
        pytest.param(
            chain(), REFUSED, WAITING, bool,
            chain(limits=1, stop=replace(HALTED, halt=Halt.CANNOT_START, because=f"{REFUSED.kind}: it is used up")),
            id="refused",
        ),
        pytest.param(
            chain(limits=18), USAGE, rules_with(fault_limit=0), bool,
            chain("b", closed_until={"a": OPENS}, limits=19), id="the nineteenth",
        ),
        pytest.param(
            chain(limits=19), USAGE, rules_with(fault_limit=0), bool,
            chain(closed_until={"a": OPENS}, limits=20, stop=HALTED), id="the twentieth",
        ),
        pytest.param(
            chain(limits=1), USAGE, rules_with(fault_limit=2), bool,
            chain(closed_until={"a": OPENS}, limits=2, stop=HALTED), id="as many as are set",
        ),
    ],
)  # fmt: skip
def test_after_a_limit_the_next_goes_on_else_the_run_waits_or_stops(turn, met, rules, can_start, after) -> None:
    assert meet_limit(turn, met, OPENS, rules, NOW, can_start) == after


@pytest.mark.parametrize(
    ("reasons", "limit", "says"),
    [
        pytest.param(["x 1", "x 2", "x 3"], 0, "3 times in a row: x 3", id="the same"),
        pytest.param(["y", "x 1", "x 2", "x 3"], 0, "3 times in a row: x 3", id="the same at last"),
        pytest.param(["x ab", "x 1", "x 2"], 0, None, id="other words"),
        pytest.param(["x 0xab", "x 0xcd", "x 0xef"], 0, "3 times in a row: x 0xef", id="but for a place in memory"),
        pytest.param(["a", "b", "c", "d"], 4, "4 times in a row; the last: d", id="as many as are set"),
        pytest.param(["a", "b", "c"], 4, None, id="fewer"),
        pytest.param([str(number) * 2 + "xyz"[number % 3] for number in range(19)], 0, None, id="19"),
        pytest.param([], 4, None, id="none"),
    ],
)
def test_failures_at_once_say_what_the_last_one_said(reasons: list[str], limit: int, says: str | None) -> None:
    stop = after_failures(reasons, rules_with(fault_limit=limit))
    assert (stop is None) == (says is None)
    assert stop is None or (stop.halt is Halt.QUOTA and stop.because.endswith(str(says)))
