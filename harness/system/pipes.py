"""The pipes to and from a child, and the messages of the supervisor."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import socket
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from harness.domain.errors import explain_storage
from harness.system.command import MIB, Command
from harness.system.retries import socket_pair, uninterrupted

LAST_READ = 16 * MIB  # bytes read after the tree is dead: more than a pipe holds, less than a stranger can delay us


class Pipes:
    """The descriptors of one attempt: our ends, and until they are handed over theirs."""

    def __init__(self, command: Command, channel: int | None = None) -> None:
        """`channel` is a descriptor that it gets as its stdin instead of a file; it is taken over."""
        stdin = command.stdin
        try:
            self.stdin = os.open(stdin or os.devnull, os.O_RDONLY) if channel is None else channel
        except OSError as error:
            raise explain_storage(stdin or Path("/dev/null"), "read", error) from error
        self.out, self.out_end = new_sealed_pipe() if command.sealed else new_pipe()
        self.err, self.err_end = new_pipe()
        self.control, self.theirs = socket_pair()
        inputs = command.confined.inputs if command.confined else ()
        self.theirs_in_order = [self.stdin, self.out_end, self.err_end, *map(memory_file, inputs)]
        self._door = command.confined.door if command.confined else None
        if self._door is not None:
            self.theirs_in_order.append(self._door.open())
        self._their_ends = list(self.theirs_in_order)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close every end that is ours or still with us."""
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


def new_pipe() -> tuple[int, int]:
    """A pipe whose reading end does not block, as large as the system allows up to 1 MiB."""
    reading, writing = uninterrupted(os.pipe)
    os.set_blocking(reading, False)
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        with contextlib.suppress(OSError):
            fcntl.fcntl(reading, fcntl.F_SETPIPE_SZ, MIB)
    return reading, writing


def new_sealed_pipe() -> tuple[int, int]:
    """A pipe whose reading end does not block, and whose writing end only who inherits it can write to.

    It is a socket: the path of its descriptor, `/proc/PID/fd/N`, cannot be opened (proc_pid_fd(5): ENXIO), while that
    of a pipe gives anybody of the same user a writing end.
    """
    reading, writing = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    with contextlib.suppress(OSError):
        writing.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, MIB)
    reading.shutdown(socket.SHUT_WR)
    reading.setblocking(False)
    return reading.detach(), writing.detach()


def memory_file(content: bytes) -> int:
    """A descriptor that gives these bytes, all of them; Linux, as everything that confines.

    Where no file may be as long (`ulimit -f`), it is a pipe. Raises StorageError where that is too short, too.
    """
    fd = uninterrupted(lambda: os.memfd_create("harness", os.MFD_CLOEXEC))
    with contextlib.suppress(OSError):
        if os.write(fd, content) == len(content):
            os.lseek(fd, 0, os.SEEK_SET)
            return fd
    os.close(fd)
    reading, writing = os.pipe2(os.O_CLOEXEC)
    os.set_blocking(writing, False)
    written = os.write(writing, content)
    os.close(writing)
    if written < len(content):
        os.close(reading)
        too_long = OSError(errno.EFBIG, os.strerror(errno.EFBIG))
        raise explain_storage(Path("/dev/fd"), "hand the sandbox its arguments in", too_long)
    return reading


def as_utf8(text: str) -> str:
    """The same bytes for a supervisor that runs in UTF-8 mode, whatever our own locale is."""
    return os.fsencode(text).decode("utf-8", "surrogateescape")


def read_message(channel: socket.socket) -> dict[str, Any] | None:
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
