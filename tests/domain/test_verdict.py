"""How a check ended, and what that says."""

from __future__ import annotations

import pytest

from harness.domain.reply import Ended, Exit, Reply, Transcript
from harness.domain.verdict import CheckedIn, CheckRun, Claim, Evidence


@pytest.mark.parametrize(
    ("run", "green", "ran", "ending"),
    [
        (CheckRun("x", 0, 1.234), True, True, "exit 0 in 1.23 s"),
        (CheckRun("x", 1, 0.5), False, True, "exit 1 in 0.50 s"),
        (CheckRun("x", -9, 0.5), False, True, "exit -9 in 0.50 s"),
        (CheckRun("x", None, 0.0), False, False, "could not be started"),
        (CheckRun("x", 126, 0.5), False, False, "exit 126 in 0.50 s"),
        (CheckRun("x", 127, 0.5), False, False, "exit 127 in 0.50 s"),
        (CheckRun("x", 128, 0.5), False, True, "exit 128 in 0.50 s"),
        (CheckRun("x", 0, 9.96, timed_out=True), False, False, "over its time limit after 10.0 s"),
        (CheckRun("x", 0, 0.5, stopped=True), False, True, "stopped before it ended"),
        (CheckRun("x", 0, 0.5, timed_out=True, stopped=True), False, False, "stopped before it ended"),
    ],
)
def test_how_a_check_ended(run: CheckRun, green: bool, ran: bool, ending: str) -> None:
    assert (run.green, run.ran, run.ending) == (green, ran, ending)


def test_a_pipe_whose_reader_went_away_is_explained() -> None:
    assert "in a pipe its reader" in CheckRun("x | head", 141, 0.5).ending


def test_nothing_is_said_of_a_check_that_harness_does_not_know() -> None:
    assert CheckRun("x", 0, 1.0) == CheckRun("x", 0, 1.0, tail="", timed_out=False, stopped=False, of="")
    assert CheckedIn() == CheckedIn(clean=False, because="", brought=(), set_up_by=(), written_outside=())


def test_an_attempt_of_which_nothing_is_known_claims_and_changed_nothing() -> None:
    reply = Reply(Exit(Ended.EXITED, 0), Transcript())
    assert Evidence(reply) == Evidence(
        reply, Claim.NONE, None, None, None, 0, False, False, (), stuck_bytes=32, moved=False, crashed=False
    )


def test_what_became_of_a_claim_is_a_word_of_the_journal() -> None:
    assert [str(one) for one in Claim] == ["none", "confirmed", "unverified", "red", "parked", "unfounded", "pending"]
