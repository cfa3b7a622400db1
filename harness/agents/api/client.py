"""One call of the Messages API, streamed: the only home of `anthropic`.

The SDK's own retries are off (they obey any `retry-after` and stop at the first byte of an answer); a stream that
breaks, ends too early or holds torn JSON is a failure here like any other. Async, because a cancelled task closes its
socket at once.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from harness.agents.api.answer import Answer, Reading
from harness.agents.api.counted import most_of
from harness.agents.api.failure import CallFailed, Failure, Kind, classify, server_fault

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic

COMPACTION = "compact-2026-09-04"  # the beta that summarizes a conversation on demand
COUNT_TIMEOUT = 30.0  # seconds
SLOWEST = 20.0  # tokens a second: an answer that grows more slowly than that is not waited for
LONGEST_TEXT = 2_000  # characters of what a server says is wrong
NO_KEY = "none"  # what a server of one's own is sent that wants no key


class Client:
    """Calls one server. `beta` uses the beta endpoint, which other servers do not have."""

    def __init__(self, *, base_url: str, api_key: str | None, beta: bool, timeout: float) -> None:
        """`timeout` in seconds is how long a call may go without a word: pings do not count. Its wall time is that, and
        what its answer may take at the slowest.

        Without `api_key` the SDK looks for a credential itself. Raises CallFailed when there is none.
        """
        import anthropic

        from harness.agents.api.bounds import Bounds

        self._sdk = anthropic
        self._bounds = Bounds()
        self._timeout = timeout
        self._beta = beta
        self._reading = Reading()
        self._said = 0  # tokens, in all
        self.sent = 0  # bytes of the last request that was answered
        self._secrets = [key for key in (api_key, os.environ.get("ANTHROPIC_AUTH_TOKEN")) if key and key != NO_KEY]
        limits = anthropic.Timeout(timeout, connect=min(10.0, timeout))
        self._client: AsyncAnthropic = anthropic.AsyncAnthropic(
            api_key=api_key,
            base_url=base_url or None,
            max_retries=0,
            timeout=limits,
            default_headers={"Accept-Encoding": "identity"},
            http_client=anthropic.DefaultAsyncHttpxClient(
                timeout=limits, follow_redirects=False, event_hooks={"response": [self._bounds.hold]}
            ),
            open_telemetry=False,
        )

    async def close(self) -> None:
        """Close every connection."""
        await self._client.close()

    async def call(self, request: Mapping[str, Any], *, betas: tuple[str, ...] = ()) -> Answer:
        """Return the whole answer to a request. Raises CallFailed."""
        tokens = request.get("max_tokens", 0)
        reading = self._reading = Reading(tokens)
        self._bounds.expect(tokens)
        now = asyncio.get_running_loop().time
        end = now() + self._timeout + tokens / SLOWEST
        try:
            async with asyncio.timeout_at(now() + self._timeout) as limit:
                stream = await self._open(request, betas)
                async with stream:
                    self.sent = len(stream.response.request.content)
                    reading.most = most_of(sent=self.sent, said=self._said, max_tokens=tokens)
                    _check_type(stream.response.headers.get("content-type", ""))
                    async for event in stream:
                        if reading.take(event):
                            limit.reschedule(min(end, now() + self._timeout))
            answer = reading.finish()
            self._said += answer.usage.output_tokens
            return answer
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
        told = getattr(await self._ask(self._messages.count_tokens(**asked)), "input_tokens", None)
        if not isinstance(told, int) or isinstance(told, bool) or told < 0:
            raise CallFailed(Failure(Kind.STRANGE, "the server counts no tokens: it does not speak the Messages API"))
        return told

    async def window(self, model: str) -> int | None:
        """Return how many tokens a model takes, None where the server does not say. Raises CallFailed."""
        told = await self._ask(self._client.models.retrieve(model))
        window = getattr(told, "max_input_tokens", None)
        return window if isinstance(window, int) and window > 0 else None

    async def _ask(self, asked: Awaitable[Any]) -> Any:  # noqa: ANN401
        try:
            async with asyncio.timeout(min(COUNT_TIMEOUT, self._timeout)):
                return await asked
        except Exception as error:
            raise CallFailed(self._explain(error)) from error

    def _explain(self, error: Exception) -> Failure:
        """Return what an error means, in words that do not hold the key: a server may quote what it was sent."""
        failure = self._classify(error)
        text = failure.text
        for secret in self._secrets:
            text = text.replace(secret, "[the key]")
        return replace(failure, text=text[:LONGEST_TEXT])

    def _classify(self, error: Exception) -> Failure:
        """Return what an error of the SDK, of its transport or of ours means."""
        if isinstance(error, CallFailed):
            return error.failure
        if isinstance(error.__cause__, CallFailed):  # broken off at a bound, before the answer was the SDK's
            return error.__cause__.failure
        if "Receive buffer too long" in str(error.__cause__):  # of h11, at 100 KiB
            return server_fault("the head of the server's answer does not end")
        if isinstance(error, TimeoutError):
            return Failure(Kind.NETWORK, "the server did not answer in time")
        if isinstance(error, self._sdk.APIStatusError):
            said = error.body.get("error") if isinstance(error.body, dict) else None
            text = said.get("message") if isinstance(said, dict) else None
            status = None if error.status_code == 200 else error.status_code  # an `error` event inside a good stream
            kind, code = str(error.type or ""), str(error.error_code or "")
            if not kind and status in (404, 405):
                return Failure(Kind.STRANGE, _say_not_here(str(error.request.url), status), status)
            failure = classify(status, kind, code, str(text or error.message), error.response.headers, time.time())
            return _say_cut(failure) if self._bounds.was_cut(error.response) else failure
        if isinstance(error, self._sdk.APIConnectionError):
            cause = error.__cause__
            return Failure(Kind.NETWORK, f"{error.message.split('.')[0]}: {cause}" if cause else error.message)
        if isinstance(error, TypeError) and "authentication" in str(error).lower():
            return Failure(Kind.AUTH, "no key was found: set ANTHROPIC_API_KEY")
        if type(error).__module__.split(".")[0] in ("httpx2", "httpcore2"):
            return Failure(Kind.NETWORK, f"the connection broke: {error}")
        if isinstance(error, ValueError | RuntimeError | self._sdk.APIError):
            return Failure(Kind.NETWORK, f"the answer could not be read: {error}"[:300])
        return Failure(Kind.STRANGE, f"the server's answer has another shape than the Messages API's: {error!r}"[:300])


def _check_type(content_type: str) -> None:
    if "event-stream" not in content_type:
        said = content_type.split(";")[0] or "something without a type"
        raise CallFailed(Failure(Kind.STRANGE, f"the server answers with {said}: it does not speak the Messages API"))


def _say_cut(failure: Failure) -> Failure:
    """Return what an error without an end means: what its status says; what its words say is not to be known."""
    said = f"the server's error (HTTP {failure.status}) does not end"
    if failure.kind in (Kind.REQUEST, Kind.STRANGE):
        return server_fault(said)
    return replace(failure, text=said, should_retry=False)


def _say_not_here(url: str, status: int | None) -> str:
    url = url.partition("?")[0]
    hint = "; leave `/v1` out of `base_url`" if "/v1/v1/" in url else ""
    return f"there is no Messages API at {url} (HTTP {status}){hint}"
