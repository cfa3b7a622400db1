"""A disk that fills, in every way that this machine allows."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from harness.rehearsal import scene
from harness.rehearsal.chaos import run_chaos
from harness.rehearsal.scene import DISK, find_small_disks
from harness.settings.options import Settings

slow = pytest.mark.slow


def play(*faults: str, settings: Settings | None = None, **given: Any) -> list[dict[str, Any]]:
    return run_chaos(settings or Settings(), os.environ, faults=faults, **given)


def test_each_way_to_a_small_disk_gives_one(tmp_path: Path) -> None:
    ways = list(find_small_disks(tmp_path, os.environ))
    if not ways:
        pytest.skip("NO SMALL DISK CAN BE MOUNTED HERE: a full one is not played")
    for _, before in ways:
        told = subprocess.run(
            [*before, "stat", "-f", "-c", "%b %S", tmp_path], capture_output=True, text=True, check=True
        )
        blocks, size = map(int, told.stdout.split())
        assert blocks * size == DISK
    assert list(tmp_path.iterdir()) == []


@slow
def test_every_way_to_a_small_disk_keeps_the_promise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, _ in list(find_small_disks(tmp_path, os.environ)):
        only = lambda folder, environ, name=name: (way for way in find_small_disks(folder, environ) if way[0] == name)  # noqa: E731
        monkeypatch.setattr(scene, "find_small_disks", only)
        (row,) = play("disk")
        assert row["kept"], row
        assert name in row["did"]


@pytest.mark.deep
def test_where_there_is_no_small_disk_the_row_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scene, "find_small_disks", lambda folder, environ: iter(()))
    (row,) = play("disk", settings=Settings(sandbox="none"))
    assert row["kept"], row
    assert "NO SMALL DISK CAN BE MOUNTED HERE, so `ulimit -f 4` instead" in row["did"]
