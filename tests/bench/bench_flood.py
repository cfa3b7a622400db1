"""An agent that floods: 10 GB on stdout, a million lines, one line of a gigabyte, 10 GB on stderr; harness stays small.

    python tests/bench/bench_flood.py [--gigabytes N]

Each flood goes through the real supervisor in a process of its own, and through a real `harness run`. The memory is
what that process alone had at its most (VmHWM), the agent and the supervisor left out; the transcript is what was kept.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from measure import Figure, environ, project, show

GB = 10**9
MEMORY = 64.0  # MB of resident memory that harness may have at its most
CAP = 64 << 20  # bytes of stdout that are kept
SPARE = 4096  # bytes for the line that says what was dropped
THROUGH_SUPERVISOR = """
import sys
from pathlib import Path
from harness.system.command import Bounds, Command, Quiet
from harness.system.process import Supervisor
with Supervisor() as supervisor:
    command = Command(("/bin/sh", "-c", sys.argv[1]), Path("/"), {"PATH": sys.argv[2]})
    ended = supervisor.run(command, Bounds(), Quiet(), stdout=Path("stream"), stderr=Path("errors"))
assert ended.code == 0, ended
"""


@dataclass(frozen=True)
class Flood:
    """What an agent prints: a name, the shell words for it, its bytes, and where it goes."""

    name: str
    words: str
    size: int
    fd: int = 1

    @property
    def script(self) -> str:
        return f"({self.words}) >&{self.fd}"


@dataclass(frozen=True)
class Spent:
    """What a flood cost: MB of memory, seconds, and bytes that were kept."""

    memory: float
    seconds: float
    kept: int


def floods(scale: float) -> list[Flood]:
    """The four, at their full size with a scale of 1."""
    much, lines, line = int(10 * GB * scale), int(10**6 * scale), int(GB * scale)
    long = f"yes {'x' * 65_000} | head -c {much}"
    return [
        Flood(f"{much / GB:g} GB of lines of 65 kB", long, much),
        Flood(f"{lines:,} lines of 100 bytes", f"yes {'x' * 99} | head -n {lines}", lines * 100),
        Flood(f"a line of {line / GB:g} GB", f"head -c {line} /dev/zero | tr '\\0' x; echo", line + 1),
        Flood(f"{much / GB:g} GB on stderr", long, much, fd=2),
    ]


def watch(process: subprocess.Popen[bytes]) -> float:
    """Wait for its end; the MB of memory that it had at its most, its children left out."""
    status, most = Path(f"/proc/{process.pid}/status"), 0
    while process.poll() is None:
        try:
            lines = status.read_text("ascii", "replace").splitlines()
        except ProcessLookupError:  # it ends at this moment
            continue
        most = max([most, *(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))])
        time.sleep(0.01)
    return most / 1000  # the kernel says kB


def size_of(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def through_supervisor(flood: Flood) -> Spent:
    """Let the supervisor alone take it."""
    with project() as made:
        began = time.monotonic()
        env = environ()
        line = [sys.executable, "-c", THROUGH_SUPERVISOR, flood.script, env["PATH"]]
        process = subprocess.Popen(line, cwd=made.root, env=env)
        memory = watch(process)
        assert process.returncode == 0, "the flood was not taken"
        return Spent(memory, time.monotonic() - began, size_of(made.root / "stream"))


def through_run(flood: Flood) -> Spent:
    """Let a real run take it: the agent floods, then claims."""
    with project() as made:
        script = made.root.parent / "agent.sh"
        script.write_text(f"done=$(grep -om1 '/[^ ]*\\.done'); {flood.script}; echo flooded > \"$done\"\n", "utf-8")
        made.specs(1)
        made.config(f"agent: command\ncommand: [/bin/sh, '{script}']\npause: 0\n")
        began = time.monotonic()
        process = made.start("run")
        memory = watch(process)
        assert process.returncode == 0, f"the run ended with {process.returncode}"
        return Spent(memory, time.monotonic() - began, size_of(stream(made.root)))


def stream(root: Path) -> Path:
    return root / "logs/attempts/feature-00000/0001/stream.jsonl"


def judge(flood: Flood, how: str, spent: Spent) -> list[Figure]:
    """Memory with its goal, what was kept, and how fast it went."""
    name = f"{flood.name}, {how}"
    return [
        Figure(f"{name}: memory at most", "MB", [spent.memory], MEMORY, "max"),
        Figure(f"{name}: transcript kept", "MB", [spent.kept / 1e6], (CAP + SPARE) / 1e6, "max"),
        Figure(f"{name}: throughput", "GB/s", [flood.size / GB / spent.seconds]),
    ]


def measure(scale: float = 1.0) -> list[Figure]:
    """Every flood, both ways."""
    figures = []
    for flood in floods(scale):
        figures += judge(flood, "supervisor", through_supervisor(flood))
        figures += judge(flood, "harness run", through_run(flood))
    return figures


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gigabytes", type=float, default=10.0)
    figures = measure(parser.parse_args().gigabytes / 10)
    show(figures)
    sys.exit(any(figure.met is False for figure in figures))
