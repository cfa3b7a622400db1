"""What commands inside do not find is told before the night: programs on PATH, and what was downloaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.sandbox.bubblewrap import Mounts
from harness.sandbox.view import find_differences


def program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_programs_on_path_that_the_sandbox_does_not_show_are_named(tmp_path: Path) -> None:
    home = tmp_path / "home"
    mine, shown = program(home / "mine"), program(home / "tools/shown")
    (home / "notes.txt").write_text("no program\n")
    (tmp_path / "app/bin").mkdir(parents=True)
    mounts = Mounts(tmp_path / "app", readable=(shown.parent,))
    environ = {"PATH": f"{home}:{shown.parent}:{tmp_path}/app/bin:/usr/bin:relative:{home}"}
    missing, again = find_differences(mounts, environ, home)
    assert (missing, again) == ([f"1 program of `{home}`, which is on PATH (`{mine.name}`)"], [])


def test_downloads_that_are_not_there_inside_are_no_more_than_told(tmp_path: Path) -> None:
    (tmp_path / ".npm").mkdir()
    (tmp_path / ".cache/pip/http").mkdir(parents=True)
    for let_in, said in (((), ["downloads of `~/.cache/pip`"]), ((tmp_path / ".cache/pip",), [])):
        mounts = Mounts(tmp_path / "app", writable=let_in)
        assert find_differences(mounts, {"PATH": "/usr/bin"}, tmp_path) == ([], said)


def test_a_run_says_which_programs_are_not_there_inside(confined: Any) -> None:
    home = Path(confined.environment["HOME"])
    program(home / "mine")
    confined.environment["PATH"] += f":{home}"
    confined.spec("a", checks="test -f a.txt")
    confined.repository()
    confined.agent("true")
    ran = confined.go(max_iterations=1)
    assert f"not there inside: 1 program of `{home}`, which is on PATH (`mine`); `sandbox_read` lets in" in ran.text
