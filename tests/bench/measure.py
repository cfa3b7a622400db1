"""What every bench needs: projects to measure on, figures with their goals, and one table."""

from __future__ import annotations

import contextlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

GIT = {
    "GIT_AUTHOR_NAME": "a bench",
    "GIT_AUTHOR_EMAIL": "bench@example.invalid",
    "GIT_COMMITTER_NAME": "a bench",
    "GIT_COMMITTER_EMAIL": "bench@example.invalid",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_SYSTEM": "/dev/null",
}
LONG_AGO = 1_600_000_000  # a spec younger than two seconds is read again at every look; these are settled
HARNESS = (sys.executable, "-m", "harness")


@dataclass(frozen=True)
class Figure:
    """One line of the table: what was measured, in which unit, every sample, and the goal (None: for information).

    `judged` is the sample statistic that the goal is about: `median`, or `max`.
    """

    name: str
    unit: str
    samples: Sequence[float]
    goal: float | None = None
    judged: str = "median"
    note: str = ""

    @property
    def median(self) -> float:
        return statistics.median(self.samples)

    @property
    def met(self) -> bool | None:
        if self.goal is None:
            return None
        return (max(self.samples) if self.judged == "max" else self.median) <= self.goal


def environ(**more: str) -> dict[str, str]:
    """The environment for a child: nothing of a harness around us, and a git identity."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HARNESS_")}
    return {**kept, **GIT, "HARNESS_SANDBOX": "none", "HARNESS_TRUST": "1", **more}


@dataclass
class Project:
    """A project on disk to measure on."""

    root: Path
    settings: dict[str, object] = field(default_factory=dict)

    def specs(self, count: int, front: str = "") -> None:
        """Write so many specs, with modification times long ago."""
        head = f"---\n{front}---\n" if front else ""
        for number in range(count):
            path = self.root / "specs" / f"feature-{number:05d}" / "spec.md"
            path.parent.mkdir(parents=True)
            path.write_text(f"{head}# Feature {number}\n\n" + "Say what is wanted in a few lines.\n" * 20, "utf-8")
        for path in (*self.root.glob("specs/*/spec.md"), *self.root.glob("specs/*"), self.root / "specs"):
            os.utime(path, (LONG_AGO, LONG_AGO))

    def git(self, *words: str) -> str:
        """Run git in the project."""
        ran = subprocess.run(["git", *words], cwd=self.root, env=environ(), capture_output=True, text=True, check=True)
        return ran.stdout.strip()

    def repository(self) -> None:
        """Make it a git repository with everything committed; the index is older than two seconds, as in real life."""
        self.git("init", "-q")
        self.git("add", "--all")
        self.git("commit", "-qm", "begin", "--allow-empty")

    def config(self, text: str) -> None:
        """Write harness.yaml."""
        (self.root / "harness.yaml").write_text(text, "utf-8")

    def start(self, *words: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Start the real command in a session of its own, its words thrown away."""
        return subprocess.Popen(
            [*HARNESS, *words],
            cwd=self.root,
            env=env or environ(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )


@contextlib.contextmanager
def project() -> Iterator[Project]:
    """An empty project in a temporary folder, removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    try:
        root = folder / "project"
        root.mkdir()
        yield Project(root)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def fsync_cost(rounds: int = 200) -> Figure:
    """What the disk under the temporary folder asks for one synced append: the floor of everything here."""
    with project() as made:
        fd = os.open(made.root / "probe", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        samples = []
        for _ in range(rounds):
            began = time.perf_counter()
            os.write(fd, b"x" * 300)
            os.fsync(fd)
            samples.append((time.perf_counter() - began) * 1000)
        os.close(fd)
    return Figure("one synced append of 300 bytes on this disk", "ms", samples)


def show(figures: Sequence[Figure]) -> None:
    """Print the table: goal, median, min-max, met."""
    width = max((len(figure.name) for figure in figures), default=0)
    print(f"{'figure':<{width}}  {'unit':<5} {'goal':>8} {'median':>9} {'min':>9} {'max':>9} {'n':>5}  met", flush=True)
    for one in figures:
        goal = "-" if one.goal is None else f"{one.goal:g}" + (" max" if one.judged == "max" else "")
        met = {None: "-", True: "yes", False: "NO"}[one.met]
        numbers = f"{one.median:>9.2f} {min(one.samples):>9.2f} {max(one.samples):>9.2f} {len(one.samples):>5}"
        print(f"{one.name:<{width}}  {one.unit:<5} {goal:>8} {numbers}  {met}  {one.note}".rstrip(), flush=True)


def main(figures: Sequence[Figure]) -> None:
    """Print the table; the exit code is 1 when a goal is not met."""
    show(figures)
    sys.exit(any(figure.met is False for figure in figures))
