"""`harness doctor` says whether a night can begin, with a hint for each failure."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest
from helpers.marks import in_short
from helpers.world import World


def test_doctor_is_content_with_a_project_that_is_ready(world: World, harness, claude: Path, monkeypatch) -> None:
    world.spec("a")
    world.repository()
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-a-secret-of-mine")
    ran = harness("doctor", "--json")
    states = {one["name"]: one["state"] for one in ran.json["checks"]}
    assert (ran.code, "fail" in states.values()) == (0, False)
    assert {"specs", "agent", "credentials", "git", "disk", "lock", "sandbox", "clock"} <= set(states)
    assert "2.1.329" in ran.out
    assert "ANTHROPIC_API_KEY is set" in ran.out
    assert "secret" not in ran.out + harness("doctor").out


def test_doctor_never_prints_a_stored_credential(world: World, harness, claude: Path) -> None:
    world.spec("a")
    stored = claude / ".claude" / ".credentials.json"
    stored.parent.mkdir()
    stored.write_text('{"token": "a-secret-of-mine"}')
    ran = harness("doctor")
    assert "~/.claude/.credentials.json is there" in ran.out
    assert "a-secret-of-mine" not in ran.out


def _no_claude(world: World, claude: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")


def _no_credentials(world: World, claude: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pass


def _halt(world: World, claude: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (world.root / "HALT").touch()


def _broken_spec(world: World, claude: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world.spec("b", nosuch=1)


def _no_folder(world: World, claude: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (world.root / "logs").write_text("x")


def _broken_program(world: World, claude: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = claude.parent / "bin" / "claude"
    program.write_text("#!/bin/sh\necho it broke >&2; exit 1\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)


@pytest.mark.parametrize(
    ("damage", "name", "says"),
    in_short(
        [
            pytest.param(_no_claude, "agent", "`claude` is not on PATH", id="no agent"),
            pytest.param(_broken_program, "agent", "it broke", id="an agent that does not start"),
            pytest.param(_no_credentials, "credentials", "none found for claude", id="no credentials"),
            pytest.param(_halt, "halt", "HALT` is present", id="HALT"),
            pytest.param(_broken_spec, "specs", "unknown key `nosuch`", id="a broken spec"),
            pytest.param(_no_folder, "disk", "is not a folder", id="a file as logs"),
        ],
        "no agent",
        "a file as logs",
    ),
)
def test_doctor_is_2_with_a_hint_for_each_failure(
    world: World, harness, claude: Path, monkeypatch, damage, name: str, says: str
) -> None:
    world.spec("a")
    damage(world, claude, monkeypatch)
    ran = harness("doctor", "--json")
    failures = {one["name"]: one for one in ran.json["checks"] if one["state"] == "fail"}
    assert ran.code == 2
    assert says in failures[name]["says"]
    assert all(one["hint"] for one in failures.values())
    assert harness("doctor").out.count("hint: ") >= len(failures)


def test_doctor_tries_whether_commits_would_be_signed(world: World, harness: Any, monkeypatch: Any) -> None:
    world.spec("a")
    world.repository()
    for number, (name, value) in enumerate((("commit.gpgsign", "true"), ("gpg.program", "/bin/false"))):
        monkeypatch.setenv(f"GIT_CONFIG_KEY_{number}", name)
        monkeypatch.setenv(f"GIT_CONFIG_VALUE_{number}", value)
    monkeypatch.setenv("GIT_CONFIG_COUNT", "2")
    ran = harness("doctor")
    assert "they would not be signed: error: gpg failed to sign the data" in ran.out
    assert world.git("status", "--porcelain") == ""


def test_doctor_names_reviewers_and_fails_for_one_that_cannot_start(world: World, harness: Any) -> None:
    world.spec("a", checks=["true", {"review": "any leak"}])
    world.config_file()
    found = {one["name"]: one for one in harness("doctor", "--json").json["checks"]}
    assert (found["reviewers"]["state"], found["reviewers"]["says"]) == ("ok", "1 question to command")
    world.spec("a", checks=["true", {"review": "any leak", "agent": "api"}])
    found = {one["name"]: one for one in harness("doctor", "--json").json["checks"]}
    assert (found["reviewers"]["state"], found["reviewers"]["says"]) == (
        "fail",
        "agent `api`: there is no key, `ANTHROPIC_API_KEY` is not set",
    )
