"""Nothing survives: seven hostile roles, four ways to end, in a namespace, in the sandbox and without; start-up races.

    python tests/bench/bench_orphans.py [--repeats N] [--races N] [--bare]

The roles of `fakes/nasty.py` beat and hold locks: main, a child in its group, one that is deaf to TERM, INT and HUP,
one in a session of its own, a double-forked daemon, one that holds stdout, and a hydra that forks a replacement and
dies every 4 ms. The ways: a timeout, kill -9 of harness (a process of its own), kill -9 of the supervisor, and an agent
that ends and leaves all the others. Two seconds later each that lives is counted, the supervisor itself included. In a
race harness is killed 0 to 150 ms after it began an attempt. As root each is done as a plain user too. `--bare` shows
what is left where there is no supervisor.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from fakes.nasty import ROLES
from fakes.nasty_run import start
from killing import carriers
from measure import Figure, show

from harness.system.supervise import SUBREAPER, kill_until_none, prctl, watch_children

ROWS = ("namespace", "bwrap", "no namespace")
RACE = "start-up race"
CASES = ("timeout", "harness -9", "supervisor -9", "agent leaves")
LATER = 2.0  # seconds after which nothing may be left
TIMEOUT = 0.6  # seconds that an attempt gets where it is ended by its time
LONGEST = 0.15  # seconds of an attempt before harness is killed in a race
PATIENCE = 30.0  # seconds for what must happen
TOGETHER = 9  # trials at one time


def alive(folder: Path) -> set[str]:
    """The roles that hold their lock in a folder."""
    return {role for role in ROLES if (folder / role).exists() and _locked(folder / role)}


def _locked(path: Path) -> bool:
    with path.open("r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _supervises(pid: int) -> bool:
    """Whether this is a living supervisor: neither one that init has not reaped yet, nor a hydra with its number."""
    try:
        return b"import supervise" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


@dataclass(eq=False)
class Trial:
    """One harness with a nasty agent, to be ended in one way; `delay` is after how many seconds in a race."""

    row: str
    case: str
    plain: bool = False
    delay: float = 0.0
    supervisor: int = 0
    skip: str = ""

    @property
    def user(self) -> str:
        """Who plays harness."""
        return "plain user" if self.plain else "root" if os.geteuid() == 0 else "as we are"

    def start(self) -> None:
        """Start harness; a race is over as soon as its attempt has begun."""
        self.folder = Path(tempfile.mkdtemp(prefix="orphans-"))
        self.pid, self.words = start(
            self.folder,
            self.row,
            plain=self.plain,
            ending="leave" if self.case == "agent leaves" else "stay",
            timeout=TIMEOUT if self.case == "timeout" else 0,
            token=self.folder.name,
        )
        if self.case == RACE:
            self.hear()
            time.sleep(self.delay)
            self.kill(self.pid)

    def hear(self) -> None:
        """Wait until harness has its supervisor and begins the attempt."""
        if not self.supervisor and not self.skip:
            said = json.loads(self.words.readline() or '{"skip": "harness did not start"}')
            self.supervisor, self.skip = said.get("supervisor", 0), said["skip"]

    def end(self) -> None:
        """End it in its way."""
        if self.skip or self.case == RACE:
            return
        if self.case in ("harness -9", "supervisor -9"):
            deadline = time.monotonic() + PATIENCE
            while not self.beating() and time.monotonic() < deadline:
                time.sleep(0.002)
            self.kill(self.pid if self.case == "harness -9" else self.supervisor)
        if self.case != "harness -9":
            self.words.readline()  # harness says how the attempt ended

    def kill(self, pid: int) -> None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    def beating(self) -> bool:
        """Whether every role lives, or lived."""
        with suppress(FileNotFoundError):
            return all((self.folder / "project" / role).stat().st_size for role in ROLES)
        return False

    def judge(self) -> list[str]:
        """Who lives, or outside a race never did."""
        left = sorted(alive(self.folder / "project"))
        left += ["a nameless one"] * (len(carriers(self.folder.name, besides={self.pid})) if not left else 0)
        if self.case != RACE and not self.skip and not self.beating():
            left.append("nobody ever lived")
        if self.supervisor and _supervises(self.supervisor):
            left.append("supervisor")
        return left

    def clear(self) -> None:
        """End harness, and what it left if need be, and remove the folder."""
        self.words.close()
        self.kill(self.pid)
        os.waitpid(self.pid, 0)
        deadline = time.monotonic() + PATIENCE
        while (found := carriers(self.folder.name)) and time.monotonic() < deadline:
            for pid in found:  # ours alone: they carry our token
                self.kill(pid)
        shutil.rmtree(self.folder, ignore_errors=True)


def carry_out(trials: Sequence[Trial]) -> dict[Trial, list[str]]:
    """Start, end and judge, TOGETHER at a time: who is left of each; those that cannot be had here are left out."""
    left = {}
    for at in range(0, len(trials), TOGETHER):
        batch = trials[at : at + TOGETHER]
        for trial in batch:
            trial.start()
        for trial in batch:
            trial.hear()
        for trial in batch:
            trial.end()
        time.sleep(LATER)
        left |= {trial: trial.judge() for trial in batch}
        for trial in batch:
            trial.clear()
        print(f"\r{at + len(batch)} of {len(trials)} ", end="", file=sys.stderr, flush=True)
    for why in {f"{trial.row}: {trial.skip}" for trial in trials if trial.skip}:
        print(f"\n{why}", file=sys.stderr)
    return {trial: roles for trial, roles in left.items() if not trial.skip}


def measure_bare() -> list[Figure]:
    """What is left where harness starts the agent itself: the roles come to us, and are ended by us."""
    prctl(SUBREAPER, 1)
    trials = [Trial("bare", case) for case in CASES if case != "supervisor -9"]
    for trial in trials:
        trial.start()
    for trial in trials:
        trial.hear()
        trial.end()
    time.sleep(LATER)
    left = {trial: trial.judge() for trial in trials}
    kill_until_none(watch_children())  # a hydra is faster than a list of processes, and not than its parent
    for trial in trials:
        shutil.rmtree(trial.folder)
    return judge(left)


def judge(left: Mapping[Trial, list[str]]) -> list[Figure]:
    """A figure for each kind of trial."""
    grouped: dict[str, list[list[str]]] = {}
    for trial, roles in left.items():
        grouped.setdefault(f"{trial.case}, {trial.row}, {trial.user}", []).append(roles)
    return [
        Figure(
            f"alive after {len(found)} x {name}",
            "count",
            [sum(map(len, found))],
            0,
            note=kinds([role for roles in found for role in roles]),
        )
        for name, found in grouped.items()
    ]


def users() -> list[bool]:
    """As we are, and as a plain user where we can become one and it can read this checkout."""
    reachable = all(folder.stat().st_mode & 0o001 for folder in Path(__file__).parents)
    return [False, True] if os.geteuid() == 0 and reachable else [False]


def kinds(left: list[str]) -> str:
    """Who was left, counted."""
    return ", ".join(f"{role} {number}" for role, number in Counter(left).most_common())


def measure(*, repeats: int = 25, races: int = 600, seed: int = 1) -> list[Figure]:
    """Every row, case and user; the races are shared out among rows and users."""
    chance = random.Random(seed)
    kinds = [(row, plain) for plain in users() for row in ROWS]
    trials = [Trial(row, case, plain) for row, plain in kinds for case in CASES for _ in range(repeats)]
    trials += [
        Trial(row, RACE, plain, delay=chance.uniform(0, LONGEST))
        for row, plain in kinds
        for _ in range(races // len(kinds))
    ]
    return judge(carry_out(trials))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=25)
    parser.add_argument("--races", type=int, default=600)
    parser.add_argument("--bare", action="store_true")
    given = parser.parse_args()
    figures = measure_bare() if given.bare else measure(repeats=given.repeats, races=given.races)
    show(figures)
    sys.exit(any(figure.met is False for figure in figures))
