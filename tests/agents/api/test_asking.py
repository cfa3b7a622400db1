"""The API agent against servers and models at their worst: no loop without an end, no call unmetered, no key told."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fakes.api_agent import Agent, bash
from fakes.messages_api import MessagesApi
from fakes.messages_faults import compaction_unavailable, overloaded, prompt_too_long, rate_limited, torn
from fakes.messages_replies import Call, Fault, Reply, Turn
from fakes.messages_script import Request
from fakes.raw_server import BLOCK, DELTA, END, OVER, START, STOP, RawServer, answer, message, sse

from harness.agents.api.failure import Failure, Kind, find_wait
from harness.agents.api.launch import check_start
from harness.agents.from_settings import api_options
from harness.domain.errors import AgentError
from harness.domain.reply import FaultKind, LimitKind
from harness.settings.options import Settings

pytestmark = pytest.mark.xdist_group("anthropic")
TOOL = BLOCK | {"content_block": {"type": "tool_use", "id": "t1", "name": "bash", "input": {"command": "true"}}}
WANTS = END | {"delta": {"stop_reason": "tool_use"}}

# --- money --------------------------------------------------------------------------------------------------------


def test_a_line_holds_though_the_server_has_another_name_for_the_model(agent: Agent) -> None:
    start = message("served-as", usage={"input_tokens": 100_000, "output_tokens": 1})
    price = json.dumps({"model": "mine", "input": 10, "output": 10})
    with RawServer(lambda number, headers: answer(sse(start, TOOL, STOP, WANTS, OVER))) as server:
        said = agent(server.url, server="compatible", model="mine", price=price, max_cost=2.5)
    assert said.transcript.terminal_reason == "budget_exhausted"
    assert server.count == 2


@pytest.mark.parametrize("server", ["anthropic", "compatible"])
def test_a_window_that_is_always_full_is_not_summarized_for_ever(agent: Agent, server: str) -> None:
    with MessagesApi(lambda request: Turn("I was ab", stop_reason="model_context_window_exceeded")) as api:
        said = agent(api, server=server)
    assert said.transcript.terminal_reason == "prompt_too_long"
    assert len(api.requests) + len(api.compactions) <= 8


def test_a_limit_below_the_prompt_itself_does_not_summarize_after_every_turn(agent: Agent) -> None:
    turns = [Turn("", (bash("true"),))] * 12 + [Turn("Done.")]
    with MessagesApi(turns) as api:
        said = agent(api, compact_at=100)
    assert said.code == 0
    assert len(api.compactions) <= 2


def test_torn_json_is_not_paid_for_for_ever(agent: Agent) -> None:
    with MessagesApi(lambda request: torn("bash", {"command": "true"})) as api:
        said = agent(api, patience=60)
    assert len(api.requests) == 3
    assert (said.code, said.failure, said.transcript.terminal_reason) == (1, None, "model_error")


def test_every_call_is_in_the_stream_also_one_that_broke_and_one_for_a_summary(agent: Agent) -> None:
    turns = [*[Turn("", (bash("true"),))] * 2, torn("bash", {"command": "true"}), Turn("Done.")]
    with MessagesApi(turns) as api:
        said = agent(api, compact_at=1200, patience=9)
    assert len(api.compactions) == 1
    ids = [event["message"]["id"] for event in said.of("assistant")]
    assert len(ids) == len(set(ids)) == 5
    told = sum(event["message"]["usage"]["input_tokens"] for event in said.of("assistant"))
    assert told == said.transcript.usage.input_tokens == 5000


# --- outages ------------------------------------------------------------------------------------------------------


def test_no_wait_goes_beyond_the_patience() -> None:
    assert find_wait(Failure(Kind.RATE, "", 429, 200.0), 1, 0, 60, 0) is None


def test_a_short_rate_limit_is_an_outage_and_no_closed_window(agent: Agent) -> None:
    with MessagesApi([rate_limited(1)]) as api:
        assert agent(api, patience=0.5).failure.kind is FaultKind.RATE


def test_an_answer_without_room_asks_for_less_again(agent: Agent) -> None:
    def script(request: Request) -> Reply:
        if request.body["max_tokens"] > 8192:
            return Fault(400, "invalid_request_error", "max_tokens: 16384 > 8192, which is the maximum for this model")
        return Turn("", (bash("true"),), stop_reason="max_tokens") if request.number < 3 else Turn("Done.")

    with MessagesApi(script) as api:
        said = agent(api, max_tokens=8192)
    assert said.code == 0


def test_a_setting_that_the_model_refuses_is_a_mistake_at_once(agent: Agent) -> None:
    with MessagesApi([Fault(400, "invalid_request_error", "effort: xhigh is not supported by this model")]) as api:
        assert agent(api).failure.kind is LimitKind.REFUSED


# --- what cannot be sent back -------------------------------------------------------------------------------------

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


# --- notes --------------------------------------------------------------------------------------------------------


def test_a_note_that_cannot_be_asked_for_loses_nothing(agent: Agent) -> None:
    def script(request: Request) -> Reply:
        first, last = (json.dumps(request.body["messages"][place]) for place in (0, -1))
        if "begins anew after" in last:
            return prompt_too_long()
        if "worked on this step already" not in first:
            return Turn("step", (bash("echo PRECIOUS"),))
        return (
            Turn("Let me look.", (bash("ls"),)) if "Let me look" not in first and request.number < 5 else Turn("Done.")
        )

    with MessagesApi(script) as api:
        agent(api, server="compatible", model="m", compact_at=1200)
    assert "PRECIOUS" in json.dumps(api.requests[-1].body["messages"])


def test_a_summary_survives_the_next_beginning(agent: Agent) -> None:
    def script(request: Request) -> Reply:
        if request.body["model"] == "claude-opus-5-5":
            return overloaded() if api.compactions else Turn("w", (bash("true"),))
        return Turn("Done.")

    with MessagesApi(script) as api:
        agent(api, "--fallback-model", "claude-sonnet-5-5", compact_at=1200, patience=30)
    assert "steps so far" in json.dumps(api.requests[-1].body["messages"])


@pytest.mark.parametrize("fault", [prompt_too_long(), compaction_unavailable()], ids=["too-long", "unavailable"])
def test_a_summary_that_the_server_cannot_make_is_written_by_the_model(agent: Agent, fault: Fault) -> None:
    turns = [Turn("", (bash("true"),)), Turn("", (bash("true"),)), Turn("My note."), Turn("Done.")]
    with MessagesApi(turns, compaction=lambda request: fault) as api:
        assert agent(api, compact_at=1200, patience=9).code == 0


# --- the key ------------------------------------------------------------------------------------------------------


def test_the_key_is_in_no_message(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-SECRET\r")

    def quote(number: int, headers: dict[str, str]) -> bytes:
        said = {"error": {"message": f"bad {headers.get('authorization')}"}}
        return answer(json.dumps(said).encode(), "application/json", "401 Unauthorized")

    with RawServer(quote) as server:
        said = agent(server.url)
    assert "sk-SECRET" not in json.dumps(said.events)
    assert said.failure.kind is LimitKind.AUTH


@pytest.mark.parametrize(
    ("settings", "environ"),
    [
        ({}, {}),
        ({}, {"ANTHROPIC_API_KEY": "sk-a\nb"}),
        ({"base_url": "http://localhost:abc"}, {}),
        ({"base_url": "http://[::1"}, {}),
        ({"base_url": "localhost:11434"}, {}),
        ({"base_url": "http://"}, {}),
        ({"base_url": "http://me:secret@localhost"}, {}),
        ({"api_key_env": "MY_KEY"}, {"ANTHROPIC_API_KEY": "k"}),
    ],
    ids=["no-key", "key-of-two-lines", "port", "bracket", "no-scheme", "no-host", "password", "key-named-elsewhere"],
)
def test_what_cannot_work_is_told_before_anything_is_run(settings: dict[str, str], environ: dict[str, str]) -> None:
    with pytest.raises(AgentError) as caught:
        check_start(api_options(Settings(**settings)), "m", environ)
    assert "secret" not in caught.value.message
