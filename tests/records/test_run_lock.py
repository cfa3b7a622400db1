"""The lock of the run has one holder, who is named."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from helpers.waiting import PATIENCE, Leash
from helpers.world import CLAIM, World

from harness.domain.errors import LockHeld, StorageError
from harness.records.run_lock import find_holder, hold_lock


def test_the_lock_has_one_holder_who_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.records.run_lock.PATIENCE", 0.0)
    lock = hold_lock(tmp_path / ".lock", tmp_path)
    with pytest.raises(LockHeld, match=f"pid {os.getpid()}"):
        hold_lock(tmp_path / ".lock", tmp_path)
    assert find_holder(tmp_path / ".lock", tmp_path).pid == os.getpid()
    lock.close()
    assert find_holder(tmp_path / ".lock", tmp_path) is None


def test_a_link_in_the_place_of_the_lock_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "journal.jsonl").write_text("what was")
    (tmp_path / ".lock").symlink_to("journal.jsonl")
    with pytest.raises(StorageError, match="it is not a plain file"):
        hold_lock(tmp_path / ".lock", tmp_path)
    assert (tmp_path / "journal.jsonl").read_text() == "what was"
    assert find_holder(tmp_path / ".lock", tmp_path) is None


@pytest.mark.deep
def test_a_killed_run_that_nobody_has_buried_yet_is_dead(world: World, leash: Leash, start) -> None:
    world.spec("a")
    world.agent(f"[ $attempt = 1 ] && {{ {leash.code} sleep 600; }}; {CLAIM}")
    world.config_file()
    run = start("run", fresh=True)
    leash.read()
    run.kill()  # and no wait: it stays a zombie, as in a container whose first process reaps nobody
    assert leash.read() == b""
    assert world.run().code == 0


def test_a_second_runner_ends_with_2_and_names_the_first(world: World, harness, leash: Leash, start) -> None:
    world.spec("a")
    world.agent(f'{leash.code} while [ ! -e "{world.root}/go" ]; do sleep 0.02; done; ' + CLAIM)
    world.config_file()
    first = start("run")
    leash.read()
    second = harness("run")
    assert (second.code, second.out) == (2, "")
    assert second.err.startswith(f"error: another run is active here: pid {first.pid} on ")
    assert second.err.splitlines()[1] == "hint: watch it with `harness status`, pause it with `harness halt`"
    assert (harness("accept", "a", "because").code, harness("reset", "a").code) == (2, 2)
    (world.root / "go").touch()
    assert first.wait(PATIENCE) == 0
    assert world.outcomes() == ["done"]
