"""What a server counts is believed as far as it can be true, and unknown where it cannot."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fakes.api_agent import Agent
from fakes.raw_server import BLOCK, DELTA, END, OVER, START, STOP, RawServer, answer, message, sse

from harness.agents.api.counted import NOT_COUNTED, Most, Unbelievable, most_of, read_usage
from harness.domain.reply import Usage

pytestmark = pytest.mark.xdist_group("anthropic")

MOST = Most(prompt=30_000, output=5_000)
IMPOSSIBLE: dict[str, object] = {
    "more-than-was-asked-for": {"output_tokens": 9_000_000},
    "more-than-was-sent": {"input_tokens": 10_000, "cache_read_input_tokens": 30_000},
    "more-than-was-written": {"cache_creation": {"ephemeral_1h_input_tokens": 40_000}},
    "more-than-is-summarized": {"iterations": [{"type": "compaction", "input_tokens": 10**9}]},
    "negative": {"input_tokens": -5},
    "a-fraction": {"output_tokens": 2.5},
    "nan": {"output_tokens": float("nan")},
    "infinity": {"cache_read_input_tokens": float("inf")},
    "true": {"output_tokens": True},
    "a-text": {"output_tokens": "12"},
    "a-list": [1, 2],
    "a-number": 7,
}


@pytest.mark.parametrize("told", IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_what_cannot_be_true_is_not_believed(told: object) -> None:
    with pytest.raises(Unbelievable, match="what it cost is not known"):
        read_usage(told, Usage(), MOST)


def test_what_is_not_told_is_as_before_and_a_compaction_is_added() -> None:
    told = {"output_tokens": 7, "cache_creation": None, "iterations": [{"type": "compaction", "output_tokens": 2}]}
    assert read_usage(told, Usage(3, 1, 4, 5, 6), MOST) == Usage(3, 9, 4, 5, 6)


def test_a_token_for_each_byte_and_what_a_server_adds_can_be_true() -> None:
    most = most_of(sent=1_000, said=500, max_tokens=100)
    assert read_usage({"input_tokens": 1_500, "output_tokens": 100}, Usage(), most) == Usage(1_500, 100)


PRICE = json.dumps({"model": "m", "input": 10, "output": 10})
BIG = END | {"usage": {"output_tokens": 9_000_000}}


def _served(agent: Agent, *events: dict[str, Any], **flags: object) -> Any:
    with RawServer(lambda number, headers: answer(sse(*events))) as server:
        return agent(server.url, server="compatible", model="m", **flags)


def test_an_answer_that_is_counted_wrong_has_no_known_cost_which_is_told_once(agent: Agent) -> None:
    said = _served(agent, START, BLOCK, DELTA, STOP, BIG, OVER, price=PRICE)
    assert (said.code, said.transcript.cost.dollars, said.transcript.counted) == (0, None, False)
    assert said.transcript.notices == (
        "the server says that a call used 9,000,000 output tokens, of 32,000 that it may: what it cost is not known",
    )


def test_an_answer_that_is_not_counted_has_no_known_cost(agent: Agent) -> None:
    said = _served(agent, message(), BLOCK, DELTA, STOP, END | {"usage": {}}, OVER, price=PRICE)
    assert (said.transcript.cost.dollars, said.transcript.notices) == (None, (NOT_COUNTED,))


def test_what_costs_nothing_costs_nothing_however_it_is_counted(agent: Agent) -> None:
    free = json.dumps({"model": "m", "input": 0, "output": 0})
    said = _served(agent, START, BLOCK, DELTA, STOP, BIG, OVER, price=free, max_cost=1)
    assert (said.code, said.transcript.cost.dollars, said.transcript.notices) == (0, 0.0, ())


def test_within_a_budget_no_second_call_is_made_when_the_first_was_not_counted(agent: Agent) -> None:
    call = BLOCK | {"content_block": {"type": "tool_use", "id": "t1", "name": "bash", "input": {"command": "true"}}}
    events = START, call, STOP, BIG | {"delta": {"stop_reason": "tool_use"}}, OVER
    with RawServer(lambda number, headers: answer(sse(*events))) as server:
        said = agent(server.url, server="compatible", model="m", price=PRICE, max_cost=5)
    assert (server.count, said.transcript.terminal_reason) == (1, "budget_exhausted")
    assert said.transcript.error_text == "a budget is set, and what m used is not known"


def test_a_broken_answer_that_is_counted_wrong_has_no_known_cost_either(agent: Agent) -> None:
    start = message(usage={"input_tokens": -1})
    said = _served(agent, start, BLOCK, DELTA, price=PRICE)
    assert (said.transcript.cost.dollars, said.transcript.counted) == (None, False)
