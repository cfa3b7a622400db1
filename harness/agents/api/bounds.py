"""How much a server may say: every answer passes here before the SDK reads it. Imports `httpx2`, which is the SDK's.

The SDK keeps an event until it ends, and an error until its body does, however long that takes. What goes beyond a
bound breaks the call off (`CallFailed`); of an error, the body is cut: its status has said enough.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import suppress

from httpx2 import AsyncByteStream, InvalidURL, Response

from harness.agents.api.failure import CallFailed, server_fault
from harness.domain.text import shown

DOCUMENT = 64 * 1024  # bytes of an answer that is no stream: an error, a count, what is known of a model
EVENT = 1 << 20  # bytes of one event of a stream
LINES = 1_000  # of one event; those of the Messages API have two
TOKEN = 512  # bytes on the wire for a token, on average, at the very most: an event for each takes some 150
LEAST = 1 << 20  # bytes of any stream: some servers say again and again that they live
_CUT = "harness.cut"  # the extension of a response whose body was cut
_BLANK = (b"\r\r", b"\n\n", b"\r\n\r\n")  # how the SDK sees an event end

Look = Callable[[bytes], None]


class Bounds:
    """The bounds of one client, whose calls come one after the other."""

    def __init__(self) -> None:
        """No call has been made."""
        self._stream = LEAST

    def expect(self, max_tokens: int) -> None:
        """Say how many tokens the next answer may have."""
        self._stream = LEAST + TOKEN * max_tokens

    async def hold(self, response: Response) -> None:
        """Hold an answer to its bounds, whose head has come and whose body has not. Raises CallFailed."""
        if response.has_redirect_location:
            raise CallFailed(server_fault(_say_redirect(response)))
        coding = response.headers.get("content-encoding", "").strip().lower()
        if coding not in ("", "identity"):  # a few bytes could become any number
            raise CallFailed(
                server_fault(f"the server compresses its answer ({shown(coding)}), which it was not asked to do")
            )
        assert isinstance(response.stream, AsyncByteStream)
        if not response.is_success:
            response.stream = _Cut(response.stream, response)
        elif "event-stream" in response.headers.get("content-type", ""):
            response.stream = _Watched(response.stream, _Events(self._stream).look)
        else:
            response.stream = _Watched(response.stream, _Length(DOCUMENT).look)

    @staticmethod
    def was_cut(response: Response) -> bool:
        """Whether the body of an error was longer than what was read of it."""
        return _CUT in response.extensions


class _Watched(AsyncByteStream):
    """A body of which each part is looked at before it is given on."""

    def __init__(self, body: AsyncByteStream, look: Look) -> None:
        self._body, self._look = body, look

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._body:
            self._look(part)
            yield part

    async def aclose(self) -> None:
        await self._body.aclose()


class _Cut(AsyncByteStream):
    """The body of an error, cut where it is too long."""

    def __init__(self, body: AsyncByteStream, response: Response) -> None:
        self._body, self._response = body, response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = DOCUMENT
        async for part in self._body:
            yield part[:left]
            left -= len(part)
            if left < 0:
                self._response.extensions[_CUT] = True
                return

    async def aclose(self) -> None:
        await self._body.aclose()


class _Length:
    """Counts the bytes of a document."""

    def __init__(self, limit: int) -> None:
        self._left = limit

    def look(self, part: bytes) -> None:
        self._left -= len(part)
        if self._left < 0:
            raise CallFailed(server_fault("the server's answer does not end"))


class _Events:
    """Counts the bytes of a stream, and the bytes and lines of the event that has not ended."""

    def __init__(self, limit: int) -> None:
        self._left = limit
        self._size = self._lines = 0
        self._tail = b""

    def look(self, part: bytes) -> None:
        self._left -= len(part)
        if self._left < 0:
            raise CallFailed(server_fault("the server's answer is longer than any answer can be"))
        for line in part.splitlines(keepends=True):
            self._size, self._lines = self._size + len(line), self._lines + 1
            self._tail = (self._tail + line)[-4:]
            if self._tail.endswith(_BLANK):
                self._size, self._lines, self._tail = 0, 0, b""
            elif self._size > EVENT or self._lines > LINES:
                raise CallFailed(server_fault("an event of the server's answer does not end"))


def _say_redirect(response: Response) -> str:
    where = "somewhere else"
    with suppress(InvalidURL, ValueError):
        there = response.url.join(response.headers["location"])
        where = shown(f"{there.scheme}://{there.netloc.decode('latin-1')}")
    return f"the server redirects to {where}, which is not followed: set `base_url` to the server itself"
