"""The API agent's decisions, without a server: what is sent, what a failure means, how long to wait, where to stop."""

from __future__ import annotations

import copy
import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.agents.api.conversation import Caching, Conversation, Parts, digest, recount, split_prompt
from harness.agents.api.failure import LONGEST_WAIT, Failure, Kind, classify, find_retry_after, find_wait
from harness.agents.api.meter import Meter
from harness.agents.prompt import shorten_tails
from harness.domain.reply import Usage

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
    conversation.restart(recount(conversation.messages))
    (message,) = unmarked(conversation.request())["messages"]
    assert message["content"][:-1] == before
    assert "- you said: I look." in message["content"][-1]["text"]
    assert '- you called bash: {"command": "ls"}' in message["content"][-1]["text"]


# --- what a failure means -----------------------------------------------------------------------------------------

FAILURES = [
    (429, "rate_limit_error", "", "slow down", Kind.RATE),
    (429, "rate_limit_error", "enforced_spend_limit_reached", "spend", Kind.SPEND),
    (429, "rate_limit_error", "contract_spend_limit_reached", "spend", Kind.SPEND),
    (400, "invalid_request_error", "", "You have reached your specified API usage limits.", Kind.SPEND),
    (400, "invalid_request_error", "", "Your credit balance is too low to access the Anthropic API.", Kind.CREDIT),
    (400, "invalid_request_error", "", "prompt is too long: 9 tokens > 8 maximum", Kind.TOO_LONG),
    (400, "invalid_request_error", "", "messages: at least one message is required", Kind.REQUEST),
    (401, "authentication_error", "", "invalid x-api-key", Kind.AUTH),
    (402, "billing_error", "", "", Kind.CREDIT),
    (403, "permission_error", "", "", Kind.AUTH),
    (404, "not_found_error", "", "model: nope", Kind.MODEL),
    (408, "", "", "", Kind.UNAVAILABLE),
    (409, "conflict_error", "", "", Kind.UNAVAILABLE),
    (413, "request_too_large", "", "", Kind.TOO_LONG),
    (500, "api_error", "", "", Kind.UNAVAILABLE),
    (502, "", "", "<html>", Kind.UNAVAILABLE),
    (503, "", "", "", Kind.UNAVAILABLE),
    (529, "overloaded_error", "", "", Kind.OVERLOAD),
    (None, "overloaded_error", "", "Overloaded", Kind.OVERLOAD),
    (None, "", "", "Connection error.", Kind.NETWORK),
    (405, "", "", "", Kind.STRANGE),
]


@pytest.mark.parametrize(
    ("status", "kind", "code", "text", "means"), FAILURES, ids=[f"{one[0]}-{one[2] or one[1]}" for one in FAILURES]
)
def test_a_failure_is_named_for_what_it_is(status: int | None, kind: str, code: str, text: str, means: Kind) -> None:
    assert classify(status, kind, code, text).kind is means


@pytest.mark.parametrize("kind", [kind for kind in Kind if not kind.passes], ids=lambda kind: kind.name.lower())
def test_what_a_person_must_mend_is_never_tried_again(kind: Kind) -> None:
    assert find_wait(Failure(kind, "no", should_retry=True), 1, 0, 900, 0.5) is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after-ms": "300", "retry-after": "5"}, 0.3),
        ({"retry-after": "12"}, 12.0),
        ({"retry-after": "Sat, 21 Nov 2026 03:00:10 GMT"}, 10.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-3"}, None),
        ({}, None),
    ],
    ids=["milliseconds-win", "seconds", "a-date", "nonsense", "negative", "nothing"],
)
def test_the_wait_that_a_server_asks_for_is_read(headers: dict[str, str], seconds: float | None) -> None:
    assert find_retry_after(headers, 1795230000.0) == seconds


@pytest.mark.parametrize(("says", "waits"), [("true", True), ("false", False)])
def test_the_servers_own_word_about_a_retry_counts(says: str, waits: bool) -> None:
    failure = classify(529, "overloaded_error", headers={"x-should-retry": says})
    assert (find_wait(failure, 1, 0, 900, 0.5) is not None) == waits


PASSING = st.sampled_from([kind for kind in Kind if kind.passes])


@given(PASSING, st.integers(1, 50), st.floats(0, 1000), st.floats(0, 1), st.none() | st.floats(0, 1e6))
def test_no_wait_is_longer_than_the_cache_lives_or_than_the_patience(
    kind: Kind, tries: int, waited: float, random: float, asked: float | None
) -> None:
    wait = find_wait(Failure(kind, "no", retry_after=asked), tries, waited, 900.0, random)
    if waited >= 900:
        assert wait is None
    elif wait is not None:
        assert 0 <= wait <= LONGEST_WAIT
        assert asked is not None or wait <= 900 - waited
        assert asked is None or wait >= min(asked, LONGEST_WAIT) - 1e-6


def test_a_wait_beyond_the_patience_is_not_begun() -> None:
    assert find_wait(Failure(Kind.RATE, "", retry_after=3600), 1, 0, 900, 0.5) is None


# --- the line in dollars ------------------------------------------------------------------------------------------


def test_the_meter_stops_before_the_call_that_would_cross_the_line() -> None:
    meter = Meter(lambda model, usage: usage.output_tokens / 100, line=1.0)
    for _ in range(3):
        assert not meter.exhausted()
        meter.add("m", Usage(output_tokens=30))
    assert meter.exhausted() == "$0.9000 of $1.0000 are spent, and another call costs about $0.3000"
    assert meter.spent == pytest.approx(0.9)


def test_the_model_is_told_once_that_its_budget_is_nearly_used_up() -> None:
    meter = Meter(lambda model, usage: 0.1, line=1.0)
    told = []
    for _ in range(9):
        meter.add("m", Usage())
        told.append(bool(meter.warning()))
    assert told.count(True) == 1
    assert told.index(True) == 4  # three more calls would reach 80 %


def test_an_unknown_price_is_never_nothing() -> None:
    meter = Meter(lambda model, usage: None)
    meter.add("m", Usage(output_tokens=3))
    assert meter.spent is None
    assert meter.usage == {"m": Usage(output_tokens=3)}


# --- cutting the tails --------------------------------------------------------------------------------------------


def test_the_oldest_lines_of_the_log_go_first_and_it_is_said() -> None:
    shorter, gone = shorten_tails(PROMPT, 5)
    assert gone == len("| an old note\n")
    assert "| (cut to fit the model: 14 older bytes)\n| a new note" in shorter
    assert "one lesson" in shorter


def test_what_stands_outside_the_tails_is_never_cut() -> None:
    shorter, gone = shorten_tails(PROMPT, 10_000)
    assert gone == len("| an old note\n| a new note\n| - one lesson\n")
    assert "Do it." in shorter
    assert "It was red." in shorter
    assert shorten_tails("no blocks at all", 100) == ("no blocks at all", 0)
