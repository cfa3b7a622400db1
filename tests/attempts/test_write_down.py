"""What an attempt came to, in the next prompt."""

from __future__ import annotations

from helpers.world import CLAIM, World


def test_a_timeout_ends_the_attempt_and_is_told_in_the_next_prompt(world: World) -> None:
    world.spec("a", timeout="0.2s")
    world.agent('note "attempt $attempt"; [ "$attempt" = 1 ] && sleep 30; ' + CLAIM)
    assert world.run().code == 0
    assert world.outcomes() == ["timed_out", "done"]
    assert "over its time limit" in world.prompt("a", 2)
