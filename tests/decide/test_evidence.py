"""What checks can show before the work, told in the evening as in the night."""

from __future__ import annotations

import pytest

from harness.decide.evidence import Mending, find_weak_runs, find_weak_words
from harness.domain.feature import Check
from harness.domain.verdict import CheckRun

MENDING = Mending(("data", "build/out"), "npm ci")


def red(command: str, code: int = 1) -> CheckRun:
    return CheckRun(command, code, 0.5)


def green(command: str) -> CheckRun:
    return CheckRun(command, 0, 0.5)


def test_what_words_alone_show_is_told() -> None:
    checks = [Check("make test || true"), Check("nope"), Check("make test")]
    told = [(one.rule, one.command) for one in find_weak_words(checks, {"make"}.__contains__)]
    assert told == [("cannot-fail", "make test || true"), ("cannot-run", "nope")]
    assert [one.rule for one in find_weak_words([], bool)] == ["no-checks"]


@pytest.mark.parametrize(
    ("there", "rules"),
    [
        ({}, []),
        ({"x": red("x")}, []),
        ({"x": green("x")}, ["lacks"]),
    ],
    ids=["not run there", "red there too", "green there"],
)
def test_a_check_that_only_a_clean_checkout_fails_lacks_something(there: dict[str, CheckRun], rules: list[str]) -> None:
    assert [one.rule for one in find_weak_runs([red("x")], there, MENDING)] == rules


def test_a_check_that_cannot_run_lacks_something_only_where_it_can_run_in_the_tree() -> None:
    assert [one.rule for one in find_weak_runs([red("x", 127)], {"x": red("x")}, MENDING)] == ["lacks"]
    assert [one.rule for one in find_weak_runs([red("x", 127)], {"x": red("x", 127)}, MENDING)] == ["cannot-run"]


def test_checks_show_nothing_where_all_are_green_before() -> None:
    assert [one.rule for one in find_weak_runs([green("x"), green("y")], {}, MENDING)] == ["already-green"]
    assert list(find_weak_runs([green("x"), red("y")], {}, MENDING)) == []


def test_the_setting_is_named_that_would_mend_a_clean_checkout() -> None:
    assert "`workspace_include: [data]` brings that" in MENDING.of("test -f data/big")
    assert "`workspace_setup: npm ci` installs it there" in MENDING.of("npx jest metadata")
    assert "`workspace_setup` installs it" in Mending().of("x")


# --- in words -----------------------------------------------------------------------------------------------------


def test_a_weakness_of_words_says_what_and_how_to_mend_it() -> None:
    found = [*find_weak_words([], bool), *find_weak_words([Check("x || true"), Check("nope")], {"x"}.__contains__)]
    assert [(one.rule, one.command) for one in found] == [
        ("no-checks", ""),
        ("cannot-fail", "x || true"),
        ("cannot-run", "nope"),
    ]
    says = ["will say unverified", "cannot fail: `|| true` turns", "cannot run: `nope` is not on PATH"]
    hints = ["add `checks:`", "exit code", "install it"]
    assert [said in one.says for one, said in zip(found, says, strict=True)] == [True] * 3, found
    assert [hint in one.hint for one, hint in zip(found, hints, strict=True)] == [True] * 3, found


LONG = "x" * 100


@pytest.mark.parametrize(
    ("run", "there", "says", "hint"),
    [
        (red(LONG), green(LONG), f"`{'x' * 59}…` passes in the working tree", "it needs what git does not hold"),
        (red("x", 127), red("x"), "`x` can run in the working tree", "it needs what git does not hold"),
        (red("x", 126), None, "`x`: exit 126", "that is not installed?"),
        (red("x", 127), None, "`x`: exit 127", "that is not installed?"),
        (CheckRun("x", 0, 9.0, timed_out=True), None, "`x`: over its time limit", "is it meant to?"),
        (CheckRun("x", None, 0.0), red("x"), "`x` can run in the working tree", "`workspace_setup: npm ci`"),
    ],
)
def test_a_weakness_of_a_run_says_what_and_how_to_mend_it(
    run: CheckRun, there: CheckRun | None, says: str, hint: str
) -> None:
    (found,) = find_weak_runs([run, red("other")], {run.command: there} if there else {}, MENDING)
    assert found.command == run.command
    assert found.says.startswith(says) and hint in found.hint, found


def test_a_check_that_is_green_when_clean_lacks_nothing() -> None:
    assert list(find_weak_runs([green("x"), red("y")], {"x": green("x")}, MENDING)) == []
    assert list(find_weak_runs([], {}, MENDING)) == []


def test_checks_that_are_green_before_the_work_are_told_together() -> None:
    (found,) = find_weak_runs([green("x")], {}, MENDING)
    assert (found.rule, found.command) == ("already-green", "")
    assert "before the work" in found.says and "red until the work is done" in found.hint


@pytest.mark.parametrize(
    ("command", "named"),
    [
        ("test -f data/big", "data"),
        ("cat build/out", "build/out"),
        ("cat data build/out", "data, build/out"),
        ("cat ./data", "data"),
        ("cat my-data", ""),
        ("cat data-2", ""),
        ("cat big.data", ""),
        ("cat datas", ""),
        ("cat buildXout", ""),
    ],
)
def test_what_git_ignores_is_named_where_a_command_names_it(command: str, named: str) -> None:
    said = MENDING.of(command)
    assert (f"git ignores {named}: `workspace_include: [{named}]`" in said) == bool(named), said
    assert "`prove: tree`" in said
