"""An answer of the model in the making: the events of its stream, put together; tolerant of what servers leave out."""

from __future__ import annotations

import io
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.agents.api.counted import NOT_COUNTED, Most, Unbelievable, read_usage
from harness.agents.api.failure import TORN, CallFailed, Failure, Kind, server_fault
from harness.domain.reply import Usage
from harness.domain.text import one_line

CUT_OFF = ("max_tokens", "model_context_window_exceeded")  # its last call may be torn, and is never run
CONTENT = 64  # bytes that a token says, on average, at the very most
BLOCK = 1024  # bytes that a block takes in memory, whatever it says
LEAST = 64 * 1024  # bytes of content that any answer may have
DEEPEST = 50  # levels of a block: those of the Messages API have five
MOST_VALUES = 1_000  # in a block: those of the Messages API have ten
LONGEST_NAME = 200  # characters of the name of an answer, or of a model
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
    doubt: str = ""  # why nobody knows what was used, in a sentence; `usage` is nothing then

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

    def __init__(self, max_tokens: int = 0) -> None:
        """Nothing has come yet; `max_tokens` were asked for, and say how much can come."""
        self.most = Most(0, 0)  # what can be counted; known when the request was sent
        self._answer = Answer()
        self._texts: dict[tuple[int, str], io.StringIO] = {}  # pieces, by block and field
        self._json: dict[int, io.StringIO] = {}  # of the arguments of a call, by block
        self._left = LEAST + CONTENT * max_tokens  # bytes
        self._letters = 0
        self._counted = False
        self._stopped = False
        self._torn = False

    def take(self, event: Any) -> bool:  # noqa: ANN401
        """Take one event; True when it says something (a ping does not). Raises CallFailed for too much of them."""
        kind = getattr(event, "type", "")
        if kind == "message_start":
            told = event.message.to_dict()
            self._answer.id, self._answer.model = _name(told.get("id", "")), _name(told.get("model", ""))
            self._count(told.get("usage"))
        elif kind == "content_block_start":
            self._begin(_without_none(event.content_block.to_dict()))
        elif kind == "content_block_delta":
            self._add(event.index, event.delta)
        elif kind == "content_block_stop":
            self._close(event.index)
        elif kind == "message_delta":
            self._answer.stop_reason = event.delta.stop_reason
            details: Any = getattr(event.delta, "stop_details", None)
            self._answer.stop_details = details.to_dict() if hasattr(details, "to_dict") else details
            told = event.usage
            self._count(told.to_dict() if hasattr(told, "to_dict") else told, final=True)
        elif kind == "message_stop":
            self._stopped = True
        else:
            return False
        return True

    def _begin(self, block: dict[str, Any]) -> None:
        if not _is_plain(block):
            raise CallFailed(server_fault("the server's answer is of no shape that answers have"))
        self._weigh(json.dumps(block), BLOCK)
        self._answer.content.append(_DEFAULTS.get(str(block.get("type")), {}) | block)

    def _weigh(self, text: str, more: int = 0) -> None:
        """Count what an answer holds. Raises CallFailed when no answer of so many tokens can hold it."""
        self._left -= more + len(text.encode("utf-8", "replace"))
        if self._left < 0:
            raise CallFailed(server_fault("the server's answer is longer than any answer can be"))

    def _add(self, index: int, delta: Any) -> None:  # noqa: ANN401
        block = self._block(index)
        match delta.type:
            case "text_delta":
                self._grow(index, "text", delta.text)
            case "input_json_delta":
                self._say(self._json.setdefault(index, io.StringIO()), delta.partial_json)
            case "thinking_delta":
                self._grow(index, "thinking", delta.thinking)
            case "signature_delta":
                self._weigh(delta.signature)
                block["signature"] = delta.signature
            case "compaction_delta":
                told = _without_none({name: value for name, value in delta.to_dict().items() if name != "type"})
                self._weigh(json.dumps(told))
                block |= told if _is_plain(told) else {}

    def _grow(self, index: int, name: str, piece: str) -> None:
        place = index, name
        if place not in self._texts:
            self._texts[place] = io.StringIO()
            self._texts[place].write(self._block(index)[name])
        self._say(self._texts[place], piece)

    def _say(self, whole: io.StringIO, piece: str) -> None:
        self._weigh(piece)
        whole.write(piece)
        self._letters += len(piece)

    def _block(self, index: int) -> dict[str, Any]:
        if not 0 <= index < len(self._answer.content):
            raise ValueError("a piece of a block came before its block")
        return self._answer.content[index]

    def _close(self, index: int) -> None:
        """Read a tool's input when it is whole."""
        text = self._json.pop(index, io.StringIO()).getvalue().strip()
        try:
            if text:
                self._block(index)["input"] = json.loads(text, parse_constant=str)
        except (ValueError, RecursionError):
            self._torn = True
        if 0 <= index < len(self._answer.content):
            block = self._answer.content[index]
            self._torn = self._torn or not _is_plain(block)
            self._torn = self._torn or (block.get("type") == "tool_use" and not isinstance(block.get("input"), dict))

    def _count(self, usage: object, *, final: bool = False) -> None:
        """Take the counts of tokens; those of `message_delta` are totals, and what they leave out stands."""
        if usage is None or self._answer.doubt:  # some servers count nothing
            return
        try:
            self._answer.usage = read_usage(usage, self._answer.usage, self.most)
        except Unbelievable as why:
            self._answer.usage, self._answer.doubt = Usage(), str(why)
        self._counted = self._counted or final

    def finish(self) -> Answer:
        """Return the answer. Raises CallFailed when the stream ended before it did."""
        if not self._stopped or self._answer.stop_reason is None:
            if not self._answer.id and not self._answer.content:
                raise CallFailed(Failure(Kind.STRANGE, "the answer holds nothing of the Messages API"))
            raise CallFailed(Failure(Kind.NETWORK, "the stream ended in the middle of an answer"))
        if (self._torn or self._json) and self._answer.stop_reason not in CUT_OFF:
            raise CallFailed(Failure(Kind.NETWORK, "the arguments of a tool call came as torn JSON", code=TORN))
        if self._answer.usage == Usage():
            self._answer.doubt = self._answer.doubt or NOT_COUNTED
        for (index, name), text in self._texts.items():
            self._answer.content[index][name] = text.getvalue()
        self._answer.content = [_whole(block) for block in self._answer.content if not _is_empty_text(block)]
        return self._answer

    def broken(self) -> Answer:
        """Return what came: its output is estimated from its letters while the server had not counted it."""
        if not self._counted and self._answer.id and not self._answer.doubt:
            estimate = min(self._letters // CHARACTERS, self.most.output)
            estimate = max(self._answer.usage.output_tokens, estimate)
            rest = self._answer.usage
            self._answer.usage = Usage(
                rest.input_tokens, estimate, rest.cache_read_tokens, rest.cache_write_tokens, rest.cache_write_1h_tokens
            )
        return self._answer


def _name(value: object) -> str:
    return one_line(str(value), LONGEST_NAME)


def _is_plain(block: object) -> bool:
    """Whether a block is neither nested beyond all need nor made of countless values, which take far more than text."""
    level, count, depth = [block], 0, 0
    while level and depth <= DEEPEST and count <= MOST_VALUES:
        inner = [one.values() if isinstance(one, dict) else one for one in level if isinstance(one, dict | list)]
        level = [value for values in inner for value in values]
        count, depth = count + len(level), depth + 1
    return not level


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
