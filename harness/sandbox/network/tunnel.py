"""Bytes both ways between two sockets, and the count of what one request came to."""

from __future__ import annotations

import select
import socket
import time
from contextlib import suppress
from dataclasses import dataclass, field

CHUNK = 64 * 1024  # bytes of one read
_HALF_OPEN = 60.0  # seconds that a tunnel waits for its second end
_PENDING = 1 << 20  # bytes that a tunnel holds for each side


@dataclass(slots=True)
class Tally:
    """What one request came to."""

    what: str
    began: float
    result: str = ""
    out: int = 0
    back: int = 0

    def line(self) -> str:
        """Return it for the log."""
        seconds = time.monotonic() - self.began
        return f"{self.what} {self.result or 'broken off'} {self.out} out {self.back} back {seconds:.3f} s"


@dataclass(slots=True)
class Tunnel:
    """Bytes both ways until both sides have ended; each side is read only while the other one takes it in."""

    client: socket.socket
    there: socket.socket
    first: bytes
    tally: Tally
    pending: dict[socket.socket, bytearray] = field(default_factory=dict)  # what each is still to get
    open: set[socket.socket] = field(default_factory=set)  # who may still say something

    def run(self) -> None:
        """Pass bytes on until there are none to come."""
        self.pending = {self.client: bytearray(), self.there: bytearray(self.first)}
        self.tally.out += len(self.first)
        self.open = {self.client, self.there}
        for one in self.open:
            one.setblocking(False)
        while self.open or any(self.pending.values()):
            ready = self._wait()
            if not ready:
                return  # one side has ended, and the other one has nothing more to say
            for one, event in ready:
                other = self.there if one is self.client else self.client
                if event & (select.POLLERR | select.POLLNVAL) or not self._move(one, other, event):
                    return

    def _wait(self) -> list[tuple[socket.socket, int]]:
        poll, found = select.poll(), {}
        for one, other in ((self.client, self.there), (self.there, self.client)):
            events = select.POLLIN if one in self.open and len(self.pending[other]) < _PENDING else 0
            events |= select.POLLOUT if self.pending[one] else 0
            if events:
                poll.register(one, events)
                found[one.fileno()] = one
        limit = None if len(self.open) == 2 else _HALF_OPEN * 1000
        return [(found[fd], event) for fd, event in poll.poll(limit)]

    def _move(self, one: socket.socket, other: socket.socket, event: int) -> bool:
        """Take from and give to one side; False when it is gone."""
        try:
            if event & select.POLLOUT:
                del self.pending[one][: one.send(self.pending[one][:CHUNK])]
            if event & (select.POLLIN | select.POLLHUP) and one in self.open:
                part = one.recv(CHUNK)
                self.pending[other] += part
                if one is self.client:
                    self.tally.out += len(part)
                else:
                    self.tally.back += len(part)
                if not part:
                    self.open.discard(one)
            if one not in self.open and not self.pending[other]:
                with suppress(OSError):
                    other.shutdown(socket.SHUT_WR)
            if other not in self.open and not self.pending[one]:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_WR)
        except BlockingIOError:
            pass
        except OSError:
            return False
        return True
