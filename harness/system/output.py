"""Where a child's output goes: lines for a listener and bytes for a file, both with a cap."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from harness.domain.errors import StorageError, explain_storage
from harness.system.redact import LineRedactor, Redactor


class Lines:
    """Cuts a stream into lines, holding never more than one line of `cap` bytes."""

    def __init__(self, cap: int, hear: Callable[[bytes], None]) -> None:
        self.cap = cap
        self.hear = hear
        self.long = 0
        self._begun = bytearray()  # the line that has no end yet
        self._skipping = False  # inside a line that was cut and handed over already

    def feed(self, data: bytes) -> None:
        """Take the next bytes, and hand over every line that is whole."""
        first, newline, rest = data.partition(b"\n")
        self._grow(first)
        if not newline:
            return
        self._hand_over()
        *whole, begun = rest.split(b"\n")
        for line in whole:
            self.hear(line if len(line) <= self.cap else self._cut(line))
        self._grow(begun)

    def end(self) -> None:
        """Hand over a last line without a newline."""
        if self._begun:
            self._hand_over()

    def _grow(self, part: bytes) -> None:
        if self._skipping:
            return
        self._begun += part
        if len(self._begun) > self.cap:
            del self._begun[self.cap :]
            self.long += 1
            line, self._begun = bytes(self._begun), bytearray()  # a long line is held once, not three times
            self._skipping = True
            self.hear(line)

    def _cut(self, line: bytes) -> bytes:
        self.long += 1
        return line[: self.cap]

    def _hand_over(self) -> None:
        if not self._skipping:
            line, self._begun = bytes(self._begun), bytearray()
            self.hear(line)
        self._skipping = False


class KeptFile:
    """A file that keeps the first `cap` bytes of a stream, without secrets; made with the first line.

    A `path` of None keeps nothing.
    """

    def __init__(self, path: Path | None, cap: int, redactor: Redactor | None = None) -> None:
        self.path = path
        self.cap = cap
        self.bytes = 0
        self.dropped = 0
        self.problem: StorageError | None = None
        self._clean = None if redactor is None else LineRedactor(redactor)
        self._room = cap
        self._fd: int | None = None
        self._ends_line = True
        self._folder: int | None = None  # it may be closed to us before there is a first line
        if path is not None:
            with suppress(OSError):
                self._folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def write(self, data: bytes) -> None:
        """Keep what there is room for; a disk that refuses becomes `problem`, so that the tree can be ended first."""
        self.bytes += len(data)
        if self.path is None:
            return
        if self._clean is not None and self._room:  # what is beyond the cap is not worth a look
            data = self._clean.feed(data)
        self._keep(data)

    def _keep(self, data: bytes) -> None:
        kept = data[: self._room]
        self._room -= len(kept)
        self.dropped += len(data) - len(kept)
        if kept:
            self._append(kept)

    def end(self) -> None:
        """Write what was held back, and say on a line of its own what was dropped."""
        self.flush()
        if self.dropped:
            text = json.dumps({"type": "harness", "dropped_bytes": self.dropped}).encode()
            self._append((b"" if self._ends_line else b"\n") + text + b"\n")

    def flush(self) -> None:
        """Write what was held back: a last line without its newline."""
        if self._clean is not None and self.path is not None:
            self._keep(self._clean.end())

    def close(self) -> None:
        """Close the file."""
        self.flush()
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
        if self._folder is not None:
            os.close(self._folder)
            self._folder = None

    def _open(self, path: Path) -> int:
        # whatever an agent planted there: follow no link, wait for no reader of a fifo
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            path.parent.mkdir(parents=True, exist_ok=True)  # an agent's `git clean -fdx` takes logs/ away
            return os.open(path, flags, 0o644)
        except PermissionError:
            if self._folder is None:
                raise
            return os.open(path.name, flags, 0o644, dir_fd=self._folder)

    def _append(self, data: bytes) -> None:
        if self.problem is not None or self.path is None:
            return
        try:
            if self._fd is None:
                self._fd = self._open(self.path)
            left = memoryview(data)
            while left:
                left = left[os.write(self._fd, left) :]
            self._ends_line = data.endswith(b"\n")
        except OSError as error:
            self.problem = explain_storage(self.path, "write", error)
