"""Answers as servers send them: what is left out is not missed, what is no answer is a mistake."""

from __future__ import annotations

from typing import Any

import pytest
from fakes.api_agent import Agent
from fakes.messages_api import MessagesApi
from fakes.messages_replies import Call, Turn
from fakes.raw_server import BLOCK, DELTA, END, OVER, START, STOP, RawServer, answer, message, sse

from harness.domain.reply import FaultKind, LimitKind

pytestmark = pytest.mark.xdist_group("anthropic")

TOOL = BLOCK | {"content_block": {"type": "tool_use", "id": "t1", "name": "bash", "input": {"command": "true"}}}
WANTS = END | {"delta": {"stop_reason": "tool_use"}}
SPELLED = {
    "half-a-surrogate": '{"command": "echo \\ud83d"}',
    "infinity": '{"command": "true", "timeout": Infinity}',
}


@pytest.mark.parametrize("spelled", SPELLED.values(), ids=SPELLED)
def test_strange_arguments_do_not_poison_the_history(agent: Agent, spelled: str) -> None:
    with MessagesApi([Turn("", (Call("bash", {}, spelled=spelled),)), Turn("Done.")]) as api:
        assert agent(api, patience=2).code == 0


SHAPES: dict[str, list[dict[str, Any]]] = {
    "no-usage": [message(), BLOCK, DELTA, STOP, {key: END[key] for key in ("type", "delta")}, OVER],
    "no-text": [START, BLOCK | {"content_block": {"type": "text"}}, DELTA, STOP, END, OVER],
    "pings": [START, {"type": "ping"}, BLOCK, DELTA, STOP, {"type": "mystery"}, END, OVER],
}


@pytest.mark.parametrize("events", SHAPES.values(), ids=SHAPES)
def test_what_a_server_leaves_out_is_not_missed(agent: Agent, events: list[dict[str, Any]]) -> None:
    with RawServer(lambda number, headers: answer(sse(*events))) as server:
        assert agent(server.url, server="compatible", model="m").code == 0


FOREIGN = {
    "a-page": answer(b"<html>Sign in</html>", "text/html"),
    "another-api": answer(b'{"choices": []}', "application/json"),
    "an-empty-stream": answer(b""),
    "a-strange-event": answer(sse(START, BLOCK, DELTA | {"delta": None}, STOP, END, OVER)),
    "not-found": answer(b'{"detail": "Not Found"}', "application/json", "404 Not Found"),
}


@pytest.mark.parametrize("reply", FOREIGN.values(), ids=FOREIGN)
def test_what_is_not_the_messages_api_is_a_mistake_and_no_crash(agent: Agent, reply: bytes) -> None:
    with RawServer(lambda number, headers: reply) as server:
        said = agent(server.url, server="compatible", model="m")
    assert said.failure.kind is LimitKind.REFUSED


def test_what_gets_in_between_later_is_an_outage(agent: Agent) -> None:
    replies = [answer(sse(START, TOOL, STOP, WANTS, OVER)), FOREIGN["a-page"]]
    with RawServer(lambda number, headers: replies[number - 1]) as server:
        assert agent(server.url, server="compatible", model="m").failure.kind is FaultKind.NETWORK


@pytest.mark.parametrize("depth", [400, 100_000])
def test_arguments_that_are_nested_beyond_all_need_are_torn(agent: Agent, depth: int) -> None:
    spelled = '{"command": ' + "[" * depth + "]" * depth + "}"
    with MessagesApi([Turn("", (Call("bash", {}, spelled=spelled),)), Turn("Done.")]) as api:
        said = agent(api, patience=2)
    assert (said.code, len(said.of("system", "api_retry"))) == (0, 1)


@pytest.mark.parametrize("depth", [400, 100_000])
def test_an_event_that_is_nested_beyond_all_need_is_an_outage(agent: Agent, depth: int) -> None:
    deep = sse(TOOL).replace(b'"true"', b"[" * depth + b"]" * depth)
    with RawServer(lambda number, headers: answer(sse(START) + deep)) as server:
        assert agent(server.url, server="compatible", model="m").failure.kind is FaultKind.NETWORK
