"""What commits brought is listed whole, and searched in pieces."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from harness.system.redact import Redactor
from harness.workspace.brought import _Reader, list_brought, list_differing, search_objects
from harness.workspace.git import Git

KEY = "Zk9vQx7LmP2sWd8RtY"
IDENTITY = {"GIT_AUTHOR_NAME": "x", "GIT_AUTHOR_EMAIL": "x@x", "GIT_COMMITTER_NAME": "x", "GIT_COMMITTER_EMAIL": "x@x"}


def run_git(root: Path, *words: str) -> str:
    env = {**os.environ, **IDENTITY}
    return subprocess.run(["git", *words], cwd=root, env=env, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def git(tmp_path: Path) -> Git:
    run_git(tmp_path, "init", "-q")
    for number, text in enumerate(("one", KEY, "three")):
        (tmp_path / "a name\nof two lines").write_text(text)
        run_git(tmp_path, "add", "-A")
        run_git(tmp_path, "commit", "-qm", str(number))
    return Git(tmp_path, dict(os.environ))


def test_what_a_later_commit_took_out_again_is_listed_from_the_first_commit_on(git: Git) -> None:
    (name, blobs), *rest = list_brought(git, [""], [run_git(git.root, "rev-parse", "HEAD")]).files.items()
    assert (name, len(blobs), rest) == ("a name\nof two lines", 3, [])
    assert [len(list_differing(git, since, "HEAD").files) for since in ("", "HEAD~2", "HEAD")] == [1, 1, 0]


def test_of_thousands_of_commits_the_first_is_listed_too(git: Git) -> None:
    since = run_git(git.root, "rev-parse", "HEAD")
    who = "committer x <x@x> 1700000000 +0000\ndata 1\nx\n"
    first = f"commit refs/heads/many\n{who}from {since}\nM 100644 inline first\ndata 1\nx\n\n"
    later = f"commit refs/heads/many\n{who}D first\n\n" + f"commit refs/heads/many\n{who}\n" * 2100
    subprocess.run(["git", "fast-import", "--quiet"], cwd=git.root, input=(first + later).encode(), check=True)
    brought = list_brought(git, [since], [run_git(git.root, "rev-parse", "many")])
    assert (len(brought.commits), list(brought.files), brought.whole) == (2102, ["first"], True)


def test_an_object_that_is_not_there_or_past_the_bound_counts_as_not_read(git: Git) -> None:
    there = run_git(git.root, "rev-parse", "HEAD~1:a name\nof two lines")
    assert search_objects(git, [there, "0" * 40], Redactor({"K": KEY}), 1 << 20) == ({there: {"K"}}, 1)
    assert search_objects(git, [there, "0" * 40], Redactor({"K": KEY}), 60) == ({}, 2)


@pytest.mark.parametrize("step", [1, 7, 1000])
def test_a_secret_is_found_in_its_object_however_the_stream_is_cut(step: int) -> None:
    bodies = {"a" * 40: b"", "b" * 40: b"x" * 50 + KEY.encode() + b"\n\n", "c" * 40: b"missing\n"}
    said = b"".join(b"%s blob %d\n%s\n" % (oid.encode(), len(body), body) for oid, body in bodies.items())
    said += b"d" * 40 + b" missing\n"
    reader = _Reader(Redactor({"K": KEY}))
    for at in range(0, len(said), step):
        reader.feed(said[at : at + step])
    assert (reader.found, reader.read) == ({"b" * 40: {"K"}}, 3)
