"""A person works in the same repository while an agent or a check does: nothing is undone, or called the agent's."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from typing import Any

import pytest
from helpers.marks import in_short
from helpers.waiting import until
from helpers.world import CLAIM, GIT, World

from harness.attempts import keep as keeping
from harness.workspace.commits import Commits


def begin(world: World) -> None:
    world.spec("a", checks="test -f a.txt")
    (world.root / "person.txt").write_text("1\n")
    (world.root / ".gitignore").write_text("ignored\n")
    world.repository()
    world.git("branch", "-M", "main")
    world.git("branch", "other")
    world.agent("echo hi > a.txt; " + CLAIM)


def type_during_checks(world: World, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Let a person type this when the checks of a claim have run, and nobody has looked yet."""
    real = keeping.quarantine_appeared

    def look(run: Any, attempt: Any, when: str) -> Any:
        if when == "during the checks":
            subprocess.run(["sh", "-ec", code], cwd=world.root, env={**os.environ, **GIT}, check=True)
        return real(run, attempt, when)

    monkeypatch.setattr(keeping, "quarantine_appeared", look)


def status(world: World) -> str:
    return subprocess.run(
        ["git", "status", "--porcelain"], cwd=world.root, capture_output=True, text=True, check=True
    ).stdout


# What a person types while the checks run, and what `git status` says afterwards.
DURING_CHECKS = {
    "stages a line of its own file": ("echo 2 >> person.txt; git add person.txt", "M  person.txt\n"),
    "adds a line to the feature's file": ("echo more >> a.txt", " M a.txt\n"),
    "stages a line in the feature's file": ("echo more >> a.txt; git add a.txt", "M  a.txt\n"),
    "makes a file": ("echo 1 > new.txt; git add -N new.txt", " A new.txt\n"),
    "takes a file out of git": ("git rm -q --cached person.txt", "D  person.txt\n?? person.txt\n"),
    "commits a file, and adds a line to the feature's": (
        "echo 2 > mine.txt; git add mine.txt; git commit -qm mine; echo more >> a.txt",
        " M a.txt\n",
    ),
    "stages a line, and writes on": ("echo 2 >> person.txt; git add .; echo 3 >> person.txt", "MM person.txt\n"),
}


@pytest.mark.parametrize("hook", [False, pytest.param(True, marks=pytest.mark.deep)], ids=["plain", "hook"])
@pytest.mark.parametrize(
    "case",
    in_short(DURING_CHECKS, "stages a line in the feature's file"),
)
def test_what_a_person_stages_during_the_checks_stays_and_is_not_committed(
    confined: Any, monkeypatch: pytest.MonkeyPatch, case: tuple[str, str], hook: bool
) -> None:
    code, left = case
    begin(confined)
    type_during_checks(confined, monkeypatch, code)
    if hook:
        (confined.root / ".git/hooks/pre-commit").write_text("#!/bin/sh\n")
        (confined.root / ".git/hooks/pre-commit").chmod(0o755)
    ran = confined.go()
    assert (ran.code, status(confined)) == (0, left), ran.text
    assert confined.git("show", "--format=", "HEAD").splitlines()[-1] == "+hi"
    assert confined.git("show", "--format=", "--name-only", "HEAD") == "a.txt"


# What an agent did that leaves nothing to commit, and whether a person's break is mended before the run ends.
NOTHING_LEFT = {
    "commits itself": ("git add a.txt; git commit -qm 'my own'; ", False),
    "commits itself, and it is mended": ("git add a.txt; git commit -qm 'my own'; ", True),
    "had nothing to do": ("git checkout -q a.txt; ", True),
}


@pytest.mark.parametrize("case", in_short(NOTHING_LEFT, "commits itself"))
def test_a_commit_that_comes_in_during_the_checks_is_named_by_no_receipt_unless_it_was_checked(
    confined: Any, monkeypatch: pytest.MonkeyPatch, case: tuple[str, bool]
) -> None:
    own, mended = case
    confined.spec("a", checks="grep -q one a.txt && ! grep -qs two a.txt")
    (confined.root / "a.txt").write_text("one\n")
    confined.repository()
    breaks = "echo two >> a.txt; git commit -qam broken"
    type_during_checks(confined, monkeypatch, f"test -e ../once && exit; touch ../once; {breaks}")
    mends = "git revert --no-edit HEAD; " if mended else "true; "
    again = f"if grep -q two a.txt; then {mends} else echo one >> a.txt; {own} fi; "
    confined.agent(again + CLAIM)
    ran = confined.go(max_iterations=2)
    assert "flaky" not in ran.text
    assert (
        "somebody committed meanwhile, and `grep -q one a.txt && ! grep -qs two a.txt` fails there"
        in confined.prompt("a", 2)
    )
    assert confined.states() == {"a": "done (not shown)" if mended else "ready"}, ran.text


@pytest.mark.deep
def test_a_commit_that_comes_in_while_the_tree_is_checked_is_named_by_no_receipt(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.spec("a", checks="grep -q one a.txt")
    world.repository()
    type_during_checks(world, monkeypatch, "echo two > a.txt; git commit -qam two")
    world.agent("echo one > a.txt; git add a.txt; git commit -qm 'my own'; " + CLAIM)
    ran = world.run()
    assert f"commit: {world.git('rev-parse', 'HEAD^')}\n" in world.log("a.done"), ran.text
    assert (ran.code, world.states()) == (1, {"a": "regressed"})


@pytest.mark.deep
def test_what_changes_while_the_tree_is_checked_is_named_by_no_receipt_without_a_commit(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.spec("a", checks="grep -q one a.txt")
    world.repository()
    type_during_checks(world, monkeypatch, "echo two > b.txt; git add b.txt; git commit -qm b")
    world.agent("echo one > a.txt; " + CLAIM)
    ran = world.run(commit="never")
    claimed = world.events("attempt_ended")[0]["tree"]
    assert f"tree: {claimed} at commit {world.git('rev-parse', 'HEAD^')}\n" in world.log("a.done"), ran.text


# What somebody types while the agent works, what `git status` says afterwards, and what is committed.
DURING_WORK = {
    "takes a file out of git": ("git rm -q --cached person.txt", ""),
    "hides a line": ("cp person.txt p; echo evil >> person.txt; git add person.txt; mv p person.txt", ""),
    "knows of a file": ("echo 1 > new.txt; git add -N new.txt; rm new.txt", ""),
    "stages a file and writes on": ("echo 1 > a.txt; git add a.txt; echo 2 > a.txt", ""),
    "by force": ("echo 1 > ignored; git add -f ignored", ""),
}


@pytest.mark.parametrize("case", in_short(DURING_WORK, "hides a line"))
def test_what_somebody_stages_during_the_work_hides_nothing_from_the_next_commit(
    world: World, case: tuple[str, str]
) -> None:
    code, left = case
    begin(world)
    world.agent(f"echo hi > a.txt; {code}; {CLAIM}")
    ran = world.run()
    assert (ran.code, status(world)) == (0, left), ran.text
    assert world.git("show", "--format=", "--name-only", "HEAD") == "a.txt"
    assert ("a: somebody staged `ignored`" in ran.text) is ("add -f" in code)


@pytest.mark.deep
def test_commits_on_another_branch_stay_there_alone(world: World) -> None:
    begin(world)
    commit = "git switch -q other; echo w > w.txt; git add w.txt; git commit -qm mine"
    world.agent(f"echo hi > a.txt; {commit}; {CLAIM}")
    ran = world.run()
    assert (ran.code, world.git("log", "--format=%s", "main")) == (0, "a: finished a\nbegin"), ran.text
    assert world.git("log", "--format=%s", "other") == "mine\nbegin"
    assert world.git("show", "--format=", "--name-only", "main") == "a.txt"
    said = "a: while its agent worked, somebody switched from `main` to `other`; HEAD is back on `main`"
    assert f"{said}, and what was committed there stays on `other`" in ran.text
    assert status(world) == "A  w.txt\n"
    world.git("switch", "-q", "other")


@pytest.mark.deep
@pytest.mark.parametrize("code", ["git switch -q -c mine", "git commit -q --allow-empty -m mine"])
def test_what_a_person_does_during_the_checks_is_not_called_a_check_s(
    confined: Any, monkeypatch: pytest.MonkeyPatch, harness: Any, code: str
) -> None:
    begin(confined)
    type_during_checks(confined, monkeypatch, code)
    ran = confined.go()
    assert (ran.code, {one["by"] for one in confined.events("head_moved")}) == (0, {"somebody"}), ran.text
    assert "a: while its checks ran, somebody" in ran.text and "part of the feature" not in ran.text
    assert harness("undo", "a").code == 0
    assert confined.git("log", "--format=%s").splitlines()[-2] in ("mine", "a: finished a")


def hook(world: World, name: str, code: str) -> None:
    path = world.root / ".git/hooks" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{code}\n")
    path.chmod(0o755)


# What git itself lets through while it commits: a commit that somebody makes beside the index.
BESIDE = """
export GIT_INDEX_FILE=$PWD/.git/beside
git read-tree HEAD && echo 1 > mine.txt && git update-index --add mine.txt
now=$(git commit-tree -p HEAD -m mine $(git write-tree)) && git update-ref HEAD $now && rm $GIT_INDEX_FILE
unset GIT_INDEX_FILE && git reset -q mine.txt || true
"""


@pytest.mark.parametrize("bad", [pytest.param(False, marks=pytest.mark.deep), True])
def test_a_commit_that_a_person_makes_while_a_hook_runs_stays_on_the_branch(world: World, bad: bool) -> None:
    begin(world)
    world.spec("a", checks=["test -f a.txt", "! test -f bad"])
    more = BESIDE.replace("mine.txt", "bad") if bad else BESIDE
    hook(world, "post-commit", f"git log -1 --format=%B | grep -q Harness-Feature || exit 0\n{more}")
    ran = world.run()
    assert world.git("log", "--format=%s") == "mine\na: finished a\nbegin", ran.text
    assert ran.code == int(bad), ran.text  # it is checked again on what the branch holds then
    assert f"commit: {world.git('rev-parse', 'HEAD~')}" in world.log("a.done")
    assert "a: while it was committed, somebody made 1 commit on `main`" in ran.text
    assert world.git("show", "--format=", "--name-only", "HEAD") == ("bad" if bad else "mine.txt")


@pytest.mark.deep
def test_no_git_commits_from_an_index_that_lacks_what_the_branch_has(world: World) -> None:
    begin(world)
    commit = "unset GIT_INDEX_FILE; echo 1 > mine.txt; git add mine.txt && git commit -qnm mine 2>> said"
    hook(world, "post-commit", f"git log -1 --format=%B | grep -q Harness-Feature && {{ {commit}; }} 2>> said; true")
    ran = world.run()
    assert (ran.code, world.git("log", "--format=%s")) == (0, "a: finished a\nbegin"), ran.text
    assert "index.lock" in (world.root / "said").read_text()
    assert (status(world), world.has(".git/index.lock")) == ("?? mine.txt\n?? said\n", False)


@pytest.mark.parametrize("hooked", [True, pytest.param(False, marks=pytest.mark.deep)])
@pytest.mark.parametrize("red", [False, pytest.param(True, marks=pytest.mark.deep)])
def test_a_commit_that_a_person_makes_just_before_is_not_taken_back_by_the_feature(
    world: World, monkeypatch: pytest.MonkeyPatch, hooked: bool, red: bool
) -> None:
    begin(world)
    world.spec("a", checks=["test -f a.txt", *(["! test -f mine.txt"] if red else [])])
    if hooked:
        hook(world, "pre-commit", "")
    real, done = Commits._land, list[int]()

    def land(*given: Any, **more: Any) -> Any:
        if not done:
            done.append(1)
            subprocess.run(["sh", "-ec", BESIDE], cwd=world.root, env={**os.environ, **GIT}, check=True)
        return real(*given, **more)

    monkeypatch.setattr(Commits, "_land", land)
    ran = world.run(max_iterations=1)
    assert "mine" in world.git("log", "--format=%s").splitlines(), ran.text
    assert world.git("ls-tree", "--name-only", "HEAD", "mine.txt") == "mine.txt"
    if hooked:  # without one, git itself refuses the commit
        assert world.git("log", "--format=%s") == ("mine\nbegin" if red else "a: finished a\nmine\nbegin"), ran.text
        said = "somebody committed meanwhile, and `! test -f mine.txt` fails there"
        assert (said in world.events("attempt_ended")[0]["observed"]) is red
        assert "a: while it was committed, somebody made 1 commit on `main`" in ran.text


# As `pre-commit` does: what is not staged goes into a file of the home, which in the sandbox is nobody's for long.
PUT_AWAY = "git diff --no-ext-diff --binary > $HOME/patch; git checkout -- .; echo away > ignored; "


def test_what_a_hook_put_away_and_did_not_bring_back_is_put_back(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    begin(world)
    hook(world, "pre-commit", PUT_AWAY.replace("$HOME", "..") + "kill -9 $$")  # as a machine without memory does
    type_during_checks(world, monkeypatch, "echo precious >> person.txt")
    ran = world.run(max_iterations=1)
    assert world.has("ignored"), ran.text
    assert (world.root / "person.txt").read_text() == "1\nprecious\n", ran.text
    assert "put back what a hook had put away: `person.txt`" in ran.text
    assert not world.has("logs/.kept/uncommitted")


@pytest.mark.parametrize("number", in_short({"kill -9": signal.SIGKILL, "TERM": signal.SIGTERM}, "kill -9"))
def test_what_a_hook_put_away_outlives_the_end_of_a_run(confined: Any, start: Any, number: signal.Signals) -> None:
    begin(confined)
    confined.config_file(sandbox="bwrap", prove="tree")
    confined.settings |= {"prove": "tree"}
    (confined.root / ".gitignore").write_text("written\nignored\n")
    confined.spec("a", checks="test -f a.txt && until [ -e written ]; do sleep 0.05; done")
    confined.git("add", ".")
    confined.git("commit", "-q", "--amend", "-m", "begin")
    hook(confined, "pre-commit", f"[ -e ignored ] && exit 0; {PUT_AWAY} sleep 60")
    run = start("run", **{**confined.environment, "HARNESS_SANDBOX": "bwrap"})
    until(lambda: confined.has("logs/run.log") and "running 1 check" in confined.log("run.log"))
    for name in ("person.txt", ".gitignore"):
        (confined.root / name).write_text("written\nignored\nprecious\n")
    (confined.root / "written").write_text("")
    until(lambda: confined.has("ignored"))
    (confined.root / ".gitignore").write_text("written\nignored\nwritten since\n")
    run.send_signal(number)
    said = "".join(run.communicate(timeout=60))
    if number is signal.SIGKILL:
        assert (confined.root / "person.txt").read_text() == "1\n"
        said = confined.go().text
        assert "the last run was ended while hooks ran" in said
    assert (confined.root / "person.txt").read_text() == "written\nignored\nprecious\n", said
    assert (confined.root / ".gitignore").read_text() == "written\nignored\nwritten since\n"
    assert "put back what a hook had put away: `person.txt`" in said
    assert "before they had put back `.gitignore`: `git diff " in said


@pytest.mark.deep
def test_what_a_person_commits_after_a_kill_is_no_part_of_the_feature(world: World, start: Any, harness: Any) -> None:
    begin(world)
    world.agent(f"echo hi > a.txt; {CLAIM}; sleep 60")
    world.config_file()
    world.git("add", "harness.yaml")
    world.git("commit", "-q", "--amend", "-m", "begin")
    run = start("run")
    until(lambda: world.has("logs/a.done") and world.log("a.done"))
    run.kill()
    run.wait()
    time.sleep(2.5)  # commits say when they were made in whole seconds
    (world.root / "mine.txt").write_text("mine\n")
    world.git("add", "mine.txt")
    world.git("commit", "-qm", "mine")
    ran = world.run()
    assert ran.code == 0, ran.text
    assert "a: after its run was killed, somebody made commits on `main`" in ran.text
    assert ", part of the feature" not in ran.text
    assert harness("undo", "a").code == 0
    assert world.git("log", "--format=%s") == "Undo a\na: finished a\nmine\nbegin"
