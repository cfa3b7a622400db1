"""A person works in the same repository while an agent or a check does: nothing is undone, or called the agent's."""

from __future__ import annotations

import os
import subprocess
from typing import Any

import pytest
from helpers.marks import in_short
from helpers.world import CLAIM, GIT, World

from harness.attempts import keep as keeping


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
    "stages a line, and writes on": ("echo 2 >> person.txt; git add .; echo 3 >> person.txt", "MM person.txt\n"),
}


@pytest.mark.parametrize("hook", [False, pytest.param(True, marks=pytest.mark.deep)], ids=["plain", "hook"])
@pytest.mark.parametrize("case", in_short(DURING_CHECKS, "stages a line in the feature's file"))
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
