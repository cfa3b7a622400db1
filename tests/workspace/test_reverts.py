"""What is taken back is read from the words of git's reverts."""

from __future__ import annotations

import pytest

from harness.workspace.reverts import read_reverts

A, B, C, D = (letter * 40 for letter in "abcd")


def say(*commits: tuple[str, str]) -> str:
    return "".join(f"commit {one}\n\0{one}\nRevert it\n\nThis reverts commit {what}\n" for one, what in commits)


@pytest.mark.parametrize(
    ("shown", "taken"),
    [
        pytest.param("", {}, id="nothing"),
        pytest.param(say((B, f"{A}.")), {A: B}, id="one"),
        pytest.param(say((C, f"{B}."), (B, f"{A}.")), {B: C}, id="a revert that is reverted"),
        pytest.param(say((D, f"{C}."), (C, f"{B}."), (B, f"{A}.")), {C: D, A: B}, id="and again"),
        pytest.param(say((C, f"{A}, reversing\nchanges made to {B}.")), {A: C}, id="a merge"),
        pytest.param(say((C, f"{A}.\nThis reverts commit {B}.")), {A: C, B: C}, id="two at once"),
        pytest.param(say((B, "abc1234.")), {}, id="a short name says too little"),
    ],
)
def test_a_commit_is_taken_back_unless_that_is_taken_back_itself(shown: str, taken: dict[str, str]) -> None:
    assert read_reverts(shown) == taken
