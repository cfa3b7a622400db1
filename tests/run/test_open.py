"""The start of a run: who may begin, and what is cleared away."""

from __future__ import annotations

from helpers.waiting import PATIENCE, until
from helpers.world import CLAIM, World


def test_a_second_run_is_refused_although_an_agent_wiped_the_logs(world: World, harness, monkeypatch) -> None:
    monkeypatch.setattr("harness.records.run_lock.PATIENCE", 0.2)
    world.spec("a")
    go, seen = world.root / "go", world.root / "seen"
    world.agent(
        f'rm -rf "$logs"; mkdir -p "$logs"; touch "{seen}"; while [ ! -e "{go}" ]; do sleep 0.02; done; {CLAIM}'
    )
    world.config_file()
    first = world.start("run")
    until(seen.exists)
    assert harness("run").code == 2
    assert harness("reset", "a").code == 2
    go.touch()
    assert first.wait(PATIENCE) == 0
    first.communicate()


def test_a_person_s_hidden_temporary_file_stays(world: World) -> None:
    world.spec("a")
    (world.root / ".mine.tmp").touch()
    world.run(max_iterations=1)
    assert world.has(".mine.tmp")
