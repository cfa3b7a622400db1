"""The traffic of the scripted Messages API: connections, heads, chunks, and all the ways in which they break."""

from __future__ import annotations

import json
import os
import socket
import struct
import sys
from collections.abc import Iterable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote, urlsplit

from . import messages_wire as wire
from .messages_faults import too_large
from .messages_replies import Broken, Fault, Foreign, How, Turn

if TYPE_CHECKING:
    from .messages_api import Answer, MessagesApi

LARGEST = 32 * 1024 * 1024  # bytes of a request
PING = 0.05  # seconds between the pings of How.PINGS


class Server(ThreadingHTTPServer):
    """Keeps its open connections, so that closing waits for no client."""

    daemon_threads = False
    request_queue_size = 64

    def __init__(self, api: MessagesApi) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.api = api
        self._open: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        for connection in tuple(self._open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # the client was faster

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Called inside the `except` of whatever a connection's thread raised."""
        mistake = sys.exception()
        if not isinstance(mistake, ConnectionError):  # a client that goes away is its own affair
            self.api.problems.append(repr(mistake))


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    identity = "other"

    @property
    def api(self) -> MessagesApi:
        return cast(Server, self.server).api

    def log_message(self, format: str, *args: Any) -> None:
        pass

    # --- what is asked ---

    def do_GET(self) -> None:
        match urlsplit(self.path).path.split("/"):
            case ["", "v1", "models"]:
                self.api.other_requests.append(f"{self.command} {self.path}")
                self._json(200, {"data": [], "first_id": None, "last_id": None, "has_more": False})
            case ["", "v1", "models", name]:
                self.api.other_requests.append(f"{self.command} {self.path}")
                self._told(self.api.model(unquote(name)))
            case _:
                self._unknown()

    do_HEAD = do_GET

    def do_POST(self) -> None:
        length = int(self.headers.get("content-length", 0))
        raw = self.rfile.read(length)
        path = urlsplit(self.path).path
        if path not in ("/v1/messages", "/v1/messages/count_tokens"):
            self._unknown()
        elif length > LARGEST:
            self._fault(too_large())
        elif not isinstance(body := _parse(raw), dict):
            self._fault(Fault(400, "invalid_request_error", "The request body is not valid JSON"))
        elif path == "/v1/messages":
            self._messages(body)
        else:
            self.api.other_requests.append(f"{self.command} {self.path}")
            counted = self.api.count(body, self._heads())
            self._told(counted if isinstance(counted, Fault) else {"input_tokens": counted})

    def _unknown(self) -> None:
        """Anything else that a client asks for when it starts."""
        self.api.other_requests.append(f"{self.command} {self.path}")
        self._fault(Fault(404, "not_found_error", "Not found"))

    def _heads(self) -> dict[str, str]:
        return {name.lower(): ",".join(self.headers.get_all(name, ())) for name in self.headers}

    # --- what is answered ---

    def _messages(self, body: dict[str, Any]) -> None:
        answer = self.api.answer(body, self._heads())
        self.identity = answer.identity
        match answer.reply:
            case Fault():
                self._fault(answer.reply)
            case Foreign():
                content_type = {"content-type": answer.reply.content_type}
                self._whole(answer.reply.status, answer.reply.content.encode(), content_type | answer.reply.headers)
            case Turn() as turn if body.get("stream"):
                self._stream(answer, turn)
                self._chunk(b"")
            case Turn() as turn:
                self.api.closing.wait(turn.delay)
                self.api.begin(answer)
                self._json(200, cast(wire.Event, answer.whole), turn.headers)
            case Broken(after=int()) as broken if body.get("stream"):
                self._stream(answer, broken.turn, broken.after)
                self._break_off(broken)
            case Broken() as broken:
                self._break_off(broken, begun=False)

    def _stream(self, answer: Answer, turn: Turn, only: int | None = None) -> None:
        """The head and the events, or the first of them."""
        self.api.closing.wait(turn.delay)
        self.api.begin(answer)
        self._head(200, {"content-type": "text/event-stream", "transfer-encoding": "chunked", **turn.headers})
        events: Iterable[wire.Event] = wire.events(turn, cast(wire.Event, answer.whole))
        for event in islice(events, only):
            self._chunk(wire.encode(event))
            if turn.pace:
                self.api.closing.wait(turn.pace)

    def _break_off(self, broken: Broken, *, begun: bool = True) -> None:
        """Leave the connection as it is when this happens."""
        self.close_connection = True
        if begun and broken.how is How.ERROR:
            self._chunk(wire.encode(wire.error(broken.fault, self.identity)))
        if begun and broken.how in (How.ERROR, How.ENDED):
            self._chunk(b"")
        if broken.how is How.STALLED or (broken.how is How.PINGS and not begun):
            self.api.closing.wait()
        elif broken.how is How.PINGS:
            while not self.api.closing.wait(PING):
                self._chunk(wire.encode({"type": "ping"}))
        elif broken.how is How.RESET:  # a close with a linger time of zero sends RST, if no `shutdown` has sent FIN
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            os.close(self.connection.detach())

    def _told(self, told: wire.Event | Fault) -> None:
        if isinstance(told, Fault):
            self._fault(told)
        else:
            self._json(200, told)

    def _fault(self, fault: Fault) -> None:
        self._json(fault.status, wire.error(fault, self.identity), fault.headers)

    def _chunk(self, content: bytes) -> None:
        self.wfile.write(f"{len(content):x}\r\n".encode() + content + b"\r\n")

    def _json(self, status: int, body: wire.Event, headers: Mapping[str, str] | None = None) -> None:
        self._whole(status, json.dumps(body).encode(), {"content-type": "application/json", **(headers or {})})

    def _whole(self, status: int, content: bytes, headers: Mapping[str, str]) -> None:
        self._head(status, {"content-length": str(len(content)), **headers})
        if self.command != "HEAD":
            self.wfile.write(content)

    def _head(self, status: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        self.send_header("request-id", f"req_{self.identity}")
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()


def _parse(raw: bytes) -> object:
    try:
        return json.loads(raw)
    except ValueError:
        return None
