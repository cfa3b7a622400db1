"""What a dead run left is ended, and nothing else."""

import subprocess
import uuid

import pytest
from helpers.children import NASTY, PYTHON, alive, all_beat
from helpers.marks import LINUX

from harness.run.orphans import kill_orphans


def test_sweep_ends_what_a_dead_run_left_and_nothing_else(tmp_path):
    if not LINUX:
        pytest.skip("needs Linux")
    ours, other = uuid.uuid4().hex, uuid.uuid4().hex
    stranger = subprocess.Popen(["sleep", "1000"], env={"HARNESS_RUN_ID": other + "0", "X": f"HARNESS_RUN_ID={ours}"})
    nasty = subprocess.Popen(
        [*PYTHON, str(NASTY), str(tmp_path), "stay"],
        env={"HARNESS_RUN_ID": ours},
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    all_beat(tmp_path)
    killed = kill_orphans({ours, other})
    assert (killed >= 7, alive(tmp_path), stranger.poll()) == (True, set(), None)
    assert kill_orphans({ours}) == kill_orphans(()) == 0
    for process in (stranger, nasty):
        process.kill()
        process.wait()
