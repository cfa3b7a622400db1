"""How agents are started: command lines, environments, prompts."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from helpers.world import World

from harness.agents.choose import AgentOptions, choose_agent, environment_of
from harness.agents.claude import prepare_prompt
from harness.agents.from_settings import agent_options
from harness.agents.loads import find_loaded
from harness.domain.errors import AgentError
from harness.domain.feature import Feature
from harness.settings.options import Settings
from harness.system.environment import clean_environment


def choices(**given) -> AgentOptions:
    return agent_options(replace(Settings(), **given))


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the whole PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    return folder


def put(folder: Path, name: str) -> None:
    (folder / name).write_text("#!/bin/sh\n")
    (folder / name).chmod(0o755)


def test_auto_takes_claude_where_it_is_on_path(programs: Path, tmp_path: Path) -> None:
    put(programs, "claude")
    agent = choose_agent(choices(model="opus"), None, tmp_path, tmp_path)
    assert agent.argv == (
        "claude", "-p", "--output-format", "stream-json", "--verbose",
        "--permission-mode", "bypassPermissions", "--model", "opus",
    )  # fmt: skip


def test_auto_without_any_agent_names_the_choices(programs: Path, tmp_path: Path) -> None:
    with pytest.raises(AgentError) as caught:
        choose_agent(choices(), None, tmp_path, tmp_path)
    assert (
        caught.value.message == "no agent found: `claude` is not on PATH, and there is no ANTHROPIC_API_KEY for `api`"
    )
    assert "codex, gemini, opencode, command, scripted" in caught.value.hint


@pytest.mark.parametrize(
    ("name", "argv"),
    [
        (
            "codex",
            ("codex", "exec", "--json", "--dangerously-bypass-approvals-and-sandbox", "--skip-git-repo-check",
             "-m", "m", "-"),
        ),
        (
            "gemini",
            ("gemini", "--yolo", "--skip-trust", "--output-format", "stream-json", "-m", "m",
             "-p", "Follow the instructions above."),
        ),
        ("opencode", ("opencode", "run", "--format", "json", "--auto", "-m", "m")),
    ],
)  # fmt: skip
def test_a_preset_writes_the_verified_command_line(programs: Path, tmp_path: Path, name: str, argv: tuple) -> None:
    put(programs, name)
    assert choose_agent(choices(agent=name, model="m"), None, tmp_path, tmp_path).argv == argv


def test_a_feature_s_own_agent_and_model_win(programs: Path, tmp_path: Path) -> None:
    put(programs, "codex")
    feature = Feature("a", tmp_path, agent="codex", model="mini")
    agent = choose_agent(choices(agent="claude", model="big"), feature, tmp_path, tmp_path)
    assert (agent.name, agent.model, agent.dialect) == ("codex", "mini", "codex")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        pytest.param({"agent": "gpt"}, "there is no agent `gpt`", id="unknown"),
        pytest.param({"agent": "codex"}, "agent `codex`: `codex` is not on PATH", id="not installed"),
        pytest.param({"agent": "scripted"}, "agent `scripted` has no script", id="no script"),
        pytest.param(
            {"agent": "scripted", "script": "no.yaml"}, "the script `no.yaml` does not exist", id="lost script"
        ),
        pytest.param({"agent": "command"}, "agent `command` has no command line", id="no command"),
    ],
)
def test_an_agent_that_cannot_be_started_is_one_sentence(programs: Path, tmp_path: Path, given, message) -> None:
    with pytest.raises(AgentError, match="^" + message.replace("`", ".")):
        choose_agent(choices(**given), None, tmp_path, tmp_path)


@pytest.mark.parametrize(
    ("text", "fed"),
    [
        pytest.param("see @notes.txt now", "see \\@notes.txt now", id="in a sentence"),
        pytest.param("@notes.txt", "\\@notes.txt", id="at a line's start"),
        pytest.param("| @notes.txt, and", "| \\@notes.txt, and", id="in a block, with a comma"),
        pytest.param('see @"notes.txt"', 'see \\@"notes.txt"', id="quoted"),
        pytest.param("see @notes.txt#L3", "see \\@notes.txt#L3", id="with a line"),
        pytest.param("see @dir/", "see \\@dir/", id="a folder"),
        pytest.param("@dataclass\nclass A: ...", "@dataclass\nclass A: ...", id="a decorator is no file"),
        pytest.param("mail a@notes.txt", "mail a@notes.txt", id="an address"),
    ],
)
def test_claude_gets_no_file_by_accident(tmp_path: Path, text: str, fed: str) -> None:
    (tmp_path / "notes.txt").touch()
    (tmp_path / "dir").mkdir()
    assert prepare_prompt(text, tmp_path) == "Follow the instructions below.\n\n" + fed


def test_a_prompt_for_claude_never_begins_as_a_command(tmp_path: Path) -> None:
    assert not prepare_prompt("/clear", tmp_path).startswith("/")


def test_the_environment_is_what_is_needed_and_what_is_let_through() -> None:
    given = {"PATH": "p", "LC_ALL": "C", "MY_KEY": "k", "CLAUDE_X": "c", "HARNESS_MODEL": "m", "HARNESS_X": "h"}
    assert clean_environment(given, ("CLAUDE_*",), ("HARNESS_*",)) == {"PATH": "p", "LC_ALL": "C", "CLAUDE_X": "c"}


def test_what_the_person_set_wins_over_what_harness_would_set(programs: Path, tmp_path: Path) -> None:
    put(programs, "claude")
    agent = choose_agent(choices(), None, tmp_path, tmp_path)
    assert environment_of(agent, {}, (), "run")["CLAUDE_CODE_MAX_RETRIES"] == "4"
    assert environment_of(agent, {"CLAUDE_CODE_MAX_RETRIES": "9"}, (), "run")["CLAUDE_CODE_MAX_RETRIES"] == "9"


def test_harness_never_claims_to_be_a_sandbox_by_itself(programs: Path, tmp_path: Path) -> None:
    put(programs, "claude")
    assert "IS_SANDBOX" not in environment_of(choose_agent(choices(), None, tmp_path, tmp_path), {}, (), "run")


def test_hooks_that_an_agent_would_execute_are_named(tmp_path: Path) -> None:
    (tmp_path / ".claude").mkdir()
    (tmp_path / ".claude/settings.json").write_text('{"hooks": {"Stop": [], "PreToolUse": []}}')
    assert find_loaded("claude", tmp_path, "") == [
        ".claude/settings.json (hooks that will be executed: PreToolUse, Stop)"
    ]
    assert find_loaded("claude", tmp_path, "user") == []


@pytest.mark.parametrize("sandbox", ["bwrap", "auto"])
def test_a_program_that_an_agent_put_on_path_is_run_by_nobody_outside(
    world: World, tmp_path: Path, sandbox: str
) -> None:
    if shutil.which("bwrap") is None:
        pytest.skip("BUBBLEWRAP IS NOT INSTALLED")
    planted = world.root / "tools" / "codex"
    planted.parent.mkdir()
    planted.write_text(f"#!/bin/sh\necho ran >> {tmp_path / 'proof'}; exit 3\n")
    planted.chmod(0o755)
    environ = {**world.environ, "PATH": f"{planted.parent}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    world.spec("a")
    world.settings |= {"agent": "codex", "sandbox": sandbox}
    with pytest.raises(AgentError, match="agent `codex` cannot start inside the sandbox: exit 3"):
        world.run(environ=environ)
    world.config_file(agent="codex")
    said = world.command("doctor", **{**environ, "HARNESS_SANDBOX": sandbox}).stdout
    assert "`codex` lies in the project, where an agent may have written it: not asked" in said
    assert not (tmp_path / "proof").exists()
