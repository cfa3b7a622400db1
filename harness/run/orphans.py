"""What a dead run left behind: processes that carry its id in their environment. Linux; elsewhere nothing is found."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Collection
from pathlib import Path

RUN_ID = "HARNESS_RUN_ID"


def kill_orphans(run_ids: Collection[str]) -> int:
    """Kill our own user's processes that carry HARNESS_RUN_ID=<one of run_ids>; returns how many were killed.

    Goes on until three looks in a row found none. Knows only Linux; returns 0 elsewhere. A process that cleaned its
    environment is not found: this is the net below the supervisor, not the supervisor.
    """
    wanted = {f"{RUN_ID}={run_id}".encode() for run_id in run_ids}
    killed, clean = set[int](), 0
    while wanted and sys.platform == "linux" and clean < 3:
        found = _kill_carriers(wanted)
        killed |= found
        clean = 0 if found else clean + 1
    return len(killed)


def _kill_carriers(wanted: Collection[bytes]) -> set[int]:
    """Look at every process until /proc shows none that we have not seen: one that forks and dies is not missed.

    Never ourselves or who started us. Newest first: it may be gone a moment later.
    """
    seen = {os.getpid(), os.getppid()}
    found = set[int]()
    while fresh := {int(name) for name in os.listdir("/proc") if name.isdecimal()} - seen:  # noqa: PTH208  1 ms less
        for pid in sorted(fresh, reverse=True):
            if _carries(pid, wanted):
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
                    found.add(pid)
        seen |= fresh
    return found


def _carries(pid: int, wanted: Collection[bytes]) -> bool:
    """Whether a living process of our own user has one of these variables; a zombie's environment is empty."""
    folder = Path(f"/proc/{pid}")
    try:
        ours = folder.stat().st_uid == os.geteuid()
        return ours and not set(wanted).isdisjoint((folder / "environ").read_bytes().split(b"\0"))
    except OSError:
        return False
