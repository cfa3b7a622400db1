"""A helper: a program of ours in a sandbox (`inside.py`) that runs one command after the other there.

A sandbox costs more to begin and to end than a short command in it. But what lives on between commands can be used
again only while nothing but these commands ran beside it: what one of them started could wait there for the next, or
leave something in folders that only this sandbox sees. Each `Answer` tells what is needed to know that.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.system.capture import Captured
from harness.system.command import MIB, Command
from harness.system.pipes import LAST_READ, memory_file, new_pipe
from harness.system.process import Supervisor
from harness.system.retries import socket_pair

_ASK = 0.2  # seconds after which it is asked again whether to end
_GRACE = 1.0  # seconds between TERM and KILL
_SEND = 5.0  # seconds in which a helper has to take a request
_CHUNK = 256 * 1024  # bytes of one read
_LONGEST = 256 * MIB  # bytes of stdout; a command that says more is ended
_TAIL = 4096  # bytes of stderr that are kept
_REPORT = MIB  # bytes of a report; of a longer one nobody knows what it said
_PROGRAM = Path(__file__).with_name("inside.py")


def helper_line(*needed: Path) -> tuple[str, ...]:
    """Return the command line of a helper; files that its commands need are named, so that they are mounted."""
    return (sys.executable, "-I", "-S", "-X", "utf8", str(_PROGRAM), *map(str, needed))


class HelperLost(Exception):
    """The helper is of no use any more, and all of it is dead.

    `begun` says whether a command may have run, `again` whether a new helper may do better.
    """

    def __init__(self, why: str, *, begun: bool, again: bool = True) -> None:
        """`why` is what became of it, or its own last words."""
        super().__init__(why)
        self.begun, self.again = begun, again


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command came to; `report` is all that it wrote to descriptor 3, None where that is not known.

    `alone` says that no other process is left there, on the word of the helper: a program beside it could make it lie.
    """

    said: Captured
    report: bytes | None
    alone: bool


class Helper:
    """One helper, for one thread."""

    def __init__(self, supervisor: Supervisor, command: Command) -> None:
        """Start it; that it is ready is not waited for. Raises StorageError or AgentError when nothing can start."""
        self._channel, theirs = socket_pair()
        self._channel.settimeout(_SEND)
        try:
            self._running = supervisor.start(command, theirs.detach())
        except BaseException:
            self._channel.close()
            raise
        self._wake_fds = supervisor.wake_fds
        self._heard = b""
        self._ready = self._closed = False

    def run(
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        stdin: bytes,
        timeout: float,
        must_end: Callable[[], bool],
    ) -> Answer:
        """Run a command, its program named by its path, to its end. Raises HelperLost.

        After `timeout` seconds, or when `must_end` says so, the command is ended, and the helper with it.
        """
        if self._closed:
            raise HelperLost("it has ended", begun=False)
        with contextlib.closing(_Outputs()) as outputs:
            try:
                self._send(_encode(argv, cwd, env), stdin, outputs)
            except OSError as error:
                raise HelperLost(self.end() or str(error), begun=False, again=self._ready) from error
            words, timed_out = self._wait(outputs, time.monotonic() + timeout, must_end)
            has_ended = words[:1] == ["ended"]
            if timed_out or not has_ended:
                last = self.end()  # from here on nothing can write any more
                if not timed_out:
                    again = self._ready and words[:1] != ["failed"]
                    raise HelperLost(" ".join(words) or last, begun=self._ready and not words, again=again)
            whole = outputs.read_rest()
            code, alone = (int(words[1]), words[2] == "alone") if has_ended else (126, False)
            said = Captured(code, bytes(outputs.stdout), bytes(outputs.stderr), timed_out=timed_out)
            return Answer(said, bytes(outputs.report) if whole else None, alone and whole and not timed_out)

    def end(self) -> str:
        """Kill it and wait until all of it is dead; returns what it said on stderr."""
        self._running.end(0)
        said = self._running.wait()
        self.close()
        return said

    def close(self) -> None:
        """Let go of it: it is killed, and nobody waits for that."""
        if not self._closed:
            self._closed = True
            self._channel.close()
            self._running.close()

    def _send(self, request: bytes, stdin: bytes, outputs: _Outputs) -> None:
        source = memory_file(stdin) if stdin else os.open(os.devnull, os.O_RDONLY)
        try:
            sent = socket.send_fds(self._channel, [request], [source, *outputs.their_ends])
            self._channel.sendall(memoryview(request)[sent:])
        finally:
            os.close(source)
            outputs.close_their_ends()

    def _wait(self, outputs: _Outputs, deadline: float, must_end: Callable[[], bool]) -> tuple[list[str], bool]:
        """Read until the helper answers or is dead: the words of its answer, and whether it had to be ended."""
        ending, wake_fds, ask_at = False, set(self._wake_fds), time.monotonic() + _ASK
        while True:
            ready = _poll([self._channel.fileno(), self._running.ended_fd, *outputs.spoken, *wake_fds])
            for fd in ready & outputs.spoken or outputs.reported:
                outputs.read(fd)
            if self._channel.fileno() in ready and (words := self._hear()) is not None:
                return words, ending
            if self._running.ended_fd in ready:
                return [], ending
            for fd in ready & wake_fds:
                _drain(fd, wake_fds)
            now = time.monotonic()
            if ready.isdisjoint(wake_fds) and now < min(ask_at, deadline) and len(outputs.stdout) <= _LONGEST:
                continue
            ask_at = now + _ASK
            if not ending and (now >= deadline or len(outputs.stdout) > _LONGEST or must_end()):
                ending = True
                self._running.end(_GRACE)

    def _hear(self) -> list[str] | None:
        """Take what the helper says; returns the words of an answer, none of them where it has ended."""
        try:
            data = self._channel.recv(4096)
        except ConnectionResetError:  # it died with a request that it had not read
            data = b""
        if not data:
            return []
        self._heard += data
        while b"\n" in self._heard:
            line, _, self._heard = self._heard.partition(b"\n")
            words = line.decode("utf-8", "replace").split(" ")
            if words != ["ready"]:
                return words
            self._ready = True
        return None


class _Outputs:
    """What one command says: on stdout, on stderr, and in its report."""

    def __init__(self) -> None:
        out, out_end = new_pipe()
        err, err_end = new_pipe()
        # no pipe: who holds one end of that can open the other by /proc, and take back what was said
        self._socket, theirs = socket_pair()
        self._socket.setblocking(False)
        self.stdout, self.stderr, self.report = bytearray(), bytearray(), bytearray()
        self._cut = False
        self.readers: dict[int, bytearray] = {out: self.stdout, err: self.stderr, self._socket.fileno(): self.report}
        self._ours = [out, err]
        self.their_ends = [out_end, err_end, theirs.detach()]

    @property
    def spoken(self) -> set[int]:
        """What is worth waking up for while it runs."""
        return self.readers.keys() & set(self._ours)

    @property
    def reported(self) -> set[int]:
        """What comes in many small pieces, and is read in between so that nobody waits to write it."""
        return self.readers.keys() - set(self._ours)

    def read(self, fd: int) -> int:
        """Take what there is, up to a chunk; 0 when there is nothing, or no more to come."""
        kept = self.readers[fd]
        try:
            data = os.read(fd, _CHUNK)
        except BlockingIOError:
            return 0
        except ConnectionResetError:
            data = b""
        if not data:
            del self.readers[fd]
            return 0
        kept += data
        if kept is self.stderr:
            del kept[:-_TAIL]
        elif kept is self.report and len(kept) > _REPORT:
            self._cut = True
            kept.clear()
        return len(data)

    def read_rest(self) -> bool:
        """Read what is still there; False where somebody goes on, or the report was too long to be kept."""
        for fd in list(self.readers):
            left = LAST_READ
            while left > 0 and (size := self.read(fd)):
                left -= size
        return not self.readers and not self._cut

    def close_their_ends(self) -> None:
        """The command has them by now: of its outputs we shall see the end."""
        while self.their_ends:
            os.close(self.their_ends.pop())

    def close(self) -> None:
        """Close everything."""
        self.close_their_ends()
        for fd in self._ours:
            os.close(fd)
        self._socket.close()


def _encode(argv: Sequence[str], cwd: Path, env: Mapping[str, str]) -> bytes:
    """Return a request: its length, then fields between zero bytes."""
    fields = [str(cwd), str(len(argv)), *argv, *(f"{name}={value}" for name, value in env.items())]
    body = os.fsencode("\0".join(fields))
    return len(body).to_bytes(8, "big") + body


def _poll(fds: Sequence[int]) -> set[int]:
    poll = select.poll()
    for fd in fds:
        poll.register(fd, select.POLLIN)
    return {fd for fd, _ in poll.poll(_ASK * 1000 + 1)}


def _drain(fd: int, among: set[int]) -> None:
    """Empty a descriptor that only wakes; forget it when its other end is closed."""
    with contextlib.suppress(BlockingIOError):
        if not os.read(fd, 4096):
            among.discard(fd)
