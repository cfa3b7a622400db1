"""What a person asks while a run is on: HALT in the project's root or in logs/, Ctrl-C, a polite kill."""

from __future__ import annotations

import os
import select
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from enum import Enum
from pathlib import Path
from types import FrameType

from harness.domain.halt import HaltFile
from harness.domain.paths import Paths
from harness.records.halt_file import read_halt
from harness.system import files
from harness.system.retries import uninterrupted

POLL = 0.2  # seconds between looks at HALT where watching fails
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


GRACE = 1.0  # seconds between TERM and KILL for an attempt that must end now


class Ask(Enum):
    """What is asked for."""

    FINISH = "the attempt in flight may finish"
    NOW = "it ends at once"
    INTERRUPT = "a signal: it ends at once"


class Interrupts:
    """Watches for what a person asks; `wake_fd` becomes readable when something may have changed."""

    def __init__(self, paths: Paths) -> None:
        """Nothing is watched before `watching()`."""
        self._paths = paths
        self.wake_fd, self._wake = _pipe()
        self.tick: Callable[[], None] = lambda: None  # called at least each 200 ms while something is waited for
        self._signals = 0
        self._abandoned = False
        self._seen: HaltFile | None = None
        self._mutex = threading.Lock()
        self._stopped = threading.Event()

    @contextmanager
    def watching(self) -> Iterator[Interrupts]:
        """Take the signals and watch for HALT while the block runs."""
        heard = [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]  # nohup says so
        old = {number: signal.signal(number, self._on_signal) for number in heard}
        old_wakeup = signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        thread = threading.Thread(target=self._watch, name="halt-watch", daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._stopped.set()
            signal.set_wakeup_fd(old_wakeup)
            for number, handler in old.items():
                signal.signal(number, handler)
            os.close(self.wake_fd)  # the other end belongs to the thread, which ends within half a second

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._signals += 1

    @property
    def interrupted(self) -> bool:
        """Whether a signal asked us to end."""
        return self._signals > 0

    def abandon(self) -> None:
        """Ask all that works to end at once: the run cannot go on."""
        self._abandoned = True
        self._wake_up()

    def asked(self) -> Ask | None:
        """Say what is asked for at this moment; a signal wins over HALT."""
        if self._signals:
            return Ask.INTERRUPT
        if self._abandoned:
            return Ask.NOW
        request = self.halt()
        if request is None:
            return None
        return Ask.NOW if request.now else Ask.FINISH

    def halt(self) -> HaltFile | None:
        """Return the HALT that is present; one that was seen counts to the end of the run, whoever took it away.

        An agent could: HALT lies in the project.
        """
        present = read_halt(self._paths)
        if present is None:
            return None if self._seen is None else replace(self._seen, gone=True)
        if present.by_harness:
            return present
        with self._mutex:  # the watch and those who work ask too: a `now` that one has seen stays
            now = present.now or (self._seen is not None and self._seen.now)
            self._seen = replace(present, now=now)
            return self._seen

    def wait(self, seconds: float) -> None:
        """Wait so long, or until a person asks for something."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0 and self.asked() is None:
            self.tick()
            select.select([self.wake_fd], [], [], min(left, POLL))
            with suppress(BlockingIOError):
                os.read(self.wake_fd, 4096)

    def _watch(self) -> None:
        """Wake the loop when a HALT appears; where watching fails, its own look every 200 ms is enough."""
        try:
            from watchfiles import Change, watch

            def is_halt(change: Change, path: str) -> bool:
                return path.rpartition("/")[2] == "HALT"

            folders = {path.parent for path in self._paths.halts if files.is_dir(path.parent)}
            for changes in watch(
                *folders, watch_filter=is_halt, recursive=False, debounce=20, step=5, rust_timeout=500,
                stop_event=self._stopped, raise_interrupt=False, yield_on_timeout=False,
            ):  # fmt: skip
                made = [Path(path) for change, path in changes if change is not Change.deleted]
                if made and self.halt() is None:  # it was taken away faster than it could be read
                    self._seen = HaltFile(made[0], now=False)
                self._wake_up()
        except Exception:  # the watch is a convenience: without it the look every 200 ms remains
            self._stopped.wait()
        finally:
            os.close(self._wake)

    def _wake_up(self) -> None:
        with suppress(OSError):
            os.write(self._wake, b"\0")


def _pipe() -> tuple[int, int]:
    read, write = uninterrupted(os.pipe)
    os.set_blocking(read, False)
    os.set_blocking(write, False)
    return read, write
