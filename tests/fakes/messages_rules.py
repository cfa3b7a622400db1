"""What the real service would refuse about a request, in its words where they are known. Pure.

`find_mistake` looks at the whole request: its head, its fields, its tools and cache marks; what the messages say to one
another is in `messages_turns`, what only a memory can tell in `messages_signatures`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from . import messages_models as models
from .messages_blocks import Block, find_marks, read_blocks, ttl_of
from .messages_fields import (
    BETA_COUNTED,
    BETA_FIELDS,
    BETAS,
    COUNTED,
    DISPLAYS,
    FIELDS,
    OLD_VERSION,
    PARTS,
    SAMPLING,
    TOOLS,
    TYPED_TOOLS,
    VERSION,
)
from .messages_replies import Fault
from .messages_signatures import Signatures
from .messages_turns import Asked, mark_mistakes, missing_beta, turn_mistakes, unknown_keys, unknown_tag

Mistake = str | Fault  # a text is a 400

MARKS = 4  # cache breakpoints a request may have
BUDGET = 1024  # tokens a thinking budget must have
NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")


def find_mistake(
    body: Mapping[str, Any],
    headers: Mapping[str, str],
    *,
    signatures: Signatures | None = None,
    read: Callable[[Mapping[str, Any]], Sequence[Block]] = read_blocks,
    counting: bool = False,
    known: int = 0,
) -> Fault | None:
    """The first thing wrong with a request of `/v1/messages`, or with `counting` of its `count_tokens`.

    `headers` are in lower case; `signatures` is what the service remembers, without it nothing can be a replay; the
    shapes of the first `known` messages were looked at before, with the same headers.
    """
    found = next(_mistakes(body, headers, signatures, read, counting, known), None)
    return Fault(400, "invalid_request_error", found) if isinstance(found, str) else found


def _mistakes(
    body: Mapping[str, Any],
    headers: Mapping[str, str],
    signatures: Signatures | None,
    read: Callable[[Mapping[str, Any]], Sequence[Block]],
    counting: bool,
    known: int,
) -> Iterator[Mistake]:
    """In this order, so that each rule can trust in what the ones before it looked at."""
    betas = frozenset(beta.strip() for beta in headers.get("anthropic-beta", "").split(",") if beta.strip())
    asked = Asked(headers.get("anthropic-version", ""), betas, str(body.get("model")))
    yield from _head_mistakes(headers, asked)
    yield from _field_mistakes(body, asked, counting)
    yield from _setting_mistakes(body, asked)
    yield from _tool_mistakes(body)
    yield from turn_mistakes(body, asked, signatures, known)
    blocks = read(body)
    yield from _breakpoint_mistakes(body, blocks)
    if signatures and (found := signatures.find_mistake(body, blocks)):
        yield found


def _head_mistakes(headers: Mapping[str, str], asked: Asked) -> Iterator[Mistake]:
    if not (headers.get("x-api-key") or headers.get("authorization")):
        yield Fault(401, "authentication_error", "x-api-key header is required")
    if not asked.version:
        yield "anthropic-version: header is required"
    if asked.version not in (OLD_VERSION, VERSION):
        yield f"anthropic-version: `{asked.version}` is not a valid version"
    if strange := sorted(asked.betas - BETAS):
        told = ", ".join(f"`{beta}`" for beta in strange)
        yield f"Unexpected value(s) {told} for the `anthropic-beta` header."


def _field_mistakes(body: Mapping[str, Any], asked: Asked, counting: bool) -> Iterator[Mistake]:
    for name in ("model", "messages") if counting else ("model", "max_tokens", "messages"):
        if name not in body:
            yield f"{name}: Field required"
    known = COUNTED if counting else FIELDS | (SAMPLING if asked.version == OLD_VERSION else frozenset())
    with_beta = BETA_COUNTED if counting else BETA_FIELDS.keys()
    for name in body.keys() - known:
        if name not in with_beta or missing_beta(BETA_FIELDS[name], asked):
            yield f"{name}: Extra inputs are not permitted"
    for name, kind in (("model", str), ("max_tokens", int), ("messages", list), ("tools", list), ("stream", bool)):
        if not isinstance(body.get(name, kind()), kind):
            yield f"{name}: Input should be a valid {kind.__name__}"
    for name in ("metadata", "output_config", "thinking", "compaction", "cache_control"):
        yield from unknown_keys(name, body.get(name) or {}, PARTS[name], asked)


def _setting_mistakes(body: Mapping[str, Any], asked: Asked) -> Iterator[Mistake]:
    limit = body.get("max_tokens", 0)
    if not 0 <= limit <= models.OUTPUT:
        said = "which is the maximum allowed number of output tokens for"
        yield f"max_tokens: {limit} > {models.OUTPUT}, {said} {asked.model}"
    yield from _thinking_mistakes(body.get("thinking") or {"type": "adaptive"}, limit, asked)
    effort = (body.get("output_config") or {}).get("effort")
    if effort is not None and effort not in models.EFFORTS:
        yield f"output_config.effort: Input should be {', '.join(map(repr, models.EFFORTS))}"
    if mark := body.get("cache_control"):
        yield from mark_mistakes("cache_control", mark)
    if compaction := body.get("compaction"):
        if compaction.get("type") != "summarize":
            yield "compaction.type: Input should be 'summarize'"
        if body.get("context_management"):
            yield "compaction: cannot be combined with `context_management`"
    choice = body.get("tool_choice") or {}
    if choice and not body.get("tools"):
        yield "tool_choice: tool_choice may only be specified while providing tools"
    if choice.get("type") in ("any", "tool") and models.thinks_always(asked.model):
        yield "tool_choice: Thinking may not be enabled when tool_choice forces tool use."
    if choice.get("type") == "tool" and choice.get("name") not in [tool.get("name") for tool in body["tools"]]:
        yield f"tool_choice: Tool '{choice.get('name')}' not found in provided tools"


def _thinking_mistakes(thinking: Mapping[str, Any], limit: int, asked: Asked) -> Iterator[Mistake]:
    kind = thinking.get("type")
    if kind not in ("adaptive", "between_tools", "disabled", "enabled"):
        yield "thinking.type: Input should be 'adaptive', 'between_tools', 'disabled' or 'enabled'"
    if kind != "adaptive" and models.thinks_always(asked.model):
        yield (
            f'"thinking.type.{kind}" is not supported for this model. '
            'Use "thinking.type.adaptive" and "output_config.effort" to control thinking behavior.'
        )
    if kind == "enabled" and not BUDGET <= thinking.get("budget_tokens", 0) < limit:
        yield f"thinking.enabled.budget_tokens: Input should be at least {BUDGET} and less than `max_tokens`"
    display = thinking.get("display")
    if display is not None and (display not in DISPLAYS or missing_beta(DISPLAYS[display], asked)):
        yield "thinking.display: Input should be 'summarized' or 'omitted'"


def _tool_mistakes(body: Mapping[str, Any]) -> Iterator[Mistake]:
    tools = body.get("tools") or []
    for number, tool in enumerate(tools):
        kind = tool.get("type") or "custom"
        if kind not in TOOLS:
            yield f"tools.{number}: {unknown_tag(kind, TOOLS)}"
            return
        where, shape = f"tools.{number}.{kind}", TOOLS[kind]
        for name in sorted(shape.required - tool.keys()):
            yield f"{where}.{name}: Field required"
        for name in sorted(tool.keys() - shape.keys):
            yield f"{where}.{name}: Extra inputs are not permitted"
        if kind in TYPED_TOOLS and tool.get("name") != TYPED_TOOLS[kind]:
            yield f"{where}.name: Input should be '{TYPED_TOOLS[kind]}'"
        if not NAME.fullmatch(str(tool.get("name"))):
            yield f"{where}.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'"
        if kind == "custom" and tool["input_schema"].get("type") != "object":
            yield f"{where}.input_schema.type: Field required"
        if mark := tool.get("cache_control"):
            yield from mark_mistakes(f"{where}.cache_control", mark)
    if len({tool["name"] for tool in tools}) < len(tools):
        yield "tools: Tool names must be unique."


def _breakpoint_mistakes(body: Mapping[str, Any], blocks: Sequence[Block]) -> Iterator[Mistake]:
    """At most four, the automatic one among them, and none that keeps longer than one before it."""
    explicit = [block for block in blocks if block.ttl]
    automatic = body.get("cache_control")
    count = len(explicit) + bool(automatic)
    if count > MARKS:
        yield f"A maximum of {MARKS} blocks with cache_control may be provided. Found {count}."
    marks = find_marks(body, blocks)
    if automatic and blocks[marks[-1][0]].ttl not in (None, ttl_of(automatic)):
        yield f"cache_control.ttl: differs from that of the last block, {blocks[marks[-1][0]].where}"
    short = False
    for number, ttl in marks:
        if ttl == "1h" and short:
            yield (
                f"{blocks[number].where}.cache_control.ttl: a ttl='1h' cache_control block must not come after "
                "a ttl='5m' cache_control block. Note that blocks are processed in the following order: "
                "`tools`, `system`, `messages`."
            )
        short = short or ttl == "5m"
