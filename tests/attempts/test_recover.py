"""What a killed run left half done is finished, put away or told at the next start."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from helpers.forger import FORGED, standing
from helpers.marks import needs_bwrap
from helpers.waiting import until, wait_until_ready
from helpers.world import CLAIM, FINISH, World


@needs_bwrap
@pytest.mark.deep
def test_a_forged_repository_of_a_killed_run_costs_no_claim(confined: Any, tmp_path: Path) -> None:
    confined.spec("hello", checks=["test -f made.txt"])
    confined.repository()
    confined.agent(
        f"{FINISH}; echo ../evil > .git/commondir; ln -s /proc/2/status .mcp.json; touch ready; exec sleep 1000"
    )
    confined.config_file(sandbox="bwrap")
    confined.git("add", "-A")
    confined.git("commit", "-q", "-m", "settings")
    home = {"HOME": confined.environment["HOME"], "HARNESS_SANDBOX": ""}
    run = confined.start("run", **home)
    wait_until_ready(confined, run)
    run.send_signal(signal.SIGKILL)
    run.communicate()
    ran = confined.command("run", **home)
    assert (ran.returncode, standing(confined), confined.outcomes()) == (0, [], ["done"]), ran.stdout + ran.stderr
    assert {event["marker"] for event in confined.events("foreign")} == set(FORGED)
    assert "`.git/commondir` appeared during attempt 1 of hello, which was cut off" in ran.stdout + ran.stderr


def test_a_claim_that_was_cut_off_by_now_is_checked_at_the_next_start(world: World) -> None:
    world.spec("a", checks="true")
    world.agent(f'{CLAIM}; echo now > "{world.root}/HALT"; sleep 30')
    assert world.run().code == 3
    assert world.states() == {"a": "claimed"}
    (world.root / "HALT").unlink()
    assert world.run().code == 0
    assert world.states() == {"a": "done (not shown)"}  # `true` passed before the work, too


@pytest.mark.deep
def test_what_the_agent_had_said_before_a_kill_is_read_again(world: World) -> None:
    world.spec("a")
    world.agent('note one; echo \'{"type":"result","is_error":false,"num_turns":1,"total_cost_usd":0.25}\'')
    world.settings["dialect"] = "claude"
    world.run(max_iterations=1)
    journal = world.root / "logs" / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    ended = next(number for number, line in enumerate(lines) if b'"attempt_ended"' in line)
    journal.write_bytes(b"".join(lines[:ended]))
    world.agent(CLAIM)
    assert world.run().code == 0
    assert [(e["outcome"], e["dollars"]) for e in world.events("attempt_ended")] == [
        ("progressed", 0.25),
        ("done", None),
    ]


def test_a_crashed_attempt_without_a_note_is_charged_but_no_stall(world: World) -> None:
    world.spec("a")
    world.agent("true")
    world.run(max_iterations=1)
    journal = world.root / "logs" / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[: next(n for n, line in enumerate(lines) if b'"attempt_ended"' in line)]))
    world.run(max_iterations=0, max_time="0.001s")
    assert [(e["outcome"], e["charged"]) for e in world.events("attempt_ended")] == [("interrupted", True)]


def test_what_a_killed_attempt_did_is_told_as_it_was(world: World) -> None:
    world.spec("a")
    world.agent("touch half; echo ready; sleep 100")
    world.config_file(**world.settings)
    world.repository()
    run = world.start("run")
    stream = world.root / "logs/attempts/a/0001/stream.jsonl"
    while not (world.has("half") and stream.exists() and stream.stat().st_size):
        assert run.poll() is None
        time.sleep(0.02)
    run.kill()
    run.communicate()
    world.agent("true")
    world.run(max_iterations=1)
    (ended,) = [e for e in world.events("attempt_ended") if e["attempt"] == 1]
    assert (ended["outcome"], ended["changed"]) == ("interrupted", ["half"])
    assert ended["seconds"] > 0


@pytest.mark.deep
def test_what_a_person_wrote_after_a_kill_is_no_part_of_the_attempt(world: World) -> None:
    world.spec("a", checks="test -f a.txt")
    world.repository()
    world.agent(f"echo a > a.txt; {CLAIM}; touch ready; exec sleep 1000")
    world.config_file()
    world.git("add", "harness.yaml")
    world.git("commit", "-qm", "settings")
    run = world.start("run")
    wait_until_ready(world, run)
    (world.root / "ready").unlink()
    run.send_signal(signal.SIGKILL)
    run.communicate()
    time.sleep(1)
    (world.root / "mine.txt").write_text("mine\n")
    ran = world.command("run")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert world.git("show", "--name-only", "--format=", "HEAD") == "a.txt"
    assert world.git("status", "--porcelain", "mine.txt") == "?? mine.txt"
    assert "a: changed after the run was killed, and no part of it: mine.txt" in ran.stdout + ran.stderr


@pytest.mark.deep
def test_the_index_knows_of_a_commit_whose_git_was_killed(world: World, start: Any) -> None:
    world.spec("a", checks="test -f a.txt")
    (world.root / ".gitignore").write_text("logs/\nready\nmade\n")
    world.agent("echo x > a.txt; " + CLAIM)
    world.config_file()
    world.repository()
    hook = world.root / ".git/hooks/post-commit"
    hook.write_text("#!/bin/sh\necho $PPID $$ > made; mv made ready; exec sleep 60\n")
    hook.chmod(0o755)
    run = start("run")
    until(lambda: world.has("ready"))
    run.kill()
    run.wait()
    for pid in (world.root / "ready").read_text().split():
        with suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
    hook.unlink()
    ran = world.run()
    assert (ran.code, world.git("status", "--porcelain")) == (0, ""), ran.text
