"""The API agent against the scripted Messages API, in this process: its whole conversation over a real socket."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fakes.api_agent import Agent, bash
from fakes.messages_api import MessagesApi
from fakes.messages_faults import (
    compaction_unavailable,
    overloaded,
    prompt_too_long,
    torn,
)
from fakes.messages_replies import Call, Fault, Reply, Turn
from fakes.messages_script import Request
from fakes.raw_server import BLOCK, END, OVER, STOP, RawServer, answer, message, sse
from helpers.marks import in_short

from harness.domain.reply import LimitKind

pytestmark = pytest.mark.xdist_group("anthropic")  # importing it takes two seconds: once is enough


def unmarked(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in block.items() if name != "cache_control"} for block in blocks]


# --- a good attempt -----------------------------------------------------------------------------------------------


def test_it_runs_tools_until_the_model_is_done(agent: Agent, tmp_path: Path) -> None:
    calls = (
        bash("echo one > a.txt; cat a.txt"),
        Call("str_replace_based_edit_tool", {"command": "view", "path": "a.txt"}),
    )
    with MessagesApi([Turn("I look.", calls), Turn("All done.")]) as api:
        said = agent(api)
    assert said.code == 0
    assert (said.result["subtype"], said.result["result"], said.result["num_turns"]) == ("success", "All done.", 2)
    assert [block["content"].splitlines()[0] for block in said.tool_results] == ["one", "     1\tone"]
    assert (tmp_path / "a.txt").read_text() == "one\n"
    assert said.transcript.text == "All done."
    assert said.transcript.model == "claude-opus-5-5"
    assert [name for name, _ in said.transcript.prefix] == ["system", "tools"]


def test_thinking_goes_back_as_it_came(agent: Agent) -> None:
    turns = [Turn("", (bash("true"),), thinking="hm"), Turn("", (bash("true"),), thinking="hm"), Turn("Done.")]
    with MessagesApi(turns) as api:
        said = agent(api, thinking="adaptive", effort="high")
    assert said.code == 0
    assert api.requests[2].body["messages"][1]["content"][0]["type"] == "thinking"
    assert api.requests[2].body["output_config"] == {"effort": "high"}


# --- what never leaves or enters ----------------------------------------------------------------------------------


def test_no_command_sees_the_key(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COPY_OF_IT", "xx key-of-a-test xx")
    with MessagesApi([Turn("", (bash("env"),)), Turn("Done.")]) as api:
        said = agent(api)
    (result,) = said.tool_results
    assert "key-of-a-test" not in result["content"]
    assert "ANTHROPIC" not in result["content"]


# --- bad calls ----------------------------------------------------------------------------------------------------


BAD_CALLS = {
    "unknown-tool": Call("teleport", {"to": "mars"}),
    "no-command": Call("bash", {}),
    "wrong-type": Call("bash", {"command": 3}),
    "unknown-key": Call("bash", {"command": "true", "sudo": True}),
    "outside": Call("str_replace_based_edit_tool", {"command": "view", "path": "/etc/passwd"}),
    "no-such-file": Call("str_replace_based_edit_tool", {"command": "view", "path": "nope"}),
}


@pytest.mark.parametrize("call", in_short(BAD_CALLS, "unknown-tool", "outside"))
def test_a_bad_call_is_an_error_that_the_model_sees(agent: Agent, call: Call) -> None:
    with MessagesApi([Turn("", (call, bash("echo fine"))), Turn("Done.")]) as api:
        said = agent(api)
    bad, good = said.tool_results
    assert bad["is_error"] is True
    assert good["content"].startswith("fine\n")
    assert said.code == 0


# --- every stop reason --------------------------------------------------------------------------------------------


def test_an_empty_end_is_asked_to_go_on(agent: Agent) -> None:
    with MessagesApi([Turn(""), Turn("Done.")]) as api:
        said = agent(api)
    assert said.result["result"] == "Done."
    assert "Please continue" in json.dumps(api.requests[1].body["messages"][-1])


@pytest.mark.deep
def test_empty_ends_are_not_asked_for_ever(agent: Agent) -> None:
    with MessagesApi([Turn("")] * 4) as api:
        said = agent(api)
    assert said.code == 1
    assert said.result["errors"] == ["the model said nothing, 4 times in a row"]
    assert said.failure is None


def test_a_call_that_was_cut_off_is_never_run_and_gets_more_room(agent: Agent, tmp_path: Path) -> None:
    cut = Call("bash", {"command": "touch ran"}, spelled='{"command":"touch ra')
    turns = [Turn("", (cut,), stop_reason="max_tokens"), Turn("", (bash("touch whole"),)), Turn("Done.")]
    with MessagesApi(turns) as api:
        said = agent(api, max_tokens=4096)
    assert said.code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["whole"]
    assert [request.body["max_tokens"] for request in api.requests] == [4096, 8192, 8192]
    assert api.requests[1].body["messages"] == api.requests[0].body["messages"]


def test_words_that_were_cut_off_are_gone_on_with(agent: Agent) -> None:
    with MessagesApi([Turn("It was a dark", stop_reason="max_tokens"), Turn("and stormy night.")]) as api:
        said = agent(api)
    assert said.code == 0
    assert "in smaller pieces" in json.dumps(api.requests[1].body["messages"][-1])


def test_a_pause_is_gone_on_with(agent: Agent) -> None:
    with MessagesApi([Turn("Wait.", stop_reason="pause_turn"), Turn("Done.")]) as api:
        said = agent(api)
    assert said.result["result"] == "Done."


def test_a_refusal_ends_the_attempt_and_is_told(agent: Agent) -> None:
    with MessagesApi([Turn("", refusal="cyber")]) as api:
        said = agent(api)
    assert said.transcript.terminal_reason == "refusal"
    assert said.result["errors"] == ["the model refused to answer (cyber)"]
    assert said.failure is None


def test_a_call_without_its_stop_reason_is_not_run(agent: Agent, tmp_path: Path) -> None:
    turns = [Turn("", (bash("touch ran"),), stop_reason="end_turn"), Turn("Done.")]
    with MessagesApi(turns) as api:
        said = agent(api)
    assert said.code == 0
    assert not (tmp_path / "ran").exists()
    assert said.tool_results[0]["is_error"] is True


def test_a_full_window_is_summarized_and_gone_on_with(agent: Agent) -> None:
    turns = [Turn("", (bash("true"),)), Turn("I was ab", stop_reason="model_context_window_exceeded"), Turn("Done.")]
    with MessagesApi(turns) as api:
        said = agent(api)
    assert said.code == 0
    assert len(api.compactions) == 1
    assert api.requests[2].body["messages"][0]["content"][0]["type"] == "compaction"


# --- keeping it short ---------------------------------------------------------------------------------------------


def test_a_long_conversation_is_summarized_by_the_server(agent: Agent) -> None:
    turns = [Turn("", (bash("true"),))] * 2 + [Turn("Done.")]
    with MessagesApi(turns) as api:
        said = agent(api, compact_at=1200)
    assert said.code == 0
    (asked,) = api.compactions
    assert asked.body["compaction"] == {"type": "summarize"}
    after = api.requests[2].body
    assert [message["role"] for message in after["messages"]] == ["assistant", "user"]
    assert unmarked(after["system"]) == unmarked(api.requests[0].body["system"])


@pytest.mark.parametrize("server", ["compatible", "anthropic"])
def test_elsewhere_the_model_writes_a_note_and_begins_anew(agent: Agent, server: str) -> None:
    turns = [*[Turn("", (bash("true"),))] * 2, Turn("My note: half of it works."), Turn("Done.")]
    no = Fault(400, "invalid_request_error", "compaction: this model does not support it")
    with MessagesApi(turns, compaction=lambda request: no) as api:
        said = agent(api, compact_at=1200, server=server)
    assert said.result["result"] == "Done."
    assert "begins anew after your answer" in json.dumps(api.requests[2].body["messages"][-1])
    last = api.requests[3].body["messages"]
    assert len(last) == 1
    assert "an old note" in json.dumps(last)
    assert "half of it works" in json.dumps(last)


# --- money --------------------------------------------------------------------------------------------------------


def test_it_stops_at_its_line_in_dollars(agent: Agent) -> None:
    def script(request: Request) -> Reply:
        return Turn("", (bash("true"),))

    with MessagesApi(script) as api:
        said = agent(api, max_cost=0.02)  # a call costs 0.00606
    assert said.result["subtype"] == "error_max_budget_usd"
    assert said.transcript.terminal_reason == "budget_exhausted"
    assert len(api.requests) == 3
    assert said.transcript.cost.dollars <= 0.02
    assert "progress note" in said.tool_results[0]["content"] or "progress note" in said.tool_results[1]["content"]


TOOL = BLOCK | {"content_block": {"type": "tool_use", "id": "t1", "name": "bash", "input": {"command": "true"}}}
WANTS = END | {"delta": {"stop_reason": "tool_use"}}


@pytest.mark.deep
def test_a_line_holds_though_the_server_has_another_name_for_the_model(agent: Agent) -> None:
    start = message("served-as", usage={"input_tokens": 20_000, "output_tokens": 1})
    price = json.dumps({"model": "mine", "input": 50, "output": 50})
    with RawServer(lambda number, headers: answer(sse(start, TOOL, STOP, WANTS, OVER))) as server:
        said = agent(server.url, server="compatible", model="mine", price=price, max_cost=2.5)
    assert said.transcript.terminal_reason == "budget_exhausted"
    assert server.count == 2


@pytest.mark.parametrize("server", ["anthropic", "compatible"])
@pytest.mark.deep
def test_a_window_that_is_always_full_is_not_summarized_for_ever(agent: Agent, server: str) -> None:
    with MessagesApi(lambda request: Turn("I was ab", stop_reason="model_context_window_exceeded")) as api:
        said = agent(api, server=server)
    assert said.transcript.terminal_reason == "prompt_too_long"
    assert len(api.requests) + len(api.compactions) <= 8


@pytest.mark.deep
def test_a_limit_below_the_prompt_itself_does_not_summarize_after_every_turn(agent: Agent) -> None:
    turns = [Turn("", (bash("true"),))] * 12 + [Turn("Done.")]
    with MessagesApi(turns) as api:
        said = agent(api, compact_at=100)
    assert said.code == 0
    assert len(api.compactions) <= 2


@pytest.mark.deep
def test_torn_json_is_not_paid_for_for_ever(agent: Agent) -> None:
    with MessagesApi(lambda request: torn("bash", {"command": "true"})) as api:
        said = agent(api, patience=60)
    assert len(api.requests) == 3
    assert (said.code, said.failure, said.transcript.terminal_reason) == (1, None, "model_error")


# --- notes --------------------------------------------------------------------------------------------------------


@pytest.mark.deep
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


@pytest.mark.deep
def test_a_summary_survives_the_next_beginning(agent: Agent) -> None:
    def script(request: Request) -> Reply:
        if request.body["model"] == "claude-opus-5-5":
            return overloaded() if api.compactions else Turn("w", (bash("true"),))
        return Turn("Done.")

    with MessagesApi(script) as api:
        agent(api, "--fallback-model", "claude-sonnet-5-5", compact_at=1200, patience=30)
    assert "steps so far" in json.dumps(api.requests[-1].body["messages"])


@pytest.mark.parametrize("fault", [prompt_too_long(), compaction_unavailable()], ids=["too-long", "unavailable"])
@pytest.mark.deep
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
