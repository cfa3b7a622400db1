"""Child processes, treated as hostile: start, feed, watch, time out, kill the whole process tree.

Agents and checks run below `supervise.py`; short trusted commands such as git run in `capture`.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from harness.domain.errors import AgentError
from harness.domain.reply import Exit
from harness.system.command import Bounds, Command, Confined, Listener
from harness.system.output import KeptFile
from harness.system.pipes import Pipes, as_utf8, read_message
from harness.system.redact import Redactor
from harness.system.retries import socket_pair, uninterrupted
from harness.system.watch import SPARE, Watch

# As a module and not as a script, or it would be compiled at every start; its folder is the last to be looked in.
_SUPERVISE = "import sys; sys.path.append(sys.argv[1]); import supervise; supervise.main(*sys.argv[2:])"
_FROM_ENVIRONMENT = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")  # all that python may need to start


# --- the supervisor, seen from here ------------------------------------------------------------------------------


class Supervisor:
    """Runs commands so that nothing of them survives: not their end, not a timeout, not a kill -9 of harness.

    `lock_fd` is kept open by the supervisor until everything is dead. `wake_fds` are descriptors (made non-blocking)
    that make a running attempt ask its listener when they become readable. `namespace` is `auto` or `off`; as
    attributes, `namespace` says whether attempts run in a pid namespace and `why` why not; `pid` is the supervisor's.
    The file `ended` gets the moment when harness is gone. May be used from several threads.
    """

    def __init__(
        self,
        *,
        lock_fd: int | None = None,
        ended: Path | None = None,
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
        self._ended = ended
        self.wake_fds = tuple(wake_fds)
        for fd in self.wake_fds:
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
        with contextlib.closing(out), contextlib.closing(err), Pipes(command) as pipes:
            attempt = Watch(bounds, listener, pipes, out, err, self.wake_fds)
            try:
                self._request(command, bounds, pipes)
                attempt.watch()
            except BaseException:
                attempt.abandon()
                raise
            attempt.finish()
            return attempt.judge()

    def start(self, command: Command, channel: int) -> Running:
        """Start a command that goes on until it is ended; `channel`, which is taken over, is its stdin."""
        pipes = Pipes(command, channel)
        try:
            self._request(command, Bounds(), pipes)
        except BaseException:
            pipes.close()
            raise
        return Running(pipes)

    def close(self) -> None:
        """End every attempt and the supervisor; waits up to 10 s, after which it goes on without us."""
        with self._mutex:
            self._socket.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(10)

    def _start(self) -> None:
        ours, theirs = socket_pair()
        program = [sys.executable, "-I", "-S", "-X", "utf8", "-c", _SUPERVISE, str(Path(__file__).parent)]
        with theirs:
            self._process = uninterrupted(
                lambda: subprocess.Popen(
                    [*program, str(theirs.fileno()), self._word, str(self._ended or "")],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    pass_fds=[theirs.fileno(), *([] if self._lock_fd is None else [self._lock_fd])],
                    env={name: os.environ[name] for name in _FROM_ENVIRONMENT if name in os.environ},
                    start_new_session=True,  # here and not in supervise.py: a Ctrl-C must not reach it while it starts
                )
            )
        hello = read_message(ours)
        if hello is None:
            ours.close()
            self._process.wait()
            raise AgentError("the supervisor did not start", hint=f"see what `{shlex.join(program)} 0 auto` says")
        self._socket = ours
        self.pid = self._process.pid
        self.namespace, self.why = hello["namespace"], hello["why"]

    def _request(self, command: Command, bounds: Bounds, pipes: Pipes) -> None:
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
        limit = bounds.timeout + bounds.grace + SPARE if bounds.timeout else 0
        confined = command.confined or Confined((), (), {})
        text = json.dumps(
            {
                "argv": [as_utf8(word) for word in (*confined.argv, *command.argv)],
                "wrapped": command.confined is not None and command.confined.wraps,
                "limits": dict(confined.limits),
                "cwd": as_utf8(str(command.cwd)),
                "env": {as_utf8(name): as_utf8(value) for name, value in command.env.items()},
                "hard_limit": limit,
            }
        )
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # then the report, or its absence, says why
            line = memoryview(text.encode() + b"\n")
            sent = socket.send_fds(pipes.control, [line[:1]], pipes.theirs_in_order)
            pipes.control.sendall(line[sent:])
        pipes.close_their_ends()


class Running:
    """A command that goes on until it is ended; its words on stderr are kept in a pipe, up to what that holds."""

    def __init__(self, pipes: Pipes) -> None:
        """`pipes` are its own from now on."""
        self._pipes = pipes
        self.ended_fd = pipes.control.fileno()  # readable when its whole tree is dead

    def end(self, grace: float) -> None:
        """Ask it to end: a TERM now, and after `grace` seconds the end of its whole tree."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._pipes.control.sendall(json.dumps({"op": "end", "grace": grace}).encode() + b"\n")

    def wait(self) -> str:
        """Wait until its whole tree is dead; returns what it said on stderr, or why it did not start."""
        report = read_message(self._pipes.control) or {}
        said = b""
        with contextlib.suppress(BlockingIOError):
            said = os.read(self._pipes.err, 65536)
        return str(report.get("error") or said.decode("utf-8", "replace"))

    def close(self) -> None:
        """Let go of it: where it is still alive, its whole tree is killed, and nobody waits for that."""
        self._pipes.close()
