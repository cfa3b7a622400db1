"""A folder of specs."""

from __future__ import annotations

import pytest


@pytest.fixture
def specs(tmp_path):
    folder = tmp_path / "specs"
    folder.mkdir()
    return folder
