"""What the API agent prints: its cost, and every call it made."""

from __future__ import annotations

import json

import pytest
from fakes.api_agent import Agent, bash
from fakes.messages_api import MessagesApi
from fakes.messages_faults import torn
from fakes.messages_replies import Turn

pytestmark = pytest.mark.xdist_group("anthropic")


def test_the_cost_is_derived_from_the_price_list(agent: Agent) -> None:
    with MessagesApi([Turn("Done.")]) as api:
        said = agent(api)
    assert said.transcript.cost.source == "derived"
    assert said.transcript.cost.dollars == pytest.approx((1000 * 4 + 50 * 20 + 300 * 0.2 + 200 * 5) / 1e6)


def test_a_model_without_a_price_costs_an_unknown_amount(agent: Agent) -> None:
    with MessagesApi([Turn("Done.")]) as api:
        said = agent(api, server="compatible", model="my-own")
    assert said.transcript.cost.dollars is None
    assert said.transcript.usage.output_tokens == 50


def test_a_price_of_ones_own_counts(agent: Agent) -> None:
    price = json.dumps({"model": "my-own", "input": 1.0, "output": 10.0})
    with MessagesApi([Turn("Done.")]) as api:
        said = agent(api, server="compatible", model="my-own", price=price)
    assert said.transcript.cost.dollars == pytest.approx((1500 * 1 + 50 * 10) / 1e6)


def test_every_call_is_in_the_stream_also_one_that_broke_and_one_for_a_summary(agent: Agent) -> None:
    turns = [*[Turn("", (bash("true"),))] * 2, torn("bash", {"command": "true"}), Turn("Done.")]
    with MessagesApi(turns) as api:
        said = agent(api, compact_at=1200, patience=9)
    assert len(api.compactions) == 1
    ids = [event["message"]["id"] for event in said.of("assistant")]
    assert len(ids) == len(set(ids)) == 5
    told = sum(event["message"]["usage"]["input_tokens"] for event in said.of("assistant"))
    assert told == said.transcript.usage.input_tokens == 5000
