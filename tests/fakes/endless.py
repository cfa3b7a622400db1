"""Answers of a Messages server that never stops, each in its own way: a head, and parts without an end."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from itertools import chain, count, repeat

from .raw_server import BLOCK, START, Event, sse

STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
PIECE = 65_536


def error_head(status: str) -> bytes:
    """The head of an error whose body has no length."""
    return f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n".encode()


def _many(*events: Event) -> bytes:
    one = sse(*events)
    return one * max(1, PIECE // len(one))


def _delta(kind: str, name: str, text: str) -> Event:
    return {"type": "content_block_delta", "index": 0, "delta": {"type": kind, name: text}}


def _block(**block: object) -> Event:
    return BLOCK | {"content_block": block}


def _answer(*begin: Event, forever: bytes) -> Iterator[bytes]:
    return chain([STREAM, sse(START, *begin)], repeat(forever))


def _bomb() -> Iterator[bytes]:
    """Spaces, which compress a thousand times, before any event."""
    yield STREAM.replace(b"\r\n\r\n", b"\r\ncontent-encoding: gzip\r\n\r\n")
    packer = zlib.compressobj(9, wbits=31)
    spaces = b" " * (4 << 20)
    while True:
        yield packer.compress(spaces)


def _blocks() -> Iterator[bytes]:
    yield STREAM + sse(START)
    for index in count():
        yield sse(BLOCK | {"index": index})


def _objects() -> Iterator[bytes]:
    """Events as long as they may be, of objects as small as they can be."""
    call = _block(type="tool_use", id="t", name="bash", input={"x": [[]] * 250_000})
    told = f"event: content_block_start\ndata: {json.dumps(call, separators=(',', ':'))}\n\n".encode()
    yield STREAM + sse(START)
    yield from repeat(told)


_TOOL = _block(type="tool_use", id="t", name="bash", input={})
_FIELD = b"x-more: " + b"m" * 1_000 + b"\r\n"


def endless(kind: str) -> Iterator[bytes]:
    """An answer of one of KINDS, or `a-document`."""
    match kind:
        case "a-document":
            return chain([STREAM.replace(b"text/event-stream", b"application/json")], repeat(b"[" * PIECE))
        case "text":
            return _answer(BLOCK, forever=_many(_delta("text_delta", "text", "x" * 1_000)))
        case "letters":
            return _answer(BLOCK, forever=_many(_delta("text_delta", "text", "\u00e9")))
        case "thinking":
            block = _block(type="thinking", thinking="", signature="")
            return _answer(block, forever=_many(_delta("thinking_delta", "thinking", "hm" * 500)))
        case "arguments":
            return _answer(_TOOL, forever=_many(_delta("input_json_delta", "partial_json", "\u4e2d")))
        case "a-line":
            return chain([STREAM, b"event: content_block_delta\ndata: "], repeat(b"x" * PIECE))
        case "an-event":
            return chain([STREAM, b"event: content_block_delta\n"], repeat(b"data: x\n" * (PIECE // 8)))
        case "blocks":
            return _blocks()
        case "objects":
            return _objects()
        case "pings":
            return _answer(forever=_many({"type": "ping"}))
        case "comments":
            return _answer(forever=b": still there\n\n" * (PIECE // 15))
        case "header":
            return chain([STREAM[:-2], b"x-more: "], repeat(b"m" * PIECE))
        case "headers":
            return chain([STREAM[:-2]], repeat(_FIELD * 64))
        case "an-error":
            return chain([error_head("500 Internal Server Error")], repeat(b"<p>sorry</p>" * 5_000))
        case "a-refusal":
            return chain([error_head("400 Bad Request"), b'{"error": {"message": "'], repeat(b"no " * 20_000))
        case "gzip":
            return _bomb()
    raise KeyError(kind)


KINDS = ("text", "letters", "thinking", "arguments", "a-line", "an-event", "blocks", "objects", "pings", "comments",
         "header", "headers", "an-error", "a-refusal", "gzip")  # fmt: skip
