"""One call of the Messages API, streamed: the only home of `anthropic`.

The SDK's own retries are off (they obey any `retry-after` and stop at the first byte of an answer); a stream that
breaks, ends too early or holds torn JSON is a failure here like any other. Async, because a cancelled task closes its
socket at once.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.agents.api.failure import CallFailed, Failure, Kind, classify
from harness.domain import Usage

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic

COMPACTION = "compact-2026-09-04"  # the beta that summarizes a conversation on demand
COUNT_TIMEOUT = 30.0  # seconds
CUT_OFF = ("max_tokens", "model_context_window_exceeded")  # its last call may be torn, and is never run
CHARACTERS = 4  # about so many make a token, for an answer that broke off before it was counted


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


class Client:
    """Calls one server. `beta` uses the beta endpoint, which other servers do not have."""

    def __init__(self, *, base_url: str, api_key: str | None, beta: bool, timeout: float) -> None:
        """`timeout` in seconds is the wall time of one call: pings do not extend it; half of it without a word ends it.

        Without `api_key` the SDK looks for a credential itself. Raises CallFailed when there is none.
        """
        import anthropic

        self._sdk = anthropic
        self._timeout = timeout
        self._beta = beta
        self._reading = _Reading(lambda: None)
        self._client: AsyncAnthropic = anthropic.AsyncAnthropic(
            api_key=api_key,
            base_url=base_url or None,
            max_retries=0,
            timeout=anthropic.Timeout(timeout / 2, connect=min(10.0, timeout)),
            open_telemetry=False,
        )

    async def close(self) -> None:
        """Close every connection."""
        await self._client.close()

    async def call(
        self, request: Mapping[str, Any], heard: Callable[[], None], *, betas: tuple[str, ...] = ()
    ) -> Answer:
        """Return the whole answer to a request; `heard` is called for every event with content. Raises CallFailed."""
        reading = self._reading = _Reading(heard)
        try:
            async with asyncio.timeout(self._timeout) as limit:
                hard = limit.when() or 0.0
                stream = await self._open(request, betas)
                async with stream:
                    _check_type(stream.response.headers.get("content-type", ""))
                    async for event in stream:
                        if reading.take(event):
                            limit.reschedule(min(hard, asyncio.get_running_loop().time() + self._timeout / 2))
            return reading.finish()
        except Exception as error:
            raise CallFailed(self._explain(error)) from error

    @property
    def partial(self) -> Answer:
        """What the last call had brought when it failed or was cancelled: it is billed, and of no other use."""
        return self._reading.broken()

    async def _open(self, request: Mapping[str, Any], betas: tuple[str, ...]) -> Any:  # noqa: ANN401
        create: Any = self._messages.create
        return await create(**request, **({"betas": list(betas)} if betas else {}), stream=True)

    @property
    def _messages(self) -> Any:  # noqa: ANN401 - two endpoints of one shape
        return self._client.beta.messages if self._beta else self._client.messages

    async def count(self, request: Mapping[str, Any]) -> int:
        """Return the tokens of a request's input, as the server counts them; free. Raises CallFailed."""
        asked = {name: request[name] for name in ("model", "messages", "system", "tools") if name in request}
        return int((await self._ask(self._messages.count_tokens(**asked))).input_tokens)

    async def window(self, model: str) -> int | None:
        """Return how many tokens a model takes, None where the server does not say. Raises CallFailed."""
        told = await self._ask(self._client.models.retrieve(model))
        return getattr(told, "max_input_tokens", None)

    async def _ask(self, asked: Awaitable[Any]) -> Any:  # noqa: ANN401
        try:
            async with asyncio.timeout(min(COUNT_TIMEOUT, self._timeout)):
                return await asked
        except Exception as error:
            raise CallFailed(self._explain(error)) from error

    def _explain(self, error: Exception) -> Failure:
        """Return what an error of the SDK, of its transport or of ours means."""
        if isinstance(error, CallFailed):
            return error.failure
        if isinstance(error, TimeoutError):
            return Failure(Kind.NETWORK, "the server did not answer in time")
        if isinstance(error, self._sdk.APIStatusError):
            said = error.body.get("error") if isinstance(error.body, dict) else None
            text = said.get("message") if isinstance(said, dict) else None
            status = None if error.status_code == 200 else error.status_code  # an `error` event inside a good stream
            kind, code = str(error.type or ""), str(error.error_code or "")
            return classify(status, kind, code, str(text or error.message), error.response.headers, time.time())
        if isinstance(error, self._sdk.APIConnectionError):
            cause = error.__cause__
            return Failure(Kind.NETWORK, f"{error.message.split('.')[0]}: {cause}" if cause else error.message)
        if isinstance(error, TypeError) and "authentication" in str(error).lower():
            return Failure(Kind.AUTH, "no key was found: set ANTHROPIC_API_KEY")
        if type(error).__module__.split(".")[0] in ("httpx2", "httpcore2"):
            return Failure(Kind.NETWORK, f"the connection broke: {error}")
        if isinstance(error, ValueError | RuntimeError | self._sdk.APIError):
            return Failure(Kind.NETWORK, f"the answer could not be read: {error}"[:300])
        raise error


def _check_type(content_type: str) -> None:
    if "event-stream" not in content_type:
        said = content_type.split(";")[0] or "something without a type"
        raise CallFailed(Failure(Kind.STRANGE, f"the server answers with {said}: it does not speak the Messages API"))


class _Reading:
    """An answer in the making, event by event."""

    def __init__(self, heard: Callable[[], None]) -> None:
        self._heard = heard
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
            self._answer.content.append(_without_none(event.content_block.to_dict()))
        elif kind == "content_block_delta":
            self._add(event.index, event.delta)
        elif kind == "content_block_stop":
            self._close(event.index)
        elif kind == "message_delta":
            self._answer.stop_reason = event.delta.stop_reason
            details: Any = getattr(event.delta, "stop_details", None)
            self._answer.stop_details = details.to_dict() if hasattr(details, "to_dict") else details
            self._count(event.usage.to_dict(), final=True)
        elif kind == "message_stop":
            self._stopped = True
        else:
            return False
        self._heard()
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
                self._block(index)["input"] = json.loads(text)
        except ValueError:
            self._torn = True

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
            raise CallFailed(Failure(Kind.NETWORK, "the stream ended in the middle of an answer"))
        if (self._torn or self._json) and self._answer.stop_reason not in CUT_OFF:
            raise CallFailed(Failure(Kind.NETWORK, "the arguments of a tool call came as torn JSON"))
        self._answer.content = [block for block in self._answer.content if not _is_empty_text(block)]
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


def _is_empty_text(block: Mapping[str, Any]) -> bool:
    return block.get("type") == "text" and not str(block.get("text", "")).strip()
