"""kill -9 of harness, again and again: nothing is lost, done twice, torn or left alive. The long one: bench_kill.py."""

from __future__ import annotations

import random
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from bench.killing import Victim, kill_at_random

pytestmark = [
    pytest.mark.deep,
    pytest.mark.skipif(sys.platform != "linux", reason="survivors are looked for in /proc"),
    pytest.mark.xdist_group("kill"),
]

SEEDS = (1, 2, 3)
KILLS = 5  # of each project
UNTIDY = ("leftover", "missing", "shadow")


def kill_and_judge(root: Path, seed: int) -> list[str]:
    """Kill a project's runs, let it finish, and return what is wrong with it."""
    root.mkdir(parents=True)
    victim = Victim(root, features=2)
    kill_at_random(victim, KILLS, random.Random(seed), longest=0.7)
    return victim.finish() + victim.judge()


@pytest.fixture(scope="module")
def wrongs(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What is wrong after 15 kills at random moments, most of them while an attempt is kept."""
    folder = tmp_path_factory.mktemp("kill")
    with ThreadPoolExecutor(2) as pool:
        judged = pool.map(lambda seed: kill_and_judge(folder / str(seed) / "project", seed), SEEDS)
        return [wrong for each in judged for wrong in each]


def test_a_killed_run_loses_nothing_and_does_nothing_twice(wrongs: list[str]) -> None:
    assert [wrong for wrong in wrongs if not wrong.startswith(UNTIDY)] == []


def test_a_killed_run_leaves_nothing_lying_about(wrongs: list[str]) -> None:
    assert [wrong for wrong in wrongs if wrong.startswith(UNTIDY)] == []
