"""Run the checks: shell commands that harness itself believes, in the workspace, below the supervisor."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from harness.domain.check_command import BASH, SH
from harness.domain.feature import Check
from harness.domain.gist import digest_gist
from harness.domain.reply import Ended
from harness.domain.text import one_line, plain
from harness.domain.verdict import CheckRun
from harness.system import files, untrusted
from harness.system.command import Bounds, Command, Quiet
from harness.system.process import Supervisor
from harness.system.redact import LineRedactor, Redactor

BASHES = (
    "/bin/bash",
    "/usr/bin/bash",
    "/usr/local/bin/bash",
    "/run/current-system/sw/bin/bash",
)  # as the system has it
TAIL_LINES = 60
TAIL_LIMIT = 6000  # characters of a check's output that travel into the next prompt


@dataclass(slots=True)
class OutputListener(Quiet):
    """Hears a check's output: keeps its tail, ends it when the run is asked to stop."""

    asked_to_stop: Callable[[], float | None]
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=TAIL_LINES))

    def line(self, line: bytes) -> None:
        self.tail.append(plain(line[: TAIL_LIMIT * 4].decode("utf-8", "replace")))

    def stop(self) -> float | None:
        return self.asked_to_stop()


@dataclass(frozen=True, slots=True)
class Checker:
    """Runs checks in one folder: `timeout` is the seconds that a check gets which names none itself.

    `confine` puts a command into the sandbox; `asked_to_stop` gives a grace in seconds when it must end now; `began` is
    told each command. A command of `were_green`, on these same files, runs up to `retries` times more when it is red.
    """

    supervisor: Supervisor
    cwd: Path
    environ: Mapping[str, str]
    timeout: float
    confine: Callable[[Command], Command] = lambda command: command
    asked_to_stop: Callable[[], float | None] = lambda: None
    began: Callable[[str], None] = lambda command: None
    were_green: Collection[str] = ()
    retries: int = 0

    def run(self, checks: Sequence[Check], log: Path | None = None) -> tuple[CheckRun, ...]:
        """Run the checks in order, all of them, and return how each ended; a stop ends it early.

        `log`, where given, receives their output.
        """
        runs: list[CheckRun] = []
        for number, check in enumerate(checks, start=1):
            self.began(check.command)
            run = first = self._run_one(check, number, log)
            for _ in range(self.retries if check.command in self.were_green else 0):
                if run.green or run.stopped or not run.ran:
                    break
                run = self._run_one(check, number, log)
            runs.append(replace(run, flaky=first.ending) if run.green and not first.green else run)
            if run.stopped:
                break
        return tuple(runs)

    def _run_one(self, check: Check, number: int, log: Path | None) -> CheckRun:
        line = (*find_shell(), f"exec 2>&1\n{check.command}")
        command = self.confine(Command(line, self.cwd, self.environ))
        heard, redactor = OutputListener(self.asked_to_stop), self.supervisor.redactor
        bounds = Bounds(timeout=self.timeout if check.timeout is None else check.timeout)
        part = None if log is None else log.with_name(f"{log.name}.{number}")
        ended = self.supervisor.run(command, bounds, heard, stdout=part, stderr=None)
        untrusted.reopen(self.cwd)
        tail = redactor.text("\n".join(heard.tail))[-TAIL_LIMIT:]
        run = CheckRun(
            command=check.command,
            code=None if ended.ended is Ended.NOT_STARTED else ended.code,
            seconds=ended.seconds,
            tail=f"{tail}\n{ended.error}".strip() if ended.error else tail,
            timed_out=ended.ended is Ended.TIMED_OUT,
            stopped=ended.ended is Ended.STOPPED,
        )
        if log is not None:
            _collect(log, part, run, check.command, redactor)
        return run


def find_shell() -> tuple[str, ...]:
    """Return the shell that checks run in: bash, where every part of a pipe counts, or else `sh`."""
    bash = next((one for one in BASHES if os.access(one, os.X_OK)), "")
    return (bash, *BASH[1:]) if bash else SH


def _collect(log: Path, part: Path | None, run: CheckRun, command: str, redactor: Redactor) -> None:
    """Add one check's output to checks.log, under the command and how it ended.

    Without its control codes first, then without secrets: one that was cut in two by such a code is whole then.
    """
    clean = LineRedactor(redactor)
    files.make_folder(log.parent)
    with files.storage(log, "append to"), log.open("ab") as whole:
        whole.write(redactor.text(plain(f"$ {command}\n")).encode("utf-8", "replace"))
        if part is not None and files.exists(part):
            with part.open("rb") as file:
                while chunk := file.read(1 << 20) + file.readline(1 << 20):  # no code and no letter is cut in two
                    whole.write(clean.feed(plain(chunk.decode("utf-8", "replace")).encode("utf-8", "replace")))
            whole.write(clean.end())
            part.unlink()
        whole.write(f"[{run.ending}]\n\n".encode())
        whole.flush()
        os.fsync(whole.fileno())


def digest_failures(runs: Sequence[CheckRun]) -> str:
    """Return a digest of which checks failed and how: equal ones failed the same way, times and places aside."""
    return digest_gist(*(f"{run.command}\0{run.code}\0{run.timed_out}\0{run.tail}" for run in runs if not run.green))


def report_failures(runs: Sequence[CheckRun]) -> str:
    """Return what the next prompt says about the checks that failed."""
    parts = []
    for run in runs:
        if not run.green:
            flaky = f" (on the same files it ended otherwise before: {run.flaky})" if run.flaky else ""
            whose = f" (a check of `{run.of}`, which was done before: this attempt broke it)" if run.of else ""
            parts.append(f"$ {one_line(run.command, 2000)}\n[{run.ending}]{whose}{flaky}\n{run.tail}".rstrip())
    return "\n\n".join(parts)
