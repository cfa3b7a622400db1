"""Money in whole runs: no line is crossed unseen, and what was spent is known."""

from __future__ import annotations

import json
import os
import signal
from datetime import datetime

import pytest
from helpers.stages import scripted
from helpers.waiting import until
from helpers.world import NOTE, Listener, World

from harness.loop import run_loop
from harness.run.open import open_run
from harness.run.preflight import announce
from harness.settings.load import load_config
from harness.system.clocks import Clocks


def test_a_run_stops_before_the_attempt_that_would_cross_its_line(world: World) -> None:
    world.spec("a")
    scripted(world, {"cost": 0.4})
    ran = world.run(max_cost=1.5)
    assert (ran.code, world.outcomes()) == (7, ["progressed"] * 3)
    halt = (world.root / "HALT").read_text()
    assert (
        "why:    the run has cost $1.20 of $1.50 (`max_cost`), and the next attempt is expected to cost $0.50" in halt
    )
    assert "money:  the run has cost $1.20 of $1.50 (`max_cost`)" in halt
    assert "do:     raise `max_cost`" in halt
    assert "budget: $1.50 for the run\n" in ran.text + "\n"
    assert "genai" not in ran.text


@pytest.mark.deep
def test_another_run_may_cost_as_much_again(world: World) -> None:
    world.spec("a")
    scripted(world, {"cost": 0.4})
    world.run(max_cost=1)
    (world.root / "HALT").unlink()
    assert world.run(max_cost=1).code == 7
    assert len(world.outcomes()) == 4


def test_four_fifths_are_told_once_and_written_down(world: World) -> None:
    world.spec("a")
    scripted(world, {"cost": 0.4})
    ran = world.run(max_cost=1, expected_cost="0.01", max_iterations=10)
    assert len(world.outcomes()) == 3
    assert [line for line in ran.lines if line.startswith("budget: the run")] == [
        "budget: the run has cost $0.80 of $1.00 (`max_cost`)"
    ]
    assert [(e["line"], e["spent"], e["limit"]) for e in world.events("budget_warning")] == [("max_cost", 0.8, 1.0)]


def test_a_feature_over_its_line_is_set_aside_and_the_others_go_on(world: World) -> None:
    world.spec("a")
    world.spec("b")
    scripted(world, {"cost": 0.6}, b=[{"note": NOTE, "done": "it works", "cost": 0.1}])
    world.settings["max_cost_per_feature"] = "1.20"
    ran = world.run(keep_going=True)
    assert (ran.code, ran.stop.slug, world.outcomes()) == (7, "a", ["progressed", "progressed", "done"])
    assert not world.has("HALT")
    world.config_file()
    assert world.states() == {"a": "over budget", "b": "done (unverified)"}


def test_without_keep_going_a_feature_over_its_line_ends_the_run(world: World) -> None:
    world.spec("a")
    world.spec("b")
    scripted(world, {"cost": 0.6})
    assert world.run(max_cost_per_feature=1).code == 7
    assert "`max_cost_per_feature`" in (world.root / "HALT").read_text()
    assert world.outcomes("b") == []


@pytest.mark.deep
def test_a_reset_does_not_make_a_feature_cheaper(world: World, harness) -> None:
    world.spec("a")
    scripted(world, {"cost": 0.6})
    world.run(max_iterations=1)
    harness("reset", "a")
    assert harness("status", "--json").json["features"][0]["dollars"] == 0.6
    assert harness("cost", "--json").json["month"]["dollars"] == 0.6


def run_at(world: World, moment: str, **flags) -> int:
    """Run with a clock that stands still."""
    stands = datetime.fromisoformat(moment).timestamp()
    config = load_config(world.root, {"pause": "0", **world.settings, **flags}, world.environ)
    with open_run(config, Listener(), environ=world.environ, clocks=Clocks(lambda: stands)) as run:
        announce(run)
        return run_loop(run)[0].halt.code


def test_the_month_s_budget_outlives_the_run_and_begins_anew_at_midnight_utc(world: World) -> None:
    world.spec("a")
    scripted(world, {"cost": 0.4})
    bounds = {"monthly_budget": 1, "expected_cost": "0.4", "max_iterations": 1}
    assert [run_at(world, "2026-11-30T23:59:59Z", **bounds) for _ in range(2)] == [1, 7]
    assert "resets: 2026-" in (world.root / "HALT").read_text()
    (world.root / "HALT").unlink()
    assert run_at(world, "2026-11-30T23:59:59Z", **bounds) == 7
    (world.root / "HALT").unlink()
    assert run_at(world, "2026-12-01T00:00:00Z", **bounds) == 1
    assert len(world.outcomes()) == 3


@pytest.mark.deep
def test_what_a_killed_run_spent_is_counted_once_and_in_its_month(world: World, harness) -> None:
    result = json.dumps({"type": "result", "is_error": False, "total_cost_usd": 0.25})
    world.spec("a")
    world.agent(f"note one; echo '{result}'; [ $attempt = 1 ] || sleep 1000")
    world.settings["dialect"] = "claude"
    world.config_file(max_iterations=2)
    child = world.start("run")
    stream = "attempts/a/0002/stream.jsonl"  # what harness had not heard yet is lost with it
    until(lambda: world.has(f"logs/{stream}") and "total_cost_usd" in world.log(stream))
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    for stream in (child.stdout, child.stderr):
        stream.close()
    for _ in range(2):
        world.agent("exit 0")
        world.settings["dialect"] = "claude"
        world.run("a", max_iterations=1, monthly_budget="0.99", expected_cost="0.60")
        report = harness("cost", "--json").json
        assert (report["month"]["dollars"], report["total"]["attempts"]) == (0.5, 2)
        (world.root / "HALT").unlink()


@pytest.mark.deep
def test_what_was_spent_on_a_receipt_is_known_though_the_run_died_right_after_it(world: World, harness) -> None:
    world.spec("a", checks="true")
    scripted(world, {"cost": 0.4, "done": "it works"})
    world.run()
    journal = world.root / "logs" / "journal.jsonl"
    events = journal.read_bytes().splitlines(keepends=True)
    ended = next(number for number, line in enumerate(events) if b'"attempt_ended"' in line)
    journal.write_bytes(b"".join(events[:ended]))
    assert world.run().code == 0
    assert harness("cost", "--json").json["month"]["dollars"] == 0.4


def test_claude_code_is_told_what_is_left(world: World) -> None:
    world.spec("a")
    result = json.dumps({"type": "result", "is_error": False, "total_cost_usd": 0.4})
    program = world.root.parent / "bin" / "claude"
    program.parent.mkdir()
    program.write_text(
        f"#!/bin/sh\ncat > /dev/null\necho \"$@\" >> ../args\necho '{NOTE}' >> logs/a.log\necho '{result}'\n"
    )
    program.chmod(0o755)
    world.settings = {"agent": "claude"}
    environ = {**world.environ, "PATH": f"{program.parent}:{world.environ['PATH']}", "IS_SANDBOX": "1"}
    world.run(environ=environ, max_iterations=2, max_cost=5, max_cost_per_attempt="4.80")
    began = [line for line in (world.root.parent / "args").read_text().splitlines() if line.startswith("-p ")]
    assert [line.partition("--max-budget-usd ")[2] for line in began] == ["4.8000", "4.6000"]


def test_a_fault_that_is_refunded_has_cost_its_money(world: World) -> None:
    world.spec("a")
    down = {"type": "result", "is_error": True, "api_error_status": 529, "errors": ["busy"], "total_cost_usd": 0.6}
    scripted(world, {"events": [down], "result": False, "exit": 1})
    ran = world.run(max_cost=1)
    assert (ran.code, world.outcomes()) == (7, ["fault"])
