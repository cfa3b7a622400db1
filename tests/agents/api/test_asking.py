"""ModelCalls the model: outages are waited out, other models tried, and nothing is asked for ever."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from fakes.api_agent import Agent, bash
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
from helpers.marks import in_short

from harness.agents.api.failure import Failure, Kind, find_wait
from harness.domain.reply import FaultKind, LimitKind

pytestmark = pytest.mark.xdist_group("anthropic")


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


@pytest.mark.parametrize(
    "trouble",
    in_short(PASSING, "429", "529-asked-to-retry", "a-proxys-502", "reset", "error-event", "stalled", "torn-json"),
)
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


@pytest.mark.parametrize(
    ("trouble", "kind"),
    in_short(
        [pytest.param(*one, id=name) for name, one in LIMITS.items()], "401", "credit", "spend", "another-service"
    ),
)
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
