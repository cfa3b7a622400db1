"""What an attempt cost is known, or said to be unknown."""

from __future__ import annotations

import json

import pytest
from helpers.recorded import message
from helpers.stages import codex
from helpers.world import World

from harness.agents.prices import PriceBook
from harness.domain.reply import Cost, Ended, Exit, Reply, Transcript, Usage


def test_without_a_price_a_cost_is_unknown_and_status_says_so(world: World, harness) -> None:
    world.spec("a")
    codex(world)
    world.run(max_iterations=1)
    world.config_file()
    row = harness("status", "--json").json["features"][0]
    assert (row["dollars"], row["unknown_costs"]) == (None, 1)
    world.run(max_iterations=1, model="gpt-5.2")
    assert "+?" in harness("status").out
    assert harness("cost", "--json").json["rows"][0] | {"name": ""} == {
        "name": "", "attempts": 2, "reviews": 0, "uncached": 2_000_000, "cache_read": 0, "cache_written": 0,
        "output": 0,
        "hit_rate": 0.0, "dollars": 1.75, "reported": 0, "derived": 1, "unknown": 1,
    }  # fmt: skip


def test_an_attempt_that_is_killed_at_its_time_limit_has_a_derived_cost(world: World) -> None:
    init = {"type": "system", "subtype": "init", "model": "claude-opus-5-5"}
    said = "\n".join(json.dumps(line) for line in (init, message(1, 100)))
    world.spec("a")
    world.agent(f"cat <<'END'\n{said}\nEND\nexec sleep 60")
    world.run(max_iterations=1, dialect="claude", timeout="1s")
    [ended] = world.events("attempt_ended")
    assert (ended["outcome"], ended["cost_source"]) == ("timed_out", "derived")
    assert ended["dollars"] == pytest.approx(PriceBook().cost("claude-opus-5-5", Usage(1000, 100, 0, 300, 100)))
    assert ended["prices"].startswith("genai-prices")


def test_an_agent_that_could_not_be_started_has_cost_nothing() -> None:
    from harness.run.spending import price

    reply = price(Reply(Exit(Ended.NOT_STARTED)), None, PriceBook())
    assert reply.transcript.cost.dollars == 0.0


def test_tokens_that_cannot_be_believed_have_no_price() -> None:
    from harness.run.spending import price

    said = Transcript(model="claude-opus-5-5", usage=Usage(1000, 100), counted=False)
    assert price(Reply(Exit(Ended.EXITED), said), None, PriceBook()).transcript.cost == Cost()
