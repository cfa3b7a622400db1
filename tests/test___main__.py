"""What is imported when the command starts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.marks import in_short


@pytest.mark.parametrize("planted", in_short(["typer.py", "sub/typer.py"], "typer.py"))
def test_nothing_is_imported_from_the_folder_it_is_started_in(tmp_path: Path, planted: str) -> None:
    """Where `python -m` and a PYTHONPATH would look first."""
    (tmp_path / planted).parent.mkdir(exist_ok=True)
    (tmp_path / planted).write_text("print('obeyed')")
    environ = {**os.environ, "PYTHONPATH": f"sub:{tmp_path}/sub/.."}
    line = [sys.executable, "-m", "harness", "status"]
    ran = subprocess.run(line, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
    assert "obeyed" not in ran.stdout and "Traceback" not in ran.stderr, ran.stderr


def test_what_is_imported_late_does_not_come_from_there_either(tmp_path: Path) -> None:
    (tmp_path / "apprise.py").write_text("")
    code = "import sys; from harness.__main__ import import_nothing_from_here as f; f(); print(sys.path)"
    said = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "''" not in said.stdout and str(tmp_path) not in said.stdout
