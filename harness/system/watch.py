"""One child, watched: its lines read, its clocks kept, its end asked for and waited for."""

from __future__ import annotations

import contextlib
import json
import os
import select
import time
from collections.abc import Iterator, Sequence
from typing import Any

from harness.domain.reply import Ended, Exit
from harness.system.command import Bounds, Listener
from harness.system.output import KeptFile, Lines
from harness.system.pipes import LAST_READ, Pipes, read_message

_CHUNK = 256 * 1024  # bytes of one read: fits the second-level cache


_WAKE = 0.2  # seconds after which the listener is asked again at the latest


_TAIL = 4096  # bytes of stderr that are kept for messages


SPARE = 5.0  # seconds the supervisor waits beyond timeout and grace for us to end the attempt ourselves


class Watch:
    """Watches one command: reads what it prints, asks the listener, and sends the word that ends it."""

    def __init__(
        self, bounds: Bounds, listener: Listener, pipes: Pipes, out: KeptFile, err: KeptFile, wake_fds: Sequence[int]
    ) -> None:
        self.bounds = bounds
        self.listener = listener
        self.pipes = pipes
        self.out = out
        self.err = err
        self.lines = Lines(bounds.line_cap, listener.line)
        self.tail = b""
        self.wake_fds = set(wake_fds)
        self.readers = {pipes.out: self._heard_stdout, pipes.err: self._heard_stderr}
        self.began = self.heard_at = time.monotonic()
        self.finished_at: float | None = None
        self.reason: Ended | None = None  # why we ended it
        self.kill_at: float | None = None
        self.report: dict[str, Any] | None = None

    def watch(self) -> None:
        """Until the whole tree is dead."""
        while True:
            ready = self._wait()
            for fd in ready & self.readers.keys():
                self._read(fd)
            if self.pipes.control.fileno() in ready:
                self.report = read_message(self.pipes.control)
                return
            for fd in ready & self.wake_fds:
                self._quiet(fd)
            self._end_if_due()

    def finish(self) -> None:
        """Read what is still in the pipes, without waiting for a stray that holds them; close the files."""
        for fd in list(self.readers):
            left = LAST_READ
            while left > 0 and (size := self._read(fd)):
                left -= size
        self.lines.end()
        self.out.end()
        self.err.flush()

    def abandon(self) -> None:
        """End it at once and wait until the tree is dead, because we are about to raise."""
        self.pipes.theirs.close()
        if self.report is None:
            self._end(Ended.STOPPED, 0)
            read_message(self.pipes.control)

    def judge(self) -> Exit:
        """How it ended, as a value. Raises StorageError when its output could not be kept."""
        for kept in (self.out, self.err):
            if kept.problem is not None:
                raise kept.problem
        report = self.report or {"code": None, "seconds": self._age(), "strays": 0, "error": "", "cause": "lost"}
        return Exit(
            ended=self._name(report["cause"]),
            code=report["code"],
            seconds=report["seconds"],
            strays=report["strays"],
            stdout_bytes=self.out.bytes,
            stderr_bytes=self.err.bytes,
            dropped_bytes=self.out.dropped,
            long_lines=self.lines.long,
            stderr_tail=self.tail.decode(errors="replace"),
            error=report["error"],
        )

    def _name(self, cause: str) -> Ended:
        if cause == "ended" and self.reason is not None:
            return self.reason
        return {
            "exited": Ended.EXITED,
            "limit": Ended.TIMED_OUT,
            "not started": Ended.NOT_STARTED,
        }.get(cause, Ended.LOST)

    def _age(self) -> float:
        return round(time.monotonic() - self.began, 4)

    def _wait(self) -> set[int]:
        poll = select.poll()
        for fd in (*self.readers, *self.wake_fds, self.pipes.control.fileno()):
            poll.register(fd, select.POLLIN)
        now = time.monotonic()
        until = min((moment for moment in self._deadlines() if moment > now), default=now + _WAKE)
        return {fd for fd, _ in poll.poll(min(_WAKE, until - now) * 1000 + 1)}

    def _deadlines(self) -> Iterator[float]:
        if self.bounds.timeout:
            yield self.began + self.bounds.timeout
        if self.bounds.idle_timeout:
            yield self.heard_at + self.bounds.idle_timeout
        if self.finished_at is not None:
            yield self.finished_at + self.bounds.finish_grace

    def _read(self, fd: int) -> int:
        """Take what one pipe holds, up to a chunk; 0 when it is empty or has ended."""
        try:
            data = os.read(fd, _CHUNK)
        except BlockingIOError:
            return 0
        if not data:
            del self.readers[fd]
            return 0
        self.heard_at = time.monotonic()
        self.readers[fd](data)
        return len(data)

    def _heard_stdout(self, data: bytes) -> None:
        self.out.write(data)
        self.lines.feed(data)

    def _heard_stderr(self, data: bytes) -> None:
        self.err.write(data)
        self.tail = (self.tail + data[-_TAIL:])[-_TAIL:]

    def _quiet(self, fd: int) -> None:
        """Empty a wake-up descriptor; forget it when its other end is closed."""
        try:
            if not os.read(fd, 4096):
                self.wake_fds.discard(fd)
        except BlockingIOError:
            pass  # another attempt was faster

    def _end_if_due(self) -> None:
        """Send the word that ends it, when a person, a limit or a full disk says so."""
        grace = self.listener.stop()
        if grace is not None:
            self._end(Ended.STOPPED, grace)
        elif self.out.problem or self.err.problem:
            self._end(Ended.STOPPED, self.bounds.grace)
        elif self.reason is None and (reason := self._overdue()):
            self._end(reason, self.bounds.grace)

    def _overdue(self) -> Ended | None:
        now = time.monotonic()
        self.finished_at = (self.finished_at or now) if self.listener.finished() else None
        timed_out = self.bounds.timeout and now >= self.began + self.bounds.timeout
        if self.finished_at is not None:  # what it wanted to say is said: no timeout any more
            return Ended.FINISHED if timed_out or now >= self.finished_at + self.bounds.finish_grace else None
        if timed_out:
            return Ended.TIMED_OUT
        if self.bounds.idle_timeout and now >= self.heard_at + self.bounds.idle_timeout and not self.listener.busy():
            return Ended.IDLE
        return None

    def _end(self, reason: Ended, grace: float) -> None:
        """Ask the warden to end it; again only when that makes it end sooner. The first reason stays."""
        kill_at = time.monotonic() + grace
        if self.kill_at is not None and kill_at >= self.kill_at:
            return
        self.kill_at = kill_at
        self.reason = self.reason or reason
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.pipes.control.sendall(json.dumps({"op": "end", "grace": grace}).encode() + b"\n")
