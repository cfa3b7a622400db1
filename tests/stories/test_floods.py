"""Large inputs, long lines and readers that go away stop nobody."""

from __future__ import annotations

import pytest
from helpers.world import CLAIM, World


@pytest.mark.parametrize("newline", ["\n", ""], ids=["many lines", "one line"])
def test_400_kb_of_learnings_stop_nobody(world: World, newline: str) -> None:
    world.spec("a")
    (world.root / "logs").mkdir()
    (world.root / "logs" / "learnings.md").write_text(f"{'mind the gap ' * 5}{newline}" * 6000 + "the newest lesson\n")
    world.agent('printf %s "$prompt" | wc -c > size.txt; ' + CLAIM)
    assert world.run().code == 0
    assert int((world.root / "size.txt").read_text()) < 48_000
    assert "the newest lesson\nLEARNINGS" in world.prompt("a", 1)


def test_a_spec_beyond_the_limit_of_an_argument_reaches_the_agent_whole(world: World) -> None:
    world.spec("a", "Grow. " * 40_000 + "The last word.")
    world.agent('case "$prompt" in *"The last word."*) ' + CLAIM + "; esac")
    assert world.run(max_iterations=1).code == 0


def test_a_log_that_is_one_line_of_64_mib_does_no_harm(world: World) -> None:
    world.spec("a")
    (world.root / "logs").mkdir()
    with (world.root / "logs" / "a.log").open("wb") as log:
        for _ in range(64):
            log.write(b"x" * (1 << 20))
    world.agent('if [ "$attempt" = 1 ]; then echo >> "$log"; note "one step"; else ' + CLAIM + "; fi")
    assert world.run().code == 0
    assert world.outcomes() == ["progressed", "done"]
    assert len(world.prompt("a", 1)) < 80_000
    assert "| one step, and this makes" in world.prompt("a", 2)
    assert (world.root / "logs" / "a.log").stat().st_size > 64 << 20
