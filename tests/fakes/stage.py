"""The real loop on a stage: real files and the real journal, agents that act in this process, a clock that is moved.

    stage = Stage(folder)
    stage.spec("a")
    stage.run(["note", "build claim"])

An agent's act is a line of words, done in their order: see `Stage.act`. `die_at` ends the run at its Nth journal event
as a kill -9 would: nothing is written any more, not even by what cleans up.
"""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from harness.attempts.pool import INLINE
from harness.domain.halt import Stop
from harness.domain.listener import Silent
from harness.domain.reply import Ended, Exit
from harness.loop import run_loop
from harness.records.events import RunEnded
from harness.records.journal import Journal
from harness.run.open import open_run
from harness.run.preflight import announce
from harness.settings.load import load_config
from harness.system.clocks import Clocks

CALL = 0.25  # dollars that every attempt costs


class Killed(BaseException):
    """The process is gone."""


class Hand:
    """In place of the control: HALT is a real file, waiting moves the clock, no signal ever comes."""

    def __init__(self, real: Any, clock: Stage) -> None:
        self._real, self._clock = real, clock
        self.wake_fd, self.interrupted, self.tick = -1, False, lambda: None
        self.halt, self.asked, self.abandon = real.halt, real.asked, real.abandon

    @contextmanager
    def watching(self) -> Iterator[Hand]:
        try:
            yield self
        finally:
            os.close(self._real.wake_fd)
            os.close(self._real._wake)

    def wait(self, seconds: float, *_: Any, **__: Any) -> None:
        self._clock.now += seconds


class Company:
    """In place of the supervisor: plays the agent's acts and answers the checks."""

    namespace, why, pid = False, "", 0

    def __init__(self, stage: Stage, redactor: Any = None) -> None:
        self._stage = stage
        self.redactor = redactor

    def __enter__(self) -> Company:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def run(self, command: Any, bounds: Any, listener: Any, *, stdout: Path | None, stderr: Path | None) -> Exit:
        if command.stdin is None:  # a check: `test -e built/SLUG`
            return Exit(Ended.EXITED, 0 if (self._stage.root / command.argv[-1].split()[-1]).exists() else 1)
        name = "scripted" if any(word.endswith("scripted.py") for word in command.argv) else "command"
        with self._stage.mutex:
            return self._stage.act(name, command.stdin.read_text("utf-8"), listener, stdout)


@dataclass
class Stage:
    """A project, its clock, and what its agents will do next."""

    root: Path
    now: float = 1_795_000_000.0
    acts: list[str] = field(default_factory=list)
    calls: list[tuple[float, str]] = field(default_factory=list)  # when an agent was called, and for which feature
    closed: dict[str, float] = field(default_factory=dict)  # agent -> when the limit that it met ends
    too_early: list[str] = field(default_factory=list)  # agents that were called although a limit held
    settings: dict[str, Any] = field(default_factory=dict)
    jobs: int = 1  # attempts in flight at a time; more than one are carried out in threads
    die_at: int = 0
    dead: bool = False
    mutex: threading.Lock = field(default_factory=threading.Lock)  # one acts at a time

    def spec(self, slug: str, text: str = "Build it.", after: tuple[str, ...] = ()) -> None:
        """Write a spec whose claim is checked by a file."""
        path = self.root / "specs" / slug / "spec.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        needs = f"depends_on: [{', '.join(after)}]\n" if after else ""
        path.write_text(f'---\nchecks: ["test -e built/{slug}"]\n{needs}---\n# {slug}\n\n{text}\n', "utf-8")

    def act(self, agent: str, prompt: str, listener: Any, stdout: Path | None) -> Exit:
        """Play the next act: `note build claim silent block forge cut fault limit fail die`, and any other word."""
        done = Path(re.search(r"(/\S*?\.done)", prompt)[1])
        slug, log = done.stem, done.with_suffix(".log")
        self.calls.append((self.now, slug))
        if self.now < self.closed.get(agent, 0.0):
            self.too_early.append(agent)
        words = (self.acts.pop(0) if self.acts else "silent").split()
        error: dict[str, Any] = {}
        for word in words:
            if word == "note":
                self._append(log, f"- at {self.now} something was done that is long enough to count\n")
            elif word == "build":
                (self.root / "built").mkdir(exist_ok=True)
                (self.root / "built" / slug).touch()
            elif word == "claim":
                done.write_text("it is built\n", "utf-8")
            elif word == "block":
                self._append(log, "BLOCKED: somebody must decide about this\n")
            elif word == "forge":
                done.with_name("zz-other.done").write_text("forged\n", "utf-8")
            elif word == "cut" and log.exists():
                log.write_text("", "utf-8")
            elif word == "fault":
                error = {"api_error_status": 529, "error": "overloaded"}
            elif word == "limit":
                self.closed[agent] = self.now + 3600
                window = {"status": "rejected", "rateLimitType": "five_hour", "resetsAt": self.now + 3600}
                self._print({"type": "rate_limit_event", "rate_limit_info": window}, listener, stdout)
                error = {"api_error_status": 429, "api_error": "usage_limit_reached"}
            elif word == "fail":
                error = {"error": "invalid_request"}
        self._print({"type": "system", "subtype": "init", "model": "m"}, listener, stdout)
        self.now += 7.0
        if "die" in words:
            self.die()
        result = {"is_error": bool(error), "errors": ["it went wrong"], "total_cost_usd": CALL, **error}
        self._print({"type": "result", "result": "said", **result}, listener, stdout)
        return Exit(Ended.EXITED, 1 if error else 0, seconds=7.0)

    def die(self) -> None:
        """End the run as a kill -9 does."""
        self.dead = True
        raise Killed

    def run(self, acts: list[str], die_at: int = 0) -> Stop | None:
        """Run the real loop with these acts; None when it died. Who starts it after its end may call before a reset."""
        self.acts, self.die_at, self.dead = list(acts), die_at, False
        given = {"agent": "command", "command": ["true"], "dialect": "claude", "pause": "0", "max_iterations": "6"}
        given |= {"sandbox": "none", "inhibit_sleep": "off"}
        config = load_config(self.root, {**given, **self.settings}, {})
        try:
            clocks = Clocks(self.clock, self.clock, lambda: 0.5)
            with open_run(config, Silent(), environ={}, clocks=clocks) as run:
                announce(run)
                run.jobs = self.jobs
                with ThreadPoolExecutor(self.jobs) if self.jobs > 1 else nullcontext(INLINE) as executor:
                    stop, _ = run_loop(run, executor)
                return stop
        except Killed:
            return None
        finally:
            self.dead, self.die_at = False, 0

    def clock(self) -> float:
        """The time, in seconds."""
        return self.now

    def _print(self, event: dict[str, Any], listener: Any, stdout: Path | None) -> None:
        line = json.dumps(event).encode()
        listener.line(line)
        if stdout is not None:
            with stdout.open("ab") as file:
                file.write(line + b"\n")

    @staticmethod
    def _append(path: Path, text: str) -> None:
        with path.open("a", encoding="utf-8") as file:
            file.write(text)


def put_on_stage(stage: Stage, patch: pytest.MonkeyPatch) -> None:
    """Let `harness.run.open` meet the stage in place of processes, signals and the disk's slowness."""
    from harness.run.interrupts import Interrupts as Real

    patch.setattr("harness.run.open.Supervisor", lambda **given: Company(stage, given.get("redactor")))
    patch.setattr("harness.run.open.Interrupts", lambda paths: Hand(Real(paths), stage))
    patch.setattr("harness.run.open.kill_orphans", lambda runs: None)
    patch.setattr("os.fsync", lambda fd: None)
    patch.setattr("harness.agents.choose.shutil.which", lambda *_, **__: "/bin/true")
    append = Journal.append

    def appended(journal: Journal, event: Any) -> Any:
        if stage.dead:
            raise Killed
        written = append(journal, event)
        if isinstance(event, RunEnded):
            stage.closed.clear()
        stage.die_at -= 1
        if stage.die_at == 0:
            stage.die()
        return written

    patch.setattr(Journal, "append", appended)
