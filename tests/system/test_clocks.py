"""A clock that jumps is told, and ends nothing."""

from __future__ import annotations

import pytest
from helpers.world import CLAIM, World

from harness.system.clocks import JUMP, Clocks, say_jump

NOW = 1_795_266_900.0


@pytest.mark.parametrize(("passed", "jump"), [(0.0, 0.0), (JUMP, 0.0), (3600.0, 3600.0), (-3600.0, -3600.0)])
def test_only_a_wall_clock_that_runs_away_from_the_steady_one_has_jumped(passed: float, jump: float) -> None:
    wall, steady = [NOW], [5.0]
    clocks = Clocks(lambda: wall[0], lambda: steady[0])
    wall[0], steady[0] = wall[0] + 9 + passed, steady[0] + 9
    assert (clocks.find_jump(), clocks.find_jump()) == (jump, 0.0)


def test_a_jump_is_told_with_its_way_and_size() -> None:
    assert say_jump(-3600.0) == "the clock jumped back by 1h: this machine slept, or its clock was set"


def test_a_clock_that_jumps_in_an_attempt_is_told_and_ends_nothing(world: World) -> None:
    jumped = world.root / "jumped"
    world.spec("a")
    world.agent(f'touch "{jumped}"; sleep 0.5; {CLAIM}')
    ran = world.run(timeout="1h", clocks={"wall": lambda: NOW + 36000 * jumped.exists()})
    assert (ran.code, [e["seconds"] > 35000 for e in world.events("clock_jumped")]) == (0, [True])
    assert world.events("attempt_ended")[0]["seconds"] < 36000
