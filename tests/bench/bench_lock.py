"""Races for the lock of a project: contenders start at once, holders are killed with KILL, and never are two inside.

python tests/bench/bench_lock.py [--races N]
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import struct
import sys
import tempfile
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from measure import Figure, show

import harness.records.run_lock
from harness.domain.errors import HarnessError
from harness.records.run_lock import hold_lock

CONTENDERS = 3
LONGEST = 0.02  # seconds that a holder stays inside, or lives


@dataclass(slots=True)
class Stay:
    """When a contender was inside, on the clock that all processes share; `until` is when it left or was killed."""

    since: float
    until: float


def contend(folder: Path, pipe: int, stay: float) -> None:
    """Take the lock if it is free, say since when, stay, leave; never returns."""
    try:
        lock = hold_lock(folder / ".lock", folder)
        os.write(pipe, struct.pack("d", time.monotonic()))
        time.sleep(stay)
        os.write(pipe, struct.pack("d", time.monotonic()))
        lock.close()
    except HarnessError:
        pass
    os._exit(0)


def race(folder: Path, chance: random.Random) -> list[Stay]:
    """Start all contenders at once and kill one of them at some moment; give back who was inside when."""
    started: dict[int, int] = {}
    for _ in range(CONTENDERS):
        read, write = os.pipe()
        stay = chance.uniform(0, LONGEST)
        if (pid := os.fork()) == 0:
            os.close(read)
            contend(folder, write, stay)
        os.close(write)
        started[pid] = read
    victim = chance.choice(list(started))
    time.sleep(chance.uniform(0, LONGEST))
    killed = time.monotonic()
    os.kill(victim, signal.SIGKILL)
    stays = []
    for pid, pipe in started.items():
        os.waitpid(pid, 0)
        told = os.read(pipe, 64)
        os.close(pipe)
        moments = struct.unpack(f"{len(told) // 8}d", told)
        if moments:
            stays.append(Stay(moments[0], moments[1] if len(moments) > 1 else killed))
    return stays


def overlaps(stays: list[Stay]) -> int:
    """How many pairs were inside at one time."""
    ordered = sorted(stays, key=lambda stay: stay.since)
    return sum(later.since < earlier.until for earlier, later in pairwise(ordered))


def measure(races: int = 1000, seed: int = 1) -> list[Figure]:
    """So many races in one folder, one after the other."""
    chance, wrongs, inside = random.Random(seed), 0, 0
    harness.records.run_lock.PATIENCE = harness.records.run_lock.DYING = 0.0  # here nobody waits for a supervisor
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        for _ in range(races):
            stays = race(Path(name), chance)
            wrongs, inside = wrongs + overlaps(stays), inside + len(stays)
    note = f"{inside} times somebody was inside"
    return [Figure(f"two at once in {races} races of {CONTENDERS}, seed {seed}", "count", [wrongs], 0, note=note)]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--races", type=int, default=1000)
    figures = measure(parser.parse_args().races)
    show(figures)
    sys.exit(any(figure.met is False for figure in figures))
