"""The wire format of the Messages API: a turn as server-sent events or as one JSON object, a fault as a body."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from .messages_blocks import estimate
from .messages_replies import Fault, Tokens, Turn

Event = dict[str, Any]


def message(turn: Turn, model: str, identity: str, content: Sequence[Event], usage: Event) -> Event:
    """The whole answer, as a request without `stream` gets it."""
    return {
        "id": f"msg_{identity}",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [*content],
        "stop_reason": turn.ending,
        "stop_sequence": None,
        **stop_details(turn),
        "usage": usage,
    }


def events(turn: Turn, whole: Event) -> Iterator[Event]:
    """The same answer as the events of a stream, with the texts and the tool inputs in pieces."""
    begun = {"content": [], "stop_reason": None, "usage": whole["usage"] | {"output_tokens": 1}}
    yield {"type": "message_start", "message": whole | begun | ({"stop_details": None} if turn.refusal else {})}
    yield {"type": "ping"}
    calls = iter(turn.calls)
    for index, block in enumerate(whole["content"]):
        if turn.strange:
            yield {"type": "content_block_weather", "index": index, "weather": {"type": "rain"}}
        spelled = next(calls).spelled if block["type"] == "tool_use" else None
        yield from _block_events(index, block, spelled)
    if turn.strange:
        yield {"type": "message_weather", "weather": None}
    ending = {"stop_reason": whole["stop_reason"], "stop_sequence": None, **stop_details(turn)}
    yield {"type": "message_delta", "delta": ending, "usage": {"output_tokens": whole["usage"]["output_tokens"]}}
    yield {"type": "message_stop"}


def content(turn: Turn, identity: str, thinking: Event | None, summary: Event | None) -> list[Event]:
    """The blocks of an answer; `thinking` and `summary` as the service signed them."""
    if summary:
        return [summary]
    text = [{"type": "text", "text": turn.text}] if turn.text else []
    calls = [
        {
            "type": "tool_use",
            "id": f"toolu_{identity}_{n}",
            "name": call.tool,
            "input": dict(call.input) if call.spelled is None else {},  # of a torn one only a stream tells more
        }
        for n, call in enumerate(turn.calls)
    ]
    return [*([thinking] if thinking else []), *text, *calls]


def usage_of(tokens: Tokens) -> Event:
    """The usage that a turn tells itself."""
    return {
        "input_tokens": tokens.input,
        "output_tokens": tokens.output,
        "cache_read_input_tokens": tokens.cache_read,
        "cache_creation_input_tokens": tokens.cache_write,
        "cache_creation": {"ephemeral_5m_input_tokens": tokens.cache_write, "ephemeral_1h_input_tokens": 0},
        "service_tier": "standard",
    }


def output_tokens(turn: Turn) -> int:
    """The estimate for all that a turn says."""
    calls = [call.spelled or json.dumps(dict(call.input)) for call in turn.calls]
    said = [text for text in (turn.thinking, turn.text, turn.summary, *calls) if text]
    return sum(estimate(text) for text in said) or 1


def stop_details(turn: Turn) -> Event:
    """Why a refusal was one."""
    if not turn.refusal:
        return {}
    return {"stop_details": {"type": "refusal", "category": turn.refusal, "explanation": None}}


def encode(event: Mapping[str, Any]) -> bytes:
    """One server-sent event."""
    return f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()


def error(fault: Fault, identity: str) -> Event:
    """The body of an error, and its event in a stream."""
    details = {"details": {"error_code": fault.code}} if fault.code else {}
    told = {"type": fault.kind, "message": fault.message, **details}
    return {"type": "error", "error": told, "request_id": f"req_{identity}"}


def _block_events(index: int, block: Event, spelled: str | None) -> Iterator[Event]:
    match block["type"]:
        case "text":
            empty, deltas = {"text": ""}, _pieces("text_delta", "text", block["text"])
        case "thinking":
            empty = {"thinking": "", "signature": ""}
            deltas = _pieces("thinking_delta", "thinking", block["thinking"]) if block["thinking"] else []
            deltas = [*deltas, {"type": "signature_delta", "signature": block["signature"]}]
        case "compaction":
            empty = {"content": None, "encrypted_content": None}
            deltas = [{"type": "compaction_delta", **{key: block[key] for key in empty}}]
        case _:
            empty = {"input": {}}
            deltas = _pieces("input_json_delta", "partial_json", spelled or json.dumps(block["input"]))
    yield {"type": "content_block_start", "index": index, "content_block": block | empty}
    for delta in deltas:
        yield {"type": "content_block_delta", "index": index, "delta": delta}
    yield {"type": "content_block_stop", "index": index}


def _pieces(kind: str, key: str, whole: str) -> list[Event]:
    """In two halves."""
    cuts = [0, len(whole) // 2, len(whole)]
    return [{"type": kind, key: whole[start:end]} for start, end in pairwise(cuts)]
