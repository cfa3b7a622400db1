"""A saboteur that survives."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def survivor(monkeypatch: pytest.MonkeyPatch) -> None:
    """End the child that a broken harness leaves behind, when it has been seen."""
    remove = shutil.rmtree

    def end_and_remove(place: Path, **given: Any) -> None:
        for child in Path(place).glob("*/project/.chaos-child"):
            os.kill(int(child.read_text("utf-8")), signal.SIGKILL)
        remove(place, **given)

    monkeypatch.setattr("harness.rehearsal.chaos.shutil.rmtree", end_and_remove)
