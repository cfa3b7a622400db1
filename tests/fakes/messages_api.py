"""A Messages API on loopback whose model follows a script: enough of the service for the real Claude Code.

    with MessagesApi(work_on_feature({"hello.txt": "hello\\n"})) as api:
        run_claude(ANTHROPIC_BASE_URL=api.url)
    assert "BLOCKED" not in api.requests[0].prompt

What the model says is in `messages_script`, how it looks on the wire in `messages_wire`; here is the traffic.
"""

from __future__ import annotations

import json
import os
import socket
import struct
import sys
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, cast
from urllib.parse import urlsplit

from . import messages_wire as wire
from .messages_script import Broken, Fault, How, Reply, Request, Script, Turn, in_order, overloaded

SIDE_ANSWER = Turn(json.dumps({"title": "Scripted work"}))


class MessagesApi:
    """The server, from `with` to its end. A script that breaks, or runs out of replies, fails the test at the end."""

    def __init__(self, script: Script | Sequence[Reply]) -> None:
        """`script` gives one reply for each main request: a callable, or the replies in their order."""
        self.requests: list[Request] = []  # the work
        self.side_requests: list[Request] = []  # titles, probes, quota checks: answered, not scripted
        self.other_requests: list[str] = []  # `METHOD /path` of everything else
        self.problems: list[str] = []
        self.closing = threading.Event()
        self._script = script if callable(script) else in_order(script)
        self._arrived = threading.Condition()
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="messages-api")

    @property
    def url(self) -> str:
        """What ANTHROPIC_BASE_URL is set to."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def wait_for_request(self, number: int = 1, timeout: float = 20.0) -> Request:
        """The `number`-th main request, as soon as it is there; fails after `timeout` seconds."""
        with self._arrived:
            arrived = self._arrived.wait_for(lambda: len(self.requests) >= number, timeout)
        assert arrived, f"request {number} did not come in {timeout} s; seen: {self.other_requests}, {self.problems}"
        return self.requests[number - 1]

    def reply_to(self, body: dict[str, Any], headers: dict[str, str]) -> Reply:
        """Keep the request and look up what the script says to it; one at a time, so that numbers mean something."""
        with self._arrived:
            request = Request(body, headers)
            if not request.main:
                self.side_requests.append(request)
                return SIDE_ANSWER
            request = Request(body, headers, number=len(self.requests) + 1)
            self.requests.append(request)
            self._arrived.notify_all()
            try:
                return self._script(request)
            except Exception as mistake:
                self.problems.append(f"request {request.number}: {mistake!r}")
                return Fault(400, "invalid_request_error", f"the script failed: {mistake}", {"x-should-retry": "false"})

    def __enter__(self) -> MessagesApi:
        """Begin to answer."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close every connection and wait for every thread; then say what went wrong, unless the test already did."""
        self.closing.set()
        self._server.shutdown()
        self._server.hang_up()
        self._server.server_close()
        self._thread.join()
        assert error or not self.problems, "\n".join(self.problems)


class _Server(ThreadingHTTPServer):
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

    @property
    def api(self) -> MessagesApi:
        return cast(_Server, self.server).api

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._other()

    do_HEAD = do_GET

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        match urlsplit(self.path).path:
            case "/v1/messages":
                self._messages(json.loads(body))
            case "/v1/messages/count_tokens":
                self._json(200, {"input_tokens": len(body) // 4})
            case _:
                self._other()

    def _other(self) -> None:
        """Anything else that a client asks for when it starts."""
        self.api.other_requests.append(f"{self.command} {self.path}")
        if urlsplit(self.path).path == "/v1/models":
            self._json(200, {"data": [], "first_id": None, "last_id": None, "has_more": False})
        else:
            self._json(404, wire.error(Fault(404, "not_found_error", "Not found"), "other"))

    def _messages(self, body: dict[str, Any]) -> None:
        reply = self.api.reply_to(body, {name.lower(): value for name, value in self.headers.items()})
        identity = f"{len(self.api.requests):04}_{len(self.api.side_requests):04}"
        match reply:
            case Fault():
                self._json(reply.status, wire.error(reply, identity), reply.headers)
            case Turn() if body.get("stream"):
                self._stream([*wire.events(reply, body["model"], identity)], reply.headers)
                self._chunk(b"")
            case Turn():
                self._json(200, wire.message(reply, body["model"], identity), reply.headers)
            case Broken(after=int()) if body.get("stream"):
                self._stream([*wire.events(reply.turn, body["model"], identity)][: reply.after], reply.turn.headers)
                if reply.how is How.ERROR:
                    self._chunk(wire.encode(wire.error(overloaded(), identity)))
                if reply.how in (How.ERROR, How.ENDED):
                    self._chunk(b"")
                self._break_off(reply.how)
            case Broken():
                self._break_off(reply.how)

    def _break_off(self, how: How) -> None:
        """Leave the connection as it is when this happens."""
        self.close_connection = True
        if how is How.STALLED:
            self.api.closing.wait()
        if how is How.RESET:  # a close with a linger time of zero sends RST, if no `shutdown` has sent FIN before
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            os.close(self.connection.detach())

    def _stream(self, events: Sequence[wire.Event], headers: Any) -> None:
        self._head(200, {"content-type": "text/event-stream", "transfer-encoding": "chunked", **headers})
        for event in events:
            self._chunk(wire.encode(event))

    def _chunk(self, content: bytes) -> None:
        self.wfile.write(f"{len(content):x}\r\n".encode() + content + b"\r\n")

    def _json(self, status: int, body: wire.Event, headers: Any = None) -> None:
        content = json.dumps(body).encode()
        self._head(status, {"content-type": "application/json", "content-length": str(len(content)), **(headers or {})})
        if self.command != "HEAD":
            self.wfile.write(content)

    def _head(self, status: int, headers: Any) -> None:
        self.send_response(status)
        self.send_header("request-id", f"req_{len(self.api.requests):04}")
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
