"""A check that ends in two ways on the same files is flaky: it is told, and never made green without a word."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from helpers.marks import in_short, needs_bwrap
from helpers.world import CLAIM, World

pytestmark = needs_bwrap
WORKS = "echo x > a.txt; " + CLAIM


@pytest.fixture
def fails_once(world: World) -> Path:
    """Make the only check fail once where the file is that is returned; it takes that away."""
    once = world.root.parent / "beside" / "fail-once"
    once.parent.mkdir()
    world.settings.update(sandbox="auto", sandbox_write=[str(once.parent)])
    world.spec("a", checks=f"if test -e {once}; then rm {once}; exit 1; fi; test -f a.txt")
    world.config_file()
    world.repository()
    return once


def test_a_claim_whose_check_flips_on_its_commit_is_proven_and_the_flip_is_named(
    world: World, fails_once: Path, harness
) -> None:
    world.agent(f"touch {fails_once}; {WORKS}")
    ran = world.run()
    assert ran.code == 0, ran.text
    assert "is flaky: on the same files exit 1 in " in ran.text
    (named,) = [line for line in world.log("a.done").splitlines() if line.startswith("flaky: ")]
    assert "exit 1 in" in named and "then exit 0 in" in named
    (row,) = json.loads(harness("status", "--json").out)["features"]
    assert row["flaky"] == [named.removeprefix("flaky: ")] and "with a flaky check" in row["because"]
    assert "green, flaky" in harness("why", "a").out


@pytest.mark.parametrize("retries", in_short({"runs again": 1, "does not": 0}, "runs again"))
def test_a_done_feature_whose_check_fails_once_has_regressed_only_if_it_does_not_run_again(
    world: World, fails_once: Path, harness, retries: int
) -> None:
    world.agent(WORKS)
    assert world.run().code == 0
    fails_once.touch()
    if not retries:
        world.settings["check_retries"] = 0
        world.config_file()
        world.git("commit", "-qam", "a person's settings")
        assert harness("verify").code == 1
    verified = harness("verify")
    assert verified.code == 0 and "flaky: if test -e" in verified.out
    (row,) = json.loads(harness("status", "--json").out)["features"]
    assert row["state"] == "done" and len(row["flaky"]) == 1


@pytest.mark.deep
def test_a_check_that_stays_red_on_the_same_files_is_red(world: World, fails_once: Path, harness) -> None:
    world.agent(WORKS)
    assert world.run().code == 0
    fails_once.mkdir()  # which `rm` does not take away
    verified = harness("verify")
    assert verified.code == 1 and "drifted" in verified.out
    assert "flaky" not in json.loads(harness("status", "--json").out)["features"][0]
