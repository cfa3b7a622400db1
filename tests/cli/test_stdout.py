"""What a command prints: one document, and a reader that goes away changes nothing."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys

import pytest
from helpers.stages import GOOD, REPORTS, proven
from helpers.waiting import PATIENCE
from helpers.world import CLAIM, World


def test_json_is_one_document_on_stdout(world: World, harness) -> None:
    proven(world, "a")
    world.spec("b", GOOD)
    missing = {words: keys - set(harness(*words, "--json").json) for words, keys in REPORTS.items()}
    assert {words: keys for words, keys in missing.items() if keys} == {}


@pytest.mark.deep
def test_a_reader_that_goes_away_disturbs_nothing(world: World) -> None:
    world.spec("a", checks="true")
    world.spec("b", checks="true")
    world.agent("seq 300; " + CLAIM)
    world.config_file()
    line = f"{shlex.quote(sys.executable)} -m harness run --verbose 2>&1 | head -n 1; echo ${{PIPESTATUS[0]}}"
    shown = subprocess.run(
        ["bash", "-c", line],
        cwd=world.root,
        env=world.environ,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    assert "harness" in shown.stdout.splitlines()[0]
    assert shown.stdout.splitlines()[-1] == "0"
    assert set(world.states().values()) == {"done (not shown)"}


@pytest.mark.deep
def test_a_reader_of_a_report_may_go_away_too(world: World) -> None:
    for number in range(50):
        world.spec(f"feature-{number}")
    report, closed = os.pipe()
    os.close(report)
    ran = subprocess.run(
        [sys.executable, "-m", "harness", "status", "--json"],
        cwd=world.root, env=world.environ, stdout=closed, stderr=subprocess.PIPE, text=True,
        timeout=PATIENCE, check=False,
    )  # fmt: skip
    os.close(closed)
    assert (ran.returncode, ran.stderr) == (0, "")
