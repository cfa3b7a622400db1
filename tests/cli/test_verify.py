"""`harness verify` runs the checks of accepted features again, and says what drifted."""

from __future__ import annotations

import os
import signal

from helpers.stages import GOOD, proven
from helpers.waiting import PATIENCE
from helpers.world import World


def test_verify_is_0_while_every_check_is_green_and_1_when_one_drifted(world: World, harness) -> None:
    proven(world, "a", "b")
    receipt = world.log("a.done")
    assert harness("verify").code == 0
    (world.root / "test.sh").write_text("exit 3\n")
    ran = harness("verify", "a")
    assert ran.code == 1
    assert "`sh test.sh`: exit 3 in " in ran.out
    assert ran.out.splitlines()[-1] == "1 of 1 drifted"
    assert world.log("a.done") == receipt
    assert [event["green"] for event in world.events("verified")] == [True, True, False]


def test_verify_renews_the_receipt_of_a_spec_that_changed_since(world: World, harness) -> None:
    proven(world, "a")
    world.spec("a", GOOD + "- One thing more.\n", checks="sh test.sh")
    ran = harness("verify", "--json")
    assert (ran.code, ran.json["features"][0]["result"]) == (0, "proven")
    assert "receipt is renewed" in ran.json["features"][0]["because"]
    assert world.states() == {"a": "done"}
    assert harness("verify", "--json").json["features"][0]["because"] == "every check is green"


def test_verify_of_a_feature_that_is_not_accepted_is_no_success(world: World, harness) -> None:
    proven(world, "a")
    world.spec("b", GOOD, checks="false")
    ran = harness("verify", "b")
    assert ran.code != 0
    assert "`b`" in ran.out + ran.err


def test_verify_that_checked_nothing_because_of_halt_is_no_success(world: World, harness) -> None:
    proven(world, "a")
    (world.root / "test.sh").write_text("exit 3\n")
    harness("halt", "--now")
    assert harness("verify").code != 0


def test_verify_that_is_interrupted_is_130_and_no_drift(world: World, start) -> None:
    proven(world, "a")
    os.mkfifo(world.root / "waiting")
    (world.root / "test.sh").write_text("echo > waiting; sleep 600\n")
    verifying = start("verify", fresh=True)
    (world.root / "waiting").read_text()
    verifying.send_signal(signal.SIGINT)
    verifying.communicate(timeout=PATIENCE)
    assert verifying.returncode == 130
    assert world.events("verified") == []
