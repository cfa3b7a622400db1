"""The `.done` marker: a receipt reads as written, anything else is by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.domain.verdict import CheckRun
from harness.records.receipt import (
    CLEAN,
    LACKS,
    NOT_WITHOUT,
    REFUSED,
    Proof,
    Receipt,
    compose_acceptance,
    compose_receipt,
    digest,
    parse_receipt,
    read_before,
    renew_receipt,
)


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


def test_findings_stand_in_a_receipt_and_stay_when_it_is_renewed() -> None:
    proof = Proof("ab12", "commit: c0ffee", (CheckRun("make", 0, 1.0),), findings=("a.py:2: x (noqa)",))
    text = compose_receipt("did it", replace(proof, not_looked_at="1 file"), attempt=1, agent="a", model="", at="now")
    assert "finding: a.py:2: x (noqa)\nnot looked at: 1 file\n" in text
    assert parse_receipt(text).findings == ("a.py:2: x (noqa)",)
    renewed = renew_receipt(text, replace(proof, findings=()), why="it changed", at="later")
    assert parse_receipt(renewed).findings == ("a.py:2: x (noqa)",)


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


# --- all that a receipt says --------------------------------------------------------------------------------------

SHA = "c0ffee"
CHECKS = (CheckRun("make test", 0, 1.0), CheckRun("lint\nall", 0, 2.0), CheckRun("new", 0, 3.0))
WHOLE = Proof(
    "ab12",
    f"commit: {SHA}",
    CHECKS,
    checked=f"{CLEAN}{LACKS}x.txt{LACKS}y.txt",
    before={"make test": False, "lint\nall": True},
    judge=("test_a.py (a test): new\nmore", "test_b.py (a test): changed"),
    assumed=("names are UTF-8", "a\nb"),
    criteria=("1 it adds: make test", "2 it is fast: not\nshown"),
)
LINES = [
    "spec: sha256 ab12",
    f"commit: {SHA}",
    "checked: in a clean checkout of the commit; not in the commit: x.txt; not in the commit: y.txt",
    "check: exit 0 in 1.00 s (red before, green after): make test",
    "check: exit 0 in 2.00 s (green before and after): lint all",
    "check: exit 0 in 3.00 s: new",
    "criterion: 1 it adds: make test",
    "criterion: 2 it is fast: not shown",
    "judge: test_a.py (a test): new more",
    "judge: test_b.py (a test): changed",
    "assumed: names are UTF-8",
    "assumed: a b",
]


def compose(words: str = "did it", proof: Proof = WHOLE, model: str = "opus") -> str:
    return compose_receipt(words, proof, attempt=3, agent="claude\n2.1", model=model, at="now")


def test_a_proof_is_a_line_for_each_thing_it_rests_on() -> None:
    assert WHOLE.lines() == LINES
    assert Proof("ab", "commit: none", ()).lines() == ["spec: sha256 ab", "commit: none"]


def test_a_long_command_and_long_words_of_a_person_are_cut() -> None:
    long = "x" * 3_000
    proof = Proof("ab", "", (CheckRun(long, 0, 1.0),), checked=long, judge=(long,), assumed=(long,), criteria=(long,))
    assert [len(line.partition(": ")[2]) for line in proof.lines()[2:]] == [2_000, 2_018, 2_000, 2_000, 2_000]
    assert len(parse_receipt(long).words) == 2_000


def test_the_whole_of_a_receipt_reads_as_written() -> None:
    text = compose()
    assert text.splitlines()[:3] == ["did it", "", "--- proven by harness ---"]
    assert text.splitlines()[3:] == [*LINES, "attempt: 3", "agent: claude 2.1", "model: opus", "at: now"]
    assert text.endswith("\n")
    assert parse_receipt(text) == Receipt(
        "proven",
        "did it",
        spec="ab12",
        commit=SHA,
        attempt=3,
        checked=LINES[2].removeprefix("checked: "),
        lacks="; not in the commit: x.txt; not in the commit: y.txt",
        assumed=("names are UTF-8", "a b"),
        criteria=("1 it adds: make test", "2 it is fast: not shown"),
    )


def test_an_agent_that_said_nothing_is_told_so() -> None:
    lines = compose(" \n", model="").splitlines()
    assert "no words" in lines[0]
    assert "model: not said" in lines


def test_a_claim_without_checks_is_unverified_and_in_no_checkout() -> None:
    read = parse_receipt(compose(proof=Proof("ab", "commit: x", ())))
    assert read == Receipt("unverified", "did it", spec="ab", commit="x", attempt=3, in_tree=True)


@pytest.mark.parametrize(
    ("line", "field", "value"),
    [
        (f"tree: {REFUSED}: no hooks", "refused", True),
        ("tree: 5 files", "refused", False),
        ("checked: in the working tree", "in_tree", True),
        (f"checked: {CLEAN}", "in_tree", False),
        (f"checked: {CLEAN}", "lacks", ""),
        (f"judge: a.py (a test): new; {NOT_WITHOUT}", "unjudged", True),
        ("judge: a.py (a test): new; the checks pass without that", "unjudged", False),
        (f"judge: a.py: {NOT_WITHOUT}, but now", "unjudged", False),
        (f"assumed: {NOT_WITHOUT}", "unjudged", False),
        ("attempt: many", "attempt", 0),
        ("attempt: 12", "attempt", 12),
        ("no colon", "attempt", 0),
        ("spec: other", "spec", "other"),
        ("criterion: 1 it adds", "criteria", ("1 it adds",)),
        ("assumed: names", "assumed", ("names",)),
    ],
)
def test_a_line_of_a_receipt_is_read(line: str, field: str, value: object) -> None:
    read = parse_receipt(f"did it\n\n--- proven by harness ---\n{line}\nmore: x\n")
    assert getattr(read, field) == value
    assert getattr(parse_receipt(f"did it\n{line}\n"), field) == (
        value if field == "unjudged" else getattr(NOBODY, field)
    )


NOBODY = Receipt("by hand", "did it", in_tree=True)


def test_a_marker_that_a_person_wrote_by_hand_says_only_its_first_line() -> None:
    assert parse_receipt("did it\nspec: sha256 ab\ncommit: x\nattempt: 3\n") == NOBODY
    assert parse_receipt("") == Receipt("by hand", "", in_tree=True)
    assert parse_receipt("criterion: a\nassumed: b\nx\n") == Receipt("by hand", "criterion: a", in_tree=True)


@pytest.mark.parametrize("empty", [0, 1, 2])
def test_the_line_of_harness_stands_near_the_top(empty: int) -> None:
    rule = "--- accepted by a person ---\n"
    assert parse_receipt("did it\n" + "\n" * empty + rule).kind == "accepted"
    assert parse_receipt("did it\n" + "\n" * 3 + rule).kind == "by hand"
    assert parse_receipt(rule).kind == "by hand"


def test_what_a_person_accepted_is_laid_out_as_a_receipt() -> None:
    text = compose_acceptance("I\nlooked", spec="ab", at="now")
    assert text == "I looked\n\n--- accepted by a person ---\nspec: sha256 ab\nat: now\n"


@pytest.mark.parametrize(
    ("before", "shown"),
    [
        ({}, True),
        ({"make test": True}, True),
        ({"make test": True, "lint\nall": True, "new": False}, True),
        ({"make test": True, "lint\nall": True, "new": True}, False),
    ],
    ids=["nothing known", "one green", "one red", "all green"],
)
def test_checks_show_the_work_unless_all_were_green_before(before: dict[str, bool], shown: bool) -> None:
    proof = Proof("ab", "commit: x", CHECKS, before=before)
    assert parse_receipt(compose(proof=proof)).shown is shown


def test_what_was_green_before_is_read_for_the_commands_that_are_asked_about() -> None:
    text = compose()
    assert read_before(text, ["make test", "lint\nall", "new", "other"]) == {"make test": False, "lint\nall": True}
    assert read_before(text, []) == {}
    assert read_before("check: exit 0 in 1 s (maybe): x", ["x"]) == {}
    long = "x" * 3_000
    assert read_before(compose(proof=Proof("", "", (CheckRun(long, 0, 1),), before={long: True})), [long]) == {
        long: True
    }


def test_a_renewed_receipt_keeps_its_words_and_its_agent() -> None:
    proof = Proof("cd34", "commit: beef", (CheckRun("make", 0, 1.0),))
    old = compose().replace("judge: test_b.py (a test): changed", "judge: \x1b[31mtest_b.py")
    assert renew_receipt(old, proof, why="the spec changed", at="later").split("\n") == [
        "did it",
        "",
        "--- proven by harness ---",
        "spec: sha256 cd34",
        "commit: beef",
        "check: exit 0 in 1.00 s: make",
        "judge: test_a.py (a test): new more",
        "judge: test_b.py",
        "assumed: names are UTF-8",
        "assumed: a b",
        "attempt: 3",
        "agent: claude 2.1",
        "model: opus",
        "renewed: the spec changed, and its checks passed without an agent",
        "at: later",
        "",
    ]
    named = compose("did it").replace("did it\n\n", "did it\nagent: nobody\n")
    assert "nobody" not in renew_receipt(named, proof, why="", at="")
    assert "agent: x\n" in renew_receipt("did it\n\n--- proven by harness ---\nagent: x\n", proof, why="", at="")


def test_the_words_of_an_agent_are_no_line_of_the_receipt() -> None:
    read = parse_receipt(f"tree: {REFUSED}\ncommit: beef\n--- proven by harness ---\nspec: sha256 ab\n")
    assert (read.refused, read.commit, read.spec) == (False, "", "ab")


def test_a_digest_tells_markers_apart_whatever_they_hold() -> None:
    assert digest("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert digest("é\ud800") == digest("é?")
    assert digest("a") != digest("b")
