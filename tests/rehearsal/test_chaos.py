"""`harness chaos`: the promises are kept, and each one that is broken is found."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest
from helpers.files import REPOSITORY
from helpers.nobody import AS_NOBODY, python_of_nobody

from harness.domain.errors import AgentError
from harness.rehearsal.chaos import run_chaos, scale_down, show_chaos
from harness.rehearsal.promises import IN_ONE_RUN, IN_OWN_RUN
from harness.settings.options import Settings

slow = pytest.mark.slow


def play(*faults: str, settings: Settings | None = None, **given: Any) -> list[dict[str, Any]]:
    return run_chaos(settings or Settings(), os.environ, faults=faults, **given)


@pytest.mark.deep
def test_a_few_faults_and_every_promise_is_kept() -> None:
    rows = play("forger", "limit")
    assert [row for row in rows if not row["kept"]] == []
    assert show_chaos(rows)[-1] == "2 faults, every promise kept"


@slow
def test_every_fault_and_every_promise_is_kept() -> None:
    rows = play(*IN_ONE_RUN, *IN_OWN_RUN)
    assert len(rows) == 14
    assert [row for row in rows if not row["kept"]] == []


@slow
def test_no_sandbox_and_no_namespace_break_no_promise() -> None:
    rows = play(
        *IN_ONE_RUN, *IN_OWN_RUN, settings=Settings(sandbox="none", pid_namespace="off", stuck_limit=1, timeout=0)
    )
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


@pytest.mark.deep
def test_settings_with_which_no_run_can_begin_are_told_instead_of_a_table(tmp_path: Path) -> None:
    (tmp_path / "python3").symlink_to(sys.executable)
    for name in ("git", "sh", "env"):
        (tmp_path / name).symlink_to(shutil.which(name))
    with pytest.raises(AgentError, match="no run can begin with these settings: error: `bwrap` is not on PATH"):
        run_chaos(Settings(sandbox="bwrap"), {**os.environ, "PATH": str(tmp_path)}, faults=("hang",))


# --- the user's settings, and the command -----------------------------------------------------------------------------


def test_the_limits_are_the_users_scaled_down() -> None:
    limits = scale_down(Settings(timeout=0, stuck_limit=1, stuck_bytes=99, pid_namespace="off", sandbox_memory=1 << 30))
    told = [limits[name] for name in ("timeout", "stuck_limit", "stuck_bytes", "pid_namespace", "sandbox_memory")]
    assert told == [3, 1, 99, "off", 1 << 30]


@pytest.mark.deep
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
