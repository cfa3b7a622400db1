"""What many files held in a commit."""

from __future__ import annotations

import os

from helpers.world import GIT, World

from harness.workspace.blobs import read_files
from harness.workspace.git import Git


def test_files_of_a_commit_are_read_at_once_but_for_those_that_are_large(world: World) -> None:
    texts = {"a b.txt": "one\n", "same": "one\n", "empty": "", "long": "x" * 100}
    for name, text in texts.items():
        (world.root / name).write_text(text)
    world.repository()
    git = Git(world.root, {**os.environ, **GIT})
    (world.root / "same").write_text("changed since")
    assert read_files(git, "HEAD", [*texts, "not there", "a\nb"], 50) == {
        "a b.txt": b"one\n",
        "same": b"one\n",
        "empty": b"",
        "not there": None,
    }
    assert read_files(git, "", ["same"], 50) == {}
    assert read_files(git, "no-such-commit", ["same"], 50) == {"same": None}
