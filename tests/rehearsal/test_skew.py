"""A wall clock that somebody sets: the program runs by it, and the steady clock is left alone."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.rehearsal import skew

TELL = """
import datetime, json, time
print(json.dumps([time.time(), datetime.datetime.now().timestamp(), time.monotonic()]))
"""


@pytest.mark.parametrize(("lines", "ahead"), [("0 7200\n", 7200), ("0 7200\n1e12 5\n", 7200), ("", 0), ("torn", 0)])
def test_a_program_reads_the_time_that_the_file_says(tmp_path: Path, lines: str, ahead: int) -> None:
    (tmp_path / "skew").write_text(lines)
    (tmp_path / "tell.py").write_text(TELL)
    before = time.time(), time.monotonic()
    ran = subprocess.run(
        [sys.executable, "-P", skew.__file__, str(tmp_path / "skew"), str(tmp_path / "tell.py")],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    wall, now, steady = json.loads(ran.stdout)
    assert before[0] + ahead <= wall <= time.time() + ahead
    assert before[0] + ahead <= now <= time.time() + ahead
    after = time.monotonic()
    assert before[1] <= steady <= after
