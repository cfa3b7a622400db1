"""What a prompt for Claude Code must not contain by accident."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.agents.claude import prepare_prompt


@pytest.mark.parametrize(
    ("text", "fed"),
    [
        pytest.param("see @notes.txt now", "see \\@notes.txt now", id="in a sentence"),
        pytest.param("@notes.txt", "\\@notes.txt", id="at a line's start"),
        pytest.param("| @notes.txt, and", "| \\@notes.txt, and", id="in a block, with a comma"),
        pytest.param('see @"notes.txt"', 'see \\@"notes.txt"', id="quoted"),
        pytest.param("see @notes.txt#L3", "see \\@notes.txt#L3", id="with a line"),
        pytest.param("see @dir/", "see \\@dir/", id="a folder"),
        pytest.param("@dataclass\nclass A: ...", "@dataclass\nclass A: ...", id="a decorator is no file"),
        pytest.param("mail a@notes.txt", "mail a@notes.txt", id="an address"),
    ],
)
def test_claude_gets_no_file_by_accident(tmp_path: Path, text: str, fed: str) -> None:
    (tmp_path / "notes.txt").touch()
    (tmp_path / "dir").mkdir()
    assert prepare_prompt(text, tmp_path) == "Follow the instructions below.\n\n" + fed


def test_a_prompt_for_claude_never_begins_as_a_command(tmp_path: Path) -> None:
    assert not prepare_prompt("/clear", tmp_path).startswith("/")
