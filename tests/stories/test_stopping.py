"""Stopping reaches everything that was started, however it is asked for."""

from __future__ import annotations

import json
import os
import signal

import pytest
from helpers.marks import in_short
from helpers.waiting import PATIENCE, Leash, kill
from helpers.world import CLAIM, World


@pytest.mark.parametrize("stdout", ["", "> /dev/null"], ids=["holding stdout", "with stdout closed"])
def test_a_grandchild_in_a_session_of_its_own_ends_with_a_good_attempt(world: World, leash: Leash, stdout: str) -> None:
    world.spec("a", timeout="20s")
    world.agent(f"{leash.code} setsid sh -c 'trap \"\" TERM HUP; sleep 600' {stdout} & {CLAIM}")
    assert world.run().code == 0
    assert world.outcomes() == ["done"]
    assert (leash.read(), leash.read()) == (b"working\n", b"")


def test_an_agent_that_ignores_term_is_killed_with_all_it_started(world: World, leash: Leash) -> None:
    world.spec("a")
    world.agent(f"{leash.code} trap '' TERM HUP INT; sleep 600 & echo now > '{world.root}/HALT'; sleep 600; sleep 600")
    assert world.run().code == 3
    assert (leash.read(), leash.read()) == (b"working\n", b"")


SIGNALS = {"Ctrl-C": signal.SIGINT, "TERM": signal.SIGTERM, "hang-up": signal.SIGHUP}


@pytest.mark.parametrize("number", in_short(SIGNALS, "Ctrl-C"))
def test_a_signal_ends_the_run_with_its_agent(world: World, leash: Leash, start, number: signal.Signals) -> None:
    world.spec("a")
    world.agent(f"{leash.code} sleep 600 & sleep 600")
    world.config_file()
    run = start("run", "--json", fresh=True)
    leash.read()
    os.killpg(run.pid, number)
    assert json.loads(run.communicate(timeout=PATIENCE)[0])["code"] == 130
    assert (run.returncode, leash.read()) == (130, b"")
    assert [(event["outcome"], event["charged"]) for event in world.events("attempt_ended")] == [("interrupted", False)]
    assert not world.has("HALT")


def test_kill_9_of_harness_leaves_no_agent_and_the_next_run_goes_on(world: World, leash: Leash, start) -> None:
    world.spec("a")
    world.agent(f"[ $attempt = 1 ] && {{ {leash.code} setsid sleep 600 & sleep 600; }}; {CLAIM}")
    world.config_file()
    run = start("run", fresh=True)
    leash.read()
    kill(run)
    assert leash.read() == b""
    assert world.run().code == 0
    assert world.outcomes() == ["interrupted", "done"]
    assert world.has("logs/attempts/a/0002")


@pytest.mark.deep
@pytest.mark.parametrize("words", in_short({"now": ("halt", "--now"), "after the attempt": ("halt",)}, "now"))
def test_harness_halt_reaches_a_run_from_another_terminal(world: World, harness, leash: Leash, start, words) -> None:
    world.spec("a")
    world.spec("b")
    world.agent(f'{leash.code} while [ ! -e "{world.root}/logs/HALT" ]; do sleep 0.02; done; ' + CLAIM)
    if "--now" in words:
        world.agent(f"{leash.code} sleep 600")
    world.config_file()
    run = start("run", fresh=True)
    leash.read()
    assert harness(*words).code == 0
    assert run.wait(PATIENCE) == 3
    assert world.outcomes() == ["interrupted" if "--now" in words else "done"]
