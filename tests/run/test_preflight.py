"""What a run says, and refuses, before its first attempt."""

from __future__ import annotations

import pytest
from helpers.marks import in_short
from helpers.stages import codex
from helpers.world import CLAIM, World

from harness.domain.errors import AgentError


def test_with_a_budget_an_agent_of_plain_text_does_not_start(world: World) -> None:
    world.spec("a")
    with pytest.raises(AgentError, match="`dialect: text`") as caught:
        world.run(max_cost=5)
    assert (caught.value.exit_code, "`max_iterations`" in caught.value.hint) == (2, True)
    assert world.run(max_iterations=1).code == 1


@pytest.mark.parametrize(
    "setting",
    in_short(["max_cost", "max_cost_per_feature", "max_cost_per_attempt", "monthly_budget"], "max_cost_per_feature"),
)
def test_with_a_budget_and_no_price_it_says_which_line_to_add(world: World, setting: str) -> None:
    world.spec("a")
    codex(world)
    with pytest.raises(AgentError) as caught:
        world.run(model="my-model", **{setting: 5})
    assert caught.value.message == "a budget is set, and no price is known for model `my-model`"
    hint = caught.value.hint
    assert hint == (
        "add `prices: {my-model: {input: 1.00, output: 5.00}}` (dollars for a million tokens) to harness.yaml"
    )
    line = hint.split("`")[1]
    (world.root / "harness.yaml").write_text(line + "\n")
    assert world.run(model="my-model", max_iterations=1, **{setting: 5}).code == 1
    assert [(e["dollars"], e["cost_source"], e["prices"]) for e in world.events("attempt_ended")] == [
        (1.0, "derived", "harness.yaml")
    ]


def test_with_a_budget_and_no_model_named_it_asks_for_one(world: World) -> None:
    world.spec("a")
    codex(world)
    with pytest.raises(AgentError, match="does not say which model it uses"):
        world.run(max_cost=5)
    ran = world.run(max_cost=5, model="gpt-5.2", max_iterations=1)
    assert "budget: $5.00 for the run; prices: genai-prices" in ran.text
    assert "`command` cannot be stopped at a budget" in ran.text


def test_a_feature_s_own_model_needs_a_price_too(world: World) -> None:
    world.spec("a")
    world.spec("b", model="my-model")
    codex(world)
    with pytest.raises(AgentError, match="`my-model`"):
        world.run(max_cost=5, model="gpt-5.2")


def test_a_small_disk_is_told_before_the_first_attempt(world: World, monkeypatch) -> None:
    monkeypatch.setattr("harness.run.preflight.free_bytes", lambda folder: 300 << 20)
    world.spec("a")
    world.agent(CLAIM)
    assert "only 300 MiB free on the disk of `logs`" in world.run().lines
