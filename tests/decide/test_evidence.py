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
