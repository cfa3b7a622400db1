"""The machine is kept awake while a run is on, and no longer."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.waiting import PATIENCE, alive, until
from helpers.world import CLAIM, World

INHIBIT = """#!/bin/sh
echo "$@" > {said}
while [ "${{1#--}}" != "$1" ]; do shift; done
echo $$ > {pid}
exec "$@"
"""


@pytest.fixture
def inhibit(world: World) -> Iterator[tuple[Path, Path, dict[str, str]]]:
    """A systemd-inhibit that is first on the PATH: what it was told, its pid, and the environment to use."""
    tools = world.root.parent / "tools"
    tools.mkdir()
    said, pid = tools / "said", tools / "pid"
    (tools / "systemd-inhibit").write_text(INHIBIT.format(said=said, pid=pid))
    (tools / "systemd-inhibit").chmod(0o755)
    yield said, pid, {"PATH": f"{tools}:{os.environ['PATH']}", "HARNESS_INHIBIT_SLEEP": "auto"}


def test_sleep_is_held_off_while_a_run_is_on_and_no_longer(world: World, inhibit) -> None:
    said, pid, environ = inhibit
    world.spec("a")
    world.agent(f'while ! [ -s {pid} ]; do sleep 0.01; done; kill -0 "$(cat {pid})" && {CLAIM}')
    world.settings["pid_namespace"] = "off"
    assert world.run(environ={**world.environ, **environ}).code == 0
    assert said.read_text().split() == [
        "--what=sleep:idle", "--who=harness", "--why=a", "run", "in", "project", "--mode=block", "cat",
    ]  # fmt: skip
    assert not alive(int(pid.read_text()))


@pytest.mark.parametrize(
    "number", [signal.SIGKILL, pytest.param(signal.SIGTERM, marks=pytest.mark.deep)], ids=lambda one: one.name
)
def test_a_killed_run_lets_the_machine_sleep(world: World, inhibit, number: signal.Signals) -> None:
    _, pid, environ = inhibit
    world.spec("a")
    world.agent("sleep 60")
    world.config_file()
    run = world.start("run", **environ)
    until(lambda: pid.exists() and pid.read_text())
    assert alive(int(pid.read_text()))
    run.send_signal(number)
    run.communicate(timeout=PATIENCE)
    until(lambda: not alive(int(pid.read_text())))


def test_where_nothing_keeps_it_awake_it_is_told_once(world: World, inhibit) -> None:
    said, _, environ = inhibit
    (said.parent / "systemd-inhibit").write_text("#!/bin/sh\necho 'no bus' >&2\nexit 1\n")
    world.spec("a")
    world.agent('sleep 0.4; [ "$attempt" = 1 ] && note "half" || { ' + CLAIM + "; }")
    ran = world.run(environ={**world.environ, **environ})
    assert [line for line in ran.lines if "awake" in line] == [
        "nothing keeps this machine awake: `systemd-inhibit` failed: no bus"
    ]
    assert ran.code == 0
