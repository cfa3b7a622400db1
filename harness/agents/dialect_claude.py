"""What the JSON lines of Claude Code mean. Observed on 2.1.329 and 2.1.197."""

from __future__ import annotations

from dataclasses import replace

from harness.agents.draft import (
    LONGEST_TEXT,
    Draft,
    Event,
    Trouble,
    compose_call,
    count_of,
    dict_of,
    dollars_of,
    list_of,
    name_of,
    number_of,
    status_of,
    text_of,
)
from harness.domain.reply import RateLimit, Usage

LONGEST_NOTICE = 500  # characters
_USAGE = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
_MODEL_USAGE = (
    "inputTokens", "outputTokens", "cacheReadInputTokens", "cacheCreationInputTokens",
    "cacheCreation1hInputTokens",  # of the API agent alone
)  # fmt: skip


def read_claude(event: Event, draft: Draft) -> str:
    """Claude Code's `--output-format stream-json`."""
    kind = event.get("type")
    if kind == "result":
        return _claude_result(event, draft)
    if kind == "system":
        return _claude_system(event, draft)
    if kind == "rate_limit_event":
        draft.rate_limit = _claude_window(dict_of(event.get("rate_limit_info")))
        return ""
    if kind in ("assistant", "user", "stream_event"):
        draft.in_turn = True
    if kind == "assistant":
        return _claude_message(event, draft)
    if kind == "user":
        for block in list_of(dict_of(event.get("message")).get("content")):
            draft.calls.pop(name_of(dict_of(block).get("tool_use_id")), None)
    return ""


def _claude_system(event: Event, draft: Draft) -> str:
    subtype = event.get("subtype")
    if subtype == "init":
        draft.in_turn = True
        if not draft.introduce(name_of(event.get("model"))):
            return ""
        draft.session_id = name_of(event.get("session_id"))
        draft.agent_version = name_of(event.get("claude_code_version")) or name_of(event.get("agent_version"))
        draft.prefix = {name: name_of(digest) for name, digest in dict_of(event.get("prefix")).items()}
        draft.api_key_source = name_of(event.get("apiKeySource"))
    elif subtype == "api_retry":
        status, kind = status_of(event.get("error_status")), name_of(event.get("error"))
        words = f"API error {status or kind or 'unknown'}, trying again ({count_of(event.get('attempt'))})"
        draft.trouble = Trouble(words, status, kind, retrying=True)
        return words
    elif subtype == "notice":  # of the API agent
        draft.notice(text_of(event.get("text"), LONGEST_NOTICE))
        return text_of(event.get("text"), LONGEST_NOTICE)
    elif subtype == "usage_unknown":  # of the API agent
        draft.doubt = text_of(event.get("text"), LONGEST_NOTICE)
        return draft.doubt
    elif subtype == "permission_denied":
        draft.deny(name_of(event.get("tool_name")))
    elif subtype == "background_tasks_changed":
        draft.background_tasks = len(list_of(event.get("tasks")))
    elif subtype == "model_fallback":
        draft.model = name_of(event.get("fallback_model")) or draft.model
        return f"falling back to {draft.model}"
    elif subtype == "status" and event.get("status") == "compacting":
        return "compacting the conversation"
    return ""


def _claude_window(info: Event) -> RateLimit | None:
    """The window that is closed; a word that it is open (again), or that overage is being used, takes it back."""
    if info.get("status") != "rejected" or info.get("isUsingOverage") is True:
        return None
    resets_at = number_of(info.get("resetsAt"))
    plausible = resets_at is not None and 1e9 < resets_at < 1e11  # epoch seconds
    return RateLimit(name_of(info.get("rateLimitType")), resets_at if plausible else None)


def _claude_message(event: Event, draft: Draft) -> str:
    message = dict_of(event.get("message"))
    blocks = [dict_of(block) for block in list_of(message.get("content"))]
    words = [text_of(block.get("text")) for block in blocks if block.get("type") == "text"]
    kind = name_of(event.get("error"))
    if kind:
        status, api_error = status_of(event.get("api_error_status")), name_of(event.get("api_error"))
        draft.trouble = Trouble("\n".join(words), status, kind, api_error)
        return " ".join(words)

    draft.recover()
    message_id = name_of(message.get("id"))
    _claude_turn(message_id, message, blocks, draft)
    if event.get("parent_tool_use_id") is None:
        # The main loop asks again only when it has every result, also one whose line was lost.
        draft.calls = {call: origin for call, origin in draft.calls.items() if origin in (message_id, "subagent")}
    else:
        message_id = "subagent"
    for block in blocks:
        if block.get("type") == "tool_use":
            draft.call(name_of(block.get("id")), message_id)
            words.append(compose_call(name_of(block.get("name")), dict_of(block.get("input"))))
    return " ".join(words)


def _claude_turn(message_id: str, message: Event, blocks: list[Event], draft: Draft) -> None:
    """Remember what the message used: all there is to know when the process is killed before its result."""
    usage = _claude_usage(dict_of(message.get("usage")), draft)
    if usage == Usage():
        return
    draft.check(usage)
    said = [words for block in blocks for words in (block.get("text"), block.get("thinking"))]
    said += [words for block in blocks for words in dict_of(block.get("input")).values()]
    draft.turn(message_id or f"#{draft.requests}", usage, sum(len(words) for words in said if isinstance(words, str)))


def _claude_usage(told: Event, draft: Draft) -> Usage:
    hour = draft.tokens(dict_of(told.get("cache_creation")), "ephemeral_1h_input_tokens")
    return replace(Usage(*(draft.tokens(told, key) for key in _USAGE)), cache_write_1h_tokens=hour)


def _claude_result(event: Event, draft: Draft) -> str:
    subtype = name_of(event.get("subtype"))
    if event.get("is_error") is True or subtype.startswith("error"):
        draft.text = ""
        draft.conclude(_claude_failure(event, draft.trouble))
    else:
        draft.text = text_of(event.get("result"))
        draft.recover()
        draft.conclude()
    endings = {"error_max_turns": "max_turns", "error_max_budget_usd": "budget_exhausted"}
    draft.terminal_reason = endings.get(subtype) or name_of(event.get("terminal_reason"))
    if event.get("stop_reason") == "refusal":
        draft.terminal_reason = "refusal"  # its own word for it is `api_error`, or `completed` in 2.1.197
    turns = number_of(event.get("num_turns"))
    draft.num_turns = None if turns is None else int(turns)
    draft.session_id = draft.session_id or name_of(event.get("session_id"))
    for denial in list_of(event.get("permission_denials")):
        draft.deny(name_of(dict_of(denial).get("tool_name")))
    _claude_spending(event, draft)
    return draft.trouble.text if draft.trouble else draft.text


def _claude_failure(event: Event, earlier: Trouble | None) -> Trouble:
    """What the result failed of; Claude Code tells the kind of error in the message before it, the API agent here."""
    told = earlier if earlier and not earlier.retrying else Trouble()
    words = [text_of(word) for word in list_of(event.get("errors"))] or [text_of(event.get("result"))]
    return Trouble(
        text="\n".join(words)[:LONGEST_TEXT] or told.text,
        status=status_of(event["api_error_status"]) if "api_error_status" in event else told.status,
        kind=told.kind or name_of(event.get("error")),
        api_error=name_of(event.get("api_error")) or told.api_error,
    )


def _claude_spending(event: Event, draft: Draft) -> None:
    """Add up: `total_cost_usd` and `modelUsage` of 2.1.329 are those of the whole resumed session, `usage` is partial.

    2.1.197 has no `model_usage_since_last_result`, and counts by process.
    """
    since = event.get("model_usage_since_last_result")
    total = dollars_of(event.get("total_cost_usd"))
    models = [dict_of(model) for model in dict_of(event.get("modelUsage") if since is None else since).values()]
    usage = Usage()
    for model in models:
        usage += Usage(*(draft.tokens(model, key) for key in _MODEL_USAGE))
    draft.check(usage, 1 + max(draft.requests, draft.num_turns or 0))
    if isinstance(since, dict):
        costs = [dollars_of(model.get("costUSD")) for model in models]
        known = [cost for cost in costs if cost is not None]
        draft.usage += usage
        draft.dollars = (draft.dollars or 0.0) + sum(known) if len(known) == len(costs) else total
        return
    if not isinstance(event.get("modelUsage"), dict):
        usage = _claude_usage(dict_of(event.get("usage")), draft)
    if draft.sum_up(usage, total):
        draft.cost_source = "derived" if event.get("cost_source") == "derived" else "reported"
