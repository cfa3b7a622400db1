"""The real command under strace: killed at system calls, and system calls that fail; nothing lost, no false receipt.

    python tests/bench/bench_faults.py [--kills N] [--errors N] [--seed N]

Points are drawn at random from all calls of a whole run that touch its project: opening, writing, syncing, renaming,
removing, making folders, cutting, locking. After each the run is started again and its files are judged.
"""

from __future__ import annotations

import argparse
import random
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from bench_kill import WORKERS, kinds, new_folder, report
from killing import HARNESS, PATIENCE, Victim
from measure import Figure, show

CALLS = ("openat", "write", "fsync", "rename", "unlink", "mkdir", "ftruncate", "flock", "lseek")
ERRORS = ("ENOSPC", "EIO", "EROFS", "EMFILE", "EINTR", "EDQUOT")
Point = tuple[str, int, str]  # a call, which one of its kind, and what happens at it


def traced(*words: str) -> list[str]:
    """The command that runs harness under strace."""
    return ["strace", "-qq", "-e", "signal=none", *words, *HARNESS]


def find_points(happenings: Sequence[str], features: int) -> list[Point]:
    """Every call of a whole run that touches its project, with everything that can happen at it."""
    warm = Victim(new_folder("warm"), features=1)  # once before, so that every module is compiled
    report(warm, "warm", warm.finish())
    victim = Victim(new_folder("trace"), features=features)
    out = victim.root.parent / "trace"
    code = victim.start(traced("-o", str(out), "-y", "-e", f"trace={','.join(CALLS)}")).wait(PATIENCE)
    counted: Counter[str] = Counter()
    points = []
    for line in out.read_text("utf-8", "replace").splitlines():
        if (found := re.match(r"(\w+)\(", line)) is None:
            continue
        counted[found[1]] += 1
        if str(victim.root) in line:
            points += [(found[1], counted[found[1]], one) for one in happenings]
    assert code == 0 and points, f"the traced run ended with {code}"
    report(victim, "trace", victim.judge())
    return points


def trial(point: Point, features: int) -> list[str]:
    """A project whose first run meets its fault, then is started again and judged."""
    call, number, what = point
    victim = Victim(new_folder("fault"), features=features)
    happens = f"signal={what}" if what == "SIGKILL" else f"error={what}"
    line = traced("-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:{happens}:when={number}")
    try:
        code = victim.start(line).wait(PATIENCE)
        wrongs = [] if code != 0 else [f"it said 0 after {wrong}" for wrong in unfinished(victim)]
    except subprocess.TimeoutExpired:
        wrongs = ["the run under strace did not end"]
    wrongs += victim.finish()
    where = f"{call} {number} {what}"
    return [f"[{where}] {wrong}" for wrong in report(victim, where, wrongs + victim.judge())]


def unfinished(victim: Victim) -> list[str]:
    """The features that have no receipt."""
    return [f"{n} without its receipt" for n in range(victim.features) if not (victim.logs / f"f{n}.done").exists()]


def measure_points(name: str, happenings: Sequence[str], count: int, seed: int, features: int) -> list[Figure]:
    """So many points of a run with so many features, drawn at random."""
    points = find_points(happenings, features)
    chosen = random.Random(seed).sample(points, min(count, len(points)))
    with ThreadPoolExecutor(WORKERS) as pool:
        wrongs = [wrong for found in pool.map(lambda point: trial(point, features), chosen) for wrong in found]
    what = f"wrongs after {len(chosen)} of {len(points)} {name}, seed {seed}"
    return [Figure(what, "count", [len(wrongs)], 0, note=kinds(wrongs))]


def measure(*, kills: int = 1000, errors: int = 1500, seed: int = 1) -> list[Figure]:
    """Kills, then errors; nothing where there is no strace."""
    if shutil.which("strace") is None:
        return []
    figures = measure_points("kills at system calls", ("SIGKILL",), kills, seed, features=2) if kills else []
    return figures + (measure_points("failed system calls", ERRORS, errors, seed, features=1) if errors else [])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--errors", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    figures = measure(kills=given.kills, errors=given.errors, seed=given.seed)
    show(figures)
    sys.exit(any(figure.met is False for figure in figures))
