"""What is sent to the model: a prompt in parts, a history that only grows, and its breakpoints."""

from __future__ import annotations

import copy
import json
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from harness.agents.api.conversation import Caching, Conversation, Parts, digest, list_actions, split_prompt

PROMPT = """\
You are one step of a loop.

## Files

- spec: /p/specs/a/spec.md

## Spec of `a`

Do it.

## Learnings

What earlier steps found out.

<<<LEARNINGS
| - one lesson
LEARNINGS

## Prior log

What earlier steps noted.

<<<PRIOR_LOG
| an old note
| a new note
PRIOR_LOG

## What was observed last time

It was red.
"""


# --- the prompt, in parts -----------------------------------------------------------------------------------------


def test_a_prompt_is_cut_where_it_changes_at_different_paces() -> None:
    parts = split_prompt(PROMPT)
    assert parts.shared == "You are one step of a loop.\n\n"
    assert parts.feature.startswith("## Files")
    assert parts.feature.endswith("Do it.\n\n")
    assert parts.learnings.startswith("## Learnings")
    assert "one lesson" in parts.learnings
    assert parts.rest.startswith("## Prior log")
    assert parts.rest.endswith("It was red.\n")


LINES = st.sampled_from(
    ["## Files", "## Learnings", "<<<LEARNINGS", "LEARNINGS", "<<<PRIOR_LOG", "PRIOR_LOG", "| x", "text", "", "## Spec"]
)


@given(st.lists(LINES, max_size=30).map("\n".join))
def test_the_parts_of_any_prompt_are_the_prompt(prompt: str) -> None:
    parts = split_prompt(prompt)
    assert parts.shared + parts.feature + parts.learnings + parts.rest == prompt


def test_a_template_of_ones_own_is_sent_as_it_is() -> None:
    assert split_prompt("Do what /p/logs/a.log says.") == Parts("", "Do what /p/logs/a.log says.", "", "")


def test_a_spec_that_shows_the_blocks_does_not_move_them() -> None:
    prompt = PROMPT.replace("Do it.", "Write `<<<LEARNINGS` in a line of its own.\n\n## Learnings\n\nare fine")
    assert split_prompt(prompt).learnings.count("one lesson") == 1
    assert "are fine" in split_prompt(prompt).feature


# --- the history only grows ---------------------------------------------------------------------------------------


def unmarked(value: Any) -> Any:
    """What is sent, without the marks for the cache."""
    if isinstance(value, dict):
        return {name: unmarked(one) for name, one in value.items() if name != "cache_control"}
    return [unmarked(one) for one in value] if isinstance(value, list) else value


def marks(request: Any) -> list[dict[str, str]]:
    found = [block["cache_control"] for block in request["system"] if "cache_control" in block]
    for message in request["messages"]:
        found += [block["cache_control"] for block in message["content"] if "cache_control" in block]
    return found + ([request["cache_control"]] if "cache_control" in request else [])


def call(number: int) -> dict[str, Any]:
    return {"type": "tool_use", "id": f"t{number}", "name": "bash", "input": {"command": "ls"}}


def result(number: int) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": f"t{number}", "content": "out"}


@given(st.lists(st.integers(1, 30), max_size=8), st.sampled_from(["5m", "1h"]))
def test_what_was_sent_is_never_changed_and_no_request_has_more_than_four_breakpoints(
    turns: list[int], ttl: str
) -> None:
    conversation = Conversation(split_prompt(PROMPT), Caching(ttl))
    sent = [copy.deepcopy(conversation.request())]
    for calls in turns:
        conversation.answer([call(n) for n in range(calls)])
        conversation.reply([result(n) for n in range(calls)])
        sent.append(copy.deepcopy(conversation.request()))
    for before, after in pairwise(sent):
        assert unmarked(after["system"]) == unmarked(before["system"])
        assert unmarked(after["messages"])[: len(before["messages"])] == unmarked(before["messages"])
    for request in sent:
        lives = [mark.get("ttl", "5m") for mark in marks(request)]
        assert len(lives) <= 4
        assert lives == sorted(lives)  # 1h before 5m, or a server says no


def test_a_turn_of_many_blocks_leaves_a_breakpoint_where_the_last_one_ended() -> None:
    conversation = Conversation(split_prompt(PROMPT), Caching())
    conversation.answer([call(n) for n in range(20)])
    conversation.reply([result(n) for n in range(20)])
    assert "cache_control" in conversation.request()["messages"][0]["content"][-1]


def test_results_stand_before_words() -> None:
    conversation = Conversation(split_prompt(PROMPT))
    conversation.answer([call(1)])
    conversation.reply([{"type": "text", "text": "and"}, result(1)])
    assert [block["type"] for block in conversation.messages[-1]["content"]] == ["tool_result", "text"]


def test_other_servers_get_no_mark() -> None:
    assert marks(Conversation(split_prompt(PROMPT)).request()) == []


def test_the_system_text_is_the_same_for_every_feature_and_every_attempt() -> None:
    other = PROMPT.replace("/p/specs/a", "/q/specs/b").replace("an old note", "another").replace("Do it.", "Do that.")
    first, second = (Conversation(split_prompt(prompt), Caching()) for prompt in (PROMPT, other))
    assert digest(first.system) == digest(second.system)
    assert "/p/" not in json.dumps(first.system)


def test_a_restart_keeps_the_prompt_and_tells_what_was_done() -> None:
    conversation = Conversation(split_prompt(PROMPT), Caching())
    before = unmarked(conversation.request())["messages"][0]["content"]
    conversation.answer([{"type": "text", "text": "I look."}, call(1)])
    conversation.reply([result(1)])
    conversation.restart(list_actions(conversation.messages))
    (message,) = unmarked(conversation.request())["messages"]
    assert message["content"][:-1] == before
    assert "- you said: I look." in message["content"][-1]["text"]
    assert '- you called bash: {"command": "ls"}' in message["content"][-1]["text"]
