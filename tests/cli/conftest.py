"""A `claude` of a few lines."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from helpers.world import World


@pytest.fixture
def claude(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `claude` of a few lines on PATH, and a home of its own; gives that home."""
    program = tmp_path / "bin" / "claude"
    program.parent.mkdir()
    program.write_text(
        '#!/bin/sh\n[ "$1" = --version ] && { echo "2.1.329 (Claude Code)"; exit; }\nprompt=$(cat)\n'
        'done=$(printf %s "$prompt" | grep -o "/[^ ]*[.]done" | head -n 1)\necho "did it" > "$done"\n'
        """echo '{"type":"result","subtype":"success","is_error":false,"result":"ok","num_turns":1}'\n"""
    )
    program.chmod(0o755)
    home = tmp_path / "home"
    home.mkdir()
    for name in [name for name in os.environ if name.startswith(("ANTHROPIC_", "CLAUDE"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("IS_SANDBOX", "1")
    return home
