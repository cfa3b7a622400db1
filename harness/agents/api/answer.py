"""An answer of the model in the making: the events of its stream, put together; tolerant of what servers leave out."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.agents.api.failure import TORN, CallFailed, Failure, Kind
from harness.domain.reply import Usage

CUT_OFF = ("max_tokens", "model_context_window_exceeded")  # its last call may be torn, and is never run
CHARACTERS = 4  # about so many make a token, for an answer that broke off before it was counted
_DEFAULTS: dict[str, dict[str, Any]] = {"text": {"text": ""}, "thinking": {"thinking": ""}, "tool_use": {"input": {}}}


@dataclass(slots=True)
class Answer:
    """What the model said; `usage` holds a lower bound when the answer broke off."""

    id: str = ""
    model: str = ""
    content: list[dict[str, Any]] = field(default_factory=list)
    stop_reason: str | None = None
    stop_details: Mapping[str, Any] | None = None
    usage: Usage = field(default_factory=Usage)

    def as_message(self) -> dict[str, Any]:
        """Return it as the stream of the agent prints it."""
        usage = {
            "input_tokens": self.usage.input_tokens,
            "output_tokens": self.usage.output_tokens,
            "cache_read_input_tokens": self.usage.cache_read_tokens,
            "cache_creation_input_tokens": self.usage.cache_write_tokens,
            "cache_creation": {"ephemeral_1h_input_tokens": self.usage.cache_write_1h_tokens},
        }
        told = {"id": self.id, "type": "message", "role": "assistant", "model": self.model}
        return {**told, "content": self.content, "stop_reason": self.stop_reason, "usage": usage}


class Reading:
    """An answer in the making, event by event."""

    def __init__(self) -> None:
        """Nothing has come yet."""
        self._answer = Answer()
        self._json: dict[int, list[str]] = {}
        self._letters = 0
        self._counted = False
        self._stopped = False
        self._torn = False

    def take(self, event: Any) -> bool:  # noqa: ANN401
        """Take one event; True when it says something (a ping does not)."""
        kind = getattr(event, "type", "")
        if kind == "message_start":
            told = event.message.to_dict()
            self._answer.id, self._answer.model = str(told.get("id", "")), str(told.get("model", ""))
            self._count(told.get("usage") or {})
        elif kind == "content_block_start":
            block = _without_none(event.content_block.to_dict())
            self._answer.content.append(_DEFAULTS.get(str(block.get("type")), {}) | block)
        elif kind == "content_block_delta":
            self._add(event.index, event.delta)
        elif kind == "content_block_stop":
            self._close(event.index)
        elif kind == "message_delta":
            self._answer.stop_reason = event.delta.stop_reason
            details: Any = getattr(event.delta, "stop_details", None)
            self._answer.stop_details = details.to_dict() if hasattr(details, "to_dict") else details
            if event.usage is not None:  # some servers count nothing
                self._count(event.usage.to_dict(), final=True)
        elif kind == "message_stop":
            self._stopped = True
        else:
            return False
        return True

    def _add(self, index: int, delta: Any) -> None:  # noqa: ANN401
        block = self._block(index)
        match delta.type:
            case "text_delta":
                block["text"] += delta.text
                self._letters += len(delta.text)
            case "input_json_delta":
                self._json.setdefault(index, []).append(delta.partial_json)
                self._letters += len(delta.partial_json)
            case "thinking_delta":
                block["thinking"] += delta.thinking
                self._letters += len(delta.thinking)
            case "signature_delta":
                block["signature"] = delta.signature
            case "compaction_delta":
                block |= _without_none({name: value for name, value in delta.to_dict().items() if name != "type"})

    def _block(self, index: int) -> dict[str, Any]:
        if not 0 <= index < len(self._answer.content):
            raise ValueError("a piece of a block came before its block")
        return self._answer.content[index]

    def _close(self, index: int) -> None:
        """Read a tool's input when it is whole."""
        text = "".join(self._json.pop(index, [])).strip()
        try:
            if text:
                self._block(index)["input"] = json.loads(text, parse_constant=str)
        except ValueError:
            self._torn = True
        if 0 <= index < len(self._answer.content):
            block = self._answer.content[index]
            self._torn = self._torn or (block.get("type") == "tool_use" and not isinstance(block.get("input"), dict))

    def _count(self, usage: Mapping[str, Any], *, final: bool = False) -> None:
        """Take the counts of tokens; those of `message_delta` are totals, and what they leave out stands."""
        was = self._answer.usage
        creation = usage.get("cache_creation") or {}

        def told(value: object, before: int) -> int:
            return value if isinstance(value, int) and not isinstance(value, bool) else before

        self._answer.usage = Usage(
            input_tokens=told(usage.get("input_tokens"), was.input_tokens),
            output_tokens=told(usage.get("output_tokens"), was.output_tokens),
            cache_read_tokens=told(usage.get("cache_read_input_tokens"), was.cache_read_tokens),
            cache_write_tokens=told(usage.get("cache_creation_input_tokens"), was.cache_write_tokens),
            cache_write_1h_tokens=told(creation.get("ephemeral_1h_input_tokens"), was.cache_write_1h_tokens),
        )
        for one in usage.get("iterations") or ():  # a compaction's own tokens are not in the sums
            if isinstance(one, dict) and one.get("type") == "compaction":
                self._answer.usage += Usage(told(one.get("input_tokens"), 0), told(one.get("output_tokens"), 0))
        self._counted = self._counted or final

    def finish(self) -> Answer:
        """Return the answer. Raises CallFailed when the stream ended before it did."""
        if not self._stopped or self._answer.stop_reason is None:
            if not self._answer.id and not self._answer.content:
                raise CallFailed(Failure(Kind.STRANGE, "the answer holds nothing of the Messages API"))
            raise CallFailed(Failure(Kind.NETWORK, "the stream ended in the middle of an answer"))
        if (self._torn or self._json) and self._answer.stop_reason not in CUT_OFF:
            raise CallFailed(Failure(Kind.NETWORK, "the arguments of a tool call came as torn JSON", code=TORN))
        self._answer.content = [_whole(block) for block in self._answer.content if not _is_empty_text(block)]
        return self._answer

    def broken(self) -> Answer:
        """Return what came: its output is estimated from its letters while the server had not counted it."""
        if not self._counted and self._answer.id:
            estimate = max(self._answer.usage.output_tokens, self._letters // CHARACTERS)
            rest = self._answer.usage
            self._answer.usage = Usage(
                rest.input_tokens, estimate, rest.cache_read_tokens, rest.cache_write_tokens, rest.cache_write_1h_tokens
            )
        return self._answer


def _without_none(block: dict[str, Any]) -> dict[str, Any]:
    """A server rejects some of its own empty fields when they come back to it."""
    return {name: value for name, value in block.items() if value is not None}


def _whole(block: dict[str, Any]) -> dict[str, Any]:
    """Return a block that can be sent back: no half surrogate pair in it, and a name for every call."""
    text = json.dumps(block, ensure_ascii=False)
    if not text.isascii():
        block = json.loads(text.encode("utf-8", "replace"))
    if block.get("type") == "tool_use" and not block.get("id"):
        return block | {"id": f"call_{secrets.token_hex(8)}"}
    return block


def _is_empty_text(block: Mapping[str, Any]) -> bool:
    return block.get("type") == "text" and not str(block.get("text", "")).strip()
