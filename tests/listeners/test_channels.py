"""What is told outside: a webhook, a command at the end, and that neither changes anything."""

from __future__ import annotations

import json
import os

import pytest
from fakes.hook import Hook
from helpers.world import CLAIM, World

from harness.listeners import channels as notify


def test_the_end_is_told_with_the_result_as_json_gives_it(world: World, harness) -> None:
    world.spec("a", checks="true")
    world.agent(CLAIM)
    with Hook() as hook:
        world.config_file(webhook=hook.url, on_finish='cat > told; env | grep "^HARNESS_" | sort > variables')
        ran = harness("run", "--json")
    assert (ran.code, hook.events) == (0, ["finished"])
    assert hook.heard[0]["result"] == ran.json == json.loads((world.root / "told").read_text())
    assert hook.heard[0]["text"].endswith("exit 0")
    assert (world.root / "variables").read_text().splitlines() == [
        "HARNESS_EVENT=finished", "HARNESS_EXIT=0", "HARNESS_HALT=ALL_DONE", f"HARNESS_RUN_ID={ran.json['run']}",
    ]  # fmt: skip


def test_an_error_in_the_middle_is_told_too(world: World, harness) -> None:
    world.spec("a")
    world.agent('rm -rf "$logs/a.log"; mkdir "$logs/a.log"')
    world.config_file(on_finish="cat > told")
    ran = harness("run")
    assert ran.code == json.loads((world.root / "told").read_text())["code"]


@pytest.mark.parametrize(
    ("command", "why"), [("echo sorry >&2; exit 3", "exit 3: sorry"), ("sleep 60", "ended after 0.3s")]
)
def test_a_command_that_fails_changes_nothing(world: World, harness, monkeypatch, command: str, why: str) -> None:
    monkeypatch.setattr(notify, "COMMAND_BOUND", 0.3)
    world.spec("a", checks="true")
    world.agent(CLAIM)
    world.config_file(on_finish=command)
    ran = harness("run")
    assert ran.code == 0
    assert f"on_finish failed to notify you: {why}" in ran.err
    assert [e["channel"] for e in world.events("notify_failed")] == ["on_finish"]


def test_a_command_at_the_end_runs_no_program_that_an_agent_wrote(world: World, harness, tmp_path, monkeypatch) -> None:
    (tmp_path / "tools").mkdir()
    monkeypatch.setenv("PATH", f"{world.root}/bin:{tmp_path}/tools:{os.environ['PATH']}")
    write = "mkdir -p $bin; echo 'echo evil' > $bin/mail; chmod +x $bin/mail"
    world.agent(f"for bin in bin {tmp_path}/tools; do {write}; done; {CLAIM}")
    world.spec("a", checks="true")
    world.config_file(on_finish="mail > told", sandbox_write=str(tmp_path / "tools"))
    assert "on_finish failed to notify you: exit 127" in harness("run").err
    assert (world.root / "told").read_text() == ""


def test_an_address_is_never_shown(world: World, harness) -> None:
    world.spec("a")
    world.config_file(webhook="https://u:pw@hooks.example.com/T0KEN", notify=["slack://T0KEN/b/c"])
    shown = harness("config").out
    assert "https://hooks.example.com/…" in shown and "[slack://…]" in shown
    assert "T0KEN" not in shown and "pw@" not in shown
    for name, value in (("webhook", "ftp://x/T0KEN"), ("notify", "T0KEN")):
        world.config_file(**{name: value})
        wrong = harness("config")
        assert wrong.code == 2 and "T0KEN" not in wrong.err + wrong.out
