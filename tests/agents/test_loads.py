"""Hooks that an agent would execute are named."""

from __future__ import annotations

from pathlib import Path

from harness.agents.loads import find_loaded


def test_hooks_that_an_agent_would_execute_are_named(tmp_path: Path) -> None:
    (tmp_path / ".claude").mkdir()
    (tmp_path / ".claude/settings.json").write_text('{"hooks": {"Stop": [], "PreToolUse": []}}')
    assert find_loaded("claude", tmp_path, "") == [
        ".claude/settings.json (hooks that will be executed: PreToolUse, Stop)"
    ]
    assert find_loaded("claude", tmp_path, "user") == []
