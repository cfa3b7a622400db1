"""What `harness --help` and `harness status` cost in CPU (user + system of the child), and what they import.

python tests/bench/bench_commands.py
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from measure import HARNESS, Figure, environ, main, project

from harness.records.journal import encode_event

ROUNDS = 10
HEAVY = ("anthropic", "genai_prices", "watchfiles", "jinja2", "pydantic")


def cpu_seconds(argv: tuple[str, ...], cwd: Path) -> float:
    """Run a command to its end and return its own user and system time, with that of children it waited for."""
    child = subprocess.Popen(
        argv, cwd=cwd, env=environ(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise SystemExit(f"{argv} ended with {child.returncode}")
    return usage.ru_utime + usage.ru_stime


def heavy_imports(argv: tuple[str, ...], cwd: Path) -> list[str]:
    """Return which of HEAVY a command imports."""
    line = (argv[0], "-X", "importtime", *argv[1:])
    said = subprocess.run(line, cwd=cwd, env=environ(), capture_output=True, text=True, check=False)
    names = {row.rpartition("|")[2].strip().partition(".")[0] for row in said.stderr.splitlines()}
    return sorted(names & set(HEAVY))


def write_journal(root: Path, features: int, events: int = 300) -> None:
    """Write a journal of so many events about the features, the first third of them accepted."""
    logs = root / "logs"
    logs.mkdir(exist_ok=True)
    lines: list[bytes] = []

    def record(event: str, **fields: object) -> None:
        head = {"seq": len(lines) + 1, "at": "2026-01-01T00:00:00.000Z", "run": "0" * 32, "event": event}
        lines.append(encode_event({**head, **fields}))

    record("run_began", pid=1, started="1", commits=False, todo=features)
    number = 0
    mark = {"size": 0, "digest": "0" * 64}
    while len(lines) < events - 5:
        slug = f"feature-{number % features:05d}"
        attempt = 1 + number // features
        record("attempt_began", slug=slug, attempt=attempt, because="next in order", log=mark, learnings=mark)
        done = number % 3 == 0 and number < features
        if done:
            text = f"it works\n\n--- proven by harness ---\nspec: sha256 0\nattempt: {attempt}\n"
            (logs / f"{slug}.done").write_text(text, "utf-8")
            record("accepted", slug=slug, attempt=attempt, sha256="0", receipt=text)
            record("marked", slug=slug, sha256="0")
        record(
            "attempt_ended", slug=slug, attempt=attempt, outcome="done" if done else "progressed", charged=True,
            progress=True, claim="confirmed" if done else "none", tree="0" * 16, seconds=1.5, dollars=0.01,
            reason="the checks passed" if done else "a note of 300 bytes", observed="", failing="", remarks=[],
        )  # fmt: skip
        number += 1
    while len(lines) < events - 2:
        record("told", what="nothing that folds")
    record("halted", halt="LIMIT_REACHED", code=1, because="the bench ends here")
    record("run_ended", halt="LIMIT_REACHED", code=1)
    (logs / "journal.jsonl").write_bytes(b"".join(lines))


def measure_command(name: str, argv: tuple[str, ...], cwd: Path, goal: float | None) -> Figure:
    heavy = heavy_imports(argv, cwd)
    samples = [cpu_seconds(argv, cwd) for _ in range(ROUNDS)]
    return Figure(name, "s CPU", samples, goal, note="imports " + ", ".join(heavy) if heavy else "")


def count_heavy(name: str, argv: tuple[str, ...], cwd: Path) -> Figure:
    heavy = heavy_imports(argv, cwd)
    return Figure(f"heavy imports of `{name}` ({', '.join(HEAVY)})", "count", [len(heavy)], 0, note=", ".join(heavy))


def measure() -> list[Figure]:
    bare = (sys.executable, "-c", "pass")
    figures = []
    with project() as made:
        figures.append(measure_command("python -c pass (the floor)", bare, made.root, None))
        figures.append(measure_command("harness --help", (*HARNESS, "--help"), made.root, 0.25))
        figures.append(count_heavy("harness --help", (*HARNESS, "--help"), made.root))
    for size, goal in ((100, 0.40), (5000, None)):
        with project() as made:
            made.specs(size)
            write_journal(made.root, size)
            title = f"harness status, {size} specs, 300 events"
            figures.append(measure_command(title, (*HARNESS, "status"), made.root, goal))
            if size == 100:
                figures.append(count_heavy("harness status", (*HARNESS, "status"), made.root))
    with project() as made:
        made.specs(5000)
        write_journal(made.root, 5000, 20_000)
        title = "harness status, 5000 specs, 20,000 events"
        figures.append(measure_command(title, (*HARNESS, "status"), made.root, None))
    return figures


if __name__ == "__main__":
    main(measure())
