"""The scripted Messages API over a real socket: its answers, its cache, and scripts that work for any agent."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from fakes.messages_api import MessagesApi
from fakes.messages_cache import CacheAccount
from fakes.messages_script import (
    Call,
    Turn,
    by_conversation,
    work_on_feature,
)
from helpers.waiting import PATIENCE

MODEL = "claude-opus-5-5"
COMPACT = "compact-2026-09-04"
BASH = {"type": "bash_20250124", "name": "bash"}
EDITOR = {"type": "text_editor_20250728", "name": "str_replace_based_edit_tool"}
PROMPT = """\
You are one step of a loop.

## Files

- spec: /p/specs/a/spec.md
- feature's log: /p/logs/a.log
- done marker: /p/logs/a.done
"""
USER = {"role": "user", "content": "Hi"}
LIST = Call("bash", {"command": "ls -la /tmp"})


def asked(*messages: Any, **fields: Any) -> dict[str, Any]:
    return {"model": MODEL, "max_tokens": 1000, "tools": [BASH, EDITOR], "messages": [*(messages or [USER])], **fields}


def post(api: MessagesApi, body: Any, path: str = "messages", **more: str) -> tuple[int, Any]:
    """A plain request, without an SDK: status and body of the answer."""
    heads = {"x-api-key": "k", "anthropic-version": "2026-10-21", **more}
    raw = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{api.url}/v1/{path}", raw, heads)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


# --- answers ------------------------------------------------------------------------------------------------------


def test_a_refused_request_takes_no_reply_and_fails_the_test() -> None:
    with MessagesApi([Turn("Hello.")], may_reject=True) as api:
        status, body = post(api, asked(top_k=1))
        assert (status, body["error"]["type"]) == (400, "invalid_request_error")
        assert post(api, asked())[1]["content"] == [{"type": "text", "text": "Hello."}]
    with pytest.raises(AssertionError, match="refused: top_k: Extra inputs"), MessagesApi([]) as api:
        post(api, asked(top_k=1))


def test_a_model_is_known_or_not() -> None:
    with MessagesApi([], window=5000) as api:
        api.unknown_models.add("claude-none")
        status, info = post(api, None, f"models/{MODEL}")
        assert (status, info["id"], info["max_input_tokens"], info["max_tokens"]) == (200, MODEL, 5000, 128_000)
        for status, body in (post(api, None, "models/claude-none"), post(api, asked(model="claude-none"))):
            assert (status, body["error"]["type"]) == (404, "not_found_error")


def test_what_is_counted_is_what_is_charged() -> None:
    body = asked(system="Be brief. " * 500)
    with MessagesApi([Turn("Hello.")], cache=CacheAccount()) as api:
        counted = {name: body[name] for name in ("model", "system", "tools", "messages")}
        status, told = post(api, counted, "messages/count_tokens")
        usage = post(api, body)[1]["usage"]
    assert (status, told) == (200, {"input_tokens": usage["input_tokens"]})
    assert usage["output_tokens"] == 1


def test_a_prompt_over_the_window_is_too_long() -> None:
    with MessagesApi([], window=2000) as api:
        status, body = post(api, asked(system="word " * 4000))
    assert status == 400
    assert "prompt is too long: " in body["error"]["message"]


def test_the_cache_warms_and_cools_with_its_clock() -> None:
    account = CacheAccount()
    body = asked(system=[{"type": "text", "text": "rule " * 2000}], cache_control={"type": "ephemeral"})
    with MessagesApi([Turn("a"), Turn("b"), Turn("c")], cache=account) as api:
        post(api, body)
        post(api, body)
        account.advance(301)
        post(api, body)
    assert [charge.read > 0 for charge in account.ledger] == [False, True, False]


def converse(api: MessagesApi, body: dict[str, Any], results: Callable[[str], str] = lambda name: "ok") -> list[Any]:
    """Do as an agent does until the model calls no more tool; every answer's content."""
    said = []
    while True:
        status, answer = post(api, body)
        assert status == 200, answer
        said.append(answer["content"])
        calls = [block for block in answer["content"] if block["type"] == "tool_use"]
        if not calls:
            return said
        told = [{"type": "tool_result", "tool_use_id": call["id"], "content": results(call["name"])} for call in calls]
        body["messages"] += [{"role": "assistant", "content": answer["content"]}, {"role": "user", "content": told}]


def test_one_script_works_for_agents_with_other_tools() -> None:
    shared, rest = PROMPT[:29], PROMPT[29:]
    system = [{"type": "text", "text": text} for text in ("You are a coding agent.", shared)]
    told = [{"type": "text", "text": text} for text in (rest[:40], rest[40:])]
    with MessagesApi(work_on_feature({"a.txt": "A"})) as api:
        said = converse(api, asked({"role": "user", "content": told}, system=system))
    assert [block["input"]["command"][:6] for content in said for block in content if block["type"] == "tool_use"] == [
        *("view", "view", "create", "printf", "printf")
    ]
    assert {request.prompt for request in api.requests} == {PROMPT}


def test_a_script_goes_on_behind_a_summary() -> None:
    body = asked({"role": "user", "content": PROMPT})
    with MessagesApi(by_conversation([work_on_feature({"a.txt": "A"}, note="")])) as api:
        first = post(api, body)[1]["content"]
        results = [
            {"type": "tool_result", "tool_use_id": b["id"], "content": "x"} for b in first if b["type"] != "text"
        ]
        body["messages"] += [{"role": "assistant", "content": first}, {"role": "user", "content": results}]
        betas = {"anthropic-beta": COMPACT}
        status, answer = post(api, body | {"compaction": {"type": "summarize"}}, **betas)
        assert (status, answer["stop_reason"], len(answer["content"])) == (200, "compaction", 1)
        body["messages"] = [{"role": "assistant", "content": answer["content"]}, {"role": "user", "content": "Go on."}]
        said = post(api, body, **betas)[1]["content"]
    assert said[0]["text"] == "Now the code."
    assert (len(api.requests), len(api.compactions), api.requests[1].step) == (2, 1, 1)


@pytest.mark.deep
def test_a_long_conversation_costs_little() -> None:
    body, spent = asked(), 0.0
    call = Turn("I look.", (LIST,), thinking="Hm.")
    with MessagesApi(lambda request: call if request.step < 80 else Turn("Done."), cache=CacheAccount()) as api:
        started = time.process_time()
        converse(api, body, lambda name: "a line of output\n" * 60)
        spent = time.process_time() - started
    assert len(api.requests) == 81
    assert spent / 81 < 0.05
