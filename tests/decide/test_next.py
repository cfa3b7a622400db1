"""What to do next and where a feature stands, by table and by law."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.rules import rules_with
from hypothesis import given
from hypothesis import strategies as st

from harness.decide.next import standing_of, what_next, with_dependencies
from harness.domain.feature import Feature
from harness.domain.halt import Halt, HaltFile, Stop
from harness.domain.look import FeatureHistory, Look, Markers, State, Wait, Work
from harness.domain.rules import Rules
from harness.domain.verdict import Outcome

HALT_FILE = HaltFile(Path("HALT"), now=False)


def feature(slug: str, **given) -> Feature:
    return Feature(slug, Path(slug), **given)


QUOTA = Stop(Halt.QUOTA, "x")


def look(*slugs: str, done=(), blocked=(), answered=(), histories=None, **given) -> Look:
    markers = Markers(frozenset(done), frozenset(blocked), frozenset(answered))
    return Look(tuple(feature(slug) for slug in slugs), markers, histories or {}, **given)


BROKEN = Look((feature("a", problem="no agent `x`"),), Markers(), {})
MOVED = Stop(Halt.MOVED, "b left a rebase open")
STUCK = {"a": FeatureHistory(attempts_without_progress=3, attempts=3)}


@pytest.mark.parametrize(
    ("seen", "rules", "halt"),
    [
        pytest.param(look("a", done="a", halt=HALT_FILE), rules_with(), Halt.ALL_DONE, id="done wins over HALT"),
        pytest.param(look("a", interrupted=True, halt=HALT_FILE), rules_with(), Halt.INTERRUPTED, id="a signal wins"),
        pytest.param(look("a", done="a", interrupted=True), rules_with(), Halt.INTERRUPTED, id="even when all is done"),
        pytest.param(look("a", done="a", moved=MOVED), rules_with(), Halt.MOVED, id="git wins over done"),
        pytest.param(look("a", halt=HALT_FILE, pending_stop=QUOTA), rules_with(), Halt.PAUSED, id="HALT over quota"),
        pytest.param(look("a", histories=STUCK, pending_stop=QUOTA), rules_with(), Halt.QUOTA, id="quota over stuck"),
        pytest.param(
            look("a", histories=STUCK, iterations=9), rules_with(max_iterations=9), Halt.STUCK, id="stuck over limit"
        ),
        pytest.param(look("a", "b", histories=STUCK), rules_with(), Halt.STUCK, id="stuck halts though b could go on"),
        pytest.param(
            look("a", "b", blocked="a", blocked_in_this_run=frozenset("a")),
            rules_with(),
            Halt.BLOCKED,
            id="new question",
        ),
        pytest.param(look("a", blocked="a"), rules_with(), Halt.BLOCKED, id="an old question and nothing else left"),
        pytest.param(look("a", iterations=9), rules_with(max_iterations=9), Halt.LIMIT_REACHED, id="iterations"),
        pytest.param(look("a", elapsed=9.0), rules_with(max_time=9.0), Halt.LIMIT_REACHED, id="time"),
        pytest.param(BROKEN, rules_with(), Halt.NOTHING_READY, id="a spec that nobody can work on"),
        pytest.param(
            look("a", "b", blocked="b", histories=STUCK),
            rules_with(keep_going=True),
            Halt.BLOCKED,
            id="4 before 5 at the end",
        ),
    ],
)
def test_the_first_that_applies_ends_the_run(seen: Look, rules: Rules, halt: Halt) -> None:
    decision = what_next(seen, rules)
    assert isinstance(decision, Stop)
    assert decision.halt is halt


WAIT = Wait(60.0, "usage limit", 1060.0)


@pytest.mark.parametrize(
    ("seen", "rules", "decision"),
    [
        pytest.param(look("a", wait=WAIT), rules_with(), Wait, id="work is left"),
        pytest.param(look("a", done="a", wait=WAIT), rules_with(), Stop, id="but not where all is done"),
        pytest.param(look("a", halt=HALT_FILE, wait=WAIT), rules_with(), Stop, id="nor where HALT stands"),
        pytest.param(look("a", blocked="a", wait=WAIT), rules_with(), Stop, id="nor for a question"),
        pytest.param(
            look("a", elapsed=9.0, wait=WAIT), rules_with(max_time=9.0), Stop, id="nor beyond the time of the run"
        ),
    ],
)
def test_a_wait_comes_before_work_and_after_every_reason_to_stop(seen: Look, rules: Rules, decision: type) -> None:
    assert type(what_next(seen, rules)) is decision


def test_an_old_question_does_not_keep_others_waiting() -> None:
    assert what_next(look("a", "b", blocked="a"), rules_with()) == Work(feature("b"), "not begun; next in order")


def test_an_answered_question_makes_the_feature_ready() -> None:
    assert what_next(look("a", blocked="a", answered="a"), rules_with()) == Work(
        feature("a"), "its question was answered"
    )


def test_keep_going_takes_the_next_feature_when_one_is_stuck() -> None:
    decision = what_next(look("a", "b", histories=STUCK), rules_with(keep_going=True))
    assert isinstance(decision, Work)
    assert decision.feature.slug == "b"


def test_a_feature_waits_for_what_it_depends_on() -> None:
    seen = look("a")
    waiting = feature("b", depends_on=("a",))
    assert standing_of(waiting, seen, rules_with()).because == "waits for a"
    assert standing_of(waiting, look("a", done="a"), rules_with()).state is State.READY


def test_the_closure_of_a_slug_is_what_it_depends_on() -> None:
    features = (feature("a"), feature("b", depends_on=("a",)), feature("c", depends_on=("b",)), feature("d"))
    assert [one.slug for one in with_dependencies(features, ["c"])] == ["a", "b", "c"]


slugs = st.sampled_from("abcdef")
looks = st.builds(
    lambda names, done, blocked, streaks, parked, iterations: look(
        *sorted(names), done=done, blocked=blocked, skipped=parked, iterations=iterations,
        histories={slug: FeatureHistory(attempts_without_progress=streak) for slug, streak in streaks.items()},
    ),
    st.frozensets(slugs, min_size=1), st.frozensets(slugs), st.frozensets(slugs),
    st.dictionaries(slugs, st.integers(0, 5)), st.frozensets(slugs), st.integers(0, 5),
)  # fmt: skip


@given(looks, st.booleans(), st.integers(0, 5))
def test_no_feature_is_lost_and_none_is_worked_on_that_should_rest(seen: Look, keep_going: bool, limit: int) -> None:
    rules = rules_with(keep_going=keep_going, max_iterations=limit)
    decision = what_next(seen, rules)
    undone = {one.slug for one in seen.features} - seen.markers.done
    if isinstance(decision, Work):
        assert decision.feature.slug in undone
        assert standing_of(decision.feature, seen, rules).state is State.READY
    else:
        assert (decision.halt is Halt.ALL_DONE) == (not undone)


def test_why_a_feature_is_ready_reads_well_after_every_outcome() -> None:
    a = Feature("a", Path("a"))
    looks = {str(one): Look((a,), Markers(), {"a": FeatureHistory(attempts=12, outcome=one)}) for one in Outcome}
    assert {one: standing_of(a, look, rules_with()).because for one, look in looks.items()} == {
        "done": "attempt 12 was done, but its `.done` is gone",
        "progressed": "attempt 12 made progress",
        "unconfirmed": "attempt 12 was unconfirmed",
        "blocked": "attempt 12 asked a question",
        "stalled": "attempt 12 made no progress",
        "timed_out": "attempt 12 ran out of time",
        "failed": "attempt 12 failed",
        "interrupted": "attempt 12 was interrupted",
        "fault": "attempt 12 was ended by a usage limit or an outage",
    }


# --- in words -----------------------------------------------------------------------------------------------------

GONE = HaltFile(Path("HALT"), now=False, gone=True)
TIRED = {"a": FeatureHistory(charged=3, attempts=3), "b": FeatureHistory(attempts_without_progress=3)}
ASKED = {"a": FeatureHistory(question="which\nport?")}


@pytest.mark.parametrize(
    ("seen", "rules", "says", "advice"),
    [
        (look("a", interrupted=True), rules_with(), "interrupted by a signal", ""),
        (look("a", "b", done="ab"), rules_with(), "2 features, all done", ""),
        (look("a", done="a"), rules_with(), "1 feature, all done", ""),
        (look("a", halt=HALT_FILE), rules_with(), "`HALT` is present", ""),
        (look("a", halt=GONE), rules_with(), "`HALT` was there, but has been removed", "`harness run` goes on"),
        (look("a", iterations=1), rules_with(max_iterations=1), "1 iteration used (`max_iterations`)", ""),
        (look("a", elapsed=9.0), rules_with(max_time=9.0), "used up (`max_time`)", ""),
        (look("a", blocked="a", histories=ASKED), rules_with(), "a: waits for an answer: which port?", "answer a "),
        (look("a", blocked="a"), rules_with(), "a: waits for an answer: see its .blocked file", "harness run"),
        (look("b", histories=TIRED), rules_with(), "b: 3 attempts in a row without progress", ""),
        (look("b", histories=TIRED), rules_with(max_attempts=0), "b: 3 attempts in a row without progress", ""),
        (look("a", histories=TIRED), rules_with(max_attempts=3), "a: all 3 attempts used (`max_", "harness reset a`"),
        (look("a", histories=TIRED), rules_with(max_attempts=2), "a: all 2 attempts used (`max_", "harness reset a`"),
    ],
)
def test_the_end_of_a_run_says_why_and_what_to_do(seen: Look, rules: Rules, says: str, advice: str) -> None:
    stop = what_next(seen, rules)
    assert isinstance(stop, Stop)
    assert says in stop.because
    assert advice in stop.advice and bool(stop.advice) == bool(advice)


@pytest.mark.parametrize(
    ("seen", "rules"),
    [
        (look("a", iterations=8), rules_with(max_iterations=9)),
        (look("a", iterations=9), rules_with(max_iterations=0)),
        (look("a", elapsed=8.0), rules_with(max_time=9.0)),
        (look("a", elapsed=8.0), rules_with(max_time=0)),
        (look("a", "b", iterations=7, in_flight=frozenset("b")), rules_with(max_iterations=9)),
    ],
)
def test_within_its_limits_a_run_goes_on(seen: Look, rules: Rules) -> None:
    assert what_next(seen, rules) == Work(feature("a"), "not begun; next in order")


def test_an_attempt_in_flight_counts_as_an_iteration() -> None:
    seen = look("a", "b", iterations=8, in_flight=frozenset("b"))
    assert what_next(seen, rules_with(max_iterations=9)).halt is Halt.LIMIT_REACHED


def test_what_is_in_flight_is_passed_over() -> None:
    seen = look("a", "b", in_flight=frozenset("a"))
    assert what_next(seen, rules_with()) == Work(feature("b"), "not begun; next in order")
    assert what_next(look("a", in_flight=frozenset("a")), rules_with()).halt is Halt.NOTHING_READY


@pytest.mark.parametrize(
    ("given", "halt"),
    [
        ({"blocked": "b", "blocked_in_this_run": frozenset("b")}, Halt.BLOCKED),
        ({"skipped": frozenset("b")}, Halt.STUCK),
        ({"histories": {"b": FeatureHistory(attempts_without_progress=3)}}, Halt.STUCK),
    ],
    ids=["blocked", "skipped", "stuck"],
)
def test_what_needs_a_person_is_seen_behind_what_is_ready(given, halt) -> None:
    assert what_next(look("a", "b", **given), rules_with()).halt is halt


def test_only_the_first_that_is_ready_is_looked_at_closely() -> None:
    unknown = Feature("b", Path("b"), problem="no agent `x`")
    seen = Look((feature("a"), unknown), Markers(), {})
    assert what_next(seen, rules_with()) == Work(feature("a"), "not begun; next in order")


def test_a_new_question_halts_at_once_unless_the_others_may_go_on() -> None:
    both = look("a", "b", "c", blocked="ab", blocked_in_this_run=frozenset("b"))
    assert what_next(both, rules_with()).slug == "b"
    assert what_next(both, rules_with(keep_going=True)) == Work(feature("c"), "not begun; next in order")
    left = look("a", "b", blocked="ab", blocked_in_this_run=frozenset("b"))
    assert what_next(left, rules_with(keep_going=True)).slug == "a"


def test_five_features_that_cannot_be_worked_on_are_named() -> None:
    features = tuple(feature(slug, problem="broken") for slug in "abcdef")
    stop = what_next(Look(features, Markers(), {}), rules_with())
    assert stop == Stop(Halt.NOTHING_READY, ", ".join(f"{slug} (broken)" for slug in "abcde"))


WAITING = feature("a", depends_on=("b", "c"))


@pytest.mark.parametrize(
    ("one", "seen", "rules", "state", "because"),
    [
        (feature("a"), look("a", done="a", blocked="a"), rules_with(), State.DONE, "it has its `.done`"),
        (feature("a", problem="x"), look("a", blocked="a"), rules_with(), State.BROKEN, "x"),
        (feature("a"), look("a", blocked="a", skipped=frozenset("a")), rules_with(), State.BLOCKED, "waits for an"),
        (feature("a"), look("a", skipped=frozenset("a")), rules_with(), State.STUCK, "skipped for the rest"),
        (WAITING, look("a"), rules_with(), State.WAITING, "waits for b, c"),
        (WAITING, look("a", done="b", histories=TIRED), rules_with(max_attempts=3), State.WAITING, "waits for c"),
        (WAITING, look("a", done="bc"), rules_with(), State.READY, "not begun; b, c done"),
        (feature("a"), look("a", histories=TIRED), rules_with(max_attempts=4), State.READY, "starts over"),
        (feature("a"), look("a", histories=TIRED), rules_with(max_attempts=0), State.READY, "starts over"),
        (feature("b"), look("b", histories=TIRED), rules_with(stuck_limit=4), State.READY, "not begun"),
        (feature("b"), look("b", histories=TIRED), rules_with(stuck_limit=0), State.READY, "not begun"),
        (feature("b", stuck_limit=0), look("b", histories=TIRED), rules_with(), State.READY, "not begun"),
        (feature("b", stuck_limit=2), look("b", histories=TIRED), rules_with(stuck_limit=9), State.STUCK, "3 attempts"),
    ],
)
def test_where_a_feature_stands_and_why(one: Feature, seen: Look, rules: Rules, state: State, because: str) -> None:
    standing = standing_of(one, seen, rules)
    assert (standing.state, standing.because.startswith(because)) == (state, True), standing


@pytest.mark.parametrize(
    ("history", "because"),
    [
        (FeatureHistory(answer="yes"), "its question was answered"),
        (FeatureHistory(answer="land", parked="tree"), "it may land, which has not come to its end"),
        (FeatureHistory(attempts=2, outcome="failed", unfinished=True), "attempt 2 was cut off"),
        (FeatureHistory(attempts=2, outcome="odd"), "attempt 2 ended: odd"),
        (FeatureHistory(attempts=2, reason="its spec changed"), "its spec changed"),
        (FeatureHistory(attempts=2), "starts over after a reset"),
    ],
)
def test_why_a_feature_is_ready(history: FeatureHistory, because: str) -> None:
    assert standing_of(feature("a"), look("a", histories={"a": history}), rules_with()).because == because


@pytest.mark.parametrize(("reason", "end"), [("no key", "without progress; the last one: no key"), ("", "progress")])
def test_a_stuck_feature_says_what_its_last_attempt_came_to(reason: str, end: str) -> None:
    history = FeatureHistory(attempts_without_progress=3, reason=reason)
    assert standing_of(feature("a"), look("a", histories={"a": history}), rules_with()).because.endswith(end)


def test_without_a_name_all_features_are_wanted_and_a_circle_ends() -> None:
    circle = (feature("a", depends_on=("b",)), feature("b", depends_on=("a", "gone")), feature("c"))
    assert with_dependencies(iter(circle), []) == circle
    assert [one.slug for one in with_dependencies(circle, ["b"])] == ["a", "b"]
    assert with_dependencies(circle, ["gone"]) == ()
