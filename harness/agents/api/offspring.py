"""Everything that one process started, found in /proc and ended. Without /proc: its process group alone."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

_LOOK_AGAIN = 0.01  # seconds between two looks at who is still there
_PATIENCE = 5.0  # seconds for SIGKILL to do its work: a process in a dead network file system does not die


@dataclass(frozen=True, slots=True)
class _Process:
    """What /proc/PID/stat says; `began` tells a process from a later one with the same number."""

    parent: int
    group: int
    session: int
    began: int
    dead: bool


class ProcessTree:
    """A session leader and all below it: its session, its descendants, and who carries `mark` in the environment.

    Remembers whom it saw, so that an orphan stays known. The leader must not have been reaped yet: until then no
    other process can have its number. What left the session, lost its parent and cleaned its environment between
    two looks is not found; that is left to the supervisor.
    """

    def __init__(self, leader: int, mark: str) -> None:
        """`mark` is `NAME=value` as the leader has it in its environment."""
        self.leader = leader
        self._mark = mark.encode()
        self._seen: dict[int, int] = {}  # process -> when it began
        self._strangers: dict[int, int] = {}

    async def end(self, grace: float) -> None:
        """SIGTERM, up to `grace` seconds, SIGKILL; after a cancellation SIGKILL at once. All are dead afterwards."""
        try:
            self._send(signal.SIGTERM, signal.SIGCONT)  # one that is stopped hears the first after the second
            until = time.monotonic() + grace
            while self.living() and time.monotonic() < until:
                await asyncio.sleep(_LOOK_AGAIN)
        finally:
            self.kill()

    def kill(self) -> None:
        """SIGKILL until nobody is left, at most five seconds; blocks for the few milliseconds that this takes."""
        until = time.monotonic() + _PATIENCE
        self._send(signal.SIGKILL)
        while self.living() and time.monotonic() < until:
            self._send(signal.SIGKILL)
            time.sleep(0.002)

    def living(self) -> set[int]:
        """The process ids of those who are not dead yet."""
        table = _read_processes()
        if not table:
            return {self.leader} if _exists(self.leader) else set()
        for pid, process in table.items():
            if self.leader in (pid, process.session, process.group) or self._carries_mark(pid, process):
                self._seen[pid] = process.began
        self._add_children(table)
        self._seen = {pid: began for pid, began in self._seen.items() if pid in table and table[pid].began == began}
        return {pid for pid in self._seen if not table[pid].dead}

    def _send(self, *signals: signal.Signals) -> None:
        pids = self.living()
        for number in signals:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.leader, number)  # at once, so that nobody forks away meanwhile
            for pid in pids:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, number)

    def _add_children(self, table: dict[int, _Process]) -> None:
        grown = True
        while grown:
            new = {pid: one.began for pid, one in table.items() if one.parent in self._seen and pid not in self._seen}
            self._seen |= new
            grown = bool(new)

    def _carries_mark(self, pid: int, process: _Process) -> bool:
        """Whether the environment says so; a stranger is asked once."""
        if pid in self._seen or self._strangers.get(pid) == process.began:
            return False
        with contextlib.suppress(OSError):
            if self._mark in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
                return True
        self._strangers[pid] = process.began
        return False


def _read_processes() -> dict[int, _Process]:
    """All processes; empty where there is no /proc."""
    table = {}
    with contextlib.suppress(OSError):
        for name in os.listdir("/proc"):  # noqa: PTH208 - this is on the way of every end
            if name.isdecimal() and (process := _read_process(name)):
                table[int(name)] = process
    return table


def _read_process(name: str) -> _Process | None:
    try:
        raw = Path(f"/proc/{name}/stat").read_bytes()
    except OSError:
        return None
    words = raw[raw.rindex(b")") + 1 :].split()  # the name before it may hold anything
    return _Process(int(words[1]), int(words[2]), int(words[3]), int(words[19]), words[0] in (b"Z", b"X"))


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
