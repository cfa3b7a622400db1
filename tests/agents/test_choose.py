"""Which agent does the work: a name becomes a command line, an environment and a dialect."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.programs import choices, put

from harness.agents.choose import choose_agent, environment_of
from harness.domain.errors import AgentError


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


def test_what_the_person_set_wins_over_what_harness_would_set(programs: Path, tmp_path: Path) -> None:
    put(programs, "claude")
    agent = choose_agent(choices(), None, tmp_path, tmp_path)
    assert environment_of(agent, {}, (), "run")["CLAUDE_CODE_MAX_RETRIES"] == "4"
    assert environment_of(agent, {"CLAUDE_CODE_MAX_RETRIES": "9"}, (), "run")["CLAUDE_CODE_MAX_RETRIES"] == "9"


def test_harness_never_claims_to_be_a_sandbox_by_itself(programs: Path, tmp_path: Path) -> None:
    put(programs, "claude")
    assert "IS_SANDBOX" not in environment_of(choose_agent(choices(), None, tmp_path, tmp_path), {}, (), "run")
