"""Waiting for what must happen, never longer than needed, and failing when it does not."""

from __future__ import annotations

import os
import select
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

PATIENCE = 60  # seconds a test waits for what must happen before it fails: long, for the machine may be busy
HANGS = 2 * PATIENCE  # seconds after which a test that still waits is ended, and has failed


def until(true: Callable[[], object], what: str = "it never became true") -> Any:
    """Wait for something to become true, and return it."""
    deadline = time.monotonic() + PATIENCE
    while not (found := true()):
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.005)
    return found


def wait_until_ready(world: Any, run: Any) -> None:
    """Return when the agent has said, by a file, that it is up."""
    deadline = time.monotonic() + PATIENCE
    while not world.has("ready"):
        assert time.monotonic() < deadline and run.poll() is None, run.communicate()
        time.sleep(0.02)


def kill(process: subprocess.Popen[str]) -> None:
    """kill -9, and wait until it is gone."""
    process.kill()
    process.wait(PATIENCE)


class Leash:
    """A fifo that the agent's whole tree holds open: a line in it says that it works, its end that all are dead."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self.fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        self.code = f'exec 9> "{path}"; echo working >&9; '

    def read(self) -> bytes:
        """Wait for the next line; b"" when nobody holds the fifo any more."""
        ready, _, _ = select.select([self.fd], [], [], PATIENCE)
        assert ready, "waited in vain for the agent to begin, or to be dead"
        return os.read(self.fd, 100)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False
