"""A feature's own agent and model win."""

from __future__ import annotations

from pathlib import Path

from helpers.programs import choices, put

from harness.agents.choose import choose_agent
from harness.domain.feature import Feature


def test_a_feature_s_own_agent_and_model_win(programs: Path, tmp_path: Path) -> None:
    put(programs, "codex")
    feature = Feature("a", tmp_path, agent="codex", model="mini")
    agent = choose_agent(choices(agent="claude", model="big"), feature, tmp_path, tmp_path)
    assert (agent.name, agent.model, agent.dialect) == ("codex", "mini", "codex")
