"""The standard streams of a person's command, whatever became of them: closed, full, or without a reader."""

from __future__ import annotations

import errno
import io
import os
import select
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer

_GONE = (errno.EPIPE, errno.EIO, errno.EBADF)  # no reader any more, a terminal that went away, not open for writing


class _Raw(io.FileIO):
    """Writes to a standard stream; what nobody can read any more changes nothing, and waits for a slow reader."""

    def __init__(self, fd: int, passes_over: tuple[int, ...]) -> None:
        super().__init__(fd, "w", closefd=False)
        self._passes_over = passes_over

    def write(self, data: Buffer) -> int:
        """Return how many bytes were taken; raises OSError for what is none of those passed over."""
        try:
            while (taken := super().write(data)) is None:  # a reader made it non-blocking, and is slow
                select.select([], [self], [])
        except OSError as error:
            if self._passes_over and error.errno not in self._passes_over:
                raise
            return len(memoryview(data).cast("B"))
        return taken


def open_streams() -> None:
    """Stand in for streams that are closed, or the next file opened would be one, and write through `_Raw`.

    Conversation on stderr is given up for any error; a document on stdout only where nobody reads it.
    """
    while (fd := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(fd)
    encoding = "utf-8" if sys.stdin is None else sys.stdin.encoding
    sys.stdin = open(0, encoding=encoding, errors="replace", closefd=False)
    sys.stdout = _writer(1, sys.stdout, _GONE)
    sys.stderr = _writer(2, sys.stderr, ())


def _writer(fd: int, old: TextIO | None, passes_over: tuple[int, ...]) -> io.TextIOWrapper:
    """Return a text stream on `fd` that writes what its encoding lacks as escapes."""
    raw = _Raw(fd, passes_over)
    encoding = "utf-8" if old is None else old.encoding
    buffered = io.BufferedWriter(raw)
    by_line = fd == 2 or raw.isatty()
    return io.TextIOWrapper(buffered, encoding, "backslashreplace", line_buffering=by_line)


def let_go_of_streams() -> None:
    """Flush both streams; one that cannot be is replaced, or the interpreter would end with 120."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
