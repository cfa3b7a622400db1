"""HALT, whatever it is, is a halt."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.domain.paths import Paths
from harness.records.halt_file import read_halt


@pytest.mark.parametrize("kind", ["fifo", "folder", "link", "huge", "dead link to a device"])
def test_a_strange_halt_is_a_halt(place: Paths, tmp_path: Path, kind: str) -> None:
    if kind == "fifo":
        os.mkfifo(place.halt)
    elif kind == "folder":
        place.halt.mkdir()
    elif kind == "huge":
        with place.halt.open("wb") as huge:
            huge.truncate(10 << 30)
    else:
        place.halt.symlink_to(tmp_path / "home/settings.json" if kind == "link" else "/dev/full")
    request = read_halt(place)
    assert request is not None and not request.now
