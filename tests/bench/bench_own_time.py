"""The runner's own time for a feature, beside that of a bash loop that does what harness descends from.

    python tests/bench/bench_own_time.py [--rounds N] [--specs N] [--other PYTHON]

Each round runs the loop and harness, without a sandbox and in the default one, one after the other over projects that
are alike: so many specs, `commit: done`, an agent of a few lines of shell, which does all of the work in one attempt.
The whole run is shared out among its features, start-up included. A shared machine tells lies about seconds: see the
medians, the ratio to the loop of the same round, and the CPU (user and system, of all that ran). `--other` names the
Python of another checkout, measured in the same rounds. Then what a run needs to start: from the command to the first
word of its first agent. Modules are compiled once before anything is measured, as those of an installed package are.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from measure import HARNESS, Figure, Project, environ, project, show

AGENT = """
done=$(grep -om1 '/[^ ]*\\.done')
logs=${done%/*} slug=${done##*/} slug=${slug%.done}
[ -e began ] || : > began
echo "made by $slug" > "code/$slug.txt"
echo "- wrote code/$slug.txt, which is what the spec asks for" >> "$logs/$slug.log"
echo "all of it, and it works" > "$done"
"""
LOOP = """
for spec in specs/*/spec.md; do
    slug=$(basename "$(dirname "$spec")")
    done=$PWD/logs/$slug.done log=$PWD/logs/$slug.log
    [ -e HALT ] && exit 3
    [ -e "$done" ] && continue
    touch "$log" logs/learnings.md
    {
        cat "$spec"
        printf 'Append to %s, write %s when it is done.\\n' "$log" "$done"
        tail -n 200 logs/learnings.md
        tail -n 200 "$log"
    } > logs/prompt.md
    timeout 30m "$@" < logs/prompt.md > "logs/$slug.out" 2>&1
    if grep -q '^BLOCKED:' "$log"; then touch HALT; exit 4; fi
    if [ -e "$done" ]; then git add --all && git commit -qm "$slug: done"; fi
done
"""
GOALS = {"none": 40.0, "auto": 70.0}
STARTS = {100: 0.6, 1000: 1.2}


@contextmanager
def alike(specs: int) -> Iterator[tuple[Project, tuple[str, ...]]]:
    """A project with a repository, and the agent's command line; the index is no younger than its files."""
    with project() as made:
        made.specs(specs)
        (made.root / "code").mkdir()
        (made.root / ".gitignore").write_text("logs/\nbegan\n", "utf-8")
        (made.root / "logs").mkdir()
        agent = made.root.parent / "agent.sh"
        agent.write_text(AGENT, "utf-8")
        made.config(
            f"agent: command\ncommand: [/bin/sh, {agent}]\npause: 0\ncommit: done\nmax_iterations: {specs * 2}\n"
        )
        made.repository()
        yield made, ("/bin/sh", str(agent))


COMPILED = tempfile.TemporaryDirectory(prefix="bench-compiled-")


def surroundings(sandbox: str) -> dict[str, str]:
    """The environment of what is measured."""
    env = environ(HARNESS_SANDBOX=sandbox, HARNESS_INHIBIT_SLEEP="off", PYTHONPYCACHEPREFIX=COMPILED.name)
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    return env


def spend(argv: tuple[str, ...], made: Project, sandbox: str = "none") -> tuple[float, float]:
    """Run to the end: seconds by the clock, and CPU seconds of it and of all that it waited for."""
    env = surroundings(sandbox)
    began = time.perf_counter()
    quiet = subprocess.DEVNULL
    with (made.root.parent / "said").open("wb") as said:
        child = subprocess.Popen(argv, cwd=made.root, env=env, stdin=quiet, stdout=quiet, stderr=said)
        _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - began
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        tail = (made.root.parent / "said").read_text("utf-8")[-1000:]
        raise SystemExit(f"{argv} ended with {child.returncode}: {tail}")
    return seconds, usage.ru_utime + usage.ru_stime


def run_loop(specs: int) -> tuple[float, float]:
    """The bash loop over a project of its own: milliseconds for a feature, by the clock and of CPU."""
    with alike(specs) as (made, agent):
        (made.root.parent / "loop.sh").write_text(LOOP, "utf-8")
        seconds, cpu = spend(("bash", str(made.root.parent / "loop.sh"), *agent), made)
        return _share(made, seconds, cpu, specs)


def run_harness(specs: int, sandbox: str, harness: tuple[str, ...]) -> tuple[float, float]:
    """Harness over a project of its own: milliseconds for a feature, by the clock and of CPU."""
    with alike(specs) as (made, _):
        seconds, cpu = spend((*harness, "run"), made, sandbox)
        return _share(made, seconds, cpu, specs)


def _share(made: Project, seconds: float, cpu: float, specs: int) -> tuple[float, float]:
    commits = int(made.git("rev-list", "--count", "HEAD"))
    if commits != specs + 1:
        raise SystemExit(f"{commits} commits and not {specs + 1}: what was measured did not do its work")
    return seconds / specs * 1000, cpu / specs * 1000


def start(specs: int, sandbox: str, harness: tuple[str, ...]) -> float:
    """Seconds from the command to the first agent, which leaves a file (its time is as fine as the kernel's tick)."""
    with alike(specs) as (made, _):
        began = time.time()
        line = (*harness, "run", "--max-iterations", "1")
        subprocess.run(line, cwd=made.root, env=surroundings(sandbox), capture_output=True, check=False)
        return (made.root / "began").stat().st_mtime - began


def measure(rounds: int = 5, specs: int = 100, other: Path | None = None, *, starts: bool = True) -> list[Figure]:
    """Every row in every round, so that a busy minute is everybody's."""
    harnesses = {"": HARNESS} | ({} if other is None else {"other: ": (str(other), "-m", "harness")})
    rows: dict[str, tuple[float | None, Callable[[], tuple[float, float]]]] = {
        "bash loop": (None, partial(run_loop, specs))
    }
    for name, harness in harnesses.items():
        for sandbox, goal in GOALS.items():
            row = f"{name}harness, sandbox {sandbox}"
            rows[row] = (None if name else goal, partial(run_harness, specs, sandbox, harness))
    for harness in harnesses.values():
        start(1, "auto", harness)
    found: dict[str, list[tuple[float, float]]] = {row: [] for row in rows}
    for number in range(rounds):
        for row, (_, run) in rows.items():
            found[row].append(run())
        print(f"round {number + 1} of {rounds}", file=sys.stderr, flush=True)
    figures = []
    for row, (goal, _) in rows.items():
        walls, cpus = ([one[at] for one in found[row]] for at in (0, 1))
        ratio = statistics.median(wall / loop for wall, (loop, _) in zip(walls, found["bash loop"], strict=True))
        figures.append(
            Figure(f"a feature of {specs}, {row}", "ms", walls, goal, note=f"{ratio:.2f} x the loop of its round")
        )
        figures.append(Figure(f"a feature of {specs}, {row}, CPU", "ms", cpus))
    if starts:
        figures += [figure for name, harness in harnesses.items() for figure in measure_starts(rounds, name, harness)]
    return figures


def measure_starts(rounds: int, name: str, harness: tuple[str, ...]) -> list[Figure]:
    """From the command to the first agent, in both kinds of sandbox."""
    return [
        Figure(
            f"{name}start to the first agent, {specs} specs, sandbox {sandbox}", "s",
            [start(specs, sandbox, harness) for _ in range(rounds)], None if name else goal,
        )
        for specs, goal in STARTS.items()
        for sandbox in GOALS
    ]  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--specs", type=int, default=100)
    parser.add_argument("--other", type=Path)
    parser.add_argument("--no-starts", action="store_true")
    given = parser.parse_args()
    print(f"load before: {', '.join(f'{load:.1f}' for load in os.getloadavg())}", flush=True)
    figures = measure(given.rounds, given.specs, given.other, starts=not given.no_starts)
    print(f"load after: {', '.join(f'{load:.1f}' for load in os.getloadavg())}")
    show(figures)
    sys.exit(any(figure.met is False for figure in figures))
