"""A package that runs tests was changed where it is installed, or it was installed anew."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.workspace.installed import find_edited


def is_wanted(parts: Sequence[str]) -> bool:
    return "chai" in parts


@pytest.fixture
def modules(tmp_path: Path) -> Path:
    """What is installed in a project; all of it is old."""
    for name in ("chai/index.js", "chai/package.json", "react/index.js", "react/package.json"):
        path = tmp_path / "node_modules" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("old\n")
    return tmp_path / "node_modules"


def edit(path: Path) -> float:
    """Write a file, and return a time between the last change before and that."""
    time.sleep(0.02)
    since = time.time()
    time.sleep(0.02)
    path.write_text("new\n")
    os.utime(path, (0, 0))  # as one who hides it would
    return since


def test_a_file_that_was_edited_is_found_though_its_time_says_otherwise(modules: Path) -> None:
    since = edit(modules / "chai/index.js")
    assert find_edited([modules], modules.parent, since, is_wanted) == ["node_modules/chai/index.js"]


def test_what_was_installed_anew_and_what_runs_no_tests_is_not(modules: Path) -> None:
    since = edit(modules / "react/index.js")
    edit(modules / "chai/index.js")
    edit(modules / "chai/package.json")
    assert find_edited([modules], modules.parent, since, is_wanted) == []


def test_so_it_is_in_an_environment_of_python(tmp_path: Path) -> None:
    package = tmp_path / ".venv/lib/python3.12/site-packages/chai"
    package.mkdir(parents=True)
    for name in ("a.py", "b.py"):
        (package / name).write_text("old\n")
    since = edit(package / "a.py")
    assert find_edited([tmp_path / ".venv"], tmp_path, since, is_wanted) == [
        str((package / "a.py").relative_to(tmp_path))
    ]
