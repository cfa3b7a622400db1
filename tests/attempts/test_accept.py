"""A claim becomes a receipt and a commit: only the feature's work, with hooks, merges and refusals."""

from __future__ import annotations

from pathlib import Path

from helpers.world import CLAIM, World


def test_each_proven_feature_is_one_commit_with_trailers(world: World) -> None:
    world.spec("a", checks="test -f a.txt")
    world.spec("b", checks="test -f b.txt")
    (world.root / ".gitignore").write_text("secret.txt\n")
    world.repository()
    world.agent('echo x > "$slug.txt"; echo s > secret.txt; ' + CLAIM)
    assert world.run().code == 0
    shown = world.git("log", "--format=%s|%(trailers:key=Harness-Feature,valueonly,separator=%x2C)", "-2")
    assert shown.splitlines() == ["b: finished b|b", "a: finished a|a"]
    assert world.git("status", "--porcelain") == ""
    assert world.git("show", "--stat", "--format=", "--name-only", "HEAD") == "b.txt"
    assert world.git("rev-parse", "HEAD") in world.log("b.done")


def test_a_commit_starts_no_upkeep_of_git(world: World, tmp_path: Path) -> None:
    world.spec("a")
    world.repository()
    world.agent("echo x > a.txt; " + CLAIM)
    assert world.run(environ={**world.environ, "GIT_TRACE": str(tmp_path / "trace")}).code == 0
    traced = (tmp_path / "trace").read_text()
    assert " commit --quiet" in traced
    assert "maintenance run" not in traced


def test_a_dirty_tree_is_never_committed(world: World) -> None:
    world.spec("a", checks="true")
    world.repository()
    (world.root / "mine.txt").write_text("a person's unsaved work")
    world.agent("echo x > a.txt; " + CLAIM)
    ran = world.run()
    assert "commits: off: the tree has 1 uncommitted change" in ran.text
    assert world.git("log", "--format=%s") == "begin"


def test_a_hook_that_refuses_is_told_and_the_feature_stays_done(world: World) -> None:
    world.spec("a", checks="true")
    world.repository()
    hook = world.root / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho no commits on Saturdays >&2\nexit 1\n")
    hook.chmod(0o755)
    world.agent("echo x > a.txt; " + CLAIM)
    ran = world.run()
    assert ran.code == 0
    assert "a: proven, but not committed: no commits on Saturdays" in ran.text


def test_an_unfinished_merge_is_left_as_it_is(world: World) -> None:
    world.spec("a", checks="true")
    world.repository()
    world.agent(
        "git checkout -q -b side; echo 1 > c.txt; git add c.txt; git commit -qm side; git checkout -q -;"
        "echo 2 > c.txt; git add c.txt; git commit -qm main; git merge side > /dev/null;" + CLAIM
    )
    ran = world.run()
    assert "a: proven, but not committed: a merge is not finished" in ran.text
    assert world.git("status", "--porcelain", "c.txt") == "AA c.txt"


def test_half_done_work_of_a_blocked_feature_is_no_part_of_another_s_commit(world: World) -> None:
    world.spec("a")
    world.spec("b", checks="touch left-by-the-check.txt")
    world.repository()
    world.agent(
        f'[ "$slug" = b ] && {{ echo x > b.txt; {CLAIM}; exit; }}; echo half > half.py; echo "BLOCKED: who?" >> "$log"'
    )
    world.run(keep_going=True)
    assert world.git("show", "--format=", "--name-only", "HEAD") == "b.txt"


def test_a_feature_that_git_refused_is_shown_as_not_committed(world: World, harness) -> None:
    world.spec("a", checks="true")
    world.repository()
    hook = world.root / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    world.agent("echo x > a.txt; " + CLAIM)
    world.run()
    assert "proven, NOT COMMITTED: finished a" in harness("status").out
