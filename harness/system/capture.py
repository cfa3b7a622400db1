"""Short trusted commands, git above all: run to their end, bounded in time and output. No shell, no supervisor.

And a trusted helper that is held for a while (`hold`): it ends when harness does.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.domain.errors import OUT_OF_ORDER, explain_storage
from harness.system.interruptions import held
from harness.system.retries import uninterrupted

MIB = 1 << 20
_CHUNK = 256 * 1024  # bytes of one read
_ASK = 0.2  # seconds after which it is asked again whether to stop


@dataclass(frozen=True, slots=True)
class Captured:
    """What a short command gave back: 127 when there is no such program, 126 when it cannot be run."""

    code: int
    stdout: bytes
    stderr: bytes
    timed_out: bool = False
    truncated: bool = False  # one of its outputs was longer than the cap


def capture(
    argv: Sequence[str | Path],
    *,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    timeout: float = 10.0,
    stdin: bytes = b"",
    cap: int = 16 * MIB,
    stop: Callable[[], bool] | None = None,
    take: Callable[[bytes], object] | None = None,
) -> Captured:
    """Run a short trusted command, without a shell, in a session of its own; keeps `cap` bytes of each output.

    Where something is to `take` stdout as it comes, that many bytes of it are given there, and none are kept.

    After `timeout` seconds, or when `stop` says so, its process group is killed: it timed out. What it leaves running
    after its end is not waited for. Raises StorageError when the machine is too ill to start it.
    """
    with contextlib.ExitStack() as stack:
        try:
            given = subprocess.PIPE if stdin else subprocess.DEVNULL
            process = _start(stack, argv, cwd=cwd, env=env, stdin=given, stdout=subprocess.PIPE)
        except OSError as error:
            if error.errno in OUT_OF_ORDER:
                raise explain_storage(Path(argv[0]), "start", error) from error
            code = 127 if isinstance(error, FileNotFoundError) else 126
            return Captured(code, b"", f"cannot start `{argv[0]}`: {error.strerror}".encode())
        return _Capture(process, stdin, cap, stop, take).until(time.monotonic() + timeout)


def _start(
    stack: contextlib.ExitStack,
    argv: Sequence[str | Path],
    *,
    cwd: Path,
    env: Mapping[str, str] | None,
    stdin: int,
    stdout: int,
) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own, which the stack ends if it still runs. Raises OSError."""
    with held():
        process = uninterrupted(
            lambda: subprocess.Popen(
                argv, cwd=cwd, env=env, stdin=stdin, stdout=stdout, stderr=subprocess.PIPE,
                bufsize=0, start_new_session=True,
            )
        )  # fmt: skip
        stack.enter_context(process)
        stack.callback(_end, process)
    return process


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        _kill_group(process)


def find_program(name: str, environ: Mapping[str, str], *written: Path) -> str:
    """Return where a trusted program is, "" when there is none: folders that agents may write are not looked into.

    What an agent put there (an activated `.venv/bin`, `node_modules/.bin`) would be run by us, outside any sandbox.
    """
    return shutil.which(name, path=path_outside(environ.get("PATH", os.defpath), *written)) or ""


def path_outside(path: str, *written: Path) -> str:
    """Return a PATH without the folders that agents may write: those that lie in the project, and `sandbox_write`."""
    folders, places = [entry for entry in path.split(os.pathsep) if entry.startswith("/")], _real(written)
    return os.pathsep.join(entry for entry in folders if not _lies_in(entry, places))


def is_in(path: str, *folders: Path) -> bool:
    """Whether a path lies in one of the folders, as it is written or where its links lead."""
    return _lies_in(path, _real(folders))


def _real(folders: Sequence[Path]) -> list[str]:
    """Where folders are, each with a slash behind it."""
    return [os.path.realpath(folder).rstrip("/") + "/" for folder in folders]


def _lies_in(path: str, places: Sequence[str]) -> bool:
    return any(f"{one}/".startswith(place) for one in (str(Path(path)), os.path.realpath(path)) for place in places)


@dataclass(frozen=True, slots=True)
class HelperEnd:
    """How a helper ended before its time: its name, its exit code, and what it said on stderr."""

    name: str
    code: int
    stderr: bytes


class Held:
    """A helper that runs beside us."""

    def __init__(self, name: str, process: subprocess.Popen[bytes] | None, error: str = "") -> None:
        """`process` is None when it could not be started; `error` then says why."""
        self._name, self._process, self._error = name, process, error

    def ended(self) -> HelperEnd | None:
        """Return how it ended; None while it runs."""
        if self._process is None:
            return HelperEnd(self._name, 127, self._error.encode())
        if self._process.poll() is None:
            return None
        assert self._process.stderr is not None
        try:
            said = os.read(self._process.stderr.fileno(), 4096)
        except BlockingIOError:
            said = b""
        return HelperEnd(self._name, self._process.returncode, said)


@contextlib.contextmanager
def hold(argv: Sequence[str], *, cwd: Path, env: Mapping[str, str] | None = None) -> Iterator[Held]:
    """Run a trusted helper while the block runs, then end it and what belongs to its process group.

    Its stdin is a pipe that ends with this process, also when that is killed: a helper that reads it ends then.
    """
    name = os.path.basename(argv[0])  # noqa: PTH119
    with contextlib.ExitStack() as stack:
        try:
            process = _start(stack, argv, cwd=cwd, env=env, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        except OSError as error:
            yield Held(name, None, error.strerror or str(error))
            return
        assert process.stderr is not None
        os.set_blocking(process.stderr.fileno(), False)
        yield Held(name, process)


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()


class _Capture:
    """Feeds a short command and collects what it prints."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        stdin: bytes,
        cap: int,
        stop: Callable[[], bool] | None,
        take: Callable[[bytes], object] | None,
    ) -> None:
        assert process.stdout is not None and process.stderr is not None
        self.stop = stop
        self.process = process
        self.left = memoryview(stdin)
        self.truncated = False
        self.out, self.err = process.stdout.fileno(), process.stderr.fileno()
        self.kept = {self.out: bytearray(), self.err: bytearray()}
        self.take: dict[int, Callable[[bytes], object]] = {fd: kept.extend for fd, kept in self.kept.items()}
        self.take |= {} if take is None else {self.out: take}
        self.room = {self.out: cap, self.err: cap}
        self.open = {self.out, self.err}
        self.exit_fd = open_pidfd(process.pid)
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                os.set_blocking(pipe.fileno(), False)

    def until(self, deadline: float) -> Captured:
        """Go on until it has ended, or the deadline."""
        ask_at = time.monotonic() + _ASK
        try:
            while self.process.poll() is None and (now := time.monotonic()) < deadline:
                if self.stop is not None and now >= ask_at:
                    if self.stop():
                        break
                    ask_at = now + _ASK
                self._step(deadline if self.stop is None else min(deadline, ask_at))
        finally:
            if self.exit_fd is not None:
                os.close(self.exit_fd)
        timed_out = self.process.poll() is None
        if timed_out:
            _kill_group(self.process)
        for fd in list(self.open):
            while self._read(fd):
                pass
        stdout, stderr = bytes(self.kept[self.out]), bytes(self.kept[self.err])
        return Captured(self.process.returncode, stdout, stderr, timed_out=timed_out, truncated=self.truncated)

    def _step(self, deadline: float) -> None:
        poll = select.poll()
        for fd in self.open if self.exit_fd is None else {*self.open, self.exit_fd}:
            poll.register(fd, select.POLLIN)
        if self.process.stdin is not None and not self.process.stdin.closed:
            poll.register(self.process.stdin.fileno(), select.POLLOUT)
        seconds = deadline - time.monotonic() if self.exit_fd is not None else 0.01  # without it, look again and again
        for fd, _ in poll.poll(max(0.0, seconds) * 1000 + 1):
            if fd in self.open:
                self._read(fd)
            elif fd != self.exit_fd:
                self._write()

    def _read(self, fd: int) -> bool:
        try:
            data = os.read(fd, _CHUNK)
        except BlockingIOError:
            return False
        if not data:
            self.open.discard(fd)
            return False
        self.truncated |= len(data) > self.room[fd]
        taken = data[: self.room[fd]]
        self.room[fd] -= len(taken)
        self.take[fd](taken)
        return True

    def _write(self) -> None:
        assert self.process.stdin is not None
        try:
            self.left = self.left[os.write(self.process.stdin.fileno(), self.left[:65536]) :]
        except BlockingIOError:
            return
        except BrokenPipeError:
            self.left = self.left[:0]
        if not self.left:
            self.process.stdin.close()


def open_pidfd(pid: int) -> int | None:
    """A descriptor that becomes readable when the process ends; None where the system has none."""
    if sys.platform != "linux":
        return None
    try:
        return os.pidfd_open(pid)
    except OSError:
        return None
