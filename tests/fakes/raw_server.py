"""A server on loopback that answers each POST with the bytes it is told to: for what no Messages API would say."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterable
from typing import Any

from helpers.waiting import PATIENCE

Event = dict[str, Any]


def sse(*events: Event) -> bytes:
    """Events as a stream sends them."""
    return "".join(f"event: {event.get('type')}\ndata: {json.dumps(event)}\n\n" for event in events).encode()


def answer(body: bytes, content_type: str = "text/event-stream", status: str = "200 OK") -> bytes:
    """A whole HTTP answer."""
    head = (
        f"HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    return head.encode() + body


def message(model: str = "m", **more: Any) -> Event:
    """The first event of an answer."""
    whole = {"id": "msg_1", "type": "message", "role": "assistant", "model": model, "content": [], **more}
    return {"type": "message_start", "message": {"stop_reason": None, "stop_sequence": None, **whole}}


START = message(usage={"input_tokens": 1000, "output_tokens": 1})
BLOCK = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
DELTA = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Done."}}
STOP = {"type": "content_block_stop", "index": 0}
END = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 500}}
OVER = {"type": "message_stop"}


class RawServer:
    """Serves from `with` to its end; `reply` gets the number of the request and its headers, and gives the bytes, or
    parts of them without an end: until the client goes away."""

    def __init__(self, reply: Callable[[int, dict[str, str]], bytes | Iterable[bytes]]) -> None:
        self.count = 0
        self._reply = reply
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.settimeout(0.05)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._serve)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def __enter__(self) -> RawServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while not self._closing.is_set():
            with contextlib.suppress(OSError):
                client, _ = self._socket.accept()
                with client, contextlib.suppress(OSError):
                    client.settimeout(PATIENCE)
                    headers = self._read(client)
                    self.count += 1
                    reply = self._reply(self.count, headers)
                    for part in [reply] if isinstance(reply, bytes) else reply:
                        client.sendall(part)
                        if self._closing.is_set():
                            break

    @staticmethod
    def _read(client: socket.socket) -> dict[str, str]:
        data = b""
        while b"\r\n\r\n" not in data:
            data += client.recv(65536)
        head, body = data.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")[1:]
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        while len(body) < int(headers.get("content-length", 0)):
            body += client.recv(65536)
        return headers
