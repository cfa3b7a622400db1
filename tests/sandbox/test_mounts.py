"""What of this machine is let in, and what never is."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers.marks import in_short, needs_bwrap
from helpers.world import FINISH, SECRET

import harness
from harness.agents.table import all_agents
from harness.domain.paths import Paths
from harness.sandbox.bubblewrap import Mounts, compose_arguments
from harness.sandbox.mounts import existing, find_mounts
from harness.sandbox.tools import find_own_code, find_tools, installation
from harness.settings.load import find_root, load_config
from harness.workspace.git_config import GitConfig
from harness.workspace.repositories import find_git

NOBODYS: Any = {"agents": all_agents(), "git_config": GitConfig()}


def test_nothing_of_etc_that_holds_a_secret_is_let_in() -> None:
    let_in = {word for word in compose_arguments(Mounts(Path("/w"))) if word.startswith("/etc")}
    assert not let_in & {"/etc", "/etc/shadow", "/etc/ssh", "/etc/pip.conf", "/etc/npmrc", "/etc/sudoers"}


def test_a_tool_folder_that_is_a_link_out_of_the_project_is_not_let_in(place: Paths, tmp_path: Path) -> None:
    (place.root / ".venv").symlink_to(tmp_path / "home")
    environ = {"PATH": f"{place.root}/.venv:/usr/bin", "VIRTUAL_ENV": f"{place.root}/.venv"}
    assert tmp_path / "home" not in find_tools(environ, Path("/nonexistent"), place.root)


def test_a_prefix_in_a_folder_that_is_closed_to_us_holds_nothing(tmp_path: Path) -> None:
    """Where root starts us for another user, our Python's prefix can lie in root's home."""
    (tmp_path / "closed/python").mkdir(parents=True)
    (tmp_path / "closed").chmod(0)
    tmp_path.chmod(0o711)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)  # root may look everywhere
    try:
        found = installation(tmp_path / "closed/python")
        root = find_root(tmp_path / "closed/python")
    finally:
        os.seteuid(user)
        (tmp_path / "closed").chmod(0o700)
    assert found and existing(found) == ()
    assert root == tmp_path / "closed/python"


@needs_bwrap
@pytest.mark.parametrize("to", in_short(["a home", "a process", "itself", "a folder of the project"], "a home"))
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


def test_what_other_worktrees_keep_is_held_in_the_main_one_too_by_a_single_mount(tmp_path: Path) -> None:
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b.invalid", "-C", tmp_path / "main"]
    subprocess.run(["git", "init", "-q", tmp_path / "main"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "x"], check=True)
    subprocess.run([*git, "worktree", "add", "-q", tmp_path / "side"], check=True)
    root = (tmp_path / "main").resolve()
    (root / "specs").mkdir()
    config = load_config(root, {"agent": "scripted"}, {})
    mounts = find_mounts(
        config, {"PATH": "/usr/bin"}, root=root, home=tmp_path / "home", agents=all_agents(), git_config=GitConfig()
    )
    assert {root / ".git/worktrees", root / ".git/config", root / "specs"} <= set(mounts.protected)


def test_our_own_python_and_harness_are_read_only_wherever_agents_may_write(place: Paths) -> None:
    prefix, package = Path(sys.prefix).resolve(), Path(harness.__file__).resolve().parent
    assert prefix in find_own_code([prefix.parent])
    assert {package, package.parent / "templates"} <= set(find_own_code([package.parent]))
    config = load_config(place.root, {"agent": "scripted", "sandbox_write": str(prefix.parent)}, {})
    mounts = find_mounts(
        config, {}, root=place.root, home=Path("/nonexistent"), agents=all_agents(), git_config=GitConfig()
    )
    assert prefix in mounts.protected


CREDENTIALS = {
    ".fly": "config.yml", ".pulumi": "credentials.json", ".docker": "config.json", ".kube": "config",
    ".cargo": "config.toml", ".local/share/uv": "credentials/x.toml", "dotfiles": "keys/id", ".poetry": "auth.toml",
    "go": "src/other/.env", "miniconda3": "conda-meta/state", "tools": "bin/.env",
}  # fmt: skip


@needs_bwrap
def test_programs_on_path_are_let_in_and_not_what_lies_beside_them(confined: Any, tmp_path: Path) -> None:
    home = tmp_path / "home"
    for folder, name in CREDENTIALS.items():
        (home / folder / "bin").mkdir(parents=True)
        program = home / folder / "bin" / f"of-{folder.strip('.').split('/')[0]}"
        program.write_text("#!/bin/sh\ncat $(dirname $0)/../lib/data")
        program.chmod(0o755)
        (home / folder / "lib").mkdir()
        (home / folder / "lib/data").write_text("it runs\n")
        (home / folder / name).parent.mkdir(parents=True, exist_ok=True)
        (home / folder / name).write_text(SECRET)
    bins = [str(home / folder / "bin") for folder in CREDENTIALS]
    confined.environment["PATH"] = ":".join([*bins, confined.environment["PATH"]])
    confined.spec("hello")
    confined.agent(f"(grep -rls {SECRET} $HOME; of-fly; of-go) > found.txt 2>&1; {FINISH}")
    assert confined.go().code == 0
    assert (confined.root / "found.txt").read_text().splitlines() == ["it runs", "it runs"]


@needs_bwrap
def test_a_folder_where_a_file_with_credentials_is_expected_is_there_empty(confined: Any, tmp_path: Path) -> None:
    (tmp_path / "home/.local/share/pnpm/credentials").mkdir(parents=True)
    (tmp_path / "home/.local/share/pnpm/credentials/token").write_text(SECRET)
    confined.spec("hello")
    confined.agent(f"ls -A ~/.local/share/pnpm/credentials > found.txt; {FINISH}")
    assert confined.go().code == 0
    assert (confined.root / "found.txt").read_text() == ""


def test_links_that_lead_nowhere_end_no_look(place: Paths) -> None:
    (place.root / ".venv").mkdir()
    (place.root / ".venv/bin").symlink_to("bin")
    for number in range(1050):  # more than Python calls within one another
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
    mounts = find_mounts(
        config, {}, root=place.root, home=Path("/nonexistent"), agents=all_agents(), git_config=GitConfig()
    )
    assert not [path for path in mounts.protected if path.name in (".mcp.json", "specs")]
