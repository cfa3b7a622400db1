"""Which runs of the checks count, where some pass in the working tree and not in a clean checkout."""

from __future__ import annotations

import pytest

from harness.decide.proof import Settled, say_names, settle
from harness.domain.verdict import CheckedIn, CheckRun

CLEAN = CheckedIn(clean=True, brought=("x",), set_up_by=("npm ci",), written_outside=("/cache",))


def green(command: str, seconds: float = 1.0) -> CheckRun:
    return CheckRun(command, 0, seconds)


def red(command: str) -> CheckRun:
    return CheckRun(command, 1, 1.0)


@pytest.mark.parametrize(
    ("runs", "in_tree"),
    [
        ([green("a")], [green("a")]),
        ([green("a"), red("b")], [green("a"), red("b")]),
        ([red("a")], []),
        ([], []),
    ],
    ids=["all green", "red there too", "not run there", "no checks"],
)
def test_the_runs_in_the_clean_checkout_count(runs: list[CheckRun], in_tree: list[CheckRun]) -> None:
    assert settle(runs, in_tree, CLEAN, ["new.txt"], []) == Settled(tuple(runs), CLEAN, "")


BOTH = [red("a"), green("b"), red("c")]


@pytest.mark.parametrize(
    ("in_tree", "left_out", "pass_when_clean", "says"),
    [
        ([green("a"), red("c")], [], [], "`a` passes in the working tree, and not in a clean checkout"),
        ([green("a"), green("c")], ["new.txt"], [], "`a`, `c` pass in the working tree"),
        ([green("a"), green("c")], ["new.txt"], [], "; the commit would not hold new.txt"),
        ([green("a"), green("c")], [], ["c"], "`a`, `c` pass in the working tree"),
    ],
    ids=["another is red there too", "the commit lacks a file", "which is named", "it passed when clean before"],
)
def test_the_checkout_counts_where_it_is_not_to_blame(
    in_tree: list[CheckRun], left_out: list[str], pass_when_clean: list[str], says: str
) -> None:
    settled = settle(BOTH, in_tree, CLEAN, left_out, pass_when_clean)
    assert (settled.runs, settled.checked_in) == (tuple(BOTH), CLEAN)
    assert says in settled.remark
    assert settled.remark.endswith("what would be committed") != bool(left_out)


@pytest.mark.parametrize(
    ("lacks", "says"), [([], "which lacks something else: a branch"), (["data", "lib"], "which lacks data, lib")]
)
def test_the_working_tree_counts_where_the_checkout_is_to_blame(lacks: list[str], says: str) -> None:
    settled = settle(BOTH, [green("a", 2.0), green("c", 4.0)], CLEAN, [], ["b"], lacks)
    assert settled.runs == (green("a", 2.0), green("b"), green("c", 4.0))
    because = settled.checked_in.because
    assert because.startswith("`a`, `c` pass there, and not in a clean checkout") and says in because
    assert settled.checked_in == CheckedIn(clean=False, because=because, written_outside=("/cache",))
    assert settled.remark == ""


def test_a_long_command_is_cut_and_of_many_five_are_named() -> None:
    long = "x" * 100
    assert f"`{'x' * 59}…` passes" in settle([red(long)], [green(long)], CLEAN, [], []).checked_in.because
    many = [f"c{number}" for number in range(7)]
    because = settle([red(one) for one in many], [green(one) for one in many], CLEAN, [], []).checked_in.because
    assert because.startswith("`c0`, `c1`, `c2`, `c3`, `c4` pass there")


def test_some_names_are_said_and_how_many_more_there_are() -> None:
    assert say_names(["a"]) == "a"
    assert say_names(["a", "b", "c", "d", "e"]) == "a, b, c, d, e"
    assert say_names(["a", "b", "c", "d", "e", "f"]) == "a, b, c, d, e and 1 more file"
    assert say_names([*"abcdefg"]) == "a, b, c, d, e and 2 more files"
