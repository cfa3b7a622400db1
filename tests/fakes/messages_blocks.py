"""A request as the service reads it: tools, then system, then messages, one list of blocks. Pure.

What two requests share of it is what a cache can hold and what a signature covers; cache marks are no part of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import takewhile
from typing import Any

from .messages_fields import TOOL_TOKENS

BYTES_A_TOKEN = 4
UNMARKABLE = frozenset({"thinking", "redacted_thinking"})


@dataclass(frozen=True, slots=True)
class Block:
    """One block; `digest` stands for its bytes and its role, `ttl` is that of its cache mark."""

    where: str  # as the service names it: `messages.3.content.1`
    part: str  # tools, system or messages
    kind: str
    digest: bytes
    tokens: int
    ttl: str | None
    markable: bool
    source: Mapping[str, Any]


class Reader:
    """Reads requests; of a conversation that only grows it reads only what is new."""

    def __init__(self) -> None:
        self._messages: list[tuple[object, list[Block]]] = []
        self._body: Mapping[str, Any] = {}
        self._blocks: list[Block] = []

    def count_known(self, body: Mapping[str, Any]) -> int:
        """How many messages at its beginning are those of the request that was read last."""
        messages = body.get("messages")
        pairs = zip(self._messages, messages if isinstance(messages, list) else (), strict=False)
        return sum(1 for _ in takewhile(lambda pair: pair[0][0] == pair[1], pairs))

    def read(self, body: Mapping[str, Any]) -> list[Block]:
        """The blocks of a request that has the right shape."""
        if body is not self._body:
            known = self.count_known(body)
            new = list(enumerate(body["messages"]))[known:]
            self._messages[known:] = [(message, list(_message(number, message))) for number, message in new]
            told = [block for _, blocks in self._messages for block in blocks]
            self._body, self._blocks = body, [*_tools(body), *_system(body), *told]
        return self._blocks


def read_blocks(body: Mapping[str, Any]) -> list[Block]:
    """The blocks of one request."""
    return Reader().read(body)


def count_tokens(blocks: Iterable[Block]) -> int:
    """The estimate for all of them."""
    return sum(block.tokens for block in blocks)


def estimate(text: str) -> int:
    """The tokens of a text: about four bytes each, at least one."""
    return max(1, len(text.encode("utf-8", "surrogatepass")) // BYTES_A_TOKEN)


def as_blocks(content: str | Sequence[Mapping[str, Any]] | None) -> Sequence[Mapping[str, Any]]:
    """A content that is a plain text is one text block."""
    return [{"type": "text", "text": content}] if isinstance(content, str) else content or []


def find_marks(body: Mapping[str, Any], blocks: Sequence[Block]) -> list[tuple[int, str]]:
    """The breakpoints: which block, and how long to keep what ends there. The automatic one is on the last block."""
    marks = {number: block.ttl for number, block in enumerate(blocks) if block.ttl}
    if automatic := body.get("cache_control"):
        last = max((number for number, block in enumerate(blocks) if block.markable), default=None)
        if last is not None:
            marks.setdefault(last, ttl_of(automatic))
    return sorted(marks.items())


def ttl_of(mark: Mapping[str, Any]) -> str:
    """How long a cache mark asks to keep: `5m` where it does not say."""
    return str(mark.get("ttl") or "5m")


def _tools(body: Mapping[str, Any]) -> Iterable[Block]:
    for number, tool in enumerate(body.get("tools") or ()):
        if not tool.get("defer_loading"):  # the model does not see it yet
            yield _block(f"tools.{number}", "tools", "", tool, kind=tool.get("type") or "custom")


def _system(body: Mapping[str, Any]) -> Iterable[Block]:
    for number, block in enumerate(as_blocks(body.get("system"))):
        yield _block(f"system.{number}", "system", "", block)


def _message(number: int, message: Mapping[str, Any]) -> Iterable[Block]:
    for place, block in enumerate(as_blocks(message.get("content"))):
        yield _block(f"messages.{number}.content.{place}", "messages", message["role"], block)


def _block(where: str, part: str, role: str, source: Mapping[str, Any], kind: str = "") -> Block:
    kind = kind or source["type"]
    raw = _raw(source)
    return Block(
        where=where,
        part=part,
        kind=kind,
        digest=blake2b(role.encode() + raw, digest_size=16).digest(),
        tokens=TOOL_TOKENS.get(kind) or max(1, len(raw) // BYTES_A_TOKEN),
        ttl=_mark_of(source),
        markable=kind not in UNMARKABLE and source.get("text") != "",
        source=source,
    )


def _raw(source: Mapping[str, Any]) -> bytes:
    """Its bytes: the order of its own keys is nobody's business, that within an input or a schema is."""
    shown = {key: source[key] for key in sorted(source) if key != "cache_control"}
    if isinstance(inner := shown.get("content"), list):
        shown["content"] = [{key: value for key, value in one.items() if key != "cache_control"} for one in inner]
    return json.dumps(shown, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def _mark_of(source: Mapping[str, Any]) -> str | None:
    marks = [source.get("cache_control")]
    if isinstance(inner := source.get("content"), list):
        marks += [one.get("cache_control") for one in inner]
    return next((ttl_of(mark) for mark in marks if mark), None)
