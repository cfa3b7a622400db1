"""Stories of whole runs: the real loop, a real agent process, real files."""

from __future__ import annotations

import sys

from helpers.world import CLAIM, World


def test_two_features_are_proven_in_order(world: World) -> None:
    world.spec("b", checks="test -f b.txt", depends_on="a")
    world.spec("a", checks="test -f a.txt")
    world.agent('echo x > "$slug.txt"; ' + CLAIM)
    assert world.run().code == 0
    assert [e["slug"] for e in world.events("accepted")] == ["a", "b"]
    assert world.states() == {"a": "done", "b": "done"}


def test_keep_going_parks_what_is_stuck_and_does_the_rest(world: World) -> None:
    world.spec("a")
    world.spec("b", depends_on="a")
    world.spec("c")
    world.agent('if [ "$slug" = c ]; then ' + CLAIM + "; fi")
    ran = world.run(keep_going=True)
    assert ran.code == 5
    assert not world.has("HALT")
    assert world.outcomes("a") == ["stalled"] * 3
    assert world.outcomes("b") == []
    assert world.has("logs/c.done")


def test_learnings_of_one_feature_reach_the_next(world: World) -> None:
    world.spec("a")
    world.spec("b")
    world.agent('[ "$slug" = a ] && echo "- 2026-11-21: mind the gap" >> "$learnings"; ' + CLAIM)
    world.run()
    assert "| - 2026-11-21: mind the gap" in world.prompt("b", 1)


def test_one_slug_brings_what_it_depends_on(world: World) -> None:
    world.spec("a")
    world.spec("b", depends_on="a")
    world.spec("c")
    world.agent(CLAIM)
    assert world.run("b").code == 0
    assert [e["slug"] for e in world.events("accepted")] == ["a", "b"]


def test_a_project_may_lie_in_a_folder_with_a_space(tmp_path) -> None:
    root = tmp_path / "my project"
    root.mkdir()
    world = World(root)
    world.spec("a", checks="test -f a.txt")
    (root / "script.yaml").write_text("features: {a: [{files: {a.txt: x}, note: wrote a.txt, done: finished}]}\n")
    world.settings |= {"agent": "scripted", "script": "script.yaml"}
    assert world.run().code == 0


def test_a_dry_run_changes_nothing_that_would_keep_the_run_from_committing(world: World, harness) -> None:
    (world.root / "made.py").write_text("x = 1\n")
    world.spec("a", checks=f'{sys.executable} -c "import made"')
    world.agent(CLAIM)
    world.repository()
    assert harness("dry-run").code == 0
    assert world.git("status", "--short") == ""
    (world.root / "left behind").touch()
    assert "commits: off: the tree has 1 uncommitted change (left behind): commit, stash or ignore them" in (
        world.run().lines
    )
