"""Git obeys no agent: programs that it planted in a repository and that a harness command ran outside the sandbox.

    python tests/bench/bench_git.py [--vectors NAME,NAME]

Each way of `fakes/git_plants.py` (22 hooks, and what configuration, attributes, nested repositories, PATH and the
person's own settings can lead to) is planted by an agent in a project of its own, inside the sandbox and without one.
The run proves the feature and commits it; then come status, verify, why, doctor, and a second run. A program counts
when it ran outside the sandbox and not below the agent itself. Without a sandbox an agent is you: for information.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from fakes.git_plants import HOOKS, VECTORS
from measure import HARNESS, Figure, Project, environ, project, show

PLANTS = Path(__file__).parents[1] / "fakes/git_plants.py"
AGENT = """done=$(grep -om1 '/[^ ]*\\.done'); exec "{python}" -I "{plants}" {vector} "{ran}" "$done"\n"""
WORKERS = 2


def settle(made: Project, vector: str, sandbox: str) -> dict[str, str]:
    """Make the project, as a person has it who is open to this way; returns the environment."""
    place = made.root.parent
    for name in ("ran", "home"):
        (place / name).mkdir()
    (made.root / "code").mkdir()
    for number in range(3):
        (made.root / "code" / f"{number}.txt").write_text(f"line {number}\n", "utf-8")
    (made.root / ".gitignore").write_text(".venv/\n", "utf-8")
    made.specs(1, 'checks: ["test -f made.txt"]\n')
    agent = place / "agent.sh"
    agent.write_text(AGENT.format(python=sys.executable, plants=PLANTS, vector=vector, ran=place / "ran"), "utf-8")
    made.config(
        f"agent: command\ncommand: [/bin/sh, '{agent}']\npause: 0\nmax_iterations: 3\n"
        f"sandbox_read: ['{PLANTS}', '{agent}']\n"
    )
    path = os.environ["PATH"]
    if vector == "git_on_path":
        (made.root / ".venv/bin").mkdir(parents=True)
        path = f"{made.root}/.venv/bin:{path}"
    made.repository()
    for own, key, value in (
        ("hooks_of_the_person_in_the_tree", "core.hooksPath", ".husky"),
        ("include_of_the_person_in_the_tree", "include.path", "../shared.gitconfig"),
        ("filter_of_the_person_is_a_script", "filter.own.clean", "sh tools/clean.sh"),
    ):
        if vector == own:
            made.git("config", key, value)
    return environ(HARNESS_SANDBOX=sandbox, HOME=str(place / "home"), PATH=path)


def trial(vector: str, sandbox: str, *, whole: bool = True) -> tuple[list[str], str]:
    """Plant and run everything, or what calls git by itself alone: the programs that ran, each as often as it did.

    And why there was no run.
    """
    with project() as made:
        env = settle(made, vector, sandbox)

        def call(*words: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                [*HARNESS, *words], cwd=made.root, env=env, capture_output=True, text=True, timeout=120, check=False
            )

        first = call("run")
        for words in (("status",), ("verify",), ("why", "feature-00000"), ("doctor",)) if whole else (("doctor",),):
            call(*words)
        spec = made.root / "specs/next/spec.md"
        spec.parent.mkdir()
        spec.write_text("# Next\n\nDo it again.\n", "utf-8")
        wanted = 2 if whole else 1
        if whole:
            call("run")
        attempts = list((made.root / "logs/attempts").glob("*/*/outcome.json"))
        why = "" if len(attempts) >= wanted else f"{vector}, {sandbox}: {len(attempts)} attempts: {first.stderr[-300:]}"
        marks = [(path.name, path.read_text("utf-8").count("ran")) for path in (made.root.parent / "ran").iterdir()]
        return [name for name, times in marks for _ in range(times)], why


def measure_sandbox(sandbox: str, vectors: Collection[str] = VECTORS, *, whole: bool = True) -> Figure:
    """Every way, one after the other."""
    with ThreadPoolExecutor(WORKERS) as pool:
        found = list(pool.map(lambda vector: trial(vector, sandbox, whole=whole), vectors))
    for _, why in found:
        if why:
            print(why, file=sys.stderr)
    ran = Counter(name for names, _ in found for name in names)
    lame = sum(bool(why) for _, why in found)
    ways = {name.partition(":")[0] for name in ran}
    note = f"{len(ways)} ways: {', '.join(sorted(ways))}" if ran else ""
    print(f"sandbox {sandbox}: {dict(ran)}", file=sys.stderr, flush=True)
    name = f"planted programs run outside, {len(HOOKS)} hooks x {len(vectors)} ways, sandbox {sandbox}"
    goal = 0 if sandbox == "bwrap" else None
    return Figure(name, "count", [len(ran) + (lame if goal == 0 else 0)], goal, note=note)


def measure(vectors: Collection[str] = VECTORS) -> list[Figure]:
    """With the sandbox, and without."""
    return [measure_sandbox(sandbox, vectors) for sandbox in ("bwrap", "none")]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vectors", default=",".join(VECTORS))
    figures = measure(parser.parse_args().vectors.split(","))
    show(figures)
    sys.exit(any(figure.met is False for figure in figures))
