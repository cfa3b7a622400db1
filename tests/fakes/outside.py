"""What a broker stands between: a server outside that keeps what it was sent, and a client that is inside without a
sandbox."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from helpers.waiting import PATIENCE

from harness.sandbox.network.broker import Channel

Answer = Callable[[BaseHTTPRequestHandler], object]


class Outside(ThreadingHTTPServer):
    """Answers with `answer`, which may do what it likes; keeps the line, the head and the body of each request."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, answer: Answer | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer or (lambda one: say(one, 200, b"fine"))
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.connections = 0
        self.gone = threading.Event()  # a client was not there any more
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,))

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Outside:
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self.shutdown()
        self.server_close()
        self._thread.join()

    def handle_error(self, request: Any, client_address: Any) -> None:
        self.gone.set()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Outside

    def setup(self) -> None:
        super().setup()
        self.server.connections += 1

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        body = b""
        if self.headers.get("transfer-encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        left = int(self.headers.get("content-length", 0))
        while left:
            part = self.rfile.read(min(left, 1 << 16))
            left -= len(part)
            body = (body + part)[:4096]
        head = {name.lower(): value for name, value in self.headers.items()}
        self.server.requests.append((self.requestline, head, body))
        self.server.answer(self)

    do_POST = do_HEAD = do_PUT = do_GET


def say(one: BaseHTTPRequestHandler, status: int, body: bytes = b"", **headers: str) -> None:
    """Answer at once."""
    one.send_response(status)
    one.send_header("Content-Length", str(len(body)))
    for name, value in headers.items():
        one.send_header(name, value)
    one.end_headers()
    if one.command != "HEAD":
        one.wfile.write(body)


def begin_chunks(one: BaseHTTPRequestHandler) -> Callable[[bytes], None]:
    """Begin an answer in chunks; what is returned writes one, an empty one ends it."""
    one.send_response(200)
    one.send_header("Content-Type", "text/event-stream")
    one.send_header("Transfer-Encoding", "chunked")
    one.end_headers()
    return lambda part: one.wfile.write(b"%x\r\n%b\r\n" % (len(part), part)) and None


@contextmanager
def inside(box: Channel) -> Iterator[Callable[[], socket.socket]]:
    """Open a box as a command would find it, and give a way to connect to it."""
    fd = box.open()
    with socket.socket(fileno=fd) as harness, socket.create_server(("127.0.0.1", 0)) as inlet:
        address = inlet.getsockname()
        socket.send_fds(harness, [b"+"], [inlet.fileno()])
    made: list[socket.socket] = []

    def connect() -> socket.socket:
        made.append(socket.create_connection(address, timeout=PATIENCE))
        return made[-1]

    try:
        yield connect
    finally:
        box.close()
        for one in made:
            one.close()


def ask(connect: Callable[[], socket.socket], text: str, body: bytes = b"", lines: str = "") -> tuple[int, bytes]:
    """Send one request, `text` being `POST /path`, and return status and whole answer, chunks as they came."""
    with connect() as client:
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        client.sendall(f"{text} HTTP/1.1\r\nConnection: close\r\n{length}{lines}\r\n".encode("latin-1") + body)
        said = b""
        while part := client.recv(65536):
            said += part
    status = said.split(b" ", 2)[1]
    return int(status), said


def list_open() -> set[object]:
    """Threads and descriptors of this process."""
    found: set[object] = set(threading.enumerate())
    for path in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            found.add((path.name, path.readlink()))
    return found


def tunnel(connect: Any, target: str) -> tuple[int, socket.socket]:
    client = connect()
    client.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode("latin-1"))
    return int(client.recv(65536).split()[1]), client
