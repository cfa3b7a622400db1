"""`harness chaos`: the promises are kept, and one that is broken is found."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from harness.chaos import ALONE, NIGHT, run_chaos, scale_down, show_chaos
from harness.config import Settings

BROKEN = """
import sys
from harness import cli, keep
keep._set_foreign_aside = lambda *given, **named: None
sys.exit(cli.start(sys.argv[1:]))
"""


def test_a_few_faults_and_every_promise_is_kept() -> None:
    rows = run_chaos(Settings(), os.environ, faults=("echo", "forger", "limit"))
    assert [row for row in rows if not row["kept"]] == []
    assert show_chaos(rows)[-1] == "3 faults, every promise kept"


def test_a_broken_promise_is_found(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text(BROKEN, "utf-8")
    command = (sys.executable, str(tmp_path / "broken.py"))
    (row,) = run_chaos(Settings(sandbox="none"), os.environ, faults=("forger",), command=command)
    assert not row["kept"]
    assert show_chaos([row])[-1] == "1 faults, 1 promises broken"


@pytest.mark.slow
def test_every_fault_and_every_promise_is_kept() -> None:
    rows = run_chaos(Settings(), os.environ)
    assert len(rows) == len(NIGHT) + len(ALONE)
    assert [row for row in rows if not row["kept"]] == []


def test_the_limits_are_the_users_scaled_down() -> None:
    limits = scale_down(Settings(timeout=0, stuck_limit=1, stuck_bytes=99, pid_namespace="off"))
    assert (limits["timeout"], limits["stuck_limit"], limits["stuck_bytes"], limits["pid_namespace"]) == (
        3,
        1,
        99,
        "off",
    )
