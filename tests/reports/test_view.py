"""A project as a reader sees it: nothing is locked, mended or written."""

from __future__ import annotations

from helpers.files import tree
from helpers.stages import blocked
from helpers.world import World


def test_who_only_looks_writes_nothing(world: World, harness) -> None:
    blocked(world)
    before = tree(world.root)
    for words in ("status", "why", "why a", "log a", "config", "lint", "doctor", "dry-run", "answer b x", "new a"):
        harness(*words.split())
        assert tree(world.root) == before, words


def test_nobody_who_looks_makes_a_folder_for_logs(world: World, harness) -> None:
    world.spec("a")
    before = tree(world.root)
    for command in ("status", "why", "lint", "config", "doctor", "dry-run"):
        harness(command)
    assert tree(world.root) == before
