"""The laws of the scripted Messages API's cache account: what is read, what is written, how long it lives."""

from __future__ import annotations

from typing import Any

import pytest
from fakes.messages_blocks import read_blocks
from fakes.messages_cache import CacheAccount, Charge

EDITOR = {"type": "text_editor_20250728", "name": "str_replace_based_edit_tool"}
SEARCH = {"name": "search", "input_schema": {"type": "object"}}
HOUR = {"type": "ephemeral", "ttl": "1h"}
SHORT = {"type": "ephemeral"}


def text(words: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": words, **more}


def turns(*contents: Any) -> list[dict[str, Any]]:
    """A user and an assistant, taking turns."""
    return [{"role": ("user", "assistant")[n % 2], "content": content} for n, content in enumerate(contents)]


def asked(*contents: Any, **fields: Any) -> dict[str, Any]:
    return {"model": "claude-opus-5-5", "max_tokens": 1000, "messages": turns(*contents), **fields}


def long(name: str, tokens: int = 2000, **more: Any) -> dict[str, Any]:
    """A text block of about so many tokens."""
    return text(f"{name} " * (4 * tokens // (len(name) + 1)), **more)


def charge(account: CacheAccount, body: dict[str, Any]) -> Charge:
    charged = account.open(body, read_blocks(body))
    account.begin(charged)
    return charged


def reads(account: CacheAccount, body: dict[str, Any]) -> bool:
    return charge(account, body).read > 0


def test_what_was_written_is_read_and_the_sum_is_the_prompt() -> None:
    account, body = CacheAccount(), asked([long("old", cache_control=SHORT)])
    first = charge(account, body)
    second = charge(account, {**body, "messages": turns([long("old"), long("new", cache_control=SHORT)])})
    assert (first.read, first.input, first.write_5m) == (0, 0, second.read)
    assert (second.input, second.write_1h) == (0, 0)
    assert second.prompt == sum(b.tokens for b in read_blocks({"messages": turns([long("old"), long("new")])}))
    assert account.total().write_5m == first.write_5m + second.write_5m


def test_each_life_is_charged_by_its_own_breakpoint() -> None:
    body = asked([long("a", cache_control=HOUR), long("b", cache_control=SHORT), long("c", 300)])
    a, b, c = (block.tokens for block in read_blocks(body))
    told = charge(CacheAccount(), body).usage()
    assert (told["cache_creation"]["ephemeral_1h_input_tokens"], told["input_tokens"]) == (a, c)
    assert (told["cache_creation"]["ephemeral_5m_input_tokens"], told["cache_creation_input_tokens"]) == (b, a + b)


@pytest.mark.parametrize(("mark", "seconds"), [pytest.param(SHORT, 300, id="5m"), pytest.param(HOUR, 3600, id="1h")])
def test_an_entry_lives_so_long_after_its_last_use(mark: dict[str, str], seconds: float) -> None:
    account, body = CacheAccount(), asked([long("x", cache_control=mark)])
    found = []
    for wait in (0, seconds - 1, seconds - 1, seconds + 1):
        account.advance(wait)
        found.append(reads(account, body))
    assert found == [False, True, True, False]


@pytest.mark.parametrize(("blocks", "found"), [pytest.param(19, True, id="20"), pytest.param(20, False, id="21")])
def test_a_breakpoint_looks_back_at_20_blocks(blocks: int, found: bool) -> None:
    account = CacheAccount()
    charge(account, asked([long("x")], cache_control=SHORT))
    assert reads(account, asked([long("x"), *[text("more")] * blocks], cache_control=SHORT)) is found


def test_a_second_breakpoint_bridges_a_long_turn() -> None:
    account = CacheAccount()
    charge(account, asked([long("x")], cache_control=SHORT))
    bridged = [long("x", cache_control=SHORT), *[text("more")] * 30]
    assert reads(account, asked(bridged, cache_control=SHORT))


def test_too_short_a_prefix_is_not_kept() -> None:
    account, body = CacheAccount(minimum={"claude-opus-5-5": 512}), asked([long("x", 400, cache_control=SHORT)])
    assert [(c.read, c.write_5m) for c in (charge(account, body), charge(account, body))] == [(0, 0), (0, 0)]
    assert charge(account, body).input == charge(account, body).prompt


def test_the_automatic_breakpoint_moves_along() -> None:
    account, contents = CacheAccount(), [[long("x")]]
    body = asked(*contents, cache_control=SHORT)
    first = charge(account, body)
    contents += [[{"type": "tool_use", "id": "a", "name": "bash", "input": {}}], [text("ok")]]
    second = charge(account, asked(*contents, cache_control=SHORT))
    assert (second.read, second.input) == (first.write_5m, 0)


@pytest.mark.parametrize(
    ("change", "kept"),
    [
        pytest.param({"model": "claude-sonnet-5-5"}, "", id="the model"),
        pytest.param({"tools": [EDITOR, {**SEARCH, "cache_control": SHORT}]}, "", id="a tool"),
        pytest.param({"speed": "fast"}, "tools", id="the speed"),
        pytest.param({"system": [long("other", cache_control=SHORT)]}, "tools", id="the system text"),
        pytest.param({"tool_choice": {"type": "none"}}, "tools system", id="the tool choice"),
        pytest.param({"thinking": {"type": "adaptive"}}, "tools system", id="thinking"),
        pytest.param({"output_config": {"effort": "low"}}, "tools system", id="effort"),
        pytest.param({"max_tokens": 5}, "tools system messages", id="max_tokens"),
    ],
)
def test_a_change_forgets_what_comes_after_it(change: dict[str, Any], kept: str) -> None:
    tools = [{**SEARCH, "description": long("x")["text"], "cache_control": SHORT}]
    body = asked([long("u", cache_control=SHORT)], tools=tools, system=[long("s", cache_control=SHORT)])
    account = CacheAccount()
    charge(account, body)
    changed = {**body, **change}
    expected = sum(block.tokens for block in read_blocks(changed) if block.part in kept.split())
    assert charge(account, changed).read == expected


def test_an_entry_is_read_once_its_answer_has_begun() -> None:
    account, body = CacheAccount(), asked([long("x", cache_control=SHORT)])
    pending = account.open(body, read_blocks(body))
    assert account.open(body, read_blocks(body)).read == 0
    account.begin(pending)
    assert account.open(body, read_blocks(body)).read == pending.write_5m
