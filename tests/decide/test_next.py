"""The decisions, by table and by law."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.decide.judge import judge, judge_claim
from harness.decide.next import closure, stand, what_next
from harness.domain.feature import Feature
from harness.domain.look import FeatureHistory, Halt, HaltFile, Look, Markers, Rules, State, Stop, Wait, Work
from harness.domain.reply import Ended, Exit, Fault, FaultKind, Limit, LimitKind, Reply, Transcript, Usage
from harness.domain.verdict import Claim, Evidence, Outcome

GOOD = Reply(Exit(Ended.EXITED, 0), Transcript(results=1))
BAD = Reply(Exit(Ended.EXITED, 1), Transcript(results=1, is_error=True, error_text="it broke"))
HALT_FILE = HaltFile(Path("HALT"), now=False)


def feature(slug: str, **given) -> Feature:
    return Feature(slug, Path(slug), **given)


QUOTA = Stop(Halt.QUOTA, "x")


def look(*slugs: str, done=(), blocked=(), answered=(), histories=None, **given) -> Look:
    markers = Markers(frozenset(done), frozenset(blocked), frozenset(answered))
    return Look(tuple(feature(slug) for slug in slugs), markers, histories or {}, **given)


STUCK = {"a": FeatureHistory(streak=3, attempts=3)}


@pytest.mark.parametrize(
    ("seen", "rules", "halt"),
    [
        pytest.param(look("a", done="a", halt=HALT_FILE), Rules(), Halt.ALL_DONE, id="done wins over HALT"),
        pytest.param(look("a", interrupted=True, halt=HALT_FILE), Rules(), Halt.INTERRUPTED, id="a signal wins"),
        pytest.param(look("a", done="a", interrupted=True), Rules(), Halt.INTERRUPTED, id="even when all is done"),
        pytest.param(look("a", halt=HALT_FILE, pending_stop=QUOTA), Rules(), Halt.PAUSED, id="HALT over quota"),
        pytest.param(look("a", histories=STUCK, pending_stop=QUOTA), Rules(), Halt.QUOTA, id="quota over stuck"),
        pytest.param(
            look("a", histories=STUCK, iterations=9), Rules(max_iterations=9), Halt.STUCK, id="stuck over limit"
        ),
        pytest.param(look("a", "b", histories=STUCK), Rules(), Halt.STUCK, id="stuck halts though b could go on"),
        pytest.param(
            look("a", "b", blocked="a", fresh_blocks=frozenset("a")), Rules(), Halt.BLOCKED, id="new question"
        ),
        pytest.param(look("a", blocked="a"), Rules(), Halt.BLOCKED, id="an old question and nothing else left"),
        pytest.param(look("a", iterations=9), Rules(max_iterations=9), Halt.LIMIT_REACHED, id="iterations"),
        pytest.param(look("a", elapsed=9.0), Rules(max_time=9.0), Halt.LIMIT_REACHED, id="time"),
        pytest.param(
            look("a", "b", blocked="b", histories=STUCK),
            Rules(keep_going=True),
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
        pytest.param(look("a", wait=WAIT), Rules(), Wait, id="work is left"),
        pytest.param(look("a", done="a", wait=WAIT), Rules(), Stop, id="but not where all is done"),
        pytest.param(look("a", halt=HALT_FILE, wait=WAIT), Rules(), Stop, id="nor where HALT stands"),
        pytest.param(look("a", blocked="a", wait=WAIT), Rules(), Stop, id="nor for a question"),
        pytest.param(look("a", elapsed=9.0, wait=WAIT), Rules(max_time=9.0), Stop, id="nor beyond the time of the run"),
    ],
)
def test_a_wait_comes_before_work_and_after_every_reason_to_stop(seen: Look, rules: Rules, decision: type) -> None:
    assert type(what_next(seen, rules)) is decision


def test_an_old_question_does_not_keep_others_waiting() -> None:
    assert what_next(look("a", "b", blocked="a"), Rules()) == Work(feature("b"), "not begun; next in order")


def test_an_answered_question_makes_the_feature_ready() -> None:
    assert what_next(look("a", blocked="a", answered="a"), Rules()) == Work(feature("a"), "its question was answered")


def test_keep_going_takes_the_next_feature_when_one_is_stuck() -> None:
    decision = what_next(look("a", "b", histories=STUCK), Rules(keep_going=True))
    assert isinstance(decision, Work)
    assert decision.feature.slug == "b"


def test_a_feature_waits_for_what_it_depends_on() -> None:
    seen = look("a")
    waiting = feature("b", depends_on=("a",))
    assert stand(waiting, seen, Rules()).because == "waits for a"
    assert stand(waiting, look("a", done="a"), Rules()).state is State.READY


def test_the_closure_of_a_slug_is_what_it_depends_on() -> None:
    features = (feature("a"), feature("b", depends_on=("a",)), feature("c", depends_on=("b",)), feature("d"))
    assert [one.slug for one in closure(features, ["c"])] == ["a", "b", "c"]


LIMIT = Limit(LimitKind.USAGE, "limit")
FAULT = Fault(FaultKind.OVERLOAD, "busy")
SLOW = replace(BAD, exit=Exit(Ended.EXITED, 1, seconds=5.0))
PAID = replace(BAD, transcript=replace(BAD.transcript, usage=Usage(output_tokens=1)))
OVERLONG = replace(BAD, transcript=replace(BAD.transcript, terminal_reason="blocking_limit"))
TIMED_OUT = Reply(Exit(Ended.TIMED_OUT, -15))
STOPPED = Reply(Exit(Ended.STOPPED, -15))


@pytest.mark.parametrize(
    ("evidence", "outcome", "progress", "charged"),
    [
        (Evidence(GOOD, Claim.CONFIRMED, limit=LIMIT), Outcome.DONE, True, True),
        (Evidence(BAD, Claim.CONFIRMED, question="?"), Outcome.DONE, True, True),
        (Evidence(STOPPED, Claim.PENDING, limit=LIMIT), Outcome.INTERRUPTED, False, False),
        (Evidence(STOPPED, crashed=True), Outcome.INTERRUPTED, False, True),
        (Evidence(BAD, limit=LIMIT, question="?"), Outcome.FAULT, False, False),
        (Evidence(BAD, fault=FAULT, note_bytes=99), Outcome.FAULT, True, False),
        (Evidence(GOOD, Claim.RED, question="?"), Outcome.BLOCKED, True, True),
        (Evidence(TIMED_OUT, Claim.RED), Outcome.UNCONFIRMED, True, True),
        (Evidence(GOOD, Claim.RED, same_failure=True), Outcome.UNCONFIRMED, False, True),
        (Evidence(TIMED_OUT), Outcome.TIMED_OUT, False, True),
        (Evidence(TIMED_OUT, changed=True), Outcome.TIMED_OUT, True, True),
        (Evidence(BAD), Outcome.FAILED, False, False),
        (Evidence(BAD, crashed=True), Outcome.FAILED, False, True),
        (Evidence(SLOW), Outcome.FAILED, False, True),
        (Evidence(PAID), Outcome.FAILED, False, True),
        (Evidence(OVERLONG), Outcome.FAILED, False, True),
        (Evidence(BAD, note_bytes=1), Outcome.FAILED, True, True),
        (Evidence(GOOD, note_bytes=32), Outcome.STALLED, False, True),
        (Evidence(GOOD, note_bytes=33), Outcome.PROGRESSED, True, True),
        (Evidence(GOOD, changed=True), Outcome.PROGRESSED, True, True),
        (Evidence(Reply(Exit(Ended.EXITED, 143), Transcript(results=1)), changed=True), Outcome.PROGRESSED, True, True),
        (Evidence(Reply(Exit(Ended.NOT_STARTED, error="gone"))), Outcome.FAILED, False, True),
        (Evidence(Reply(Exit(Ended.LOST))), Outcome.FAILED, False, True),
    ],
)
def test_the_first_that_applies_is_the_verdict(evidence, outcome, progress, charged) -> None:
    verdict = judge(evidence)
    assert (verdict.outcome, verdict.progress, verdict.charged) == (outcome, progress, charged)


claims = st.builds(
    judge_claim,
    claimed=st.booleans(),
    words=st.sampled_from(["", " ", "done"]),
    checks=st.integers(0, 2),
    green=st.booleans(),
    stopped=st.booleans(),
    reply=st.sampled_from([GOOD, BAD, TIMED_OUT, STOPPED]),
)
evidences = st.builds(
    Evidence,
    reply=st.sampled_from([GOOD, BAD, TIMED_OUT, STOPPED]),
    claim=st.sampled_from(list(Claim)),
    limit=st.sampled_from([None, LIMIT]),
    fault=st.sampled_from([None, FAULT]),
    question=st.sampled_from([None, "who?"]),
    note_bytes=st.integers(0, 100),
    changed=st.booleans(),
    same_failure=st.booleans(),
)


@given(evidences)
def test_nothing_but_a_claim_that_was_found_true_is_ever_done(evidence: Evidence) -> None:
    believed = evidence.claim in (Claim.CONFIRMED, Claim.UNVERIFIED)
    assert (judge(evidence).outcome is Outcome.DONE) == believed


@given(evidences)
def test_somebody_else_s_fault_is_never_charged(evidence: Evidence) -> None:
    verdict = judge(evidence)
    assert not (verdict.outcome is Outcome.FAULT and verdict.charged)


@given(st.booleans(), st.sampled_from(["", "done"]), st.integers(1, 3), st.booleans(), st.sampled_from([GOOD, BAD]))
def test_with_checks_only_green_ones_confirm(stopped, words, checks, green, reply) -> None:
    claim = judge_claim(claimed=True, words=words, checks=checks, green=green, stopped=stopped, reply=reply)
    assert (claim is Claim.CONFIRMED) == (green and not stopped)


slugs = st.sampled_from("abcdef")
looks = st.builds(
    lambda names, done, blocked, streaks, parked, iterations: look(
        *sorted(names), done=done, blocked=blocked, parked=parked, iterations=iterations,
        histories={slug: FeatureHistory(streak=streak) for slug, streak in streaks.items()},
    ),
    st.frozensets(slugs, min_size=1), st.frozensets(slugs), st.frozensets(slugs),
    st.dictionaries(slugs, st.integers(0, 5)), st.frozensets(slugs), st.integers(0, 5),
)  # fmt: skip


@given(looks, st.booleans(), st.integers(0, 5))
def test_no_feature_is_lost_and_none_is_worked_on_that_should_rest(seen: Look, keep_going: bool, limit: int) -> None:
    rules = Rules(keep_going=keep_going, max_iterations=limit)
    decision = what_next(seen, rules)
    undone = {one.slug for one in seen.features} - seen.markers.done
    if isinstance(decision, Work):
        assert decision.feature.slug in undone
        assert stand(decision.feature, seen, rules).state is State.READY
    else:
        assert (decision.halt is Halt.ALL_DONE) == (not undone)
