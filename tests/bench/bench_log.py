"""A feature log of 1 GB: look + prompt + mark, and taking a note, in time and in memory.

Each kind of log is looked at in a process of its own; memory is the peak resident size (VmHWM, reset before), as a
whole and as what it grew by. `first` is the first look at a log that has no shadow yet (8 MiB are copied), `again` is
every later one.

    python tests/bench/bench_log.py
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from measure import Figure, environ, main, project

GIGABYTE = 1 << 30
ROUNDS = 10


def make_sparse(path: Path) -> None:
    """A hole of 1 GB with one line at its end."""
    with path.open("wb") as file:
        file.seek(GIGABYTE - 30)
        file.write(b"\nthe last line of the log, ok\n")


def make_lines(path: Path) -> None:
    """Real lines of some 100 bytes."""
    words = "what was done, what was verified and how, what is left, what did not work, and so on"
    block = "".join(f"{number:08d}: {words}\n" for number in range(10_000)).encode()
    with path.open("wb") as file:
        for _ in range(GIGABYTE // len(block) + 1):
            file.write(block)


def make_single(path: Path) -> None:
    """One line, 1 GB long, that never ends."""
    with path.open("wb") as file:
        for _ in range(1024):
            file.write(b"x" * (1 << 20))


KINDS = {"sparse": make_sparse, "real lines": make_lines, "one single line": make_single}


def probe(root: Path) -> None:
    """In a fresh process: measure and print one JSON line."""
    from harness.domain.listener import Silent
    from harness.run.brief import compose
    from harness.run.look import look_around
    from harness.run.open import open_run
    from harness.run.preflight import announce
    from harness.settings.load import load_config

    def memory(field: str) -> float:
        status = Path("/proc/self/status").read_text("ascii")
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith(field)) / 1024

    times: list[float] = []
    notes: list[float] = []
    given = {"agent": "command", "command": ["/bin/true"]}
    with open_run(load_config(root, given, environ()), Silent(), environ=environ()) as run:
        announce(run)
        compose(run, look_around(run).features[1])  # the template is compiled once a run
        before = memory("VmRSS")
        Path("/proc/self/clear_refs").write_text("5", "ascii")  # resets VmHWM
        for _ in range(ROUNDS):
            began = time.perf_counter()
            feature = look_around(run).features[0]
            compose(run, feature)
            mark = run.logs.notes(feature.slug).mark()
            times.append((time.perf_counter() - began) * 1000)
            with run.logs.notes(feature.slug).path.open("ab") as file:
                file.write(b"\na note of this attempt, one line long, some 50 bytes\n")
            began = time.perf_counter()
            run.logs.notes(feature.slug).take_note(mark)
            notes.append((time.perf_counter() - began) * 1000)
        peak = memory("VmHWM")
        said = {"times": times, "notes": notes, "peak": peak, "grown": peak - before}
        if "--cut" in sys.argv:
            mark = run.logs.notes(feature.slug).mark()
            os.truncate(run.logs.notes(feature.slug).path, mark.size - 1)
            run.logs.notes(feature.slug).take_note(mark)
            said["restored"] = memory("VmHWM")
    print(json.dumps(said))


def measure() -> list[Figure]:
    figures = []
    for kind, make in KINDS.items():
        with project() as made:
            made.specs(2)
            logs = made.root / "logs"
            logs.mkdir()
            make(logs / "feature-00000.log")
            cut = ["--cut"] if make is make_sparse else []
            line = [sys.executable, __file__, *cut, "--probe", str(made.root)]
            said = json.loads(subprocess.run(line, env=environ(), capture_output=True, check=True).stdout)
        name = f"1 GB log ({kind})"
        figures += [
            Figure(f"{name}: look, prompt, mark, first", "ms", said["times"][:1], 50),
            Figure(f"{name}: look, prompt, mark, again", "ms", said["times"][1:], 50),
            Figure(f"{name}: take the note", "ms", said["notes"]),
            Figure(f"{name}: peak memory of the process", "MB", [said["peak"]], 60),
            Figure(f"{name}: what memory grew by", "MB", [said["grown"]]),
        ]
        if cut:
            figures.append(Figure(f"{name}: peak memory when an agent cut it", "MB", [said["restored"]]))
    return figures


if __name__ == "__main__":
    if "--probe" in sys.argv:
        probe(Path(sys.argv[-1]))
    else:
        main(measure())
