"""What the scripted Messages API refuses and what it remembers, held to what is known of the real one."""

from __future__ import annotations

from typing import Any

import pytest
from fakes.messages_blocks import read_blocks
from fakes.messages_rules import find_mistake
from fakes.messages_signatures import Signatures

COMPACT = "compact-2026-09-04"
BASH = {"type": "bash_20250124", "name": "bash"}
EDITOR = {"type": "text_editor_20250728", "name": "str_replace_based_edit_tool"}
SEARCH = {"name": "search", "input_schema": {"type": "object"}}
HOUR = {"type": "ephemeral", "ttl": "1h"}
SHORT = {"type": "ephemeral"}


def text(words: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": words, **more}


def use(identity: str = "a", **more: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": identity, "name": "bash", "input": {"command": "ls"}, **more}


def result(identity: str = "a", **more: Any) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": identity, "content": "ok", **more}


def turns(*contents: Any) -> list[dict[str, Any]]:
    """A user and an assistant, taking turns."""
    return [{"role": ("user", "assistant")[n % 2], "content": content} for n, content in enumerate(contents)]


def asked(*contents: Any, **fields: Any) -> dict[str, Any]:
    return {"model": "claude-opus-5-5", "max_tokens": 1000, "messages": turns(*(contents or ["Hi"])), **fields}


def headers(*betas: str, version: str = "2026-10-21") -> dict[str, str]:
    return {"x-api-key": "k", "anthropic-version": version, **({"anthropic-beta": ",".join(betas)} if betas else {})}


# --- what is refused ----------------------------------------------------------------------------------------------

MANAGED = {"context_management": {"edits": []}}
MARKED = [text("x", cache_control=SHORT)] * 4


@pytest.mark.parametrize(
    ("body", "head"),
    [
        pytest.param(asked(), headers(), id="a greeting"),
        pytest.param(asked(temperature=1), headers(version="2023-06-01"), id="temperature in the old version"),
        pytest.param(asked(tools=[BASH, EDITOR | {"max_characters": 9}, SEARCH]), headers(), id="typed tools"),
        pytest.param(asked("Hi", [use()], [result(), text("and?")]), headers(), id="words after a result"),
        pytest.param(
            asked("Hi", [use("a"), use("b")], [result("b"), result("a")]), headers(), id="results in any order"
        ),
        pytest.param(asked("Hi", "Ho", compaction={"type": "summarize"}), headers(COMPACT), id="a wish for a summary"),
        pytest.param(asked(**MANAGED), headers("context-management-2025-06-27"), id="context management with its beta"),
        pytest.param(
            asked([text("x", cache_control=HOUR), text("y")], cache_control=SHORT),
            headers(),
            id="an hour before 5 minutes",
        ),
        pytest.param(asked("Hi", "Ho", model="claude-sonnet-4-5"), headers(), id="prefill of an old model"),
        pytest.param(asked(thinking={"type": "adaptive", "display": "summarized"}), headers(), id="adaptive thinking"),
    ],
)
def test_a_good_request_is_taken(body: dict[str, Any], head: dict[str, str]) -> None:
    assert find_mistake(body, head) is None


@pytest.mark.parametrize(
    ("body", "betas", "said"),
    [
        pytest.param({"model": "m", "messages": []}, "", "max_tokens: Field required", id="no max_tokens"),
        pytest.param(asked(temperature=1), "", "temperature: Extra inputs", id="temperature"),
        pytest.param(asked(compaction={"type": "summarize"}), "", "compaction: Extra inputs", id="compaction, no beta"),
        pytest.param(asked(**MANAGED), "", "context_management: Extra inputs", id="context management, no beta"),
        pytest.param(asked(), "made-up-2026-01-01", "Unexpected value(s) `made-up", id="an unknown beta"),
        pytest.param(asked(messages=[]), "", "at least one message", id="no messages"),
        pytest.param(asked([{"type": "song"}]), "", "Input tag 'song'", id="an unknown block"),
        pytest.param(asked([text("x", parsed_output=None)]), "", "parsed_output: Extra inputs", id="an unknown key"),
        pytest.param(asked([{"type": "text"}]), "", "text.text: Field required", id="a missing key"),
        pytest.param(asked([text("")]), "", "must be non-empty", id="an empty text"),
        pytest.param(
            asked([text("", cache_control=SHORT)]), "", "cannot be set for empty", id="a mark on an empty text"
        ),
        pytest.param(asked([text(" \n")]), "", "non-whitespace", id="a blank text"),
        pytest.param(asked("Hi", []), "", "non-empty content", id="an empty message"),
        pytest.param(asked("Hi", "Ho"), "", "assistant message prefill", id="prefill"),
        pytest.param(asked(messages=turns("Hi", "Ho")[1:]), "", 'must use the "user" role', id="the assistant first"),
        pytest.param(asked("Hi", [use()], "and?"), "", "messages.1: `tool_use` ids were found", id="no result"),
        pytest.param(asked("Hi", [use()]), "", "messages.1: `tool_use` ids were found", id="no result at the end"),
        pytest.param(asked("Hi", [use()], [text("x"), result()]), "", "ids were found", id="words before a result"),
        pytest.param(asked("Hi", [use("a"), use("b")], [result("a")]), "", "after: b.", id="one of two results"),
        pytest.param(asked([result()]), "", "messages.0.content.0: unexpected `tool_use_id`", id="a result of nothing"),
        pytest.param(asked("Hi", [use(), use()], [result()]), "", "must be unique", id="an id twice"),
        pytest.param(asked([use()]), "", "only be in `assistant` messages", id="a call by the user"),
        pytest.param(asked([text("x", cache_control=SHORT)] * 5), "", "A maximum of 4 blocks", id="five marks"),
        pytest.param(asked(MARKED, cache_control=SHORT), "", "Found 5", id="four marks and the automatic one"),
        pytest.param(
            asked([text("x", cache_control=HOUR)], system=[text("x", cache_control=SHORT)]),
            "",
            "a ttl='1h' cache_control block must not come after",
            id="an hour after 5 minutes",
        ),
        pytest.param(
            asked([text("x", cache_control=HOUR)], cache_control=SHORT), "", "differs", id="two lives of a block"
        ),
        pytest.param(
            asked("Hi", [{"type": "thinking", "thinking": "", "signature": "s", "cache_control": SHORT}], "x"),
            "",
            "thinking.cache_control: Extra inputs",
            id="a mark on thinking",
        ),
        pytest.param(asked(tools=[BASH | {"name": "sh"}]), "", "Input should be 'bash'", id="bash by another name"),
        pytest.param(
            asked(tools=[EDITOR | {"name": "edit"}]), "", "Input should be 'str_re", id="the editor by another"
        ),
        pytest.param(asked(tools=[BASH | {"input_schema": {}}]), "", "input_schema: Extra", id="a typed tool's schema"),
        pytest.param(asked(tools=[{"name": "x"}]), "", "input_schema: Field required", id="no schema"),
        pytest.param(asked(tools=[BASH, {**SEARCH, "name": "bash"}]), "", "must be unique", id="a tool name twice"),
        pytest.param(asked(thinking={"type": "disabled"}), "", "is not supported for this model", id="thinking off"),
        pytest.param(
            asked(thinking={"type": "enabled", "budget_tokens": 1024}), "", "is not supported", id="a thinking budget"
        ),
        pytest.param(asked(tools=[BASH], tool_choice={"type": "any"}), "", "forces tool use", id="a forced tool"),
        pytest.param(asked(output_config={"effort": "mad"}), "", "output_config.effort", id="an unknown effort"),
        pytest.param(
            asked(compaction={"type": "summarize"}, **MANAGED),
            f"{COMPACT},context-management-2025-06-27",
            "cannot be combined",
            id="a summary and context management",
        ),
    ],
)
def test_a_bad_request_is_refused(body: dict[str, Any], betas: str, said: str) -> None:
    mistake = find_mistake(body, headers(*betas.split(",")) if betas else headers())
    assert mistake
    assert (mistake.status, mistake.kind) == (400, "invalid_request_error")
    assert said in mistake.message


# --- what is remembered -------------------------------------------------------------------------------------------

SYSTEM = [text("You are a coder.")]


def thought(signatures: Signatures, body: dict[str, Any], words: str = "Hm.") -> dict[str, Any]:
    signature = signatures.sign_thinking(body["model"], read_blocks(body), words)
    return {"type": "thinking", "thinking": words, "signature": signature}


def replay(signatures: Signatures, body: dict[str, Any], *betas: str) -> str:
    """What is wrong with a request to a service that has said things before."""
    mistake = find_mistake(body, headers(*betas), signatures=signatures)
    return f"{mistake.code or ''} {mistake.message}" if mistake else ""


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param({}, "", id="nothing"),
        pytest.param({"cache_control": SHORT}, "", id="a cache mark"),
        pytest.param({"messages": [[text("Hi", cache_control=HOUR)]]}, "", id="a mark on a block, which was plain"),
        pytest.param({"model": "claude-fable-5-1"}, "", id="the model, which passes it over"),
        pytest.param({"system": [text("You are a poet.")]}, "The `system` prompt differs", id="the system text"),
        pytest.param({"tools": [BASH, EDITOR]}, "The `tools` differ", id="a tool"),
        pytest.param({"messages": ["Ho"]}, "The `messages` before this block differ", id="the prompt"),
    ],
)
def test_thinking_comes_back_only_after_what_it_was_thought_after(change: dict[str, Any], said: str) -> None:
    memory, before = Signatures(), asked("Hi", system=SYSTEM, tools=[BASH])
    block = thought(memory, before)
    body = {**before, **change, "messages": turns(*change.get("messages", ["Hi"]), [block, use()], [result()])}
    mistake = replay(memory, body)
    assert said in mistake
    assert bool(said) == bool(mistake)


def test_thinking_that_was_edited_is_refused() -> None:
    memory = Signatures()
    block = thought(memory, asked()) | {"thinking": "Aha."}
    assert "latest assistant message cannot be modified" in replay(memory, asked("Hi", [block, text("x")], "Go on"))
    older = replay(memory, asked("Hi", [block, text("x")], "Go on", "Well.", "And?"))
    assert "messages.1.content.0: Invalid `signature` in `thinking` block" in older


def test_thinking_is_left_out_from_the_front_only() -> None:
    memory, bodies = Signatures(), [["Hi"]]
    for step in "abc":
        body = asked(*bodies[-1])
        bodies.append([*bodies[-1], [thought(memory, body, step), use(step)], [result(step)]])
    whole = bodies[-1]

    def without(*places: int) -> str:
        return replay(memory, asked(*[part[1:] if n in places else part for n, part in enumerate(whole)]))

    assert (without(), without(1), without(1, 3)) == ("", "", "")
    assert "preceded this one when it was created is missing" in without(3)


def test_what_was_thought_after_a_summary_was_asked_for_stays_valid_behind_it() -> None:
    memory, old = Signatures(), asked("Hi", "Ho", "And?", system=SYSTEM)
    block = thought(memory, old)
    compacted = asked("Hi", "Ho", system=SYSTEM)
    signature, encrypted = memory.sign_summary(read_blocks(compacted), "They greet.")
    summary = {"type": "compaction", "content": "They greet.", "signature": signature, "encrypted_content": encrypted}
    swapped = [{"role": "assistant", "content": [summary]}, *turns("And?", [block, text("x")], "More")]
    assert replay(memory, asked(messages=swapped, system=SYSTEM), COMPACT) == ""
    assert "`messages` before" in replay(
        memory, asked(messages=[*swapped[:1], *turns("What?", [block], "M")], system=SYSTEM), COMPACT
    )
    edited = {"role": "assistant", "content": [summary | {"content": "They part."}]}
    assert "compaction_content_mismatch" in replay(memory, asked(messages=[edited, *turns("And?")]), COMPACT)
    forged = {"role": "assistant", "content": [summary | {"signature": "s"}]}
    assert "compaction_signature_invalid" in replay(memory, asked(messages=[forged, *turns("And?")]), COMPACT)
    assert "compaction_block_misplaced" in replay(memory, asked("Hi", [summary], "And?"), COMPACT)


@pytest.mark.parametrize(
    ("contents", "code"),
    [
        pytest.param(["Hi", [use()]], "compaction_incomplete_turn", id="a call without its result"),
        pytest.param([], "compaction_nothing_to_summarize", id="nothing"),
    ],
)
def test_a_summary_needs_finished_turns(contents: list[Any], code: str) -> None:
    body = asked(compaction={"type": "summarize"}) | {"messages": turns(*contents)}
    assert code in replay(Signatures(), body, COMPACT)


def test_only_a_paused_turn_may_be_the_last_word() -> None:
    memory = Signatures()
    memory.pause([text("One moment")])
    assert replay(memory, asked("Hi", [text("One moment")])) == ""
    assert "prefill" in replay(memory, asked("Hi", [text("Two moments")]))
