"""Modes that no clone has: what is unlike most others of its kind, and changed since."""

from __future__ import annotations

import time
from pathlib import Path

from harness.workspace.modes import find_unusual

TRACKED = {"a": False, "b": False, "bin/run": True, "bin/other": True, "lib/c": False}


def make(top: Path, mode: int = 0o644) -> float:
    """Make what is tracked, all with usual modes, and return a moment after that."""
    for name, may_run in TRACKED.items():
        (top / name).parent.mkdir(exist_ok=True)
        (top / name).write_text("")
        (top / name).chmod(mode | 0o111 if may_run else mode)
    time.sleep(0.02)  # the clock of files is coarse
    return time.time() - 0.01


def test_what_an_attempt_made_unlike_the_others_is_unusual(tmp_path: Path) -> None:
    since = make(tmp_path)
    (tmp_path / "a").chmod(0o600)
    (tmp_path / "b").chmod(0o755)
    (tmp_path / "bin/run").chmod(0o644)
    (tmp_path / "lib").chmod(0o700)
    assert find_unusual(tmp_path, TRACKED, since) == ("a", "b", "bin/run", "lib/")


def test_what_is_as_the_others_are_is_usual_whatever_that_is(tmp_path: Path) -> None:
    since = make(tmp_path, 0o664)
    (tmp_path / "a").write_text("changed")
    (tmp_path / "b").unlink()
    (tmp_path / "b").symlink_to("a")
    assert find_unusual(tmp_path, {**TRACKED, "gone": False}, since) == ()


def test_what_nobody_changed_since_is_a_persons(tmp_path: Path) -> None:
    make(tmp_path)
    (tmp_path / "a").chmod(0o600)
    time.sleep(0.02)
    assert find_unusual(tmp_path, TRACKED, time.time() - 0.01) == ()
    assert find_unusual(tmp_path, TRACKED, 0.0) == ("a",)
