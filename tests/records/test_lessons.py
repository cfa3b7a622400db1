"""Lessons are kept short and few."""

from __future__ import annotations

from helpers.world import World


def test_learnings_too_long_or_too_many_are_cut_and_told(world: World) -> None:
    world.spec("a")
    world.agent('note hi; printf "%0600d\\n" 1 >> "$learnings"; seq -f "- lesson %g" 24 >> "$learnings"')
    world.run(max_iterations=1)
    lines = world.log("learnings.md").splitlines()
    assert (len(lines), max(len(line.encode()) for line in lines)) == (20, 500)
    assert world.log(".kept/learnings.md") == world.log("learnings.md")
    world.run(max_iterations=1)
    assert "1 line of its learnings were over 500 bytes and are cut" in world.prompt("a", 2)
    assert "it wrote 25 learnings: the first 20 are kept, the others are cut" in world.prompt("a", 2)
    assert len(world.log("learnings.md").splitlines()) == 40
    assert not world.events("tampered")
