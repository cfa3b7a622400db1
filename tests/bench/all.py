"""Every bench in one run and one table: what it was measured on, each figure, its goal, and whether it is met.

    python tests/bench/all.py [--quick]

`--quick` makes kills, errors, cuts and races few. Takes about an hour, with `--quick` some six minutes.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable

import bench_api
import bench_commands
import bench_damage
import bench_faults
import bench_findings
import bench_flood
import bench_git
import bench_halt
import bench_iteration
import bench_kill
import bench_lock
import bench_log
import bench_orphans
import bench_own_time
import bench_power
from measure import Figure, fsync_cost, main


def measure(*, quick: bool) -> list[Figure]:
    """The figures of every bench, in the order of the goals."""
    benches: list[tuple[str, Callable[[], list[Figure]]]] = [
        ("disk", lambda: [fsync_cost()]),
        ("iteration", bench_iteration.measure),
        ("own time", lambda: bench_own_time.measure(2 if quick else 5)),
        ("commands", bench_commands.measure),
        ("log", bench_log.measure),
        ("findings", bench_findings.measure),
        ("halt", bench_halt.measure),
        ("api", bench_api.measure),
        ("damage", lambda: bench_damage.measure(**({"journals": 9_000, "texts": 10_000} if quick else {}))),
        ("lock", lambda: bench_lock.measure(100 if quick else 1_000)),
        ("git", lambda: bench_git.measure(**({"vectors": bench_git.VECTORS[:6]} if quick else {}))),
        ("flood", lambda: bench_flood.measure(0.1 if quick else 1.0)),
        ("orphans", lambda: bench_orphans.measure(**({"repeats": 2, "races": 30} if quick else {}))),
        ("power", lambda: bench_power.measure(10 if quick else 100)),
        ("faults", lambda: bench_faults.measure(**({"kills": 20, "errors": 30} if quick else {}))),
        ("kill", lambda: bench_kill.measure(kills=20 if quick else 200, steps=not quick)),
    ]
    figures: list[Figure] = []
    for name, bench in benches:
        print(f"{name} (load {os.getloadavg()[0]:.1f}) ...", file=sys.stderr, flush=True)
        figures += bench()
    return figures


if __name__ == "__main__":
    print(f"python {platform.python_version()}, {platform.system()} {platform.release()}, {os.cpu_count()} cpus")
    print(f"load before: {', '.join(f'{load:.1f}' for load in os.getloadavg())}", flush=True)
    found = measure(quick="--quick" in sys.argv)
    print(f"load after: {', '.join(f'{load:.1f}' for load in os.getloadavg())}\n")
    main(found)
