"""Short trusted commands come back, whatever they do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.children import try_lock
from helpers.waiting import PATIENCE, until

from harness.domain.paths import Paths
from harness.system.capture import capture, find_program
from harness.system.interruptions import interrupt


def test_capture_gives_code_and_outputs(tmp_path):
    got = capture(["sh", "-c", "pwd; echo no >&2; exit 3"], cwd=tmp_path)
    assert (got.code, got.stdout, got.stderr) == (3, f"{tmp_path.resolve()}\n".encode(), b"no\n")


def test_capture_raises_when_the_machine_is_too_ill_to_start_anything(tmp_path):
    program = (
        "import os, resource; from pathlib import Path; from harness.system.capture import capture\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir('/proc/self/fd')) + 1,) * 2)\n"
        "capture(['true'], cwd=Path('/'))"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False).stderr
    assert "StorageError: cannot start `true`: too many open files" in said


def test_capture_feeds_5_mb_through_a_pipe_and_caps_what_comes_back(tmp_path):
    got = capture(["cat"], cwd=tmp_path, stdin=b"x" * 5_000_000, cap=4_000_000)
    assert (got.code, len(got.stdout), got.truncated) == (0, 4_000_000, True)


def test_capture_survives_a_program_that_does_not_read(tmp_path):
    assert capture(["true"], cwd=tmp_path, stdin=b"x" * 5_000_000).code == 0


def test_capture_kills_the_whole_group_at_its_timeout(tmp_path):
    script = f"exec 9>{tmp_path / 'lock'}; flock 9; sleep 1000 & echo up; sleep 1000"
    got = capture(["sh", "-c", script], cwd=tmp_path, timeout=0.3)
    assert (got.code, got.stdout, got.timed_out) == (-9, b"up\n", True)
    with (tmp_path / "lock").open("r+") as lock:
        until(lambda: try_lock(lock), "both are dead")


def test_capture_does_not_wait_for_what_holds_its_output(tmp_path):
    got = capture(["sh", "-c", "sleep 1000 & echo $!"], cwd=tmp_path, timeout=PATIENCE)
    os.kill(int(got.stdout), signal.SIGKILL)
    assert (got.code, got.timed_out) == (0, False)


@pytest.mark.parametrize(("program", "code"), [("nosuch", 127), ("/etc/passwd", 126)])
def test_capture_tells_of_a_missing_program_by_its_code(tmp_path, program, code):
    got = capture([program], cwd=tmp_path)
    assert (got.code, got.stderr.startswith(f"cannot start `{program}`".encode())) == (code, True)


def test_our_own_programs_are_not_looked_for_in_the_project(place: Paths, tmp_path: Path) -> None:
    for folder in (place.root / "bin", tmp_path / "bin"):
        folder.mkdir()
        (folder / "git").write_text("")
        (folder / "git").chmod(0o755)
    environ = {"PATH": f"{place.root}/bin:.:{tmp_path}/bin"}
    assert find_program("git", environ, place.root) == f"{tmp_path}/bin/git"
    assert find_program("git", {"PATH": f"{place.root}/bin"}, place.root) == ""


def test_a_program_that_is_interrupted_while_it_is_started_ends(tmp_path, monkeypatch):
    real, started = subprocess.Popen, []

    def start(*words, **named):
        started.append(real(*words, **named))
        os.kill(os.getpid(), signal.SIGTERM)
        return started[0]

    monkeypatch.setattr("harness.system.capture.subprocess.Popen", start)
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            capture(["sleep", "60"], cwd=tmp_path)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert started[0].returncode == -signal.SIGKILL
