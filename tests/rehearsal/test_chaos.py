"""`harness chaos`: the promises are kept, and each one that is broken is found."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest
from helpers.nobody import AS_NOBODY, REPOSITORY, python_of_nobody

from harness.domain.errors import AgentError
from harness.rehearsal import scene
from harness.rehearsal.chaos import run_chaos, scale_down, show_chaos
from harness.rehearsal.promises import ALONE, NIGHT
from harness.rehearsal.scene import DISK, find_small_disks
from harness.settings.options import Settings

slow = pytest.mark.slow


def play(*faults: str, settings: Settings | None = None, **given: Any) -> list[dict[str, Any]]:
    return run_chaos(settings or Settings(), os.environ, faults=faults, **given)


def test_a_few_faults_and_every_promise_is_kept() -> None:
    rows = play("echo", "forger", "limit")
    assert [row for row in rows if not row["kept"]] == []
    assert show_chaos(rows)[-1] == "3 faults, every promise kept"


@slow
def test_every_fault_and_every_promise_is_kept() -> None:
    rows = play(*NIGHT, *ALONE)
    assert len(rows) == 14
    assert [row for row in rows if not row["kept"]] == []


@slow
def test_no_sandbox_and_no_namespace_break_no_promise() -> None:
    rows = play(*NIGHT, *ALONE, settings=Settings(sandbox="none", pid_namespace="off", stuck_limit=1, timeout=0))
    assert [row for row in rows if not row["kept"]] == []


@slow
def test_a_plain_user_sees_every_promise_kept() -> None:
    if os.geteuid() != 0 or (python := python_of_nobody()) is None:
        pytest.skip("NOT PLAYED AS A PLAIN USER: we are one, or this checkout is closed to others")
    environ = {**os.environ, "PYTHONPATH": f"{REPOSITORY}:{sysconfig.get_path('purelib')}", "HOME": "/nonexistent"}
    code = (
        "import json, os; from harness.rehearsal.chaos import *; print(json.dumps(run_chaos(Settings(), os.environ)))"
    )
    words = [python, "-c", code]
    if subprocess.run(
        [python, "-c", "import harness.rehearsal.chaos"], env=environ, cwd="/", check=False, **AS_NOBODY
    ).returncode:
        pytest.skip("NOT PLAYED AS A PLAIN USER: the packages that harness needs are closed to others")
    ran = subprocess.run(words, env=environ, cwd="/", stdout=subprocess.PIPE, text=True, timeout=180, **AS_NOBODY)
    assert [row for row in json.loads(ran.stdout) if not row["kept"]] == []


# --- what breaks a promise is found -----------------------------------------------------------------------------------

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
    "liar": "keep.run_checks = lambda checks, **named: tuple(verdict.CheckRun(one.command, 0, 0.0) for one in checks)",
    "truncator": "notes.Notes._restore = lambda book, mark: notes.Note('', 0)",
    "echo": """
gather = keep.gather
def gather_with_echo(run, attempt, reply, **named):
    found = gather(run, attempt, reply, **named)
    found.note = replace(found.note, text=found.note.text + "\\n\\n" + reply.transcript.text)
    return found
keep.gather = gather_with_echo
""",
    "leak": "open.read_redactor = lambda *given: redact.Redactor()",
    "limit": "keep.find_limit = lambda *given, **named: None",
    "crash": "judge = keep.judge\nkeep.judge = lambda evidence: replace(judge(evidence), reason='it failed')",
    "flood": "work.Bounds = functools.partial(command.Bounds, output_cap=80 << 20)",
    "cap": "files.explain_storage = lambda *given: ZeroDivisionError('a bug')",
    "disk": "accept._refuse_full_disk = lambda *given: None",
    "clock": "process.time = watch.time = types.SimpleNamespace(monotonic=time.time)",
}
MORE_BREAKS = {
    "a wait that nobody waits for": ("clock", "failover.is_believed = lambda *given: False"),
    "jumps that nobody tells": ("clock", "clocks.JUMP = 1e9"),
    "a run that seems dead": ("clock", "view.find_holder = lambda *given: None"),
    "a journal that nobody cuts back": (
        "cap",
        "def append(fd, raw, *, sync):\n    os.write(fd, raw[:9] + b'\\n' + raw)\nfiles.append_fd = append",
    ),
    "an attempt that nobody takes up": ("disk", "loop.recover = lambda run: None"),
}
QUICK = ("forger", "leak", "limit", "cap")
BROKEN = """
import functools, io, os, subprocess, sys, time, types
from dataclasses import replace
from harness import loop
from harness.agents import stream
from harness.attempts import accept, intake, keep, work
from harness.cli import funnel
from harness.domain import reply, verdict
from harness.records import notes
from harness.reports import view
from harness.run import failover, open
from harness.system import clocks, command, files, process, redact, watch
{}
sys.exit(funnel.start(sys.argv[1:]))
"""


def play_broken(folder: Path, fault: str, breaks: str) -> dict[str, Any]:
    (folder / "broken.py").write_text(BROKEN.format(breaks), "utf-8")
    command = (sys.executable, str(folder / "broken.py"))
    subprocess.run([*command, "--version"], stdout=subprocess.DEVNULL, check=True)  # it is the promise that breaks
    (row,) = play(fault, settings=Settings(sandbox="none", pid_namespace="off"), command=command)
    return row


def test_settings_with_which_no_run_can_begin_are_told_instead_of_a_table(tmp_path: Path) -> None:
    (tmp_path / "python3").symlink_to(sys.executable)
    for name in ("git", "sh", "env"):
        (tmp_path / name).symlink_to(shutil.which(name))
    with pytest.raises(AgentError, match="no run can begin with these settings: error: `bwrap` is not on PATH"):
        run_chaos(Settings(sandbox="bwrap"), {**os.environ, "PATH": str(tmp_path)}, faults=("hang",))


def test_every_fault_has_its_break() -> None:
    assert set(BREAKS) == {*NIGHT, *ALONE}


@pytest.fixture
def survivor(monkeypatch: pytest.MonkeyPatch) -> None:
    """End the child that a broken harness leaves behind, when it has been seen."""
    remove = shutil.rmtree

    def end_and_remove(place: Path, **given: Any) -> None:
        for child in Path(place).glob("*/project/.chaos-child"):
            os.kill(int(child.read_text("utf-8")), signal.SIGKILL)
        remove(place, **given)

    monkeypatch.setattr("harness.rehearsal.chaos.shutil.rmtree", end_and_remove)


def test_without_a_break_the_promise_is_kept(tmp_path: Path) -> None:
    assert play_broken(tmp_path, "cap", "")["kept"]


@pytest.mark.parametrize("fault", [pytest.param(one, marks=[] if one in QUICK else [slow]) for one in BREAKS])
def test_a_broken_promise_is_found(tmp_path: Path, fault: str, request: pytest.FixtureRequest) -> None:
    if fault == "holder":
        request.getfixturevalue("survivor")
    row = play_broken(tmp_path, fault, BREAKS[fault])
    assert not row["kept"]
    assert show_chaos([row])[-1] == "1 faults, 1 promises broken"


@slow
@pytest.mark.parametrize("name", MORE_BREAKS)
def test_another_way_to_break_it_is_found_too(tmp_path: Path, name: str) -> None:
    assert not play_broken(tmp_path, *MORE_BREAKS[name])["kept"]


# --- a full disk ------------------------------------------------------------------------------------------------------


def test_each_way_to_a_small_disk_gives_one(tmp_path: Path) -> None:
    ways = list(find_small_disks(tmp_path, os.environ))
    if not ways:
        pytest.skip("NO SMALL DISK CAN BE MOUNTED HERE: a full one is not played")
    for _, before in ways:
        told = subprocess.run(
            [*before, "stat", "-f", "-c", "%b %S", tmp_path], capture_output=True, text=True, check=True
        )
        blocks, size = map(int, told.stdout.split())
        assert blocks * size == DISK
    assert list(tmp_path.iterdir()) == []


@slow
def test_every_way_to_a_small_disk_keeps_the_promise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, _ in list(find_small_disks(tmp_path, os.environ)):
        only = lambda folder, environ, name=name: (way for way in find_small_disks(folder, environ) if way[0] == name)  # noqa: E731
        monkeypatch.setattr(scene, "find_small_disks", only)
        (row,) = play("disk")
        assert row["kept"], row
        assert name in row["did"]


def test_where_there_is_no_small_disk_the_row_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scene, "find_small_disks", lambda folder, environ: iter(()))
    (row,) = play("disk", settings=Settings(sandbox="none"))
    assert row["kept"], row
    assert "NO SMALL DISK CAN BE MOUNTED HERE, so `ulimit -f 4` instead" in row["did"]


# --- the user's settings, and the command -----------------------------------------------------------------------------


def test_the_limits_are_the_users_scaled_down() -> None:
    limits = scale_down(Settings(timeout=0, stuck_limit=1, stuck_bytes=99, pid_namespace="off", sandbox_memory=1 << 30))
    told = [limits[name] for name in ("timeout", "stuck_limit", "stuck_bytes", "pid_namespace", "sandbox_memory")]
    assert told == [3, 1, 99, "off", 1 << 30]


def test_nobody_is_told_of_what_is_played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fired = tmp_path / "fired"
    monkeypatch.setenv("HARNESS_ON_FINISH", f"touch {fired}")
    strange = Settings(
        agent="command", command=("no-such-agent",), logs_dir="build/loops", specs_dir="docs", commit="never",
        on_finish=f"touch {fired}", webhook="http://127.0.0.1:9/", notify=("json://127.0.0.1:9/",), sandbox="none",
        on_limit="wait", max_iterations=1, max_attempts=1, max_cost=0.01,
    )  # fmt: skip
    assert play("limit", settings=strange)[0]["kept"]
    assert not fired.exists()


@pytest.mark.parametrize(("kept", "code"), [(True, 0), (False, 1)])
def test_the_command_prints_rows_and_ends_with_1_where_a_promise_broke(harness, monkeypatch, kept, code) -> None:
    row = {"fault": "a fault", "promise": "a promise", "did": "what it did", "kept": kept}
    monkeypatch.setattr("harness.rehearsal.chaos.run_chaos", lambda settings, environ: [row])
    ran = harness("chaos", "--json")
    assert (ran.code, json.loads(ran.out), ran.err) == (code, {"ok": kept, "faults": [row]}, "")
    assert harness("chaos").code == code
