"""A run gives signs of life, and takes them away."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest
from helpers.waiting import PATIENCE, until
from helpers.world import CLAIM, World


def test_a_run_gives_signs_of_life_that_status_shows_and_takes_them_away(world: World, harness) -> None:
    world.spec("a")
    world.agent('while ! [ -e "$logs/go" ]; do sleep 0.01; done; ' + CLAIM)
    world.config_file()
    run = world.start("run")
    until(lambda: world.has("logs/heartbeat.json") and '"working"' in world.log("heartbeat.json"))
    beat = json.loads(world.log("heartbeat.json"))
    assert (beat["pid"], beat["phase"], beat["feature"], beat["attempt"]) == (run.pid, "working", "a", 1)
    assert beat.keys() >= {"started", "run", "at", "monotonic", "tree"}
    assert re.search(r"last heartbeat \d{1,2}s ago \(a attempt 1, working\)\n", harness("status").out)
    late = {**beat, "monotonic": beat["monotonic"] - 150}
    (world.root / "logs/heartbeat.json").write_text(json.dumps(late))
    said = harness("status").out
    assert re.search(r"2m\d\ds ago \(a attempt 1, working\): it seems to hang: try `harness halt --now`", said)
    assert harness("status", "--json").json["run"]["beat"]["hung"]
    (world.root / "logs/go").touch()
    run.communicate(timeout=PATIENCE)
    assert not world.has("logs/heartbeat.json")


def test_a_sign_of_life_comes_at_least_every_30_s_and_costs_little(tmp_path: Path, monkeypatch) -> None:
    from harness.records import heartbeat

    heart = heartbeat.Heartbeat(tmp_path / "heartbeat.json", {"pid": 1}, time.time)
    now = time.monotonic()
    monkeypatch.setattr(heartbeat.time, "monotonic", lambda: now)
    written = []
    monkeypatch.setattr(heartbeat.files, "write_atomic", lambda path, text, sync: written.append(json.loads(text)))
    heart.phase("starting", silent=True)
    heart.phase("working", feature="a")
    heart.beat()
    for seconds in (0.1, 29, 1):
        now += seconds
        heart.beat()
    assert [one["phase"] for one in written] == ["starting", "working", "working"]
    assert written[2]["monotonic"] - written[1]["monotonic"] == pytest.approx(30, abs=0.01)


def test_the_sign_of_a_killed_run_is_not_taken_for_a_living_one(world: World, harness) -> None:
    world.spec("a")
    world.agent("sleep 60")
    world.config_file()
    run = world.start("run")
    until(lambda: world.has("logs/heartbeat.json") and "working" in world.log("heartbeat.json"))
    run.kill()
    run.communicate(timeout=PATIENCE)
    assert world.has("logs/heartbeat.json")
    assert "sign of life" not in harness("status").out
