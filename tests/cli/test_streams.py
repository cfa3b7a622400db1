"""Standard streams that are closed, full, slow or without a reader send no exit code and no file elsewhere."""

from __future__ import annotations

import fcntl
import json
import os
import shlex
import subprocess
import sys

import pytest
from helpers.marks import in_short
from helpers.waiting import PATIENCE
from helpers.world import CLAIM, World

HARNESS = [sys.executable, "-m", "harness"]


def shell(world: World, words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run harness with these words, redirections among them."""
    return subprocess.run(
        ["bash", "-c", f"{shlex.join(HARNESS)} {words}"],
        cwd=world.root, env={**world.environ, **more}, capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip


@pytest.mark.deep
@pytest.mark.parametrize(
    "streams",
    in_short(
        ["0<&-", "1>&-", "2>&-", "1>&- 2>&-", "0<&- 1>&- 2>&-", "1</dev/null 2</dev/null"],
        "0<&- 1>&- 2>&-",
    ),
)
def test_a_run_with_closed_streams_works_and_writes_nothing_elsewhere(world: World, streams: str) -> None:
    world.spec("a", checks="test -f a.txt")
    world.agent("touch a.txt; " + CLAIM)
    world.config_file()
    world.repository()
    assert shell(world, f"run --json {streams}").returncode == 0
    assert (world.git("log", "--format=%s", "-1"), world.git("status", "--short")) == ("a: finished a", "")
    assert [event["event"] for event in world.events("run_ended")] == ["run_ended"]


@pytest.mark.deep
@pytest.mark.parametrize(
    "words",
    in_short(
        ["status", "status --json", "config", "--version", "--help", "run --help", "dry-run"],
        "status --json",
    ),
)
def test_a_report_for_closed_streams_is_given_to_nobody(world: World, words: str) -> None:
    world.spec("a", checks="test -f a.txt")
    codes = [shell(world, f"{words} {streams}").returncode for streams in ("1>&-", "1>&- 2>&-", "1</dev/null")]
    assert codes == [0, 0, 0]
    assert not list(world.root.glob("**/bug-*.txt"))


@pytest.mark.parametrize("words", in_short(["status", "status --json", "config", "--version"], "status --json"))
def test_a_document_that_cannot_be_written_is_told_in_a_sentence(world: World, words: str) -> None:
    world.spec("a")
    ran = shell(world, f"{words} > /dev/full")
    assert (ran.returncode, ran.stderr) == (
        2,
        "error: stdout cannot be written: no space left on device\nhint: see where it leads\n",
    )


@pytest.mark.deep
def test_a_result_that_cannot_be_written_leaves_the_exit_code_of_the_run(world: World) -> None:
    world.spec("a", checks="false")
    world.agent(CLAIM)
    world.config_file()
    assert shell(world, "run --json --max-iterations 1 > /dev/full 2> /dev/full").returncode == 1


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("status", 0),
        pytest.param("--help", 0, marks=pytest.mark.deep),
        pytest.param("nonsense", 2, marks=pytest.mark.deep),
        pytest.param("lint", 1, marks=pytest.mark.deep),
    ],
)
def test_readers_that_went_away_change_no_exit_code(world: World, words: str, code: int) -> None:
    world.spec("a")
    gone, write = os.pipe()
    os.close(gone)
    ran = subprocess.run([*HARNESS, words], cwd=world.root, env=world.environ, stdout=write, stderr=write, check=False)
    os.close(write)
    assert ran.returncode == code


@pytest.mark.deep
def test_a_slow_reader_that_does_not_let_us_wait_gets_the_whole_document(world: World) -> None:
    for number in range(300):
        world.spec(f"feature-{number}")
    read, write = os.pipe()
    fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 4096)
    os.set_blocking(write, False)
    run = subprocess.Popen([*HARNESS, "status", "--json"], cwd=world.root, env=world.environ, stdout=write)
    os.close(write)
    with os.fdopen(read, encoding="utf-8") as report:
        assert len(json.load(report)["features"]) == 300
    assert run.wait(PATIENCE) == 0


@pytest.mark.deep
def test_what_the_encoding_of_stdout_lacks_is_written_as_an_escape(world: World) -> None:
    world.spec("a", "Grüße.")
    ran = shell(world, "dry-run", PYTHONIOENCODING="ascii")
    assert (ran.returncode, "Gr\\xfc\\xdfe." in ran.stdout) == (0, True)
