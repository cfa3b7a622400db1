"""What a person asks while a run is on: HALT, in every form."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.marks import in_short
from helpers.waiting import PATIENCE, wait_until_ready
from helpers.world import CLAIM, World

from harness.domain.paths import Paths
from harness.run.interrupts import Ask, Interrupts


@pytest.mark.parametrize(
    "code",
    in_short({"while it is seen": "sleep 0.6; rm HALT", "faster than one looks": "rm HALT"}, "faster than one looks"),
)
def test_a_halt_that_an_agent_takes_away_counts_all_the_same(world: World, code: str) -> None:
    world.spec("a")
    world.agent(f"sleep 1; touch HALT; {code}; sleep 0.6; echo 'a note that is long enough to count as one' >> $log")
    ran = world.run()
    assert (ran.code, world.outcomes()) == (3, ["progressed"])
    assert "HALT` was there, but has been removed); exit 3" in ran.text
    assert world.run(max_iterations=1).code == 3


def test_halt_present_before_the_run_pauses_it(world: World) -> None:
    world.spec("a")
    (world.root / "HALT").touch()
    assert world.run().code == 3
    assert world.outcomes() == []


def test_halt_during_an_attempt_lets_it_finish(world: World) -> None:
    world.spec("a")
    world.spec("b")
    world.agent(f'touch "{world.root}/HALT"; ' + CLAIM)
    ran = world.run()
    assert (ran.code, world.outcomes()) == (3, ["done"])


def test_a_finished_set_is_0_though_halt_appeared(world: World) -> None:
    world.spec("a")
    world.agent(f'touch "{world.root}/HALT"; ' + CLAIM)
    assert world.run().code == 0


def test_halt_now_ends_the_attempt_and_charges_nothing(world: World) -> None:
    world.spec("a")
    world.agent(f'note begun; echo now > "{world.root}/HALT"; sleep 30')
    ran = world.run()
    assert (ran.code, world.outcomes()) == (3, ["interrupted"])
    assert [e["charged"] for e in world.events("attempt_ended")] == [False]


def test_a_halt_by_command_lies_where_no_confined_agent_can_reach_it(world: World, harness) -> None:
    world.spec("a")
    world.agent("touch ready; sleep 100")
    world.config_file(**world.settings)
    run = world.start("run")
    wait_until_ready(world, run)
    assert harness("halt", "--now").out.startswith("`logs/HALT` is present: the current attempt ends within two")
    run.communicate(timeout=PATIENCE)
    assert run.returncode == 3
    (world.root / "HALT").mkdir()
    assert harness("resume").out == "removed HALT and logs/HALT; go on with `harness run`\n"
    assert not world.has("HALT")


def test_a_halt_that_was_now_stays_so(tmp_path: Path) -> None:
    control = Interrupts(Paths(tmp_path, tmp_path / "specs", tmp_path / "logs"))
    (tmp_path / "HALT").write_text("now")
    assert control.asked() is Ask.NOW
    (tmp_path / "HALT").write_text("")
    assert control.asked() is Ask.NOW
