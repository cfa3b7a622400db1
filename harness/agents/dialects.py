"""What each agent's JSON lines mean: one function per dialect, an event in, the draft changed, words for a person out.

The rules are observed, not documented by their makers: Codex 0.169.0, Gemini CLI 0.61.0, opencode 1.18.33. Whatever is
missing, of another type or unknown to us counts as absent; nothing here raises.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from harness.agents.dialect_claude import read_claude
from harness.agents.draft import (
    LONGEST_TEXT,
    Draft,
    Event,
    Trouble,
    compose_call,
    count_of,
    dict_of,
    name_of,
    number_of,
    status_of,
    text_of,
)
from harness.domain.reply import Usage

# --- Codex ----------------------------------------------------------------------------------------------------------


def read_codex(event: Event, draft: Draft) -> str:
    """Codex's `exec --json`. Its usage is the thread's, so a resumed thread counts its past again."""
    kind = name_of(event.get("type"))
    if kind == "thread.started":
        draft.session_id = name_of(event.get("thread_id"))
    elif kind == "turn.started":
        draft.in_turn = True
    elif kind.startswith("item."):
        return _codex_item(kind, dict_of(event.get("item")), draft)
    elif kind == "error":
        words = text_of(event.get("message"))
        draft.trouble = Trouble(words, find_status(words, "codex"), retrying=words.startswith("Reconnecting"))
        return words
    elif kind == "turn.completed":
        draft.conclude()
        told = dict_of(event.get("usage"))
        cached = count_of(told.get("cached_input_tokens"))
        draft.usage = Usage(
            input_tokens=max(0, count_of(told.get("input_tokens")) - cached),
            output_tokens=count_of(told.get("output_tokens")),
            cache_read_tokens=cached,
            cache_write_tokens=count_of(told.get("cache_write_input_tokens")),
        )
    elif kind == "turn.failed":
        words = text_of(dict_of(event.get("error")).get("message"))
        draft.conclude(Trouble(words, find_status(words, "codex")))
        return words
    return ""


def _codex_item(kind: str, item: Event, draft: Draft) -> str:
    draft.recover()
    draft.in_turn = True
    call_id, sort = name_of(item.get("id")), name_of(item.get("type"))
    if sort == "agent_message":
        draft.text = text_of(item.get("text")) or draft.text
        return draft.text
    if kind == "item.completed":
        draft.calls.pop(call_id, None)
        return ""
    if kind == "item.started" and sort not in ("reasoning", "todo_list", "error"):
        draft.call(call_id)
        return compose_call("" if sort == "command_execution" else sort.replace("_", " "), item)
    return ""


# --- Gemini ---------------------------------------------------------------------------------------------------------


def read_gemini(event: Event, draft: Draft) -> str:
    """Gemini CLI's `--output-format stream-json`. The first message is an echo of the prompt."""
    kind = event.get("type")
    if kind == "init":
        draft.session_id, draft.model = name_of(event.get("session_id")), name_of(event.get("model"))
    elif kind == "message":
        draft.in_turn = True
        if event.get("role") != "assistant":
            draft.text = ""
            return ""
        piece = text_of(event.get("content"))
        draft.text = (draft.text + piece if event.get("delta") is True else piece)[-LONGEST_TEXT:]
        return piece
    elif kind == "tool_use":
        draft.in_turn, draft.text = True, ""
        draft.call(name_of(event.get("tool_id")))
        return compose_call(name_of(event.get("tool_name")), dict_of(event.get("parameters")))
    elif kind == "tool_result":
        draft.calls.pop(name_of(event.get("tool_id")), None)
    elif kind == "result":
        return _gemini_result(event, draft)
    return ""


def _gemini_result(event: Event, draft: Draft) -> str:
    stats = dict_of(event.get("stats"))
    cached = count_of(stats.get("cached"))
    draft.usage = Usage(
        input_tokens=max(0, count_of(stats.get("input_tokens")) - cached),
        output_tokens=count_of(stats.get("output_tokens")),
        cache_read_tokens=cached,
    )
    if event.get("status") == "success":
        draft.conclude()
        return ""
    error = dict_of(event.get("error"))
    kind, words = name_of(error.get("type")), text_of(error.get("message"))
    draft.terminal_reason = "max_turns" if kind == "FatalTurnLimitedError" else ""
    draft.conclude(Trouble(words, find_status(words, "gemini"), "" if kind == "unknown" else kind))
    return words


# --- opencode -------------------------------------------------------------------------------------------------------


def read_opencode(event: Event, draft: Draft) -> str:
    """opencode's `run --format json`. A tool is told of when it is over, so an open step stands for a running call."""
    kind, part = event.get("type"), dict_of(event.get("part"))
    draft.session_id = draft.session_id or name_of(event.get("sessionID"))
    if kind == "step_start":
        draft.recover()
        draft.in_turn = True
        draft.call("step")
    elif kind == "text":
        draft.text = text_of(part.get("text")) or draft.text
        return draft.text
    elif kind == "tool_use":
        state = dict_of(part.get("state"))
        if "rejected permission" in text_of(state.get("error")):
            draft.deny(name_of(part.get("tool")))
        return compose_call(name_of(part.get("tool")), dict_of(state.get("input")))
    elif kind == "step_finish":
        _opencode_step(part, draft)
    elif kind == "error":
        return _opencode_error(dict_of(event.get("error")), draft)
    return ""


def _opencode_step(part: Event, draft: Draft) -> None:
    tokens = dict_of(part.get("tokens"))
    cache = dict_of(tokens.get("cache"))
    step = Usage(
        input_tokens=count_of(tokens.get("input")),
        output_tokens=count_of(tokens.get("output")) + count_of(tokens.get("reasoning")),
        cache_read_tokens=count_of(cache.get("read")),
        cache_write_tokens=count_of(cache.get("write")),
    )
    draft.usage += step
    cost = number_of(part.get("cost"))
    if cost is not None:
        draft.dollars = (draft.dollars or 0.0) + cost
    draft.calls.clear()
    if part.get("reason") == "stop":
        draft.conclude()


def _opencode_error(error: Event, draft: Draft) -> str:
    facts, kind = dict_of(error.get("data")), name_of(error.get("name"))
    words = text_of(facts.get("message")) or kind
    draft.overflows += kind == "ContextOverflowError"
    draft.conclude(Trouble(words, status_of(facts.get("statusCode")), kind))
    return words


# --- what they share ------------------------------------------------------------------------------------------------

DIALECTS: dict[str, Callable[[Event, Draft], str]] = {
    "claude": read_claude,
    "codex": read_codex,
    "gemini": read_gemini,
    "opencode": read_opencode,
}

# Where each puts an HTTP status into the text of an error. At the start of a line, where text may be prose.
_ANTHROPIC = r"(?m)^(?:Failed to authenticate\. )?API Error: (?:Request rejected \()?([45]\d\d)\b"
STATUS = {
    "claude": _ANTHROPIC,
    "codex": r"\b(?:unexpected|last) status:? ([45]\d\d)\b",
    "gemini": r'"code": ?([45]\d\d)\b',
    "text": _ANTHROPIC,
}


def find_status(text: str, dialect: str) -> int | None:
    """The HTTP status in an error's own text; None if it names none."""
    found = re.search(STATUS[dialect], text) if dialect in STATUS else None
    return int(found[1]) if found else None


def add_exit_status(trouble: Trouble, code: int | None) -> Trouble:
    """Gemini's exit code is the HTTP status & 255 (429 -> 173), and its only place for some of them."""
    if trouble.status is not None or code is None or not 400 <= code + 256 <= 511:
        return trouble
    return replace(trouble, status=code + 256)
