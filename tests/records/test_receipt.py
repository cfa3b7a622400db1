"""The `.done` marker: a receipt reads as written, anything else is by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.domain.verdict import CheckRun
from harness.records.receipt import Proof, compose_acceptance, compose_receipt, parse_receipt, renew_receipt


def test_a_receipt_reads_as_written() -> None:
    text = compose_receipt(
        "did it\nand more",
        Proof("ab12", "commit: c0ffee", (CheckRun("make test", 0, 1.234),)),
        attempt=3,
        agent="claude 2.1",
        model="opus",
        at="2026-11-21T03:04:05.678Z",
    )
    assert text == (
        "did it and more\n\n--- proven by harness ---\nspec: sha256 ab12\ncommit: c0ffee\n"
        "check: exit 0 in 1.23 s: make test\nattempt: 3\nagent: claude 2.1\nmodel: opus\nat: 2026-11-21T03:04:05.678Z\n"
    )
    receipt = parse_receipt(text)
    assert (receipt.kind, receipt.words, receipt.spec, receipt.commit, receipt.attempt) == (
        "proven", "did it and more", "ab12", "c0ffee", 3,
    )  # fmt: skip


@pytest.mark.parametrize("text", ["", "done\n", "done\n\n--- something else ---\n"])
def test_what_harness_did_not_write_is_by_hand(text: str) -> None:
    assert parse_receipt(text).kind == "by hand"


def test_a_person_s_acceptance_is_told_apart() -> None:
    receipt = parse_receipt(compose_acceptance("I looked", spec="ab", at="now"))
    assert (receipt.kind, receipt.words, receipt.spec) == ("accepted", "I looked", "ab")


@given(st.text())
def test_any_marker_can_be_read(text: str) -> None:
    parse_receipt(text)


def test_what_reviewers_said_is_read_and_a_renewal_says_that_nobody_was_asked_again() -> None:
    said = ("`any leak` by claude: 1 finding", "fail, a.py:1: It leaks.")
    proof = Proof("ab12", "commit: c0ffee", (CheckRun("true", 0, 1.0),), review=said)
    text = compose_receipt("did it", proof, attempt=1, agent="claude", model="m", at="now")
    assert parse_receipt(text).review == said
    renewed = renew_receipt(text, replace(proof, review=()), why="its spec changed", at="later")
    assert parse_receipt(renewed).review == said
    assert "passed without an agent; reviewers were not asked again\n" in renewed
