"""What moves a ref changes the files that are compared, and nothing else does."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.world import World

from harness.workspace.ref_files import MOST, RefFiles


@pytest.fixture
def repository(world: World) -> World:
    (world.root / "a.txt").write_text("1\n")
    world.repository()
    world.git("branch", "side")
    return world


def read(world: World) -> dict[str, bytes] | None:
    return RefFiles(world.root / ".git", world.root / ".git").read()


MOVES = {
    "a commit": ["commit", "-q", "--allow-empty", "-m", "more"],
    "a branch": ["branch", "more"],
    "a branch in a folder": ["branch", "more/and/more"],
    "a deleted branch": ["branch", "-D", "side"],
    "another branch": ["checkout", "-q", "side"],
    "a detached HEAD": ["checkout", "-q", "--detach"],
    "a tag": ["tag", "v1"],
    "a packed tag": ["pack-refs", "--all"],
    "a stash": ["stash", "-q"],
    "a setting": ["config", "core.hooksPath", "hooks"],
}


@pytest.mark.parametrize("words", MOVES.values(), ids=MOVES.keys())
def test_what_moves_a_ref_is_seen(repository: World, words: list[str]) -> None:
    (repository.root / "a.txt").write_text("2\n")
    files = RefFiles(repository.root / ".git", repository.root / ".git")
    before = files.read()
    assert before == files.read() is not None
    repository.git(*words)
    assert before != files.read() is not None


def test_what_moves_none_is_not(repository: World) -> None:
    before = read(repository)
    (repository.root / "a.txt").write_text("2\n")
    repository.git("add", "a.txt")
    repository.git("gc", "-q", "--no-prune")
    repository.git("pack-refs", "--all")
    packed = read(repository)
    repository.git("status")
    assert before != packed == read(repository)


def _link(place: Path) -> None:
    (place / "heads/link").symlink_to("side")


def _fifo(place: Path) -> None:
    os.mkfifo(place / "heads/fifo")


def _many(place: Path) -> None:
    for number in range(MOST):
        (place / f"tags/{number}").write_bytes((place / "heads/side").read_bytes())


@pytest.mark.parametrize("spoil", [_link, _fifo, _many])
def test_git_is_asked_where_the_files_do_not_say_it(repository: World, spoil: Callable[[Path], None]) -> None:
    spoil(repository.root / ".git/refs")
    assert read(repository) is None
