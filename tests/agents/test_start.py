"""Agents that are a command line get the command line that was verified."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.programs import choices, put

from harness.agents.choose import choose_agent


@pytest.mark.parametrize(
    ("name", "argv"),
    [
        (
            "codex",
            ("codex", "exec", "--json", "--dangerously-bypass-approvals-and-sandbox", "--skip-git-repo-check",
             "-m", "m", "-"),
        ),
        (
            "gemini",
            ("gemini", "--yolo", "--skip-trust", "--output-format", "stream-json", "-m", "m",
             "-p", "Follow the instructions above."),
        ),
        ("opencode", ("opencode", "run", "--format", "json", "--auto", "-m", "m")),
    ],
)  # fmt: skip
def test_the_command_line_is_the_verified_one(programs: Path, tmp_path: Path, name: str, argv: tuple) -> None:
    put(programs, name)
    assert choose_agent(choices(agent=name, model="m"), None, tmp_path, tmp_path).argv == argv
