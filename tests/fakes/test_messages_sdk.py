"""What the real SDK makes of the scripted Messages API: good turns, and each of the ways in which it misbehaves."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from fakes.messages_api import MessagesApi
from fakes.messages_fields import BLOCKS, FIELDS, TOOLS
from fakes.messages_script import (
    Broken,
    Call,
    Foreign,
    How,
    Reply,
    Turn,
    bad_gateway,
    compaction_unavailable,
    conflict,
    cut_short,
    forbidden,
    gateway_timeout,
    http_date,
    no_answer,
    other_service,
    overloaded,
    rate_limited,
    request_timeout,
    should_retry,
    spend_limit,
    too_large,
    torn,
    unauthorized,
    unavailable,
    usage_limits_reached,
    web_page,
)

pytestmark = pytest.mark.xdist_group("anthropic")  # importing it takes two seconds: one worker is enough

COMPACT = "compact-2026-09-04"
TOOLBOX = [
    {"type": "bash_20250124", "name": "bash"},
    {"type": "text_editor_20250728", "name": "str_replace_based_edit_tool"},
]
LIST = Call("bash", {"command": "ls -la /tmp"})
ASKED = {
    "model": "claude-opus-5-5",
    "max_tokens": 1000,
    "tools": TOOLBOX,
    "messages": [{"role": "user", "content": "Hi"}],
}


def stream(api: MessagesApi, *, timeout: float = 3.0, patience: float = 5.0, beta: bool = False, **fields: Any) -> Any:
    """The final message of one streamed call; `timeout` is the SDK's own."""
    import anthropic

    async def call() -> Any:
        plain = anthropic.DefaultAsyncHttpxClient(verify=False)  # reading certificates takes 20 ms
        async with anthropic.AsyncAnthropic(
            api_key="k", base_url=api.url, max_retries=0, timeout=timeout, http_client=plain, open_telemetry=False
        ) as client:
            messages = client.beta.messages if beta else client.messages
            async with messages.stream(**ASKED, **fields) as events:
                return await events.get_final_message()

    return asyncio.run(asyncio.wait_for(call(), patience))


def broken(reply: Reply, **more: Any) -> BaseException:
    """What the SDK raises."""
    with MessagesApi([reply]) as api, pytest.raises(Exception) as caught:
        stream(api, **more)
    return caught.value


def test_the_sdk_reads_a_good_turn() -> None:
    turn = Turn("Running it.", (LIST, LIST), thinking="Where am I?", delay=0.01, pace=0.001, strange=True)
    with MessagesApi([turn]) as api:
        told = stream(api, thinking={"type": "adaptive", "display": "summarized"})
    assert [block.type for block in told.content] == ["thinking", "text", "tool_use", "tool_use"]
    assert (told.content[0].thinking, told.content[1].text) == ("Where am I?", "Running it.")
    assert told.content[0].signature
    assert (told.content[3].input, told.stop_reason) == ({"command": "ls -la /tmp"}, "tool_use")
    assert (told.usage.input_tokens, told.usage.cache_creation.ephemeral_5m_input_tokens) == (1000, 200)


@pytest.mark.parametrize(
    ("turn", "reason", "content"),
    [
        pytest.param(Turn(), "end_turn", [], id="nothing said"),
        pytest.param(Turn("x", stop_reason="max_tokens"), "max_tokens", ["text"], id="max_tokens"),
        pytest.param(Turn("x", stop_reason="pause_turn"), "pause_turn", ["text"], id="pause"),
        pytest.param(Turn("x", refusal="cyber"), "refusal", ["text"], id="refusal"),
        pytest.param(
            Turn("x", stop_reason="model_context_window_exceeded"),
            "model_context_window_exceeded",
            ["text"],
            id="window",
        ),
        pytest.param(
            cut_short("bash", {"command": "ls", "restart": True}), "max_tokens", ["text", "tool_use"], id="cut short"
        ),
    ],
)
def test_the_sdk_reads_how_a_turn_ends(turn: Turn, reason: str, content: list[str]) -> None:
    with MessagesApi([turn]) as api:
        told = stream(api)
    assert (told.stop_reason, [block.type for block in told.content]) == (reason, content)
    assert (told.stop_details and told.stop_details.category) == turn.refusal


def test_the_sdk_reads_a_summary() -> None:
    with MessagesApi([], compaction=lambda request: Turn(summary=f"{len(request.body['messages'])} messages")) as api:
        told = stream(api, beta=True, betas=[COMPACT], compaction={"type": "summarize"})
    (block,) = told.content
    assert (told.stop_reason, block.type, block.content) == ("compaction", "compaction", "1 messages")
    assert block.signature and block.encrypted_content


@pytest.mark.parametrize(
    ("reply", "raised"),
    [
        pytest.param(Broken(How.RESET), "httpx2.ReadError", id="reset"),
        pytest.param(Broken(How.CLOSED), "httpx2.RemoteProtocolError", id="closed"),
        pytest.param(Broken(How.STALLED), "httpx2.ReadTimeout", id="stalled"),
        pytest.param(Broken(How.RESET, None), "anthropic.APIConnectionError", id="reset before"),
        pytest.param(no_answer(), "anthropic.APITimeoutError", id="no answer"),
        pytest.param(torn("bash", {"command": "ls"}), "builtins.ValueError", id="torn input"),
    ],
)
def test_the_sdk_sees_a_connection_break(reply: Reply, raised: str) -> None:
    error = type(broken(reply, timeout=0.2))
    assert f"{error.__module__.split('.')[0]}.{error.__name__}" == raised


def test_the_sdk_does_not_see_that_a_stream_ended_early() -> None:
    with MessagesApi([Broken(How.ENDED)]) as api:
        assert stream(api).stop_reason is None


def test_pings_keep_the_sdk_waiting() -> None:
    assert isinstance(broken(Broken(How.PINGS, 2), timeout=0.2, patience=0.5), TimeoutError)


@pytest.mark.parametrize(
    ("reply", "name", "status", "kind", "code"),
    [
        pytest.param(unauthorized(), "AuthenticationError", 401, "authentication_error", None, id="401"),
        pytest.param(forbidden(), "PermissionDeniedError", 403, "permission_error", None, id="403"),
        pytest.param(request_timeout(), "RequestTimeoutError", 408, "timeout_error", None, id="408"),
        pytest.param(conflict(), "ConflictError", 409, "conflict_error", None, id="409"),
        pytest.param(too_large(), "ContentTooLargeError", 413, "request_too_large", None, id="413"),
        pytest.param(rate_limited(5), "RateLimitError", 429, "rate_limit_error", None, id="429"),
        pytest.param(
            spend_limit(),
            "EnforcedSpendLimitReachedError",
            *(429, "rate_limit_error", "enforced_spend_limit_reached"),
            id="spend limit",
        ),
        pytest.param(unavailable(), "ServiceUnavailableError", 503, "api_error", None, id="503"),
        pytest.param(gateway_timeout(), "GatewayTimeoutError", 504, "timeout_error", None, id="504"),
        pytest.param(overloaded(), "OverloadedError", 529, "overloaded_error", None, id="529"),
        pytest.param(
            compaction_unavailable(),
            *("CompactionUnavailableError", 529, "overloaded_error", "compaction_unavailable"),
            id="no summary now",
        ),
        pytest.param(bad_gateway(), "InternalServerError", 502, None, None, id="502 of a proxy"),
        pytest.param(usage_limits_reached(), "BadRequestError", 400, "invalid_request_error", None, id="own limit"),
        pytest.param(Broken(How.ERROR), "APIStatusError", 200, "overloaded_error", None, id="an error event"),
    ],
)
def test_the_sdk_names_a_fault(reply: Reply, name: str, status: int, kind: str | None, code: str | None) -> None:
    error: Any = broken(reply)
    assert (type(error).__name__, error.status_code, error.type, error.error_code) == (name, status, kind, code)


def test_the_sdk_sees_when_to_try_again() -> None:
    for fault, wanted in (
        (rate_limited(7, milliseconds=300), {"retry-after": "7", "retry-after-ms": "300"}),
        (rate_limited(date := http_date(60)), {"retry-after": date}),
        (should_retry(overloaded(), False), {"x-should-retry": "false"}),
        (spend_limit(), {"retry-after": None}),
    ):
        error: Any = broken(fault)
        assert {name: error.response.headers.get(name) for name in wanted} == wanted


@pytest.mark.parametrize(
    "reply", [pytest.param(web_page(), id="a web page"), pytest.param(other_service(), id="another service")]
)
def test_something_else_answers(reply: Foreign) -> None:
    assert isinstance(broken(reply), AssertionError)  # the SDK's own: no message ever began


def test_the_fields_are_the_sdks() -> None:
    from anthropic.types import beta

    def keys(params: Any, *, required: bool) -> set[str]:
        return {name for name, kind in params.__annotations__.items() if ("Required[" in str(kind)) is required}

    named = {
        "image": "Image",
        "text": "Text",
        "thinking": "Thinking",
        "tool_use": "ToolUse",
        "compaction": "Compaction",
    }
    named |= {"tool_result": "ToolResult", "search_result": "SearchResult", "redacted_thinking": "RedactedThinking"}
    for kind, name in named.items():
        params = getattr(beta, f"Beta{name}BlockParam")
        assert BLOCKS[kind].required == keys(params, required=True)
        assert BLOCKS[kind].optional <= keys(params, required=False)
    for kind, name in {"bash_20250124": "Bash20250124", "text_editor_20250728": "TextEditor20250728"}.items():
        params = getattr(beta, f"BetaTool{name}Param")
        assert (TOOLS[kind].required, TOOLS[kind].optional) == (
            keys(params, required=True),
            keys(params, required=False),
        )
    create = beta.message_create_params.MessageCreateParamsBase
    assert keys(create, required=True) == {"model", "max_tokens", "messages"}
    assert {"stream", *keys(create, required=True), *keys(create, required=False)} >= FIELDS
