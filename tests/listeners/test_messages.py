"""What people outside hear at once, each from one event."""

from __future__ import annotations

import json

import pytest
from fakes.hook import Hook
from helpers.world import ASK, World


def test_a_question_is_told_when_it_is_asked(world: World, harness) -> None:
    world.spec("a")
    world.agent(ASK)
    with Hook() as hook:
        world.config_file(webhook=hook.url)
        assert harness("run").code == 4
    assert hook.events == ["blocked", "finished"]
    assert hook.heard[0].items() >= {"slug": "a", "attempt": 1, "question": "which client?"}.items()


@pytest.mark.deep
def test_silence_and_no_progress_are_told(world: World, harness) -> None:
    world.spec("a")
    world.agent("sleep 30")
    with Hook() as hook:
        world.config_file(webhook=hook.url, idle_timeout="0.2s", stuck_limit=1)
        assert harness("run").code == 5
    assert hook.events == ["silent", "stuck", "finished"]


@pytest.mark.deep
def test_a_limit_and_four_fifths_of_a_budget_are_told(world: World, harness) -> None:
    world.spec("a")
    event = {"type": "result", "is_error": True, "api_error": "usage_limit_reached", "result": "resets", "usage": {}}
    line = json.dumps({**event, "subtype": "success", "total_cost_usd": 0.9})
    world.agent(f"cat <<'EOF'\n{line}\nEOF\nexit 1")
    with Hook() as hook:
        world.config_file(webhook=hook.url, dialect="claude", max_cost=1)
        assert harness("run").code == 6
    assert sorted(hook.events[:-1]) == ["budget", "limit"]
    assert hook.events[-1] == "finished"
