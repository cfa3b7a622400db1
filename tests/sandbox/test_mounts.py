"""What of this machine is let in, and what never is."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers.marks import needs_bwrap
from helpers.world import FINISH, SECRET

from harness.agents.table import all_agents
from harness.domain.paths import Paths
from harness.sandbox.bubblewrap import Mounts, compose_arguments
from harness.sandbox.mounts import find_mounts, find_tools
from harness.settings.load import load_config
from harness.workspace.quarantine import find_git


def test_nothing_of_etc_that_holds_a_secret_is_let_in() -> None:
    let_in = {word for word in compose_arguments(Mounts(Path("/w"))) if word.startswith("/etc")}
    assert not let_in & {"/etc", "/etc/shadow", "/etc/ssh", "/etc/pip.conf", "/etc/npmrc", "/etc/sudoers"}


def test_a_tool_folder_that_is_a_link_out_of_the_project_is_not_let_in(place: Paths, tmp_path: Path) -> None:
    (place.root / ".venv").symlink_to(tmp_path / "home")
    environ = {"PATH": f"{place.root}/.venv:/usr/bin", "VIRTUAL_ENV": f"{place.root}/.venv"}
    assert tmp_path / "home" not in find_tools(environ, Path("/nonexistent"), place.root)


@needs_bwrap
@pytest.mark.parametrize("to", ["a home", "a process", "itself", "a folder of the project"])
def test_a_guarded_path_that_is_a_link_is_not_mounted(confined: Any, tmp_path: Path, to: str) -> None:
    (tmp_path / "home/secret").write_text(SECRET)
    leads = {"a home": tmp_path / "home/secret", "a process": "/proc/2/status", "itself": ".mcp.json"}
    (confined.root / ".mcp.json").symlink_to(leads.get(to, "logs"))
    (confined.root / ".claude").symlink_to(tmp_path / "home")
    confined.spec("hello")
    look = f"grep -s {SECRET} .mcp.json .claude/secret || cat .mcp.json/journal.jsonl"
    confined.agent(f"({look}) > /dev/null 2>&1 && note it can be read; {FINISH}")
    ran = confined.go(sandbox="auto")
    assert (ran.code, "sandbox: bwrap" in ran.text) == (0, True), ran.text
    assert "can be read" not in confined.log("hello.log")


def test_what_other_worktrees_keep_is_held_in_the_main_one_too(tmp_path: Path) -> None:
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b.invalid", "-C", tmp_path / "main"]
    subprocess.run(["git", "init", "-q", tmp_path / "main"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "x"], check=True)
    subprocess.run([*git, "worktree", "add", "-q", tmp_path / "side"], check=True)
    root = (tmp_path / "main").resolve()
    (root / "specs").mkdir()
    config = load_config(root, {"agent": "scripted"}, {})
    mounts = find_mounts(config, {"PATH": "/usr/bin"}, root=root, home=tmp_path / "home", agents=all_agents())
    assert {root / ".git/worktrees/side", root / ".git/config", root / "specs"} <= set(mounts.protected)


def test_links_that_lead_nowhere_end_no_look(place: Paths) -> None:
    (place.root / ".venv").mkdir()
    (place.root / ".venv/bin").symlink_to("bin")
    for number in range(1500):
        (place.root / f"{number}").symlink_to(f"{number + 1}")
    for name in ("bin", "0"):
        environ = {"PATH": f"{place.root}/.venv/{name}:{place.root}/0", "VIRTUAL_ENV": f"{place.root}/0"}
        find_tools(environ, Path("/nonexistent"), place.root)
        find_tools(environ, Path("/nonexistent"), place.root / "elsewhere")
    for forged in ("gitdir: .venv/bin/x", "gitdir: 0", "gitdir: a\0b"):
        (place.root / ".git").write_text(forged)
        assert find_git(place.root) == (place.root, [])
    (place.root / ".mcp.json").symlink_to(".mcp.json")
    (place.root / "specs").symlink_to("specs")
    config = replace(load_config(place.root, {"agent": "scripted"}, {}), paths=place)
    mounts = find_mounts(config, {}, root=place.root, home=Path("/nonexistent"), agents=all_agents())
    assert not [path for path in mounts.protected if path.name in (".mcp.json", "specs")]
