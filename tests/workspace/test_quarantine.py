"""Files that programs outside would obey are found, and repositories that lead elsewhere lead nowhere."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from harness.agents.table import all_agents
from harness.domain.paths import Paths
from harness.workspace.quarantine import find_absent
from harness.workspace.repositories import find_git


@pytest.mark.parametrize(
    "forged", ["gitdir: {home}", "gitdir: {home}/other/.git", "gitdir: evil"], ids=["a home", "a repository", "a fake"]
)
def test_a_git_file_that_nobody_knows_of_opens_no_folder(place: Paths, tmp_path: Path, forged: str) -> None:
    home, evil = tmp_path / "home", place.root / "evil"
    subprocess.run(["git", "init", "-q", home / "other"], check=True)
    evil.mkdir()
    (evil / "commondir").write_text(str(home))
    (evil / "gitdir").write_text(f"{place.root}/.git")
    (place.root / ".git").write_text(forged.format(home=home))
    assert find_git(place.root) == (place.root, [])


def test_a_git_link_opens_no_folder(place: Paths, tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", tmp_path / "home/other"], check=True)
    (place.root / ".git").symlink_to(tmp_path / "home/other/.git")
    assert find_git(place.root) == (place.root, [])


def test_a_submodule_is_known_by_its_repository(tmp_path: Path) -> None:
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b.invalid", "-c", "protocol.file.allow=always", "-C"]
    for name in ("inner", "outer"):
        subprocess.run(["git", "init", "-q", tmp_path / name], check=True)
        subprocess.run([*git, tmp_path / name, "commit", "-q", "--allow-empty", "-m", "x"], check=True)
    subprocess.run([*git, tmp_path / "outer", "submodule", "--quiet", "add", tmp_path / "inner", "sub"], check=True)
    sub = tmp_path / "outer/sub"
    assert find_git(sub) == (sub, [(tmp_path / "outer/.git/modules/sub").resolve()])


def test_a_repository_that_appears_is_looked_for(place: Paths) -> None:
    assert str(place.root / ".git") in find_absent(place.root, all_agents().guarded)


def test_the_folders_of_a_worktree_are_its_own_and_the_common_one(tmp_path: Path) -> None:
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b.invalid", "-C"]
    subprocess.run(["git", "init", "-q", str(tmp_path / "main")], check=True)
    subprocess.run([*git, str(tmp_path / "main"), "commit", "-q", "--allow-empty", "-m", "x"], check=True)
    subprocess.run([*git, str(tmp_path / "main"), "worktree", "add", "-q", str(tmp_path / "side")], check=True)
    common = (tmp_path / "main/.git").resolve()
    assert find_git(tmp_path / "main") == (tmp_path / "main", [common])
    assert find_git(tmp_path / "side") == (tmp_path / "side", [common, common / "worktrees/side"])
