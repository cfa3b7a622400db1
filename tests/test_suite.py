"""The suite itself can be relied on: what belongs together meets one worker."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

GROUP = """
import os, pytest
@pytest.mark.xdist_group("together")
@pytest.mark.parametrize("number", range(6))
def test_one(number):
    with open("workers", "a") as file:
        print(os.environ["PYTEST_XDIST_WORKER"], file=file)
"""


def run_pytest(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run pytest in a process and a folder of its own, with xdist as its only plugin."""
    line = [sys.executable, "-m", "pytest", "-q", "--rootdir", str(folder), "-p", "xdist.plugin", *words]
    environ = {"PATH": "/usr/bin:/bin", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(line, cwd=folder, env=environ, capture_output=True, text=True, check=False)


def test_a_group_of_tests_meets_one_worker(tmp_path: Path) -> None:
    (tmp_path / "test_group.py").write_text(GROUP)
    ran = run_pytest(tmp_path, "-n2", "--dist", "loadgroup")
    assert ran.returncode == 0, ran.stdout
    workers = (tmp_path / "workers").read_text().split()
    assert (len(workers), len(set(workers))) == (6, 1)
