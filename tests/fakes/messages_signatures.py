"""What the service remembers having said: thinking and summaries it signed, and turns it paused.

A thinking block may come back only as it was, after the same tools, system text and messages as when it was thought
(preserved thinking). Thinking may be left out from the front, never from the middle; another model's is passed
over. A summary stands for the messages it was made of: what was thought after them stays valid behind it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from .messages_blocks import Block, as_blocks
from .messages_replies import Fault

Setting = tuple[bytes, bytes]  # digests of the tools and of the system text
_Step = tuple[Block, bytes, str | None]  # with the digest of the messages before it, and the thinking before it

CHANGED = (
    "Invalid `signature` in `thinking` block. The block is bound to a different conversation. Remove the block, or set "
    '`thinking.block_binding.prefix_mismatch_behavior` to "drop_block". That setting requires the '
    "`thinking-binding-controls-2026-08-01` value in the `anthropic-beta` header."
)
LATEST = (
    "`thinking` or `redacted_thinking` blocks in the latest assistant message cannot be modified. "
    "These blocks must remain as they were in the original response."
)


@dataclass(frozen=True, slots=True)
class _Thought:
    model: str
    text: str
    setting: Setting
    before: bytes  # digest of the messages before it, thinking left out
    previous: str | None  # signature of the thinking before it


@dataclass(frozen=True, slots=True)
class _Summary:
    content: str
    encrypted: str
    setting: Setting
    stands_for: bytes


class Signatures:
    """Signs, and tells when something signed comes back in another form."""

    def __init__(self) -> None:
        self._thoughts: dict[str, _Thought] = {}
        self._summaries: dict[str, _Summary] = {}
        self._paused: list[Sequence[Mapping[str, Any]]] = []
        self._walked: tuple[Sequence[Block], list[_Step]] = ((), [])

    def sign_thinking(self, model: str, blocks: Sequence[Block], text: str) -> str:
        """The signature of what a model thought in answer to a request."""
        _, before, previous = self._walk(blocks)[-1]
        thought = _Thought(model, text, _setting(blocks), before, previous)
        signature = f"sig_{_digest(repr(thought).encode()).hex()}"
        self._thoughts[signature] = thought
        return signature

    def sign_summary(self, blocks: Sequence[Block], content: str) -> tuple[str, str]:
        """The signature and the encrypted content of a summary of a request's messages."""
        _, stands_for, _ = self._walk(blocks)[-1]
        encrypted = f"enc_{_digest(content.encode()).hex()}"
        summary = _Summary(content, encrypted, _setting(blocks), stands_for)
        signature = f"sum_{_digest(repr(summary).encode()).hex()}"
        self._summaries[signature] = summary
        return signature, encrypted

    def pause(self, content: Sequence[Mapping[str, Any]]) -> None:
        """A turn was paused: a conversation may now end with it."""
        self._paused.append([*content])

    def paused(self, message: Mapping[str, Any]) -> bool:
        """Whether this is such a turn, unchanged."""
        return as_blocks(message.get("content")) in self._paused

    def find_mistake(self, body: Mapping[str, Any], blocks: Sequence[Block]) -> Fault | None:
        """What comes back in another form."""
        return next(self._mistakes(body, blocks), None)

    def _mistakes(self, body: Mapping[str, Any], blocks: Sequence[Block]) -> Iterator[Fault]:
        setting, latest = _setting(blocks), _latest_assistant(body)
        binding = (body.get("thinking") or {}).get("block_binding") or {}
        dropped = binding.get("prefix_mismatch_behavior") == "drop_block"
        for block, before, previous in self._walk(blocks):
            if block.kind == "redacted_thinking":
                yield _refused(f"{block.where}: Invalid `data` in `redacted_thinking` block")
            elif block.kind == "compaction" and block.source.get("content") is not None:
                yield from self._summary_mistakes(block)
            elif block.kind == "thinking":
                thought = self._thoughts.get(block.source["signature"])
                if thought is None or thought.text != block.source["thinking"]:
                    text = LATEST if block.where.startswith(latest) else "Invalid `signature` in `thinking` block"
                    yield _refused(f"{block.where}: {text}")
                elif thought.model != body["model"] or dropped:
                    continue
                elif reason := _difference(thought, setting, before, previous):
                    yield _refused(f"{block.where}: {CHANGED} {reason}")

    def _summary_mistakes(self, block: Block) -> Iterator[Fault]:
        summary = self._summaries.get(str(block.source.get("signature")))
        if summary is None or summary.encrypted != block.source.get("encrypted_content"):
            said = f"{block.where}: the `signature` of the `compaction` block does not verify"
            yield _refused(said, "compaction_signature_invalid")
        elif summary.content != block.source["content"]:
            said = f"{block.where}: `content` differs from the text its `signature` recorded"
            yield _refused(said, "compaction_content_mismatch")

    def _walk(self, blocks: Sequence[Block]) -> list[_Step]:
        """The blocks of the messages, each with what stands before it; at last a step that is behind them all."""
        if blocks is not self._walked[0]:
            self._walked = (blocks, [*self._steps(blocks)])
        return self._walked[1]

    def _steps(self, blocks: Sequence[Block]) -> Iterator[_Step]:
        setting, before, previous = _setting(blocks), b"", None
        for block in blocks:
            if block.part != "messages":
                continue
            yield block, before, previous
            if block.kind == "thinking":
                previous = str(block.source["signature"])
            elif block.kind == "compaction" and (found := self._summaries.get(str(block.source.get("signature")))):
                before = found.stands_for if found.setting == setting else block.digest
            elif block.kind != "redacted_thinking":
                before = _digest(before + block.digest)
        yield _END, before, previous


_END = Block("", "messages", "end", b"", 0, None, False, {})


def _difference(thought: _Thought, setting: Setting, before: bytes, previous: str | None) -> str:
    """What differs from when it was thought, "" for nothing."""
    tools, system = setting
    if thought.setting[1] != system:
        return "The `system` prompt differs from the one this block was created with."
    if thought.setting[0] != tools:
        return "The `tools` differ from the ones this block was created with."
    if thought.before != before:
        return "The `messages` before this block differ from the ones it was created with."
    if previous is not None and thought.previous != previous:
        return "The `thinking` block that preceded this one when it was created is missing from this request."
    return ""


def _setting(blocks: Sequence[Block]) -> Setting:
    tools, system = b"", b""
    for block in blocks:
        if block.part == "messages":
            break
        if block.part == "tools":
            tools += block.digest
        else:
            system += block.digest
    return _digest(tools), _digest(system)


def _latest_assistant(body: Mapping[str, Any]) -> str:
    spoken = [number for number, message in enumerate(body["messages"]) if message["role"] == "assistant"]
    return f"messages.{spoken[-1]}." if spoken else "none"


def _refused(message: str, code: str | None = None) -> Fault:
    return Fault(400, "invalid_request_error", message, code=code)


def _digest(raw: bytes) -> bytes:
    return blake2b(raw, digest_size=16).digest()
