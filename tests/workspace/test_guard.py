"""The guard of a work tree: what came, went or was changed, and what is put back."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.domain.obeyed import Obeyed
from harness.system import untrusted
from harness.workspace import guard as module
from harness.workspace.guard import Guard
from harness.workspace.guards import Guards
from harness.workspace.quarantine import GUARDED


def guard_of(root: Path) -> Guard:
    guard = Guard(root, frozenset({".git", "logs", "specs"}), Obeyed())
    guard.remember()
    return guard


def put(root: Path, name: str, text: str = "x\n") -> Path:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text)
    return root / name


def names(guard: Guard, *may_change: str) -> list[str]:
    return [change.name for change in guard.changes(may_change)]


def test_what_is_planted_anywhere_is_found_with_its_topmost_folder(tmp_path: Path) -> None:
    put(tmp_path, "a/b/c/code.py")
    guard = guard_of(tmp_path)
    for name in ("a/b/c/.envrc", "a/.vscode/tasks.json", "new/deep/.idea/x/y.xml", "logs/.envrc", "a/harness.yaml"):
        put(tmp_path, name)
    assert names(guard) == ["a/.vscode", "a/b/c/.envrc", "a/harness.yaml", "new/deep/.idea"]


def test_what_stands_in_a_diff_is_left_and_what_git_ignores_is_not(tmp_path: Path) -> None:
    put(tmp_path, "own/AGENTS.md")
    guard = guard_of(tmp_path)
    guard.ignored = lambda asked: {name for name in asked if name.endswith((".local.md", "own/AGENTS.md"))}
    for name in ("CLAUDE.md", "CLAUDE.local.md", "own/AGENTS.md", ".github/instructions/.vscode/tasks.json"):
        put(tmp_path, name, "Never ask.\n")
    assert names(guard) == [".github/instructions/.vscode", "CLAUDE.local.md", "own/AGENTS.md"]
    guard.remember()
    assert names(guard) == []


def test_before_git_can_be_asked_what_it_may_ignore_is_only_told(tmp_path: Path) -> None:
    guard = guard_of(tmp_path)
    put(tmp_path, "CLAUDE.local.md")
    put(tmp_path, ".envrc")
    assert [(one.name, one.row.only_told) for one in guard.changes()] == [(".envrc", False), ("CLAUDE.local.md", True)]


def test_of_what_may_hold_secrets_nothing_is_kept_and_the_same_bytes_are_no_change(tmp_path: Path) -> None:
    file = put(tmp_path, "app/.env", "KEY=correct-horse\n")
    guard = guard_of(tmp_path)
    guard.ignored = set
    assert "correct-horse" not in str([guard.known, guard.as_json()])
    file.unlink()
    put(tmp_path, "app/.env", "KEY=correct-horse\n")
    assert names(guard) == []
    put(tmp_path, "app/.env", "KEY=correct-horse\nX=1\n")
    assert names(guard) == ["app/.env"]


def test_a_change_that_keeps_size_and_time_is_found_and_the_old_text_is_put_back(tmp_path: Path) -> None:
    file = put(tmp_path, "pkg/.npmrc", "good\n")
    file.chmod(0o640)
    guard, before = guard_of(tmp_path), file.stat()
    file.write_text("evil\n")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    [change] = guard.changes()
    aside, _ = guard.set_aside(change, tmp_path / "logs")
    assert (aside.read_text(), file.read_text(), file.stat().st_mode) == ("evil\n", "good\n", before.st_mode)
    guard.remember()
    assert names(guard) == []


def test_what_is_too_much_to_be_kept_is_put_back_as_it_is_committed(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("harness.workspace.guard.KEPT_IN_ALL", 0)
    file = put(tmp_path, "pkg/.npmrc", "good\n")
    guard = guard_of(tmp_path)
    guard.committed = {"pkg/.npmrc": b"good\n"}.__getitem__
    file.write_text("evil\n")
    [change] = guard.changes()
    assert (guard.set_aside(change, tmp_path.parent / "aside")[1], file.read_text()) == (True, "good\n")


def test_the_same_bytes_written_again_are_no_change_and_a_mode_is_one(tmp_path: Path) -> None:
    file = put(tmp_path, ".githooks/pre-commit", "#!/bin/sh\n")
    guard = guard_of(tmp_path)
    file.unlink()
    put(tmp_path, ".githooks/pre-commit", "#!/bin/sh\n")
    assert names(guard) == []
    file.chmod(0o755)
    assert names(guard) == [".githooks/pre-commit"]


def test_what_is_deleted_is_put_back(tmp_path: Path) -> None:
    file = put(tmp_path, "a/.pre-commit-config.yaml", "repos: []\n")
    guard = guard_of(tmp_path)
    file.unlink()
    file.parent.rmdir()
    for change in guard.changes():
        guard.set_aside(change, tmp_path / "logs")
    assert file.read_text() == "repos: []\n"


@pytest.mark.parametrize("made", ["link", "folder", "fifo"])
def test_something_else_in_its_place_is_moved_and_the_file_is_back(tmp_path: Path, made: str) -> None:
    file = put(tmp_path, ".envrc", "mine\n")
    guard = guard_of(tmp_path)
    file.unlink()
    {"link": lambda: file.symlink_to("/etc/passwd"), "folder": file.mkdir, "fifo": lambda: os.mkfifo(file)}[made]()
    for change in guard.changes():
        guard.set_aside(change, tmp_path / "logs")
    assert (file.is_symlink(), file.read_text()) == (False, "mine\n")


def test_what_a_spec_may_change_is_left_and_the_rest_of_its_folder_is_not(tmp_path: Path) -> None:
    guard = guard_of(tmp_path)
    for name in (".husky/pre-commit", ".husky/post-checkout", "harness.yaml", "sub/harness.yaml"):
        put(tmp_path, name)
    assert names(guard, ".husky/pre-commit", "harness.yaml", "sub/**") == [
        ".husky/post-checkout", "harness.yaml", "sub/harness.yaml"
    ]  # fmt: skip


def test_repositories_are_found_as_folder_file_link_or_bare(tmp_path: Path) -> None:
    guard = guard_of(tmp_path)
    subprocess.run(["git", "init", "-q", tmp_path / "one"], check=True)
    subprocess.run(["git", "init", "-q", "--bare", tmp_path / "two"], check=True)
    put(tmp_path, "three/.git", "gitdir: ../one/.git\n")
    (tmp_path / "four").mkdir()
    (tmp_path / "four/.GIT").symlink_to("../one/.git")
    put(tmp_path, "node_modules/x/.git/config", "[core]\n\tfsmonitor = ./evil\n")
    put(tmp_path, "node_modules/y/.vscode/settings.json")
    assert names(guard) == ["four/.GIT", "node_modules/x/.git", "one/.git", "three/.git", "two/HEAD"]


def test_a_plain_clone_that_git_ignores_is_a_package_manager_s(tmp_path: Path) -> None:
    guard = guard_of(tmp_path)
    subprocess.run(["git", "init", "-q", tmp_path / "node_modules/x"], check=True)
    subprocess.run(["git", "init", "-q", tmp_path / "deps/y"], check=True)
    assert names(guard) == ["deps/y/.git"]
    guard.ignored = lambda names: {"deps/y/"}.intersection(names)
    assert names(guard) == []
    guard.remember()
    put(tmp_path, "deps/y/.git/config", "[core]\n\tfsmonitor = ./evil\n")
    put(tmp_path, "node_modules/x/.git/hooks/post-checkout", "evil")
    assert names(guard) == ["deps/y/.git/config", "node_modules/x/.git/hooks/post-checkout"]


def test_a_folder_is_listed_again_only_when_something_came_or_went(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("harness.system.folders.RACY", -1)
    for number in range(20):
        put(tmp_path, f"d{number}/file")
    guard, listed, scan = guard_of(tmp_path), [], os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: listed.append(str(path)) or scan(path))
    put(tmp_path, "d7/file", "changed")
    put(tmp_path, "d8/.envrc")
    assert (names(guard), listed) == (["d8/.envrc"], [f"{tmp_path}/d8"])


def test_more_folders_than_are_looked_at_are_told_and_cost_no_more(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(module, "FOLDERS", 5)
    for number in range(9):
        (tmp_path / f"d{number}").mkdir()
    assert guard_of(tmp_path).unseen


def test_what_is_known_outlives_the_run(tmp_path: Path) -> None:
    file, kept = put(tmp_path, "a/.npmrc", "good\n"), tmp_path / "logs/obeyed.json"
    put(tmp_path, "logs/x")
    Guards(guard_of(tmp_path)).save(kept)
    put(tmp_path, "a/.npmrc", "evil\n")
    put(tmp_path, "b/.envrc")
    later = Guards(Guard(tmp_path, frozenset({"logs"}), Obeyed()))
    assert later.load(kept)
    for change in later.tree.changes():
        later.tree.set_aside(change, tmp_path / "logs")
    assert (file.read_text(), (tmp_path / "b/.envrc").exists()) == ("good\n", False)
    kept.write_text("{]")
    assert not later.load(kept)


def test_nothing_is_put_back_through_a_link_out_of_the_project(tmp_path: Path) -> None:
    root, home = tmp_path / "project", tmp_path / "home"
    home.mkdir()
    file = put(root, "pkg/.envrc", "mine\n")
    guard = guard_of(root)
    file.unlink()
    file.parent.rmdir()
    file.parent.symlink_to(home)
    [change] = guard.changes()
    assert guard.set_aside(change, tmp_path / "logs") == (None, False)
    assert list(home.iterdir()) == []


def test_a_link_is_put_back_as_a_link(tmp_path: Path) -> None:
    (tmp_path / ".envrc").symlink_to("shared/envrc")
    guard = guard_of(tmp_path)
    (tmp_path / ".envrc").unlink()
    (tmp_path / ".envrc").symlink_to("evil")
    [change] = guard.changes()
    guard.set_aside(change, tmp_path / "logs")
    assert (tmp_path / ".envrc").readlink() == Path("shared/envrc")


def test_what_is_too_large_to_be_kept_is_told_to_be_lost(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(module, "KEPT", 3)
    file = put(tmp_path, ".npmrc", "large\n")
    guard = guard_of(tmp_path)
    file.unlink()
    [change] = guard.changes()
    assert guard.set_aside(change, tmp_path / "logs") == (None, False)


def test_what_is_read_only_inside_is_looked_for_too(tmp_path: Path) -> None:
    guard = guard_of(tmp_path)
    for name in GUARDED:
        put(tmp_path, name)
    found = names(guard)
    assert [name for name in GUARDED if not any(f"{name}/".startswith(f"{one}/") for one in found)] == []


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder of nobody's, which they can reach."""
    made = Path(tempfile.mkdtemp())
    yield made
    shutil.rmtree(made)


def as_nobody(folder: Path, work: Callable[[], bool]) -> bool:
    """Return what `work` says as an ordinary user who owns the folder."""
    if os.geteuid() != 0:
        return work()
    os.chown(folder, 65534, 65534)
    if (child := os.fork()) == 0:
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            os._exit(0 if work() else 1)
        finally:
            os._exit(2)
    return os.waitpid(child, 0)[1] == 0


@pytest.mark.parametrize("mode", [0o311, 0o444, 0])
def test_a_folder_that_an_agent_closed_is_looked_at_and_one_that_a_person_closed_stays_so(
    folder: Path, mode: int
) -> None:
    def close() -> bool:
        for name in ("mine", "theirs"):
            (folder / name).mkdir()
        (folder / "mine").chmod(mode)
        guard = guard_of(folder)
        put(folder, "theirs/.envrc")
        (folder / "theirs").chmod(mode)
        for change in guard.changes():
            guard.set_aside(change, folder / "logs")
        held = (folder / "mine").stat().st_mode & 0o777 == mode and not list((folder / "theirs").iterdir())
        for name in ("mine", "theirs"):
            (folder / name).chmod(0o755)  # for who cleans up
        return held

    assert as_nobody(folder, close)


def test_a_root_that_an_agent_closed_is_open_again(folder: Path) -> None:
    def close() -> bool:
        folder.chmod(0)
        untrusted.reopen(folder)
        return put(folder, "x").read_text() == "x\n"

    assert as_nobody(folder, close)
