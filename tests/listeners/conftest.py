"""Tries that follow one another at once."""

from __future__ import annotations

import pytest

from harness.listeners import channels as notify


@pytest.fixture(autouse=True)
def soon(monkeypatch) -> None:
    """Tries follow one another at once, and no proxy stands before loopback."""
    monkeypatch.setattr(notify, "PAUSE", 0.01)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
