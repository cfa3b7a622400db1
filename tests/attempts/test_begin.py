"""An attempt begins on disk: its number is never reused."""

from __future__ import annotations

from helpers.world import World


def test_attempt_numbers_survive_restarts_and_are_never_reused(world: World) -> None:
    world.spec("a")
    world.agent('note "more work $attempt"')
    for _ in range(3):
        world.run(max_iterations=1)
    (world.root / "logs" / "journal.jsonl").unlink()
    world.run(max_iterations=1)
    assert sorted(p.name for p in (world.root / "logs/attempts/a").iterdir()) == ["0001", "0002", "0003", "0004"]
