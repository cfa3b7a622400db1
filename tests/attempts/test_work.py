"""The agent works: its environment, its time."""

from __future__ import annotations

from helpers.world import CLAIM, World


def test_the_time_of_the_run_ends_an_attempt_without_charging_it(world: World) -> None:
    world.spec("a")
    world.agent("sleep 30")
    assert world.run(max_time="1.5s").code == 1
    assert world.outcomes() == ["interrupted"]


def test_the_agent_s_environment_is_clean(world: World) -> None:
    world.spec("a")
    world.agent('env > "$logs/env.txt"; ' + CLAIM)
    extra = {"MY_SECRET": "s", "MYAPP_X": "1", "HARNESS_MODEL": "m", "LC_TIME": "C"}
    world.run(environ={**world.environ, **extra}, env_pass="MYAPP_*")
    names = {line.split("=")[0] for line in world.log("env.txt").splitlines()}
    assert {"PATH", "HOME", "MYAPP_X", "HARNESS_RUN_ID", "LC_TIME"} <= names
    assert not names & {"MY_SECRET", "HARNESS_MODEL"}
