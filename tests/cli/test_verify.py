"""`harness verify` runs the checks of accepted features again, and says what drifted."""

from __future__ import annotations

import json
import os
import signal
from typing import Any

import pytest
from helpers.marks import SANDBOXES
from helpers.stages import GOOD, proven
from helpers.waiting import PATIENCE
from helpers.world import CLAIM, World


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


@pytest.mark.deep
def test_verify_renews_the_receipt_of_a_spec_that_changed_since(world: World, harness) -> None:
    proven(world, "a")
    world.spec("a", GOOD + "- One thing more.\n", checks="sh test.sh")
    ran = harness("verify", "--json")
    assert (ran.code, ran.json["features"][0]["result"]) == (0, "proven")
    assert "receipt is renewed" in ran.json["features"][0]["because"]
    assert world.states() == {"a": "done (not shown)"}
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


@pytest.mark.deep
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


@pytest.mark.parametrize("sandbox", SANDBOXES)
def test_verify_fresh_checks_the_commit_of_each_receipt_and_not_the_working_tree(world: World, sandbox: str) -> None:
    for slug in ("a", "b"):
        world.spec(slug, checks=f"test -f {slug}.txt && git rev-parse HEAD")
    world.repository()
    world.agent("echo x > $slug.txt; " + CLAIM)
    world.config_file(sandbox=sandbox)
    world.git("add", "harness.yaml")
    world.git("commit", "-qm", "settings")
    assert world.run(sandbox=sandbox).code == 0
    (world.root / "a.txt").unlink()
    assert world.command("verify", HARNESS_SANDBOX="").returncode == 1
    ran = world.command("verify", "--fresh", "--json", HARNESS_SANDBOX="")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    rows = json.loads(ran.stdout)["features"]
    assert [one["commit"] for one in rows] == [world.git("rev-parse", "HEAD~1"), world.git("rev-parse", "HEAD")]
    done = world.root / "logs/b.done"
    done.write_text(done.read_text().replace(world.git("rev-parse", "HEAD"), world.git("rev-parse", "HEAD~1")))
    assert world.command("verify", "--fresh", HARNESS_SANDBOX="").returncode == 1


def test_verify_fresh_without_a_commit_says_so(world: World, harness) -> None:
    proven(world, "a")
    ran = harness("verify", "--fresh")
    assert (ran.code, "`--fresh` checks out commits, and there are none here" in ran.err) == (2, True)


def test_a_halt_pauses_work_and_no_verify(world: World, harness) -> None:
    proven(world, "a")
    harness("halt", "--now")
    ran = harness("verify")
    assert (ran.code, "every check is green" in ran.out) == (0, True), ran.out


def test_verify_asks_no_reviewer_and_says_so(world: World, harness) -> None:
    proven(world, "a")
    world.spec("a", GOOD, checks=["sh test.sh", {"review": "any leak"}])
    said = harness("verify", "--json").json["features"][0]["because"]
    assert said.endswith("; reviewers are not asked")
    assert world.events("reviewed") == []


@pytest.mark.deep
def test_what_has_regressed_on_a_commit_is_not_done_by_what_is_not_committed(confined: Any) -> None:
    home = {"HOME": confined.environment["HOME"], "HARNESS_SANDBOX": "bwrap"}
    confined.spec("a", checks="grep -q one a.txt")
    confined.repository()
    confined.config_file()
    confined.git("add", "harness.yaml")
    confined.git("commit", "-qm", "settings")
    confined.agent("echo one > a.txt; " + CLAIM)
    assert confined.go().code == 0
    (confined.root / "a.txt").write_text("broken\n")
    confined.git("commit", "-qam", "broken")
    assert confined.go().code == 1
    (confined.root / "a.txt").write_text("one\n")
    ran = confined.command("verify", "--json", **home)
    regressed = confined.git("rev-parse", "--short=12", "HEAD")
    assert f"every check is green here, but not committed so: it has regressed at {regressed}" in ran.stdout
    assert (ran.returncode, confined.states()) == (0, {"a": "regressed"})
    confined.git("commit", "-qam", "mended")
    assert confined.command("verify", **home).returncode == 0
    assert confined.states() == {"a": "done"}
