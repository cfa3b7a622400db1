"""Child processes that are hostile until proven otherwise: start, feed, watch, time out, kill the whole tree.

Agents and checks run below `supervise.py`; short trusted commands such as git run in `capture`.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from harness.domain.errors import AgentError, explain_storage
from harness.domain.reply import Ended, Exit
from harness.system.output import KeptFile, Lines
from harness.system.redact import Redactor

MIB = 1 << 20
_CHUNK = 256 * 1024  # bytes of one read: fits the second-level cache
_WAKE = 0.2  # seconds after which the listener is asked again at the latest
_TAIL = 4096  # bytes of stderr that are kept for messages
_LAST_READ = 16 * MIB  # bytes read after the tree is dead: more than a pipe holds, less than a stranger can delay us
_SPARE = 5.0  # seconds the supervisor waits beyond timeout and grace for us to end the attempt ourselves
_FROM_ENVIRONMENT = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")  # all that python may need to start


class Door(Protocol):
    """Something of ours that a command may use for as long as it runs."""

    def open(self) -> int:
        """Return the descriptor that the command gets; it is closed here when the command has it."""

    def close(self) -> None:
        """The command has ended, or was never started."""


@dataclass(frozen=True, slots=True)
class Confined:
    """The program that confines a command: its arguments before the command's own, what it reads from descriptors 3,
    4, …, and limits on resources by their names in `resource` without RLIMIT_, in that module's units. The descriptor
    behind the last input is the `door`'s."""

    argv: tuple[str, ...]
    inputs: tuple[bytes, ...]
    limits: Mapping[str, int]
    door: Door | None = None
    wraps: bool = True  # it stands before the command with an init of its own, as bwrap does


@dataclass(frozen=True, slots=True)
class Command:
    """What to start. `stdin` is a regular file, so that a long prompt cannot deadlock; None gives /dev/null."""

    argv: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str]
    stdin: Path | None = None
    confined: Confined | None = None


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long, in seconds (0 = no limit), and how much, in bytes."""

    timeout: float = 0
    idle_timeout: float = 0  # without a byte on stdout or stderr
    grace: float = 5.0  # from TERM to KILL
    finish_grace: float = 10.0  # for going away after the final result
    output_cap: int = 64 * MIB  # of stdout kept on disk
    line_cap: int = 8 * MIB  # of one line handed to the listener
    stderr_cap: int = 1 * MIB  # of stderr kept on disk


class Listener(Protocol):
    """Who hears an agent's output, and knows what it means."""

    def line(self, line: bytes) -> None:
        """Take a line of stdout, without its newline, cut at `line_cap`."""

    def busy(self) -> bool:
        """Whether a tool call is running: the idle limit waits for it, the timeout does not."""

    def finished(self) -> bool:
        """Whether it printed its final result: if it does not end within `finish_grace`, it is ended."""

    def stop(self) -> float | None:
        """A grace in seconds when it has to stop now; asked at every wake, at least each 200 ms."""


class Quiet:
    """A listener without an opinion: what is heard by others, they add."""

    def line(self, line: bytes) -> None:
        """Let it pass."""

    def busy(self) -> bool:
        """No tool call is known of."""
        return False

    def finished(self) -> bool:
        """No final result is known of."""
        return False

    def stop(self) -> float | None:
        """Nobody asks it to stop."""
        return None


class Kept(Quiet):
    """Keeps the lines that are said."""

    def __init__(self) -> None:
        """None is said yet."""
        self.lines: list[bytes] = []

    def line(self, line: bytes) -> None:
        """Keep it."""
        self.lines.append(line)


# --- the supervisor, seen from here ------------------------------------------------------------------------------


class Supervisor:
    """Runs commands so that nothing of them survives: not their end, not a timeout, not a kill -9 of harness.

    `lock_fd` is kept open by the supervisor until everything is dead. `wake_fds` are descriptors (made non-blocking)
    that make a running attempt ask its listener when they become readable. `namespace` is `auto` or `off`; as
    attributes, `namespace` says whether attempts run in a pid namespace and `why` why not; `pid` is the supervisor's.
    May be used from several threads.
    """

    def __init__(
        self,
        *,
        lock_fd: int | None = None,
        namespace: str = "auto",
        wake_fds: Sequence[int] = (),
        redactor: Redactor | None = None,
    ) -> None:
        self.redactor = redactor or Redactor()
        self.namespace = False
        self.why = ""
        self.pid = 0
        self._word = namespace
        self._lock_fd = lock_fd
        self._wake_fds = tuple(wake_fds)
        for fd in self._wake_fds:
            os.set_blocking(fd, False)  # several attempts empty the same one
        self._mutex = threading.Lock()
        self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def run(
        self, command: Command, bounds: Bounds, listener: Listener, *, stdout: Path | None, stderr: Path | None
    ) -> Exit:
        """Run a command to its end; when this returns or raises, its whole tree is dead.

        `stdout` and `stderr` are files that receive its output, created with the first byte. Raises StorageError when
        they cannot be written or `command.stdin` cannot be read; what the listener raises is passed on.
        """
        out = KeptFile(stdout, bounds.output_cap, self.redactor)
        err = KeptFile(stderr, bounds.stderr_cap, self.redactor)
        with contextlib.closing(out), contextlib.closing(err), _Pipes(command) as pipes:
            attempt = _Attempt(bounds, listener, pipes, out, err, self._wake_fds)
            try:
                self._request(command, bounds, pipes)
                attempt.watch()
            except BaseException:
                attempt.abandon()
                raise
            attempt.finish()
            return attempt.judge()

    def close(self) -> None:
        """End every attempt and the supervisor; waits up to 10 s, after which it goes on without us."""
        with self._mutex:
            self._socket.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(10)

    def _start(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        program = Path(__file__).with_name("supervise.py")
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-X", "utf8", str(program), str(theirs.fileno()), self._word],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno(), *([] if self._lock_fd is None else [self._lock_fd])],
                env={name: os.environ[name] for name in _FROM_ENVIRONMENT if name in os.environ},
                start_new_session=True,  # here and not in supervise.py: a Ctrl-C must not reach it while it starts
            )
        hello = _read_message(ours)
        if hello is None:
            ours.close()
            self._process.wait()
            raise AgentError("the supervisor did not start", hint=f"see what `{sys.executable} -I -S {program} 0` says")
        self._socket = ours
        self.pid = self._process.pid
        self.namespace, self.why = hello["namespace"], hello["why"]

    def _request(self, command: Command, bounds: Bounds, pipes: _Pipes) -> None:
        """Hand a command over, to a new supervisor if something killed the old one."""
        with self._mutex:
            try:
                socket.send_fds(self._socket, [b"+"], [pipes.theirs.fileno()])
            except (BrokenPipeError, ConnectionResetError):
                self._socket.close()
                self._process.wait()
                self._start()
                socket.send_fds(self._socket, [b"+"], [pipes.theirs.fileno()])
        pipes.theirs.close()
        limit = bounds.timeout + bounds.grace + _SPARE if bounds.timeout else 0
        confined = command.confined or Confined((), (), {})
        text = json.dumps(
            {
                "argv": [_as_utf8(word) for word in (*confined.argv, *command.argv)],
                "wrapped": command.confined is not None and command.confined.wraps,
                "limits": dict(confined.limits),
                "cwd": _as_utf8(str(command.cwd)),
                "env": {_as_utf8(name): _as_utf8(value) for name, value in command.env.items()},
                "hard_limit": limit,
            }
        )
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # then the report, or its absence, says why
            line = memoryview(text.encode() + b"\n")
            sent = socket.send_fds(pipes.control, [line[:1]], pipes.theirs_in_order)
            pipes.control.sendall(line[sent:])
        pipes.close_their_ends()


class _Pipes:
    """The descriptors of one attempt: our ends, and until they are handed over theirs."""

    def __init__(self, command: Command) -> None:
        stdin = command.stdin
        try:
            self.stdin = os.open(stdin or os.devnull, os.O_RDONLY)
        except OSError as error:
            raise explain_storage(stdin or Path("/dev/null"), "read", error) from error
        self.out, self.out_end = _new_pipe()
        self.err, self.err_end = _new_pipe()
        self.control, self.theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        inputs = command.confined.inputs if command.confined else ()
        self.theirs_in_order = [self.stdin, self.out_end, self.err_end, *map(_memory_file, inputs)]
        self._door = command.confined.door if command.confined else None
        if self._door is not None:
            self.theirs_in_order.append(self._door.open())
        self._their_ends = list(self.theirs_in_order)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close_their_ends()
        self.control.close()
        self.theirs.close()
        os.close(self.out)
        os.close(self.err)
        if self._door is not None:
            self._door.close()

    def close_their_ends(self) -> None:
        """Close what the agent has by now, so that a pipe ends when the agent closes it."""
        while self._their_ends:
            os.close(self._their_ends.pop())


def _new_pipe() -> tuple[int, int]:
    """A pipe whose reading end does not block, as large as the system allows up to 1 MiB."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        with contextlib.suppress(OSError):
            fcntl.fcntl(reading, fcntl.F_SETPIPE_SZ, MIB)
    return reading, writing


def _memory_file(content: bytes) -> int:
    """A descriptor that gives these bytes; Linux, as everything that confines."""
    fd = os.memfd_create("harness", os.MFD_CLOEXEC)
    os.write(fd, content)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def _as_utf8(text: str) -> str:
    """The same bytes for a supervisor that runs in UTF-8 mode, whatever our own locale is."""
    return os.fsencode(text).decode("utf-8", "surrogateescape")


def _read_message(channel: socket.socket) -> dict[str, Any] | None:
    """Wait for the one message that comes; None when the other side ended without it."""
    text = b""
    while not text.endswith(b"\n"):
        try:
            part = channel.recv(65536)
        except ConnectionResetError:
            return None
        if not part:
            return None
        text += part
    message: dict[str, Any] = json.loads(text)
    return message


# --- one attempt -------------------------------------------------------------------------------------------------


class _Attempt:
    """Watches one command: reads what it prints, asks the listener, and sends the word that ends it."""

    def __init__(
        self, bounds: Bounds, listener: Listener, pipes: _Pipes, out: KeptFile, err: KeptFile, wake_fds: Sequence[int]
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
                self.report = _read_message(self.pipes.control)
                return
            for fd in ready & self.wake_fds:
                self._quiet(fd)
            self._end_if_due()

    def finish(self) -> None:
        """Read what is still in the pipes, without waiting for a stray that holds them; close the files."""
        for fd in list(self.readers):
            left = _LAST_READ
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
            _read_message(self.pipes.control)

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
