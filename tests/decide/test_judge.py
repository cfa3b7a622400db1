"""What an attempt was worth, by table and by law."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.decide.judge import judge, judge_claim
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
