"""Hooks that an agent would execute are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.agents.loads import find_loaded, find_obeyed


def test_hooks_that_an_agent_would_execute_are_named(tmp_path: Path) -> None:
    (tmp_path / ".claude").mkdir()
    (tmp_path / ".claude/settings.json").write_text('{"hooks": {"Stop": [], "PreToolUse": []}}')
    assert find_loaded("claude", tmp_path, "") == [
        ".claude/settings.json (hooks that will be executed: PreToolUse, Stop)"
    ]
    assert find_loaded("claude", tmp_path, "user") == []


@pytest.mark.parametrize(
    ("said", "obeyed"),
    [
        ('{"permissions": {"allow": ["Bash"]}}', []),
        ('{"env": {"ANTHROPIC_BASE_URL": "http://x"}}', [".claude/settings.json"]),
        ("not JSON", [".claude/settings.json"]),
        ("[" * 100_000, [".claude/settings.json"]),
    ],
    ids=["permissions alone", "an address", "unreadable", "deeper than can be read"],
)
def test_what_an_agent_obeys_is_found_but_for_permissions(tmp_path: Path, said: str, obeyed: list[str]) -> None:
    (tmp_path / ".claude").mkdir()
    (tmp_path / ".claude/settings.json").write_text(said)
    for agent in ("claude", "auto"):
        assert [name for name, _ in find_obeyed((agent, "no such"), tmp_path, "")] == obeyed
    assert find_obeyed(("claude",), tmp_path, "user") == find_obeyed(("codex",), tmp_path, "") == []
    find_loaded("claude", tmp_path, "")
