"""The network of a sandbox that has none: calls of a model, whose key is put in outside, and the hosts that are listed.

    agent ── 127.0.0.1:PORT inside ── a listening socket that `inlet.py` hands out ── Channel, in threads ── servers

A listed port of the loopback is there inside too, since what speaks to a database knows no proxy.

One Channel for each command, open exactly as long as the command runs: the supervisor's caller opens and closes it.
What passes is written to `logs/network.txt`; what was refused is kept until the attempt is told.
"""

from __future__ import annotations

import os
import resource
import select
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from harness.domain.errors import StorageError
from harness.domain.hosts import Target, is_loopback, parse_listed
from harness.domain.text import one_line
from harness.records.journal import utc
from harness.sandbox.network.credentials import Route
from harness.sandbox.network.exchange import Exchange, Permit
from harness.sandbox.network.routes import Ways
from harness.sandbox.network.upstream import make_context
from harness.system import files
from harness.system.redact import Redactor
from harness.system.retries import socket_pair, uninterrupted

PORT = 20617  # on the loopback inside, below the ports that a system gives out by itself
MOST = 128  # connections of one command at a time; more wait
SHARE = 16  # of the descriptors that we may open, one in so many is a connection of one command
LOG_LIMIT = 8 << 20  # bytes of network.txt, after which it begins anew; one older is kept
_FAREWELL = 2.0  # seconds for the threads of a channel that is closed
_MOST_PORTS = 32
_TOLD = 10  # hosts that one remark names

_OWN = Target("127.0.0.1", PORT)


class Broker:
    """Opens channels, and keeps what all of them need: the listed hosts, the log, what was refused."""

    def __init__(
        self, listed: Iterable[str], log: Path, environ: Mapping[str, str], redactor: Redactor | None = None
    ) -> None:
        """`listed` is `sandbox_hosts`; `environ` the person's, for their proxy and authorities."""
        self.hosts = frozenset(target for text in listed for target in parse_listed(text))
        self.environ = environ
        self._log, self._redactor = log, redactor or Redactor()
        self._mutex = threading.Lock()
        self._refused: dict[str, dict[tuple[str, str], None]] = {}  # by attempt

    @property
    def ports(self) -> tuple[int, ...]:
        """The ports on the loopback inside: our own, and those that are listed; the first 1024 are nobody's there."""
        listed = {one.port for one in self.hosts if is_loopback(one.host) and one.port >= 1024}
        return (PORT, *sorted(listed - {PORT})[:_MOST_PORTS])

    @property
    def relay(self) -> str:
        """The address at which commands inside see the broker."""
        return f"http://127.0.0.1:{PORT}"

    @cached_property
    def context(self) -> ssl.SSLContext:
        """What TLS is judged by, made at its first use."""
        return make_context(self.environ)

    def open_channel(
        self,
        whose: str,
        routes: Iterable[Route] = (),
        also: Iterable[str] = (),
        quiet: Iterable[str] = (),
        attempt: str = "",
        *,
        listed: bool = True,
    ) -> Channel:
        """Return the network of one command: `also` are hosts besides the `listed` ones, `quiet` those whose refusal is
        not worth a remark; what is refused is kept for the `attempt`, "" where it belongs to none."""
        more = frozenset(target for text in also for target in parse_listed(text))
        hushed = frozenset(str(target) for text in quiet for target in parse_listed(text))

        def refuse(name: str, why: str) -> None:
            if name not in hushed:
                self._keep_refused(attempt, name, why)

        permit = Permit(
            ways=Ways(_OWN, {route.name: route for route in routes}, (self.hosts if listed else frozenset()) | more),
            environ=self.environ,
            context=lambda: self.context,
            refuse=refuse,
            note=lambda line: self._note(whose, line),
        )
        return Channel(permit)

    def take_refused(self, attempt: str = "") -> tuple[str, ...]:
        """Return a remark on each kind of refusal that an attempt met, and forget them; with those of no attempt."""
        with self._mutex:
            refused = {**self._refused.pop("", {}), **self._refused.pop(attempt, {})}
        found = []
        for kind, tail in (
            ("not listed", "which `sandbox_hosts` of harness.yaml does not list: refused"),
            ("not public", "which leads to an address that is not public: refused, though `sandbox_hosts` lists it"),
        ):
            names = [name for name, why in refused if why == kind]
            more = f" and {len(names) - _TOLD} more" if len(names) > _TOLD else ""
            if names:
                found.append(f"it asked for {', '.join(names[:_TOLD])}{more}, {tail}")
        return tuple(found)

    def _keep_refused(self, attempt: str, name: str, why: str) -> None:
        with self._mutex:
            refused = self._refused.setdefault(attempt, {})
            if len(refused) < 1000:
                refused[one_line(name, 100), why] = None

    def _note(self, whose: str, line: str) -> None:
        """Write one line; a full disk is told by the journal, and stops no call."""
        text = self._redactor.text(f"{utc(time.time())} {whose} {one_line(line, 400)}\n")
        with self._mutex, suppress(StorageError, OSError):
            if files.size_of(self._log) > LOG_LIMIT:
                os.replace(self._log, self._log.with_name(f"{self._log.name}.old"))  # noqa: PTH105
            files.append(self._log, text, sync=False)


def count_connections() -> int:
    """Return how many connections a command may have: each takes two of the descriptors that all commands share."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return MOST if limit == resource.RLIM_INFINITY else max(1, min(MOST, limit // SHARE))


class Channel:
    """The network of one command: from `open`, which gives its descriptor, to `close`, which leaves nothing."""

    def __init__(self, permit: Permit) -> None:
        """Nothing is open yet."""
        self._permit = permit
        self._mutex = threading.Lock()
        self._exchanges: dict[int, tuple[Exchange, threading.Thread]] = {}  # by the client's descriptor
        self._thread: threading.Thread | None = None
        self._closed = False
        self._most = count_connections()

    def open(self) -> int:
        """Begin to answer; returns the descriptor for the command, which is the caller's to close."""
        self._epoll = uninterrupted(select.epoll)
        self._wake, self._waker = socket_pair()
        self._handover, theirs = socket_pair()
        self._inlets: dict[int, socket.socket] = {}
        self._epoll.register(self._wake, select.EPOLLIN)
        self._epoll.register(self._handover, select.EPOLLIN)
        self._thread = threading.Thread(target=self._serve, name="harness-broker", daemon=True)
        self._thread.start()
        return theirs.detach()

    def close(self) -> None:
        """End every connection; waits up to 2 s for threads that look up a name, which nothing can interrupt."""
        if self._thread is None or self._closed:
            return
        self._closed = True
        self._waker.send(b"-")
        self._thread.join()
        with self._mutex:
            left = list(self._exchanges.values())
        for exchange, _ in left:
            exchange.end()
        until = time.monotonic() + _FAREWELL
        for _, thread in left:
            thread.join(max(0.0, until - time.monotonic()))
        with self._mutex:
            self._epoll.close()
            for one in (self._wake, self._waker, self._handover, *self._inlets.values()):
                one.close()

    def _serve(self) -> None:
        while True:
            for fd, _ in self._epoll.poll():
                if fd == self._wake.fileno():
                    return
                if fd in self._inlets:
                    self._accept(self._inlets[fd])
                elif fd == self._handover.fileno():
                    self._take_inlets()
                else:
                    self._part_from(fd)

    def _take_inlets(self) -> None:
        """Take the listening sockets from inside, once; nothing else is heard on that way."""
        with suppress(OSError):
            self._epoll.unregister(self._handover)
            _, fds, _, _ = socket.recv_fds(self._handover, 1, _MOST_PORTS + 1)
            for fd in fds:
                self._inlets[fd] = inlet = socket.socket(fileno=fd)
                inlet.setblocking(False)
                self._epoll.register(inlet, select.EPOLLIN)
        self._handover.close()

    def _accept(self, inlet: socket.socket) -> None:
        try:
            client, _ = inlet.accept()
        except BlockingIOError:
            return
        except OSError:  # no descriptor is free: it stays in the queue
            time.sleep(0.05)
            return
        client.setblocking(True)
        with suppress(OSError):
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        port, first = inlet.getsockname()[1], next(iter(self._inlets.values()))
        straight = None if inlet is first else Target("127.0.0.1", port)
        exchange, fd = Exchange(client, self._permit, self._attend, straight), client.fileno()
        thread = threading.Thread(target=self._run, args=(exchange, fd), name="harness-exchange", daemon=True)
        with self._mutex:
            self._exchanges[fd] = exchange, thread
            if len(self._exchanges) >= self._most:
                self._listen(0)
        try:
            thread.start()
        except RuntimeError:  # no further thread can be started: whoever called may call again
            self._forget(fd)
            client.close()

    def _run(self, exchange: Exchange, fd: int) -> None:
        try:
            exchange.run(leave=lambda: self._forget(fd))
        except RuntimeError:  # the interpreter ends
            pass

    def _forget(self, fd: int) -> None:
        """A connection is about to close: its descriptor may be another's in a moment."""
        with self._mutex:
            self._exchanges.pop(fd, None)
            if not self._closed:
                self._listen(select.EPOLLIN)

    def _listen(self, events: int) -> None:
        for inlet in self._inlets.values():
            self._epoll.modify(inlet, events)

    def _attend(self, client: socket.socket, wanted: bool) -> None:
        """Watch whether a client goes away while it waits for an answer."""
        with self._mutex:
            if self._closed:
                return
            with suppress(OSError):
                if wanted:
                    self._epoll.register(client, select.EPOLLRDHUP | select.EPOLLHUP)
                else:
                    self._epoll.unregister(client)

    def _part_from(self, fd: int) -> None:
        """A client went away: so does what was asked for it."""
        with self._mutex:
            found = self._exchanges.get(fd)
            with suppress(OSError):
                self._epoll.unregister(fd)
        if found is not None:
            found[0].end()
