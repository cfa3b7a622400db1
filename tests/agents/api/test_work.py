"""The API agent against the scripted Messages API, in this process: its whole conversation over a real socket."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from fakes.api_agent import PROMPT, Agent, bash
from fakes.messages_api import MessagesApi
from fakes.messages_faults import (
    billing_error,
    conflict,
    credit_too_low,
    forbidden,
    gateway_timeout,
    overloaded,
    prompt_too_long,
    rate_limited,
    request_timeout,
    server_error,
    should_retry,
    spend_limit,
    unauthorized,
    unavailable,
    usage_limits_reached,
)
from fakes.messages_replies import Broken, Call, Fault, Foreign, How, Reply, Turn
from fakes.messages_script import Request

from harness.domain.reply import FaultKind, LimitKind

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


# --- what never leaves or enters ----------------------------------------------------------------------------------


def test_no_command_sees_the_key(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COPY_OF_IT", "xx key-of-a-test xx")
    with MessagesApi([Turn("", (bash("env"),)), Turn("Done.")]) as api:
        said = agent(api)
    (result,) = said.tool_results
    assert "key-of-a-test" not in result["content"]
    assert "ANTHROPIC" not in result["content"]


def test_another_server_does_not_get_anthropics_key(agent: Agent) -> None:
    with MessagesApi([Turn("Done.")]) as api:
        agent(api, server="compatible", model="llama")
    assert "key-of-a-test" not in json.dumps(dict(api.requests[0].headers))


def test_another_server_gets_plain_tools_and_no_marks(agent: Agent) -> None:
    with MessagesApi([Turn("", (bash("true"),)), Turn("Done.")]) as api:
        said = agent(api, server="compatible", model="llama")
    assert said.code == 0
    body = api.requests[1].body
    assert "cache_control" not in json.dumps(body)
    assert all("input_schema" in tool for tool in body["tools"])
    assert api.side_requests == []


# --- bad calls ----------------------------------------------------------------------------------------------------

BAD_CALLS = {
    "unknown-tool": Call("teleport", {"to": "mars"}),
    "no-command": Call("bash", {}),
    "wrong-type": Call("bash", {"command": 3}),
    "unknown-key": Call("bash", {"command": "true", "sudo": True}),
    "outside": Call("str_replace_based_edit_tool", {"command": "view", "path": "/etc/passwd"}),
    "no-such-file": Call("str_replace_based_edit_tool", {"command": "view", "path": "nope"}),
}


@pytest.mark.parametrize("call", BAD_CALLS.values(), ids=BAD_CALLS)
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


# --- before the first call ----------------------------------------------------------------------------------------


def test_a_prompt_beyond_the_window_loses_its_oldest_notes_and_says_so(agent: Agent) -> None:
    long = PROMPT.replace("| an old note\n", "".join(f"| note {n} {'x' * 90}\n" for n in range(400)))
    with MessagesApi([Turn("Done.")]) as api:
        said = agent(api, prompt=long, context_window=8000)
    assert said.code == 0
    (notice,) = said.transcript.notices
    assert notice.startswith("the prompt was too long for the model: ")
    assert "note 399" in json.dumps(api.requests[0].body)
    assert "note 0 " not in json.dumps(api.requests[0].body)


def test_a_prompt_that_cannot_be_cut_is_not_sent(agent: Agent) -> None:
    with MessagesApi([]) as api:
        said = agent(api, prompt="word " * 50_000, context_window=8000)
    assert said.transcript.terminal_reason == "prompt_too_long"
    assert api.requests == []


def test_a_key_that_is_rejected_is_found_before_anything_is_paid_for(agent: Agent) -> None:
    with MessagesApi([unauthorized()]) as api:
        api.count_fault = unauthorized()
        said = agent(api)
    assert said.failure.kind is LimitKind.AUTH
    assert api.requests == []


# --- what passes --------------------------------------------------------------------------------------------------

PASSING: Mapping[str, Reply] = {
    "429": rate_limited(),
    "429-in-a-moment": rate_limited(milliseconds=20),
    "529": overloaded(),
    "529-asked-to-retry": should_retry(overloaded(), True),
    "500": server_error(),
    "503": unavailable(),
    "504": gateway_timeout(),
    "408": request_timeout(),
    "409": conflict(),
    "a-proxys-502": Foreign(502, "<html>bad gateway</html>"),
    "reset-before": Broken(How.RESET, None),
    "reset": Broken(How.RESET),
    "closed": Broken(How.CLOSED),
    "ended": Broken(How.ENDED),
    "error-event": Broken(How.ERROR),
    "stalled": Broken(How.STALLED),
    "never-answers": Broken(How.STALLED, None),
    "pings": Broken(How.PINGS),
    "torn-json": Turn("", (Call("bash", {}, spelled='{"command": "touch ran", }}'),)),
}


@pytest.mark.parametrize("trouble", PASSING.values(), ids=PASSING)
def test_what_passes_is_tried_again_with_the_same_words(agent: Agent, trouble: Reply, tmp_path: Path) -> None:
    slow = isinstance(trouble, Broken) and trouble.how in (How.STALLED, How.PINGS)
    with MessagesApi([Turn("", (bash("true"),)), trouble, Turn("Done.")]) as api:
        said = agent(api, patience=30, api_timeout=0.5 if slow else 10)
    assert said.code == 0
    assert len(said.of("system", "api_retry")) == 1
    assert api.requests[2].body == api.requests[1].body
    assert not (tmp_path / "ran").exists()
    assert said.failure is None


@pytest.mark.parametrize(
    ("trouble", "kind"),
    [
        (rate_limited(), FaultKind.RATE),
        (overloaded(), FaultKind.OVERLOAD),
        (should_retry(overloaded(), False), FaultKind.OVERLOAD),
        (server_error(), FaultKind.SERVER),
        (Broken(How.RESET, None), FaultKind.NETWORK),
        (Broken(How.ERROR), FaultKind.OVERLOAD),
        (Broken(How.CLOSED), FaultKind.NETWORK),
    ],
    ids=["429", "529", "529-not-again", "500", "reset", "error-event", "closed"],
)
def test_an_outage_beyond_the_patience_is_nobodys_fault_here(agent: Agent, trouble: Reply, kind: FaultKind) -> None:
    with MessagesApi([trouble]) as api:
        said = agent(api)
    assert said.failure.kind is kind
    assert said.code == 1


LIMITS = {
    "401": (unauthorized(), LimitKind.AUTH),
    "402": (billing_error(), LimitKind.CREDIT),
    "403": (forbidden(), LimitKind.AUTH),
    "credit": (credit_too_low(), LimitKind.CREDIT),
    "spend": (spend_limit(), LimitKind.SPEND),
    "own-limit": (usage_limits_reached(), LimitKind.SPEND),
    "another-service": (Foreign(200, "<html>welcome</html>"), LimitKind.REFUSED),
    "another-api": (Foreign(200, '{"choices": []}', "application/json"), LimitKind.REFUSED),
}


@pytest.mark.parametrize(("trouble", "kind"), LIMITS.values(), ids=LIMITS)
def test_what_a_person_must_mend_is_named_and_asked_once(agent: Agent, trouble: Reply, kind: LimitKind) -> None:
    with MessagesApi([trouble]) as api:
        said = agent(api, patience=30)
    assert said.failure.kind is kind
    assert len(api.requests) == 1


def test_a_spend_limit_says_when_it_ends(agent: Agent) -> None:
    with MessagesApi([spend_limit()]) as api:
        said = agent(api)
    assert said.failure.resets_at > 1.79e9


def test_an_unknown_model_is_a_mistake_and_no_outage(agent: Agent) -> None:
    with MessagesApi([Turn("Done.")]) as api:
        api.unknown_models = {"claude-opus-9"}
        said = agent(api, model="claude-opus-9")
    assert said.failure.kind is LimitKind.REFUSED
    assert "claude-opus-9" in said.failure.text


def test_a_conversation_that_no_longer_fits_begins_anew(agent: Agent) -> None:
    with MessagesApi([Turn("", (bash("true"),)), prompt_too_long(), Turn("Done.")]) as api:
        said = agent(api)
    assert said.code == 0
    assert len(api.requests[2].body["messages"]) == 1


def test_nobody_there_is_a_network_fault(agent: Agent) -> None:
    said = agent("http://127.0.0.1:9")
    assert said.failure.kind is FaultKind.NETWORK


def test_a_broken_answer_is_paid_for_too(agent: Agent) -> None:
    with MessagesApi([Broken(How.CLOSED, 5), Turn("Done.")]) as api:
        said = agent(api, patience=30)
    assert said.transcript.usage.input_tokens == 2000
    assert said.transcript.cost.dollars > 0.009


# --- other models -------------------------------------------------------------------------------------------------


def test_an_overloaded_model_gives_way_to_the_next(agent: Agent) -> None:
    def script(request: Request) -> Reply:
        if request.body["model"] == "claude-opus-5-5" and request.number > 1:
            return overloaded()
        return Turn("Done.") if request.number > 1 else Turn("", (bash("true"),), thinking="hm")

    with MessagesApi(script) as api:
        said = agent(api, "--fallback-model", "claude-sonnet-5-5", patience=30)
    assert said.code == 0
    assert [request.body["model"] for request in api.requests].count("claude-opus-5-5") == 4
    assert said.transcript.model == "claude-sonnet-5-5"
    assert "you called bash" in json.dumps(api.requests[-1].body["messages"])
    assert {"claude-opus-5-5", "claude-sonnet-5-5"} == set(said.result["modelUsage"])


def test_a_rate_limit_does_not_change_the_model(agent: Agent) -> None:
    with MessagesApi([rate_limited(milliseconds=1)] * 5 + [Turn("Done.")]) as api:
        agent(api, "--fallback-model", "claude-sonnet-5-5", patience=30)
    assert {request.body["model"] for request in api.requests} == {"claude-opus-5-5"}


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


# --- being stopped ------------------------------------------------------------------------------------------------


def test_a_cancelled_attempt_closes_its_socket_and_tells_its_cost(agent: Agent) -> None:
    import os
    import signal
    import threading

    with MessagesApi([Broken(How.PINGS, 5)]) as api:
        stopper = threading.Timer(0, lambda: (api.wait_for_request(1), os.kill(os.getpid(), signal.SIGTERM)))
        stopper.start()
        said = agent(api)
        stopper.join()
    assert said.code == 143
    assert said.result["terminal_reason"] == "aborted"
    assert said.failure is None
