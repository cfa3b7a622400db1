"""The promises about crashes, each in a short version; `tests/bench/all.py` holds them at their full size."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import bench_faults
import bench_flood
import bench_git
import bench_power
import pytest
from bench_kill import new_folder
from bench_lock import Stay, overlaps
from killing import Victim

pytestmark = pytest.mark.deep
needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")


def wrongs(figures) -> list[str]:
    return [f"{one.name}: {one.samples[0]:.0f} ({one.note})" for one in figures if one.met is False]


def test_two_who_were_inside_at_one_time_would_be_seen() -> None:
    assert overlaps([Stay(0.0, 2.0), Stay(1.0, 3.0), Stay(3.5, 4.0)]) == 1


def run_bench(name: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a bench in a process of its own: it forks."""
    line = [sys.executable, str(Path(bench_faults.__file__).with_name(name)), *words]
    return subprocess.run(line, capture_output=True, text=True, timeout=120, check=False)


def test_contenders_for_the_lock_are_never_inside_together() -> None:
    ran = run_bench("bench_lock.py", "--races", "25")
    assert ran.returncode == 0, ran.stdout + ran.stderr


@needs_linux
def test_nothing_of_seven_hostile_roles_survives_any_end() -> None:
    ran = run_bench("bench_orphans.py", "--repeats", "1", "--races", "6")
    assert ran.returncode == 0, ran.stdout + ran.stderr


@needs_linux
def test_without_a_supervisor_they_survive() -> None:
    ran = run_bench("bench_orphans.py", "--bare")
    assert ran.returncode == 1 and ran.stdout.count("  NO  ") == 3, ran.stdout + ran.stderr


@needs_linux
def test_a_flood_of_output_costs_neither_memory_nor_disk() -> None:
    assert wrongs(bench_flood.measure(0.003)) == []


@needs_linux
def test_a_program_that_holds_what_it_hears_would_be_seen() -> None:
    hoard = [sys.executable, "-c", "x = b'x' * (100 << 20); import time; time.sleep(0.2)"]
    assert bench_flood.watch(subprocess.Popen(hoard)) > bench_flood.MEMORY


PLANTED = ("hooks_of_the_person_in_the_tree", "filter_of_the_person_is_a_script", "git_on_path")


@needs_linux
@pytest.mark.skipif(shutil.which("bwrap") is None, reason="BUBBLEWRAP IS NOT INSTALLED")
@pytest.mark.xdist_group("sandbox")
def test_no_planted_program_runs_outside_the_sandbox() -> None:
    assert wrongs([bench_git.measure_sandbox("bwrap", PLANTED, whole=False)]) == []


@needs_linux
def test_a_planted_program_that_runs_is_seen() -> None:
    assert bench_git.measure_sandbox("none", ("fsmonitor",), whole=False).samples[0] > 0


def test_what_was_acknowledged_survives_a_power_cut() -> None:
    try:
        figures = bench_power.measure(2)
    except (OSError, subprocess.CalledProcessError) as error:  # the device is there, and not the right to use it
        pytest.skip(f"no loop device here: {error}")
    if not figures:
        pytest.skip("needs root, ext4 and loop devices")
    assert wrongs(figures) == []


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
def test_a_kill_and_a_failed_system_call_lose_nothing() -> None:
    assert wrongs(bench_faults.measure(kills=2, errors=3)) == []


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
@pytest.mark.parametrize("call", ["socketpair", "vfork", "epoll_create1"])
def test_a_call_that_the_machine_refuses_at_the_start_is_no_bug(call: str) -> None:
    for error in ("EINTR", "EAGAIN", "ENOBUFS"):
        for number in (1, 3):
            victim = Victim(new_folder("refused"), features=1)
            happens = f"inject={call}:error={error}:when={number}"
            code = victim.start(bench_faults.traced("-o", "/dev/null", "-e", f"trace={call}", "-e", happens)).wait(60)
            assert code in (0, 2), f"{error} at {call} {number}"
