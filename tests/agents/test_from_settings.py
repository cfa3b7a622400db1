"""A feature's own agent and model win."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path

import pytest
from helpers.programs import choices, put

from harness.agents.choose import choose_agent
from harness.agents.from_settings import choose_reviewer
from harness.domain.agent import Agent
from harness.domain.errors import AgentError
from harness.domain.feature import Feature
from harness.domain.review import Review
from harness.settings.load import load_config


def test_a_feature_s_own_agent_and_model_win(programs: Path, tmp_path: Path) -> None:
    put(programs, "codex")
    feature = Feature("a", tmp_path, agent="codex", model="mini")
    agent = choose_agent(choices(agent="claude", model="big"), feature, tmp_path, tmp_path)
    assert (agent.name, agent.model, agent.dialect) == ("codex", "mini", "codex")


def choose(root: Path, review: Review, **given: object) -> Agent:
    return choose_reviewer(load_config(root, given, {}), review, root, dict(os.environ))


def test_a_reviewer_leaves_out_what_the_project_says_to_agents_and_has_its_own_model(
    programs: Path, tmp_path: Path
) -> None:
    put(programs, "claude")
    agent = choose(tmp_path, Review("any leak", model="small"), agent="claude", model="big", setting_sources="project")
    assert ("--setting-sources", "user") in pairwise(agent.argv)
    assert ("--model", "small") in pairwise(agent.argv)


def test_a_reviewer_of_another_kind_gets_nothing_that_was_said_to_the_agent_alone(
    programs: Path, tmp_path: Path
) -> None:
    put(programs, "codex")
    agent = choose(tmp_path, Review("any leak", "codex"), agent="claude", model="big", agent_args="--max-turns 3")
    assert (agent.name, agent.model, "--max-turns" in agent.argv) == ("codex", "", False)


def test_a_reviewer_is_no_program_that_the_agent_can_change(programs: Path, tmp_path: Path) -> None:
    (tmp_path / "judge.sh").write_text("echo []")
    with pytest.raises(AgentError, match=r"started with `judge.sh`, which the agent that it judges can change"):
        choose(tmp_path, Review("any leak"), agent="command", command="/bin/sh judge.sh")
