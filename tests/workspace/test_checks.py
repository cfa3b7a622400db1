"""What a check printed is kept without secrets."""

from __future__ import annotations

import pytest
from helpers.marks import in_short
from helpers.world import World

KNOWN = "Zk93jfTq8812LmQx"


def test_a_secret_that_control_codes_cut_in_two_is_none_in_checks_log(world: World) -> None:
    split = KNOWN[:8] + r"\033[0m" + KNOWN[8:]
    world.spec("a", checks=f"head -c 1048560 /dev/zero | tr '\\0' .; printf 'is {split} it\\n'")
    world.agent('note hi; echo ok > "$done"')
    assert world.run(environ={**world.environ, "PAY_TOKEN": KNOWN}).code == 0
    said = world.log("attempts/a/0001/checks.log")
    assert KNOWN not in said
    assert "is [redacted PAY_TOKEN] it" in said


@pytest.mark.parametrize(
    "checks",
    in_short(
        [
            "false 2>&1 | tail -5",
            "false | tee log.txt",
            "false; true",
            "false\ntrue",
            "cd nowhere; true",
            "(exit 3) | cat | cat",
        ],
        "false 2>&1 | tail -5",
    ),
)
def test_no_part_s_failure_is_lost(world: World, checks: str) -> None:
    world.spec("a", checks=checks)
    world.agent('note hi; echo ok > "$done"')
    world.run(max_iterations=1)
    assert world.outcomes() == ["unconfirmed"]


def test_a_reader_that_leaves_early_is_named(world: World) -> None:
    world.spec("a", checks="yes | head -1")
    world.agent('note hi; echo ok > "$done"')
    world.run(max_iterations=1)
    assert "[exit 141 in" in (observed := world.events("attempt_ended")[0]["observed"])
    assert "its reader (`head`, `grep -q`) went away too early" in observed
