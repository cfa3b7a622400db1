"""Which programs Claude Code's settings name: those that exist, by whole paths, and who names them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.agents.claude_settings import find_named


@pytest.mark.parametrize(
    "command",
    [
        "{home}/guard.sh",
        "~/guard.sh --strict",
        "$HOME/guard.sh",
        'bash -c "${{HOME}}/guard.sh | tee -a x"',
        "sh '{home}/guard.sh",
    ],
)
def test_a_hook_is_found_however_its_command_is_written(tmp_path: Path, command: str) -> None:
    (tmp_path / "guard.sh").write_text("exit 2\n")
    write_hook(tmp_path / ".claude/settings.json", command.format(home=tmp_path))
    (one,) = [one for one in find_named(tmp_path, tmp_path / "project", "") if one.path.is_relative_to(tmp_path)]
    assert (one.path, one.by, one.own, one.guards) == (
        tmp_path / "guard.sh", "hook PreToolUse of ~/.claude/settings.json", True, True
    )  # fmt: skip


def test_data_and_what_is_not_there_are_no_programs(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("decoy")
    write_hook(tmp_path / ".claude/settings.json", f"curl -K {tmp_path}/token {tmp_path}/missing.sh")
    assert find_named(tmp_path, tmp_path / "project", "") == ()


def test_settings_that_are_not_loaded_name_nothing(tmp_path: Path) -> None:
    (tmp_path / "guard.sh").touch()
    write_hook(tmp_path / ".claude/settings.json", "~/guard.sh")
    assert find_named(tmp_path, tmp_path / "project", "project") == ()


def test_servers_are_found_in_the_state_and_in_the_project(tmp_path: Path) -> None:
    root = tmp_path / "project"
    root.mkdir()
    for name in ("a.py", "b.py", "c.py"):
        (tmp_path / name).touch()
    server = {name: {"mcpServers": {name: {"command": "python3", "args": [f"{tmp_path}/{name}.py"]}}} for name in "abc"}
    (tmp_path / ".claude.json").write_text(
        json.dumps(server["a"] | {"projects": {str(root): server["b"], "/other": {}}})
    )
    (root / ".mcp.json").write_text(json.dumps(server["c"]))
    found = [(one.path.name, one.by, one.own, one.guards) for one in find_named(tmp_path, root, "")]
    assert found == [("a.py", "MCP server a", True, False), ("b.py", "MCP server b", True, False),
                     ("c.py", "MCP server c", False, False)]  # fmt: skip


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"hooks": [1]}', '{"hooks": {"Stop": [{"hooks": [{"command": 1}]}, 2]}}']
)
def test_odd_settings_name_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / ".claude").mkdir()
    (tmp_path / ".claude/settings.json").write_text(text)
    (tmp_path / ".claude.json").write_text(text)
    assert find_named(tmp_path, tmp_path, "") == ()


def write_hook(settings: Path, command: str) -> None:
    settings.parent.mkdir(exist_ok=True)
    groups = [{"matcher": "Bash", "hooks": [{"type": "command", "command": command}]}]
    settings.write_text(json.dumps({"hooks": {"PreToolUse": groups}}))
