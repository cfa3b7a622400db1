"""What an attempt was worth, by table and by law."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.decide.judge import failed, judge, judge_claim
from harness.domain.reply import Ended, Exit, Fault, FaultKind, Limit, LimitKind, Reply, Transcript, Usage
from harness.domain.verdict import Claim, Evidence, Outcome

GOOD = Reply(Exit(Ended.EXITED, 0), Transcript(results=1))
BAD = Reply(Exit(Ended.EXITED, 1), Transcript(results=1, is_error=True, error_text="it broke"))
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


# --- in words -----------------------------------------------------------------------------------------------------

IDLE = Reply(Exit(Ended.IDLE, -15))
MANY = ("make test", "x" * 100)


@pytest.mark.parametrize(
    ("evidence", "says"),
    [
        (Evidence(GOOD, Claim.CONFIRMED), "the checks passed"),
        (Evidence(GOOD, Claim.UNVERIFIED), "agent's word: no checks"),
        (Evidence(STOPPED), "stopped before it ended"),
        (Evidence(GOOD, Claim.PENDING), "stopped before it ended"),
        (Evidence(STOPPED, moved=True), "stopped before it ended"),
        (Evidence(GOOD, Claim.PENDING, moved=True), "when git is put right"),
        (Evidence(GOOD, limit=Limit(LimitKind.USAGE, "5 pm\nor so")), "usage limit: 5 pm or so"),
        (Evidence(GOOD, fault=Fault(FaultKind.OVERLOAD, "try\nlater")), f"{FaultKind.OVERLOAD}: try later"),
        (Evidence(GOOD, question="which\nport?"), "which port?"),
        (Evidence(GOOD, Claim.RED, failing=MANY), f"`make test`, `{'x' * 59}…` failed"),
        (Evidence(GOOD, Claim.RED), "but a check failed"),
        (Evidence(GOOD, Claim.UNFOUNDED), "said nothing in the marker"),
        (Evidence(IDLE), "the idle limit"),
        (Evidence(TIMED_OUT), "its time limit"),
        (Evidence(GOOD, crashed=True), "its run was killed"),
        (Evidence(GOOD, note_bytes=7), "a note of 7 bytes and no file changed"),
        (Evidence(GOOD, note_bytes=70), "a note of 70 bytes, no file changed"),
        (Evidence(GOOD, note_bytes=7, changed=True), "a note of 7 bytes, files changed"),
        (Evidence(Reply(Exit(Ended.NOT_STARTED, error="no such\nprogram"))), "could not be started: no such program"),
        (Evidence(Reply(Exit(Ended.LOST))), "and the agent with it"),
        (Evidence(BAD), "the agent failed (exit 1): it broke"),
        (Evidence(Reply(Exit(Ended.EXITED, 2, stderr_tail=f"no{'x' * 398}it"))), f"(exit 2): {'x' * 199}…"),
        (Evidence(Reply(Exit(Ended.EXITED, 2, stderr_tail="no key"))), "(exit 2): no key"),
        (Evidence(Reply(Exit(Ended.EXITED, 0), Transcript(is_error=True))), "(exit 0)"),
        (Evidence(Reply(Exit(Ended.EXITED, -9))), "(signal 9)"),
        (Evidence(Reply(Exit(Ended.EXITED, None))), "(exit None)"),
    ],
)
def test_a_verdict_says_why(evidence: Evidence, says: str) -> None:
    assert f"{judge(evidence).reason}.".endswith(f"{says}.")


@pytest.mark.parametrize(
    ("evidence", "outcome", "progress", "charged"),
    [
        (Evidence(GOOD, Claim.UNVERIFIED), Outcome.DONE, True, True),
        (Evidence(STOPPED, question="?"), Outcome.BLOCKED, True, True),
        (Evidence(GOOD, Claim.PENDING, question="?"), Outcome.BLOCKED, True, True),
        (Evidence(GOOD, Claim.PENDING), Outcome.INTERRUPTED, False, False),
        (Evidence(GOOD, Claim.UNFOUNDED), Outcome.UNCONFIRMED, False, True),
        (Evidence(GOOD, Claim.UNFOUNDED, note_bytes=99), Outcome.UNCONFIRMED, True, True),
        (Evidence(IDLE), Outcome.TIMED_OUT, False, True),
        (Evidence(TIMED_OUT, note_bytes=1), Outcome.TIMED_OUT, True, True),
        (Evidence(BAD, changed=True), Outcome.FAILED, True, True),
        (Evidence(GOOD, crashed=True), Outcome.INTERRUPTED, False, True),
        (Evidence(GOOD, crashed=True, changed=True), Outcome.PROGRESSED, True, True),
        (Evidence(GOOD), Outcome.STALLED, False, True),
    ],
)
def test_what_an_attempt_counts_as(evidence, outcome, progress, charged) -> None:
    verdict = judge(evidence)
    assert (verdict.outcome, verdict.progress, verdict.charged) == (outcome, progress, charged)


@pytest.mark.parametrize(
    ("given", "claim"),
    [
        ({"claimed": False, "stopped": True}, Claim.NONE),
        ({"stopped": True, "checks": 0}, Claim.PENDING),
        ({"green": False}, Claim.RED),
        ({}, Claim.CONFIRMED),
        ({"checks": 0}, Claim.UNVERIFIED),
        ({"checks": 0, "words": " \n"}, Claim.UNFOUNDED),
        ({"checks": 0, "reply": BAD}, Claim.UNFOUNDED),
        ({"checks": 0, "reply": BAD, "words": ""}, Claim.UNFOUNDED),
    ],
)
def test_what_a_claim_is_worth(given, claim) -> None:
    usual = {"claimed": True, "words": "did it", "checks": 1, "green": True, "stopped": False, "reply": GOOD}
    assert judge_claim(**{**usual, **given}) is claim


@pytest.mark.parametrize(
    ("exit", "said", "did_badly"),
    [
        (Exit(Ended.EXITED, 0), Transcript(), False),
        (Exit(Ended.EXITED, 1), Transcript(), True),
        (Exit(Ended.EXITED, None), Transcript(), True),
        (Exit(Ended.EXITED, 0), Transcript(is_error=True), True),
        (Exit(Ended.EXITED, 143), Transcript(results=1), False),
        (Exit(Ended.EXITED, 0), Transcript(results=1, is_error=True), True),
        (Exit(Ended.FINISHED, -15), Transcript(results=1), False),
        *((Exit(ended, 0), Transcript(results=1), True) for ended in Ended if ended not in ("exited", "finished")),
    ],
)
def test_an_agent_did_badly_by_its_last_word_else_by_its_exit_code(exit, said, did_badly) -> None:
    assert failed(Reply(exit, said)) is did_badly
