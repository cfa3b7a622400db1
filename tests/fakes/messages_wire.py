"""The wire format of the Messages API: a turn as server-sent events or as one JSON object, a fault as a body."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from .messages_script import Fault, Tokens, Turn

Event = dict[str, Any]


def message(turn: Turn, model: str, identity: str) -> Event:
    """The whole answer, as a request without `stream` gets it."""
    return {
        "id": f"msg_{identity}",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": _content(turn, identity),
        "stop_reason": "tool_use" if turn.calls else "end_turn",
        "stop_sequence": None,
        "usage": _usage(turn.tokens),
    }


def events(turn: Turn, model: str, identity: str) -> Iterator[Event]:
    """The same answer as the events of a stream, with the text and the tool inputs in pieces."""
    whole = message(turn, model, identity)
    begun = {"content": [], "stop_reason": None, "usage": whole["usage"] | {"output_tokens": 1}}
    yield {"type": "message_start", "message": whole | begun}
    yield {"type": "ping"}
    for index, block in enumerate(whole["content"]):
        yield from _block_events(index, block)
    ending = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    yield {"type": "message_delta", "delta": ending, "usage": {"output_tokens": turn.tokens.output}}
    yield {"type": "message_stop"}


def encode(event: Event) -> bytes:
    """One server-sent event."""
    return f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()


def error(fault: Fault, identity: str) -> Event:
    """The body of an error, and its event in a stream."""
    return {"type": "error", "error": {"type": fault.kind, "message": fault.message}, "request_id": f"req_{identity}"}


def _content(turn: Turn, identity: str) -> list[Event]:
    text = [{"type": "text", "text": turn.text}] if turn.text else []
    calls = [
        {"type": "tool_use", "id": f"toolu_{identity}_{n}", "name": call.tool, "input": dict(call.input)}
        for n, call in enumerate(turn.calls)
    ]
    return text + calls


def _block_events(index: int, block: Event) -> Iterator[Event]:
    if block["type"] == "text":
        empty, kind, key, whole = {"text": ""}, "text_delta", "text", block["text"]
    else:
        empty, kind, key, whole = {"input": {}}, "input_json_delta", "partial_json", json.dumps(block["input"])
    yield {"type": "content_block_start", "index": index, "content_block": block | empty}
    half = len(whole) // 2
    for piece in (whole[:half], whole[half:]):
        yield {"type": "content_block_delta", "index": index, "delta": {"type": kind, key: piece}}
    yield {"type": "content_block_stop", "index": index}


def _usage(tokens: Tokens) -> Event:
    return {
        "input_tokens": tokens.input,
        "output_tokens": tokens.output,
        "cache_read_input_tokens": tokens.cache_read,
        "cache_creation_input_tokens": tokens.cache_write,
        "cache_creation": {"ephemeral_5m_input_tokens": tokens.cache_write, "ephemeral_1h_input_tokens": 0},
        "service_tier": "standard",
    }
