"""The runner's own time per iteration: from one `begin` to the next, minus the agent's own seconds.

Everything between is in it: look, what_next, begin, prompt, the supervisor's fork, namespace and reaping, keep, the
journal and every fsync. The agent's own time is what the supervisor measured (`Exit.seconds`: exec to exit), the same
figure that the journal keeps as `attempt_ended.seconds`. Pause 0, no checks, no commits, one feature that is never
done, so that its log and the journal grow as in real life. The first two iterations of each run are warm-up.

    python tests/bench/bench_iteration.py [--profile SPECS]
"""

from __future__ import annotations

import cProfile
import os
import pstats
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from measure import Figure, Project, environ, main, project

from harness import loop
from harness.attempts import pool
from harness.domain.listener import Silent
from harness.run.open import open_run
from harness.run.preflight import announce
from harness.settings.load import load_config

ITERATIONS = 32
WARM_UP = 2
SIZES = (10, 100, 1000, 5000)
GOALS = {100: 30.0, 1000: 30.0, 5000: 50.0}
NOTE = 'echo "a note that is long enough to count as progress, $$" >> "$0"'


def note_agent(root: Path) -> tuple[str, ...]:
    """A shell that appends one line to its log."""
    return ("/bin/sh", "-c", NOTE, str(root / "logs" / "feature-00000.log"))


def silent_agent(root: Path) -> tuple[str, ...]:
    """The quickest agent there is: it does nothing."""
    return ("/bin/true",)


def done_agent(root: Path) -> tuple[str, ...]:
    """A shell that claims whatever feature its prompt is about: each iteration ends with a receipt."""
    code = "done=$(grep -om1 '/[^ ]*\\.done'); echo 'all of it, and it works' > \"$done\""
    return ("/bin/sh", "-c", code)


Agent = Callable[[Path], tuple[str, ...]]


class Watch:
    """Stands around begin, work, keep and look while a run goes on, and notes when each was entered and left."""

    def __init__(self) -> None:
        self.begins: list[float] = []
        self.agents: list[float] = []
        self.stages: dict[str, list[float]] = defaultdict(list)

    def timed(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*given: Any, **named: Any) -> Any:
            began = time.perf_counter()
            if name == "begin":
                self.begins.append(began)
            came = call(*given, **named)
            seconds = time.perf_counter() - began
            if name == "carry_out" and came.reply is not None:
                self.agents.append(came.reply.exit.seconds)
                seconds -= came.reply.exit.seconds
            self.stages[name].append(seconds * 1000)
            return came

        return wrapped

    @property
    def own(self) -> list[float]:
        """The runner's own milliseconds of each iteration."""
        mounts = [after - before for before, after in zip(self.begins, self.begins[1:], strict=False)]
        return [(wall - agent) * 1000 for wall, agent in zip(mounts, self.agents, strict=False)][WARM_UP:]


def drive(made: Project, agent: Agent, profile: cProfile.Profile | None = None, *, namespace: str = "auto") -> Watch:
    """Run the real loop in this process for ITERATIONS iterations."""
    watch = Watch()
    given = {
        "agent": "command", "command": list(agent(made.root)), "pause": "0", "max_iterations": str(ITERATIONS),
        "max_attempts": "0", "stuck_limit": "0", "commit": "never",
        "pid_namespace": namespace,
    }  # fmt: skip
    places = {"look_around": loop, "begin": loop, "carry_out": pool, "keep": loop}
    kept = {name: getattr(place, name) for name, place in places.items()}
    try:
        for name, call in kept.items():
            setattr(places[name], name, watch.timed(name, call))
        with open_run(load_config(made.root, given, environ()), Silent(), environ=environ()) as run:
            announce(run)
            if profile:
                profile.enable()
            loop.run_loop(run)
            if profile:
                profile.disable()
    finally:
        for name, call in kept.items():
            setattr(places[name], name, call)
    return watch


def measure_one(size: int, agent: Agent, *, git: bool, namespace: str = "auto") -> Figure:
    with project() as made:
        made.specs(size)
        if git:
            (made.root / ".gitignore").write_text("logs/\n", "utf-8")
            made.repository()
            time.sleep(2.1)  # an index as young as its files makes git read their contents: not what is measured
            with suppress(FileNotFoundError):
                os.utime(made.root / ".git" / "index")
            made.git("status")
        watch = drive(made, agent, namespace=namespace)
    name = agent.__name__.removesuffix("_agent")
    title = f"own time per iteration, {size} specs, {'git' if git else 'no git'}, agent: {name}"
    title += "" if namespace == "auto" else ", no pid namespace"
    parts = ", ".join(f"{stage} {statistics.median(times):.1f}" for stage, times in watch.stages.items())
    return Figure(title, "ms", watch.own, GOALS.get(size), note=f"({parts})")


def measure() -> list[Figure]:
    """Every size with and without git; at 100 specs the other agents too."""
    figures = [measure_one(size, note_agent, git=git) for size in SIZES for git in (True, False)]
    figures += [measure_one(100, agent, git=True) for agent in (silent_agent, done_agent)]
    return [*figures, measure_one(100, note_agent, git=False, namespace="off")]


def show_profile(size: int, *, git: bool) -> None:
    """Where the time goes, by cProfile (which makes Python calls look dearer than system calls)."""
    with project() as made:
        made.specs(size)
        if git:
            (made.root / ".gitignore").write_text("logs/\n", "utf-8")
            made.repository()
            time.sleep(2.1)
            made.git("status")
        profile = cProfile.Profile()
        drive(made, note_agent, profile)
    stats = pstats.Stats(profile)
    stats.sort_stats("tottime").print_stats(25)
    stats.sort_stats("cumulative").print_stats("harness", 45)


if __name__ == "__main__":
    if "--profile" in sys.argv:
        show_profile(int(sys.argv[-1]), git="--no-git" not in sys.argv)
    else:
        main(measure())
