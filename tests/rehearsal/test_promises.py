"""Each promise that is broken is found."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.rehearsal.chaos import run_chaos, show_chaos
from harness.rehearsal.promises import IN_ONE_RUN, IN_OWN_RUN
from harness.settings.options import Settings

slow, deep = pytest.mark.slow, pytest.mark.deep


def play(*faults: str, settings: Settings | None = None, **given: Any) -> list[dict[str, Any]]:
    return run_chaos(settings or Settings(), os.environ, faults=faults, **given)


# In the harness that is played against: the one thing that keeps the promise, taken out.
BREAKS = {
    "hang": "stream.StreamReader.finished = lambda reader: False",
    "torn": "intake.find_remarks = lambda reply: []",
    "holder": """
def run(self, command, bounds, listener, *, stdout, stderr):
    with io.open(command.stdin or os.devnull) as given, io.open(stdout or os.devnull, "w+b") as out:
        code = subprocess.run(command.argv, cwd=command.cwd, env=command.env, stdin=given, stdout=out).returncode
        out.seek(0)
        [listener.line(line) for line in out]
    return reply.Exit(reply.Ended.EXITED, code)
process.Supervisor.run = run
""",
    "forger": "intake.quarantine_foreign = lambda *given, **named: None",
    "liar": "checks.Checker.run = lambda one, all, **named: tuple(verdict.CheckRun(a.command, 0, 0.0) for a in all)",
    "truncator": "notes.Notes._restore = lambda book, mark: notes.Note('', 0)",
    "echo": """
gather = keep.gather
def gather_with_echo(run, attempt, reply, **named):
    found = gather(run, attempt, reply, **named)
    found.note = replace(found.note, text=found.note.text + "\\n\\n" + reply.transcript.text)
    return found
keep.gather = gather_with_echo
""",
    "leak": "open.open_redactor = lambda *given: redact.Redactor()",
    "limit": "keep.diagnose = lambda *given, **named: None",
    "crash": "judge = keep.judge\nkeep.judge = lambda evidence: replace(judge(evidence), reason='it failed')",
    "flood": "begin.Bounds = functools.partial(command.Bounds, output_cap=80 << 20)",
    "cap": "files.explain_storage = lambda *given: ZeroDivisionError('a bug')",
    "disk": "accept.refuse_full_disk = lambda *given: None",
    "clock": "process.time = watch.time = types.SimpleNamespace(monotonic=time.time)",
}
MORE_BREAKS = {
    "a wait that nobody waits for": ("clock", "limits.is_believed = lambda *given: False"),
    "jumps that nobody tells": ("clock", "clocks.JUMP = 1e9"),
    "a run that seems dead": ("clock", "view.find_holder = lambda *given: None"),
    "a journal that nobody cuts back": (
        "cap",
        "def append(fd, raw, *, sync):\n    os.write(fd, raw[:9] + b'\\n' + raw)\nfiles.append_fd = append",
    ),
    "an attempt that nobody takes up": ("disk", "loop.recover = lambda run: None"),
}
MARKS = {"forger": [deep], "leak": [deep], "limit": [deep], "cap": [deep]}  # the others are slow
BROKEN = """
import functools, io, os, subprocess, sys, time, types
from dataclasses import replace
from harness import loop
from harness.agents import stream
from harness.attempts import accept, begin, intake, keep
from harness.cli import funnel
from harness.domain import reply, verdict
from harness.records import notes
from harness.reports import view
from harness.run import limits, open
from harness.system import clocks, command, files, process, redact, watch
from harness.workspace import checks
{}
sys.exit(funnel.start(sys.argv[1:]))
"""


def play_broken(folder: Path, fault: str, breaks: str) -> dict[str, Any]:
    (folder / "broken.py").write_text(BROKEN.format(breaks), "utf-8")
    command = (sys.executable, str(folder / "broken.py"))
    subprocess.run([*command, "--version"], stdout=subprocess.DEVNULL, check=True)  # it is the promise that breaks
    (row,) = play(fault, settings=Settings(sandbox="none", pid_namespace="off"), command=command)
    return row


def test_every_fault_has_its_break() -> None:
    assert set(BREAKS) == {*IN_ONE_RUN, *IN_OWN_RUN}


@pytest.mark.deep
def test_without_a_break_the_promise_is_kept(tmp_path: Path) -> None:
    assert play_broken(tmp_path, "cap", "")["kept"]


@pytest.mark.parametrize("fault", [pytest.param(one, marks=MARKS.get(one, [slow])) for one in BREAKS])
def test_a_broken_promise_is_found(tmp_path: Path, fault: str, request: pytest.FixtureRequest) -> None:
    if fault == "holder":
        request.getfixturevalue("survivor")
    row = play_broken(tmp_path, fault, BREAKS[fault])
    assert not row["kept"]
    assert show_chaos([row])[-1] == "1 fault, 1 promise broken"


@slow
@pytest.mark.parametrize("name", MORE_BREAKS)
def test_another_way_to_break_it_is_found_too(tmp_path: Path, name: str) -> None:
    assert not play_broken(tmp_path, *MORE_BREAKS[name])["kept"]
