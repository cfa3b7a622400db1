"""What the real service would refuse about the messages of a request: their blocks, their order, calls and results."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import messages_models as models
from .messages_blocks import as_blocks
from .messages_fields import BLOCKS, COMPACT, IN_RESULTS, PARTS, VERSION
from .messages_replies import Fault
from .messages_signatures import Signatures

Message = Mapping[str, Any]
Mistake = str | Fault

ROLES = ("user", "assistant", "system")
IDENTITY = re.compile(r"[a-zA-Z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Asked:
    """With which version and betas, and of which model, something is asked."""

    version: str
    betas: frozenset[str]
    model: str


def missing_beta(needed: Sequence[str], asked: Asked) -> bool:
    """Whether none of the betas is there that would allow this."""
    return bool(needed) and asked.betas.isdisjoint(needed)


def unknown_keys(
    where: str, given: Mapping[str, Any], known: Mapping[str, Sequence[str]], asked: Asked
) -> Iterator[str]:
    """The keys of an object that are not known, or not without a beta."""
    for name in given:
        if name not in known or missing_beta(known[name], asked):
            yield f"{where}.{name}: Extra inputs are not permitted"


def unknown_tag(given: object, known: Iterable[str]) -> str:
    """How the service says that it knows no such type."""
    tags = ", ".join(repr(tag) for tag in sorted(known))
    return f"Input tag '{given}' found using 'type' does not match any of the expected tags: {tags}"


def mark_mistakes(where: str, mark: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with a cache mark itself."""
    if mark.get("type") != "ephemeral":
        yield f"{where}.type: Input should be 'ephemeral'"
    if mark.get("ttl", "5m") not in ("5m", "1h"):
        yield f"{where}.ttl: Input should be '5m' or '1h'"
    if extra := sorted(mark.keys() - {"type", "ttl"}):
        yield f"{where}.{extra[0]}: Extra inputs are not permitted"


def turn_mistakes(
    body: Mapping[str, Any], asked: Asked, signatures: Signatures | None, known: int
) -> Iterator[Mistake]:
    """All that can be wrong with `system` and `messages`, as far as one request shows it."""
    messages: Sequence[Message] = body["messages"]
    if not all(isinstance(message, dict) for message in messages):
        yield "messages: Input should be a list of objects"
    for place, block in enumerate(as_blocks(body.get("system"))):
        if block.get("type") != "text":
            yield f"system.{place}.type: Input should be 'text'"
        yield from _block_mistakes("system", ("system", place), "system", block, asked)
    for number, message in enumerate(messages[known:], known):
        yield from _message_mistakes(number, message, asked)
    yield from _compaction_mistakes(body, asked)
    yield from _order_mistakes(messages, asked)
    yield from _result_mistakes(messages)
    last = messages[-1]
    continued = body.get("compaction") or models.takes_prefill(asked.model) or _first_type(last) == "compaction"
    if last["role"] == "assistant" and not continued and not (signatures and signatures.paused(last)):
        yield "This model does not support assistant message prefill. The conversation must end with a user message."


def _message_mistakes(number: int, message: Message, asked: Asked) -> Iterator[Mistake]:
    role = message.get("role")
    if role not in ROLES:
        yield f"messages.{number}.role: Input should be 'user', 'assistant' or 'system'"
    known = PARTS["system message"] if role == "system" else {"role": (), "content": ()}
    yield from unknown_keys(f"messages.{number}", message, known, asked)
    content = message.get("content")
    if not isinstance(content, str | list) and not (role == "system" and message.get("output_config")):
        yield f"messages.{number}.content: Field required"
    if not content and role != "system":
        said = "all messages must have non-empty content except for the optional final assistant message"
        yield f"messages.{number}: {said}"
    if isinstance(content, list) and not all(isinstance(block, dict) for block in content):
        yield f"messages.{number}.content: Input should be a list of objects"
    for place, block in enumerate(as_blocks(content)):
        yield from _block_mistakes("messages", (number, place), str(role), block, asked)


def _block_mistakes(
    part: str, place: tuple[int | str, int], role: str, block: Mapping[str, Any], asked: Asked
) -> Iterator[Mistake]:
    kind, shape = block.get("type"), BLOCKS.get(str(block.get("type")))
    where = f"system.{place[1]}" if part == "system" else f"messages.{place[0]}.content.{place[1]}"
    if shape is None or missing_beta(shape.betas, asked):
        yield f"{where}: {unknown_tag(kind, BLOCKS)}"
        return
    if not shape.required <= block.keys():
        yield f"{where}.{kind}.{min(shape.required - block.keys())}: Field required"
    if not block.keys() <= shape.keys:
        yield f"{where}.{kind}.{min(block.keys() - shape.keys)}: Extra inputs are not permitted"
    if role not in shape.roles:
        yield f"messages.{place[0]}: `{kind}` blocks can only be in `{'` or `'.join(shape.roles)}` messages"
    if mark := block.get("cache_control"):
        yield from mark_mistakes(f"{where}.cache_control", mark)
    if kind == "text":
        yield from _text_mistakes(part, where, role, block, asked)
    elif kind == "tool_use":
        if not IDENTITY.fullmatch(str(block["id"])):
            yield f"{where}.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'"
        if not isinstance(block["input"], dict):
            yield f"{where}.tool_use.input: Input should be a valid dictionary"
    elif kind == "tool_result":
        yield from _inner_mistakes(where, block, asked)
    elif kind == "document" and role == "assistant" and asked.version == VERSION:
        yield f"{where}: `document` blocks are not permitted in assistant messages"


def _text_mistakes(part: str, where: str, role: str, block: Mapping[str, Any], asked: Asked) -> Iterator[str]:
    text = block["text"]
    if not isinstance(text, str):
        yield f"{where}.text.text: Input should be a valid string"
    elif not text:
        if block.get("cache_control"):
            yield f"{where}.text: cache_control cannot be set for empty text blocks"
        yield f"{part}: text content blocks must be non-empty"
    elif not text.strip():
        yield f"{part}: text content blocks must contain non-whitespace text"
    if role == "user" and block.get("citations") and asked.version == VERSION:
        yield f"{where}.text.citations: citations are not permitted in user messages"


def _inner_mistakes(where: str, block: Mapping[str, Any], asked: Asked) -> Iterator[str]:
    """What a tool gave back: a text, or blocks."""
    content = block.get("content")
    if content is not None and not isinstance(content, str | list):
        yield f"{where}.tool_result.content: Input should be a valid string or a list"
    if not isinstance(block.get("is_error", False), bool):
        yield f"{where}.tool_result.is_error: Input should be a valid boolean"
    for place, one in enumerate(as_blocks(content) if isinstance(content, list) else ()):
        kind = one.get("type")
        if kind not in IN_RESULTS:
            yield f"{where}.tool_result.content.{place}: {unknown_tag(kind, IN_RESULTS)}"
        elif kind in BLOCKS and not one.keys() <= BLOCKS[kind].keys:
            extra = min(one.keys() - BLOCKS[kind].keys)
            yield f"{where}.tool_result.content.{place}.{kind}.{extra}: Extra inputs are not permitted"
        elif kind == "text":
            yield from _text_mistakes("messages", f"{where}.tool_result.content.{place}", "user", one, asked)


def _order_mistakes(messages: Sequence[Message], asked: Asked) -> Iterator[str]:
    """Who speaks when: a user first, and `system` only where the assistant is to speak next."""
    first = messages[0]
    opened = first["role"] == "assistant" and _first_type(first) == "compaction" and COMPACT in asked.betas
    if first["role"] != "user" and not opened:
        yield 'messages: first message must use the "user" role'
    for number, message in enumerate(messages[:-1]):
        if message["role"] == "system" and messages[number + 1]["role"] != "assistant":
            yield f"messages.{number}: role 'system' must precede an 'assistant' message or end the array"


def _result_mistakes(messages: Sequence[Message]) -> Iterator[str]:
    """Each call has its result at the very beginning of the next message, and each result its call before."""
    seen: set[str] = set()
    called: list[str] = []
    for number, message in enumerate(messages):
        blocks = as_blocks(message.get("content"))
        results = [pair for pair in enumerate(blocks) if pair[1]["type"] == "tool_result"]
        leading = [block["tool_use_id"] for place, (at, block) in enumerate(results) if place == at]
        if missing := [identity for identity in called if identity not in leading]:
            yield _unanswered(number - 1, missing)
        for at, block in results:
            if block["tool_use_id"] not in called:
                yield (
                    f"messages.{number}.content.{at}: unexpected `tool_use_id` found in `tool_result` blocks: "
                    f"{block['tool_use_id']}. "
                    "Each `tool_result` block must have a corresponding `tool_use` block in the previous message."
                )
        if len(set(leading)) < len(leading):
            yield f"messages.{number}: each tool_use must have a single result. Found multiple `tool_result` blocks"
        called = [block["id"] for block in blocks if block["type"] == "tool_use"]
        if len(seen | set(called)) < len(seen) + len(called):
            yield f"messages.{number}: `tool_use` ids must be unique"
        seen |= set(called)
    if called:
        yield _unanswered(len(messages) - 1, called)


def _unanswered(number: int, identities: Sequence[str]) -> str:
    return (
        f"messages.{number}: `tool_use` ids were found without `tool_result` blocks immediately after: "
        f"{', '.join(identities)}. "
        "Each `tool_use` block must have a corresponding `tool_result` block in the next message."
    )


def _compaction_mistakes(body: Mapping[str, Any], asked: Asked) -> Iterator[Mistake]:
    """What a summary can be made of, and where one may stand."""
    messages: Sequence[Message] = body["messages"]
    if not messages and not body.get("compaction"):
        yield "messages: at least one message is required"
    if asked.betas.isdisjoint(BLOCKS["compaction"].betas):
        return  # then there is no such block
    told = [
        (number, place, message["role"], block)
        for number, message in enumerate(messages)
        for place, block in enumerate(as_blocks(message.get("content")))
    ]
    summaries = [(n, place, role, block) for n, place, role, block in told if block["type"] == "compaction"]
    if any(block.get("content") == "" for *_, block in summaries):
        yield "messages: `compaction` blocks must not have an empty content"
    if COMPACT in asked.betas:
        if len([block for *_, block in summaries if block.get("content")]) > 1:
            yield _coded("compaction_block_ambiguous", "`messages` holds more than one `compaction` block with content")
        for n, place, role, _ in summaries:
            if (n, place, role) != (0, 0, "assistant"):
                said = f"messages.{n}.content.{place}: a `compaction` block must be the first of the conversation"
                yield _coded("compaction_block_misplaced", said)
    if body.get("compaction"):
        if not any(role != "system" and block["type"] != "compaction" for _, _, role, block in told):
            yield _coded("compaction_nothing_to_summarize", "`messages` holds nothing to summarize")
        elif messages[-1]["role"] == "assistant" and any(
            block["type"] == "tool_use" for block in as_blocks(messages[-1]["content"])
        ):
            yield _coded("compaction_incomplete_turn", "the last `assistant` turn is not finished")


def _coded(code: str, message: str) -> Fault:
    return Fault(400, "invalid_request_error", message, code=code)


def _first_type(message: Message) -> str:
    blocks = as_blocks(message.get("content"))
    return str(blocks[0]["type"]) if blocks else ""
