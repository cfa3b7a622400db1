"""What programs of a person obey by lying somewhere: the table, and what a spec may allow."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from harness.agents.table import all_agents
from harness.domain.obeyed import IGNORED, TABLE, TOLD, UNSEEN, Obeyed, is_allowed, is_harmless

OBEYED = Obeyed(all_agents().guarded)


@pytest.mark.parametrize("row", [*TABLE, *IGNORED, *TOLD], ids=lambda row: row.by)
def test_every_name_of_the_table_is_found_in_any_folder_and_in_any_case(row) -> None:
    for name in row.names.split():
        shown = name.rstrip("/").replace("*", "any")
        for written in (shown, shown.upper()):
            folder, _, last = f"deep/below/{written}".rpartition("/")
            found = (UNSEEN if row.where_ignored else OBEYED).find(folder, last)
            assert found is not None and found.by == row.by, written


CODE = "src/app.py Makefile README.md CLAUDE.md a/specs/notes.md vscode/x package.json conftest.py .gitignore spec.md"


@pytest.mark.parametrize("name", CODE.split())
def test_code_and_prose_are_obeyed_by_nobody_unasked(name: str) -> None:
    folder, _, last = name.rpartition("/")
    assert OBEYED.find(folder, last) is None


@pytest.mark.parametrize("name", [".claude", ".mcp.json", ".codex", ".gemini", "opencode.json", ".opencode"])
def test_the_settings_of_every_agent_are_in_it(name: str) -> None:
    assert OBEYED.find("packages/web", name) is not None


@pytest.mark.parametrize(
    ("pattern", "name", "allowed"),
    [
        (".npmrc", ".npmrc", True),
        (".npmrc", "packages/a/.npmrc", False),
        ("**/.npmrc", "packages/a/.npmrc", True),
        ("**/.npmrc", ".npmrc", True),
        (".husky", ".husky/pre-commit", True),
        (".husky/", ".husky/_/husky.sh", True),
        (".husky/*", ".husky/pre-commit", True),
        ("packages/*/.envrc", "packages/a/b/.envrc", False),
        ("*.pth", "xpth", False),
        (".vscode/settings.json", ".vscode/tasks.json", False),
    ],
)
def test_a_spec_allows_a_path_a_folder_or_a_pattern(pattern: str, name: str, allowed: bool) -> None:
    assert is_allowed(name, [pattern]) is allowed


def test_what_git_clone_writes_is_harmless(tmp_path: Path) -> None:
    git = ["git", "-C", tmp_path, "-c", "user.name=a", "-c", "user.email=a@b.invalid"]
    subprocess.run(["git", "init", "-q", tmp_path / "one"], check=True)
    subprocess.run([*git, "-C", "one", "commit", "-q", "--allow-empty", "-m", "x"], check=True)
    subprocess.run([*git, "clone", "-q", "--recurse-submodules", "one", "two"], check=True)
    for name in ("one", "two"):
        assert is_harmless((tmp_path / name / ".git/config").read_text())


@pytest.mark.parametrize(
    "config",
    [
        "[core]\n\tfsmonitor = ./evil\n",
        "[core]\n\tbare = false\n\thooksPath = x\n",
        "[core] fsmonitor = ./evil\n",
        "[core]\n\tbare = false \\\nfsmonitor = ./evil\n",
        '[include]\n\tpath = x\n',
        '[alias]\n\tstatus = !evil\n',
        '[remote "a"]\n\turl = ext::sh -c evil\n',
        '[remote "a"]\n\tuploadpack = evil\n',
        '[filter "a"]\n\tclean = evil\n',
        '[core]\n\tworktree = ../..\n',
        "[CORE]\n\tFSMONITOR = ./evil\n",
        "[core]\nbare\n[diff]\nexternal = x\n",
    ],
)  # fmt: skip
def test_any_other_configuration_is_not(config: str) -> None:
    assert not is_harmless(config)
