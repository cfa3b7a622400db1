"""The promises about crashes, each in a short version; `tests/bench/all.py` holds them at their full size."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "bench"))

import bench_damage
import bench_faults
import bench_power
from bench_lock import Stay, overlaps


def wrongs(figures) -> list[str]:
    return [f"{one.name}: {one.samples[0]:.0f} ({one.note})" for one in figures if one.met is False]


def test_a_damaged_journal_is_read_up_to_the_damage_or_refused() -> None:
    assert wrongs(bench_damage.measure_journals(1500)) == []


def test_hostile_texts_do_nothing_where_they_are_shown() -> None:
    assert wrongs(bench_damage.measure_texts(2000)) == []


def test_two_who_were_inside_at_one_time_would_be_seen() -> None:
    assert overlaps([Stay(0.0, 2.0), Stay(1.0, 3.0), Stay(3.5, 4.0)]) == 1


def test_contenders_for_the_lock_are_never_inside_together(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, str(Path(bench_damage.__file__).with_name("bench_lock.py")), "--races", "25"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr


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
