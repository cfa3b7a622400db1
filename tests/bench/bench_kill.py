"""kill -9 of harness: at 200 random moments, during a commit hook, and around every single change of the disk.

Nothing may be lost, done twice, torn or left alive; each wrong is one count, and the goal is 0 of them.

    python tests/bench/bench_kill.py [--seed N] [--kills N] [--no-steps] [--stride N]
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from killing import PATIENCE, Victim, kill_at_random, wait_for
from measure import Figure, show

WORKERS = 2
STEP_KILLER = (sys.executable, str(Path(__file__).with_name("step_killer.py")))
KILLS_EACH = 4  # of one project, before it may finish


def new_folder(name: str) -> Path:
    root = Path(tempfile.mkdtemp(prefix=f"bench-kill-{name}-")) / "project"
    root.mkdir()
    return root


def report(victim: Victim, name: str, wrongs: list[str]) -> list[str]:
    """Tell what is wrong, and keep the project for whoever looks into it; remove it when all is well."""
    if wrongs:
        print(f"{name}: {victim.root.parent}", file=sys.stderr)
        for wrong in wrongs:
            print(f"    {wrong}", file=sys.stderr, flush=True)
    else:
        shutil.rmtree(victim.root.parent, ignore_errors=True)
    return wrongs


def random_trial(seed: int) -> tuple[int, list[str]]:
    """One project, killed KILLS_EACH times, then finished and judged; its kills and its wrongs."""
    chance = random.Random(seed)
    victim = Victim(new_folder("random"), checks=chance.random() < 0.9)
    kill_at_random(victim, KILLS_EACH, chance)
    kills = victim.kills
    wrongs = victim.finish()
    return kills, report(victim, f"seed {seed}, {kills} kills", wrongs + victim.judge())


def random_kills(kills: int, seed: int) -> tuple[int, list[str]]:
    done, wrongs = 0, []
    with ThreadPoolExecutor(WORKERS) as pool:
        while done < kills:
            for each, wrong in pool.map(random_trial, range(seed, seed + 2 * WORKERS)):
                done += each
                wrongs += wrong
            seed += 2 * WORKERS
            print(f"\r{done} kills, {len(wrongs)} wrongs ", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return done, wrongs


def step_trial(step: int, when: str) -> list[str]:
    """A project of one feature, killed at one step of its run, then finished and judged."""
    victim = Victim(new_folder("step"), features=1)
    seen = victim.root.parent / "steps"
    harness = victim.start((*STEP_KILLER, str(step), when, "run"), STEP_KILLER_REPORT=str(seen))
    harness.wait(PATIENCE)
    where = seen.read_text("utf-8").strip() if seen.exists() else f"{step} {when}: not reached"
    wrongs = victim.finish()
    return [f"[{where}] {wrong}" for wrong in report(victim, where, wrongs + victim.judge())]


def count_steps() -> int:
    """How many changes of the disk a whole run of one feature makes."""
    victim = Victim(new_folder("count"), features=1)
    total = victim.root.parent / "total"
    harness = victim.start((*STEP_KILLER, "0", "before", "run"), STEP_KILLER_TOTAL=str(total))
    harness.wait(PATIENCE)
    steps = int(total.read_text("ascii"))
    report(victim, "count", victim.judge())
    return steps


def every_step(stride: int) -> tuple[int, list[str]]:
    steps = count_steps()
    moments = [(step, when) for step in range(1, steps + 1, stride) for when in ("before", "after")]
    with ThreadPoolExecutor(WORKERS) as pool:
        found = list(pool.map(lambda moment: step_trial(*moment), moments))
    return len(moments), [wrong for wrongs in found for wrong in wrongs]


def slow_hook() -> list[str]:
    """A run killed while its commit waits for a hook of 3 s: git goes on without it, and meets the next run."""
    victim = Victim(new_folder("hook"), features=1)
    hook, seen = victim.root / ".git" / "hooks" / "pre-commit", victim.root.parent / "hook"
    hook.write_text("#!/bin/sh\necho began >> ../hook\nsleep 3\n", "utf-8")
    hook.chmod(0o755)
    harness = victim.start()
    wait_for(seen.exists, harness)
    time.sleep(0.2)
    victim.kill(harness)
    return report(victim, "a slow hook", victim.finish() + victim.judge())


def kinds(wrongs: list[str]) -> str:
    """The wrongs counted by their first word."""
    count = Counter(wrong.rpartition("] ")[2].partition(":")[0] for wrong in wrongs)
    return ", ".join(f"{kind} {number}" for kind, number in count.most_common())


def measure(*, kills: int = 200, seed: int = 1, steps: bool = True, stride: int = 1) -> list[Figure]:
    began = time.monotonic()
    done, wrongs = random_kills(kills, seed)
    note = kinds(wrongs) or f"{time.monotonic() - began:.0f} s"
    figures = [Figure(f"wrongs after {done} random kills, seed {seed}", "count", [len(wrongs)], 0, note=note)]
    wrongs = slow_hook()
    figures.append(Figure("wrongs after a kill during a commit hook", "count", [len(wrongs)], 0, note=kinds(wrongs)))
    if steps:
        moments, wrongs = every_step(stride)
        figures.append(Figure(f"wrongs after kills at {moments} steps", "count", [len(wrongs)], 0, note=kinds(wrongs)))
    return figures


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--stride", type=int, default=1)
    parser.add_argument("--no-steps", action="store_true")
    given = parser.parse_args()
    figures = measure(kills=given.kills, seed=given.seed, steps=not given.no_steps, stride=given.stride)
    show(figures)
    sys.exit(any(figure.met is False for figure in figures))
