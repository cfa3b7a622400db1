"""What is said over one connection out of a sandbox: a call of a route, a tunnel to a listed host, or a refusal.

Bytes pass both ways as they come; nothing is held but the end of a chunk in which a key may begin. No redirect is
followed, and an error of a server is passed on as it is.
"""

from __future__ import annotations

import http.client
import re
import select
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock

from harness.domain.hosts import Target
from harness.domain.text import shown
from harness.sandbox.network.heads import LIMIT, BadHead, Fields, Head, onward, parse_head
from harness.sandbox.network.mask import Mask
from harness.sandbox.network.routes import Call, Refused, Ways, check, plan
from harness.sandbox.network.tunnel import Tally, Tunnel
from harness.sandbox.network.upstream import (
    PrivateAddress,
    ServerUnreachable,
    connect,
    connect_to_proxy,
    find_proxy,
    wrap_tls,
)

CHUNK = 64 * 1024  # bytes of one read
HEAD_TIMEOUT = 30.0  # seconds from the first byte of a head to its last
IDLE_TIMEOUT = 300.0  # seconds that a connection may wait for its next request
_LINGER = 1.0  # seconds for the rest of a request that was refused


@dataclass(frozen=True, slots=True)
class Permit:
    """What the command inside may do, and whom to tell: `refuse` of a host and why, `note` of everything."""

    ways: Ways
    environ: Mapping[str, str]  # of the person: their proxy
    context: Callable[[], ssl.SSLContext]
    refuse: Callable[[str, str], None]
    note: Callable[[str], None]


class Exchange:
    """One connection; `run` serves it to its end, `end` from any thread ends it and whatever it waits for."""

    def __init__(
        self,
        client: socket.socket,
        permit: Permit,
        attend: Callable[[socket.socket, bool], None],
        straight: Target | None = None,
    ) -> None:
        """`attend` is told when it matters that the client goes away, and when no longer; `straight` is where all that
        comes in goes to, without a word of HTTP."""
        self._straight = straight
        self._client, self._permit, self._attend = client, permit, attend
        self._buffer = b""
        self._mutex, self._sockets, self._ended = Lock(), [client], False
        self._kept: tuple[tuple[str, Target], http.client.HTTPConnection] | None = None
        self._tally = Tally("", 0.0)

    def run(self, leave: Callable[[], None]) -> None:
        """Answer requests until the client, the server or `end` is done; `leave` is called before the last close."""
        try:
            if self._straight is not None:
                self._go_straight(self._straight)
            while self._straight is None and (head := self._read_head()) is not None and self._answer(head):
                pass
        except (OSError, ValueError, http.client.HTTPException):
            pass  # one side went away; what there was to note is noted
        finally:
            self.end()
            leave()
            self._close()

    def end(self) -> None:
        """Close every connection of this exchange."""
        with self._mutex:
            self._ended = True
            for one in self._sockets:
                _shut(one)

    def _close(self) -> None:
        if self._kept is not None:
            self._kept[1].close()
        for one in self._sockets:
            one.close()

    def watch(self, connection: socket.socket) -> None:
        """Let `end` close a connection too."""
        with self._mutex:
            self._sockets = [self._client, *(one for one in self._sockets[1:] if one.fileno() >= 0), connection]
            if self._ended:
                connection.close()
                raise OSError("ended")

    # --- what is asked ---

    def _read_head(self) -> Head | None:
        """Return the next request's head; None when there is none."""
        until = time.monotonic() + IDLE_TIMEOUT
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            if len(self._buffer) > LIMIT:
                self._reject("the head is too long")
                return None
            waiting = until - time.monotonic()
            try:
                self._client.settimeout(max(0.001, waiting))
                part = self._client.recv(CHUNK)
            except TimeoutError:
                part = b""
            if not part:
                return None
            if not self._buffer:
                until = time.monotonic() + HEAD_TIMEOUT
            self._buffer += part
        self._client.settimeout(None)
        raw, self._buffer = self._buffer[:end], self._buffer[end + 4 :]
        try:
            return parse_head(raw)
        except BadHead as error:
            self._reject(str(error))
            return None

    def _reject(self, why: str) -> None:
        self._permit.note(f"- - refused: {why}")
        self._say(400, f"this is not understood: {why}")

    def _answer(self, head: Head) -> bool:
        """Do what is asked; whether the connection can be used again."""
        self._tally = Tally(f"{head.method} {shown(head.target.partition('?')[0])}", time.monotonic())
        try:
            if head.method == "CONNECT":
                self._tunnel(head)
                return False
            self._attend(self._client, True)
            try:
                return self._forward(plan(head, self._permit.ways))
            finally:
                self._attend(self._client, False)
        except Refused as refused:
            self._tally.result = f"refused: {refused.sentence}"
            if refused.asked:
                self._tally.what = f"{head.method} {refused.asked}"
                self._permit.refuse(refused.asked, "not listed")
            self._say(refused.status, refused.sentence)
            return False
        except ServerUnreachable as error:
            self._tally.result = f"502: {error}"
            if isinstance(error, PrivateAddress):
                self._permit.refuse(self._tally.what.split(" ", 1)[1].partition("/")[0], "not public")
            self._say(403 if isinstance(error, PrivateAddress) else 502, str(error))
            return False
        finally:
            self._permit.note(self._tally.line())

    # --- a call ---

    def _forward(self, call: Call) -> bool:
        self._tally.what = f"{call.head.method} {call.shown}"
        connection = self._connection(call)
        path, more = self._by_proxy(call)
        mask = Mask((*call.secrets, *(value for _, value in more)))
        connection.putrequest(call.head.method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in (*call.fields, *more):
            connection.putheader(name, value)
        if call.head.length is None:
            connection.putheader("Transfer-Encoding", "chunked")
        elif call.head.length or call.head.method in ("POST", "PUT", "PATCH"):
            connection.putheader("Content-Length", str(call.head.length))
        try:
            connection.endheaders()
            whole = self._send_body(call, connection)
            response = connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            said = mask.text(str(error)) or type(error).__name__  # it may quote a line of the server
            raise ServerUnreachable(f"{call.target} broke off: {said}") from error
        if response.status < 200:
            raise ServerUnreachable(f"{call.target} gives an answer before its answer, which is not understood")
        if call.secrets and (coding := _find_coding(response)):
            connection.close()
            raise ServerUnreachable(f"{call.target} compresses its answer ({coding}), in which a key could not be seen")
        self._tally.result = str(response.status)
        again = self._pass_back(call, response, mask) and whole
        if again and not response.will_close:
            response.close()
            self._kept = ((call.scheme, call.target), connection)
        else:
            connection.close()
        return again and call.head.keeps

    def _by_proxy(self, call: Call) -> tuple[str, Fields]:
        """Return the path to ask for, and fields to add: a proxy is asked for the whole address."""
        proxy = find_proxy(self._permit.environ, "http", call.target) if call.scheme == "http" else None
        if proxy is None:
            return call.path, []
        fields = [("Proxy-Authorization", proxy.authorization)] if proxy.authorization else []
        return f"http://{call.target}{call.path}", fields

    def _connection(self, call: Call) -> http.client.HTTPConnection:
        """Return a connection to the server: the last one, if it goes there and is still open."""
        kept, self._kept = self._kept, None
        if kept is not None and kept[0] == (call.scheme, call.target) and not _has_news(kept[1].sock):
            return kept[1]
        if kept is not None:
            kept[1].close()
        proxy = find_proxy(self._permit.environ, call.scheme, call.target)
        if call.scheme == "http" and proxy is not None:
            way = connect_to_proxy(proxy, self.watch)
        else:
            way = connect(call.target, proxy, self.watch, checked=call.checked)
        if call.scheme == "https":
            way = wrap_tls(way, call.target.host, self._permit.context(), self.watch)
        connection = http.client.HTTPConnection(call.target.host, call.target.port)
        connection.sock, connection.auto_open = way, 0
        return connection

    def _send_body(self, call: Call, connection: http.client.HTTPConnection) -> bool:
        """Pass the body on; whether all of it was read. A server that answers before its end is heard out."""
        if call.head.get("expect").lower() == "100-continue":
            self._client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        in_chunks = call.head.length is None
        for part in self._read_chunks() if in_chunks else self._read_length(call.head.length or 0):
            self._tally.out += len(part)
            try:
                connection.send(b"%x\r\n%b\r\n" % (len(part), part) if in_chunks else part)
            except OSError:
                return False
        if in_chunks:
            connection.send(b"0\r\n\r\n")
        return True

    def _read_length(self, left: int) -> Iterator[bytes]:
        while left:
            part = self._read(min(left, CHUNK))
            left -= len(part)
            yield part

    def _read_chunks(self) -> Iterator[bytes]:
        while size := self._read_size():
            yield from self._read_length(size)
            self._read_line()
        while self._read_line():
            pass  # trailers stay here

    def _read_size(self) -> int:
        said = self._read_line().partition(b";")[0].strip()
        if re.fullmatch(rb"[0-9A-Fa-f]{1,15}", said) is None:
            raise ConnectionError("a chunk without a size")
        return int(said, 16)

    def _read_line(self) -> bytes:
        while (end := self._buffer.find(b"\r\n")) < 0:
            if len(self._buffer) > LIMIT or not (part := self._client.recv(CHUNK)):
                raise ConnectionError("a chunk without an end")
            self._buffer += part
        line, self._buffer = self._buffer[:end], self._buffer[end + 2 :]
        return line

    def _read(self, most: int) -> bytes:
        if self._buffer:
            part, self._buffer = self._buffer[:most], self._buffer[most:]
            return part
        part = self._client.recv(most)
        if not part:
            raise ConnectionError("the body broke off")
        return part

    # --- an answer ---

    def _pass_back(self, call: Call, response: http.client.HTTPResponse, mask: Mask) -> bool:
        """Pass the answer on as it comes; whether all of it came and the client can tell where it ends."""
        bare = call.head.method == "HEAD" or response.status in (204, 304)
        left = 0 if bare else response.length
        lines = [f"HTTP/1.1 {response.status} {_clean(mask.text(response.reason))}"]
        lines += [f"{mask.text(name)}: {_clean(mask.text(value))}" for name, value in onward(response.getheaders())]
        if bare and (length := response.getheader("content-length")):
            lines += [f"Content-Length: {length}"] if re.fullmatch(r"[0-9]{1,15}", length) else []
        elif left is not None and not bare:
            lines.append(f"Content-Length: {left}")
        in_chunks = left is None and call.head.modern
        lines += ["Transfer-Encoding: chunked"] if in_chunks else []
        known = left is not None or in_chunks
        lines += [] if known and call.head.keeps else ["Connection: close"]
        self._client.sendall("\r\n".join((*lines, "", "")).encode("latin-1", "replace"))
        while left != 0 and (part := response.read1(CHUNK if left is None else min(left, CHUNK))):
            left = None if left is None else left - len(part)
            self._send_back(mask.feed(part), in_chunks=in_chunks)
        if left:
            raise ConnectionError("the answer broke off")
        self._send_back(mask.end(), in_chunks=in_chunks)
        if in_chunks:
            self._client.sendall(b"0\r\n\r\n")
        return known

    def _send_back(self, part: bytes, *, in_chunks: bool) -> None:
        if part:
            self._tally.back += len(part)
            self._client.sendall(b"%x\r\n%b\r\n" % (len(part), part) if in_chunks else part)

    def _say(self, status: int, sentence: str) -> None:
        """Answer in one line, and hear the rest of the request out, so that the line is not lost."""
        text = f"harness: {sentence}\n".encode("utf-8", "replace")
        reason = http.client.responses.get(status, "Refused")
        head = f"HTTP/1.1 {status} {reason}\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n"
        with suppress(OSError):
            self._client.sendall(f"{head}Content-Length: {len(text)}\r\n\r\n".encode() + text)
            self._client.shutdown(socket.SHUT_WR)
            self._client.settimeout(_LINGER)
            until = time.monotonic() + _LINGER
            while time.monotonic() < until and self._client.recv(CHUNK):
                pass

    # --- a tunnel ---

    def _go_straight(self, target: Target) -> None:
        self._tally = Tally(f"TCP {target}", time.monotonic())
        try:
            there = connect(target, None, self.watch, checked=True)
            self._tally.result = "open"
            Tunnel(self._client, there, b"", self._tally).run()
        except ServerUnreachable as error:
            self._tally.result = f"failed: {error}"
        finally:
            self._permit.note(self._tally.line())

    def _tunnel(self, head: Head) -> None:
        target = check(head.target, self._permit.ways)
        self._tally.what = f"CONNECT {target}"
        proxy = find_proxy(self._permit.environ, "https", target)
        there = connect(target, proxy, self.watch, checked=True)
        try:
            self._client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            self._tally.result = "200"
            first, self._buffer = self._buffer, b""
            Tunnel(self._client, there, first, self._tally).run()
        finally:
            there.close()


def _shut(connection: socket.socket) -> None:
    """End a connection under the hands of whoever waits for it; of TLS, the plain socket below."""
    with suppress(OSError):
        socket.socket.shutdown(connection, socket.SHUT_RDWR)


def _find_coding(response: http.client.HTTPResponse) -> str:
    """Return how a body is packed, "" for one that can be looked through."""
    content = response.getheader("content-encoding", "").strip().lower()
    transfer = response.getheader("transfer-encoding", "").strip().lower()
    return shown(next((one for one in (content, transfer) if one not in ("", "identity", "chunked")), ""))


def _has_news(connection: socket.socket | None) -> bool:
    """Whether an idle connection has something to read: its end, as a rule."""
    if connection is None or connection.fileno() < 0:
        return True
    poll = select.poll()
    poll.register(connection, select.POLLIN | select.POLLHUP)
    return bool(poll.poll(0))


def _clean(text: str) -> str:
    """A field's value on one line."""
    return "".join(letter if letter == "\t" or (letter >= " " and letter != "\x7f") else " " for letter in text)
