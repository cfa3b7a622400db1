"""A claim becomes a receipt and a commit: only the feature's work, with hooks, merges and refusals."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from helpers.marks import SANDBOXES, in_short
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
    add_hook(world, "exit 0")
    world.agent("echo x > a.txt; " + CLAIM)
    assert world.run(environ={**world.environ, "GIT_TRACE": str(tmp_path / "trace")}).code == 0
    traced = (tmp_path / "trace").read_text()
    assert " commit --message" in traced
    assert "maintenance run" not in traced


def test_a_dirty_tree_is_never_committed(world: World) -> None:
    world.spec("a", checks="true")
    world.repository()
    (world.root / "mine.txt").write_text("a person's unsaved work")
    world.agent("echo x > a.txt; " + CLAIM)
    ran = world.run()
    assert "commits: off: the tree has 1 uncommitted change" in ran.text
    assert world.git("log", "--format=%s") == "begin"


def add_hook(world: World, code: str, name: str = "pre-commit") -> None:
    hook = world.root / ".git/hooks" / name
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\n" + code + "\n")
    hook.chmod(0o755)


def test_a_hook_that_refuses_sends_the_feature_back_with_its_words(world: World) -> None:
    world.spec("a", checks="true")
    world.repository()
    add_hook(world, "test -e friday.txt || { echo no commits on Saturdays >&2; exit 1; }")
    world.agent(
        'case "$prompt" in *"no commits on Saturdays"*) touch friday.txt;; esac; echo $attempt > a.txt; ' + CLAIM
    )
    ran = world.run()
    assert (ran.code, world.git("status", "--porcelain", "a.txt")) == (0, ""), ran.text
    assert "a: unconfirmed: claimed done, but `git commit` failed" in ran.text
    assert world.git("show", "HEAD:a.txt") == "2"


NOBODY = {"GIT_COMMITTER_NAME": "", "GIT_COMMITTER_EMAIL": ""}


def test_what_git_refused_is_in_no_other_commit_and_is_committed_when_the_cause_is_gone(world: World) -> None:
    world.spec("a", checks="test -f a.txt")
    world.spec("b", checks="test -f b.txt")
    world.repository()
    world.agent("echo x > $slug.txt; " + CLAIM)
    ran = world.run("a", environ={**world.environ, **NOBODY})
    assert (ran.code, ran.halt.name) == (1, "NOT_COMMITTED"), ran.text
    ran = world.run()
    assert (ran.code, world.states()) == (0, {"a": "done", "b": "done"}), ran.text
    assert world.git("log", "--format=%s", "-2", "--name-only").split() == [
        "b:",
        "finished",
        "b",
        "b.txt",
        "a:",
        "finished",
        "a",
        "a.txt",
    ]
    assert "renewed: it was committed afterwards" in world.log("a.done")
    assert "commit: " + world.git("rev-parse", "HEAD~1") in world.log("a.done")


def test_what_is_not_committed_ends_no_run_well_where_git_does_not_work(world: World) -> None:
    world.spec("a", checks="test -f a.txt")
    world.repository()
    world.agent("echo x > $slug.txt; " + CLAIM)
    assert world.run(environ={**world.environ, **NOBODY}).code == 1
    (world.root / ".git/config").write_text("this is none\n")
    ran = world.run()
    assert (ran.code, "commits: off: git says: fatal: bad config line 1" in ran.text) == (1, True), ran.text


@pytest.mark.deep
def test_a_commit_that_a_person_made_meanwhile_is_recognised(world: World) -> None:
    world.spec("a", checks="test -f a.txt")
    world.repository()
    world.agent("echo x > $slug.txt; " + CLAIM)
    assert world.run(environ={**world.environ, **NOBODY}).code == 1
    world.git("add", "a.txt")
    world.git("commit", "-qm", "by hand")
    ran = world.run()
    assert (ran.code, len(world.events("attempt_began"))) == (0, 1), ran.text
    assert "commit: " + world.git("rev-parse", "HEAD") in world.log("a.done")


def test_a_hook_that_mends_what_it_refuses_is_followed(world: World) -> None:
    """As formatters do under pre-commit: they change the file, and fail."""
    world.spec("a", checks="test -s a.txt")
    world.repository()
    add_hook(world, "grep -q mended a.txt || { echo mended >> a.txt; exit 1; }")
    world.agent("echo x > a.txt; " + CLAIM)
    ran = world.run()
    assert (ran.code, world.git("show", "HEAD:a.txt")) == (0, "x\nmended"), ran.text
    assert "a: a hook refused the commit, and `a.txt` changed meanwhile: it is tried again with that" in ran.text
    assert "commit: " + world.git("rev-parse", "HEAD") in (world.root / "logs/a.done").read_text()


@pytest.mark.parametrize("sandbox", SANDBOXES)
def test_what_a_hook_makes_of_a_commit_is_checked_again_and_does_not_stay_when_it_is_red(
    world: World, sandbox: str
) -> None:
    world.spec("a", checks="! grep -q spoilt a.txt")
    world.repository()
    began = world.git("rev-parse", "HEAD")
    add_hook(world, "echo spoilt >> a.txt && git add a.txt")
    world.agent("echo x > a.txt; " + CLAIM)
    ran = world.run(sandbox=sandbox, stuck_limit=1)
    assert (ran.code, world.git("rev-parse", "HEAD")) == (5, began), ran.text
    assert "claimed done, but" in ran.text
    assert not (world.root / "logs/a.done").exists()


def test_an_unfinished_merge_is_left_as_it_is(world: World) -> None:
    world.spec("a", checks="true")
    world.repository()
    world.agent(
        "git checkout -q -b side; echo 1 > c.txt; git add c.txt; git commit -qm side; git checkout -q -;"
        "echo 2 > c.txt; git add c.txt; git commit -qm main; git merge side > /dev/null;" + CLAIM
    )
    ran = world.run()
    assert (
        "a: while its agent worked, somebody left a merge open; nothing is committed until that is finished or aborted"
        in ran.text
    )
    assert world.git("status", "--porcelain", "c.txt") == "AA c.txt"


@pytest.mark.deep
def test_half_done_work_of_a_blocked_feature_is_no_part_of_another_s_commit(world: World) -> None:
    world.spec("a")
    world.spec("b", checks="touch left-by-the-check.txt")
    world.repository()
    world.agent(
        f'[ "$slug" = b ] && {{ echo x > b.txt; {CLAIM}; exit; }}; echo half > half.py; echo "BLOCKED: who?" >> "$log"'
    )
    world.run(keep_going=True)
    assert world.git("show", "--format=", "--name-only", "HEAD") == "b.txt"


@pytest.mark.deep
def test_a_feature_that_git_refused_is_shown_as_not_committed(world: World, harness) -> None:
    world.spec("a", checks="true")
    world.repository()
    world.agent("echo x > a.txt; " + CLAIM)
    world.run(environ={**world.environ, "GIT_COMMITTER_NAME": "", "GIT_COMMITTER_EMAIL": ""})
    assert "proven, NOT COMMITTED" in harness("status").out


@pytest.mark.parametrize("hook", in_short(["", "pre-commit"], "pre-commit"))
@pytest.mark.parametrize("sandbox", SANDBOXES)
@pytest.mark.deep
def test_what_becomes_another_kind_of_thing_is_committed(world: World, sandbox: str, hook: str) -> None:
    """A file that becomes a folder, a folder a file, a link a folder, a name that only its case changes, a mode."""
    world.spec("a", checks="test -f file/in && test -f folder && test -f link/in && test -f name && test -x run")
    for name in ("file", "folder/in", "Name", "run", "stays"):
        (world.root / name).parent.mkdir(exist_ok=True)
        (world.root / name).write_text(name)
    (world.root / "link").symlink_to("stays")
    world.repository()
    if hook:
        add_hook(world, "true", hook)
    world.agent(
        "rm file link; rm -r folder; mkdir file link; echo x > file/in; echo x > link/in; echo x > folder;"
        "mv Name name; chmod +x run; echo x > ':(top)odd *?'; " + CLAIM
    )
    ran = world.run(sandbox=sandbox)
    assert (ran.code, world.git("status", "--porcelain", "--", ".", ":!logs")) == (0, ""), ran.text
    assert world.git("-c", "core.quotePath=false", "ls-files").split("\n") == [
        ":(top)odd *?", "file/in", "folder", "link/in", "name", "run", "specs/a/spec.md", "stays",
    ]  # fmt: skip


BOTH = pytest.mark.parametrize("sandbox", SANDBOXES)


@BOTH
@pytest.mark.deep
def test_a_commit_that_did_not_come_about_leaves_nothing_staged(world: World, sandbox: str) -> None:
    world.spec("a", checks="test -f a.txt")
    world.repository()
    add_hook(world, "exit 1")
    world.agent("echo x > a.txt; echo y > a2.txt; " + CLAIM)
    assert world.run(stuck_limit=1, sandbox=sandbox).code == 5
    assert world.git("diff", "--cached", "--name-only") == ""


@BOTH
@pytest.mark.deep
def test_what_a_hook_adds_to_a_commit_is_not_left_staged_the_other_way(world: World, sandbox: str) -> None:
    world.spec("a", checks="test -f a.txt")
    world.repository()
    add_hook(world, "echo x > gen.txt; git add gen.txt")
    world.agent("echo x > a.txt; " + CLAIM)
    ran = world.run(sandbox=sandbox)
    assert (ran.code, world.git("status", "--porcelain", ":!logs")) == (0, ""), ran.text
    assert world.git("show", "--name-only", "--format=", "HEAD").splitlines() == ["a.txt", "gen.txt"]


@BOTH
@pytest.mark.deep
def test_what_a_person_takes_away_during_the_checks_is_not_told_as_committed(world: World, sandbox: str) -> None:
    world.spec("a", checks=["test -f a.txt || test -f ../gone", "true"])
    world.repository()
    base = world.git("rev-parse", "HEAD")
    world.spec("a", checks=f"mv {world.root}/a.txt {world.root.parent}/gone 2>/dev/null; test ! -e nothing")
    world.git("commit", "-qam", "spec")
    world.agent("echo x > a.txt; " + CLAIM)
    ran = world.run(sandbox=sandbox, prove="tree" if sandbox == "none" else "auto")
    assert base and (ran.code == 0) == (world.git("ls-files", "a.txt") == "a.txt"), ran.text


@pytest.mark.deep
def test_a_lock_that_a_killed_commit_of_some_files_left_is_moved_aside(world: World) -> None:
    world.spec("a", checks="test -f a.txt")
    world.repository()
    add_hook(world, "true")
    lock = world.root / ".git/next-index-2.lock"
    lock.write_text("")
    os.utime(lock, (1, 1))
    world.agent("echo x > a.txt; " + CLAIM)
    ran = world.run()
    assert (ran.code, lock.exists()) == (0, False), ran.text
