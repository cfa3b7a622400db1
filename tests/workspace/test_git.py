"""Git, called where an agent may have written: fifos, locks and hooks hold nobody up."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers.marks import needs_bwrap
from helpers.waiting import HANGS, until
from helpers.world import FINISH, GIT, World

from harness.domain.errors import StorageError
from harness.domain.paths import Paths
from harness.system.command import Confined
from harness.system.process import Supervisor
from harness.workspace import git_locks
from harness.workspace.git import Git
from harness.workspace.in_place import InPlace

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")


# --- git ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["HEAD", "index", "packed-refs", "info/exclude"])
def test_a_fifo_that_git_would_read_makes_nobody_wait(
    checkout: tuple[World, InPlace], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    world, place = checkout
    asked: list[object] = []
    monkeypatch.setattr("harness.workspace.git.capture", lambda *words, **_: asked.append(words))
    path = world.root / ".git" / name
    path.unlink(missing_ok=True)
    path.parent.mkdir(exist_ok=True)
    os.mkfifo(path)
    assert (place.snapshot().head, set(place.snapshot().files)) == ("", {"kept"})
    assert place.commit("a", "words", 1).failure == "git does not work here any more"
    again = InPlace(Paths(world.root, world.root / "specs", world.root / "logs"), {**os.environ, **GIT})
    assert (again.has_git, "would wait for ever" in again.why_no_git) == (False, True)
    assert asked == []


@pytest.mark.parametrize("confined", [False, True])
def test_a_look_at_the_tree_is_never_taken_for_all_where_it_is_cut(
    checkout: tuple[World, InPlace], monkeypatch: pytest.MonkeyPatch, confined: bool
) -> None:
    world, place = checkout
    with ask_to_stop(place, lambda: None, confined):
        (world.root / "of-a-long-name-that-fills-the-list").touch()
        monkeypatch.setattr("harness.workspace.git.LONGEST_ANSWER", 60)
        with pytest.raises(StorageError, match="`git status` says more than 60 bytes"):
            place.snapshot()


def test_a_commit_that_takes_git_too_long_is_said_to_be_that(
    checkout: tuple[World, InPlace], monkeypatch: pytest.MonkeyPatch
) -> None:
    world, place = checkout
    with (world.root / "sparse").open("wb") as file:
        file.truncate(1 << 40)
    assert "sparse" in place.snapshot().files
    monkeypatch.setattr("harness.workspace.git.TIMEOUT", 0.5)
    assert place.commit("a", "words", 1).failure == "git took too long"


def ask_to_stop(place: InPlace, asked: Callable[[], float | None], confined: bool) -> Supervisor:
    supervisor = Supervisor(namespace="off")
    if confined:
        bare = Confined((), (), {}, wraps=False)
        place.confine_git(supervisor, lambda command: replace(command, confined=bare), asked)
    else:
        place.confine_git(supervisor, lambda command: command, asked)
    return supervisor


def test_nobody_waits_for_a_lock_when_everything_has_to_stop(
    checkout: tuple[World, InPlace], monkeypatch: pytest.MonkeyPatch
) -> None:
    world, place = checkout
    lock = world.root / ".git/index.lock"
    lock.touch()
    monkeypatch.setattr(git_locks, "TIMEOUT", 10.0 * HANGS)
    with ask_to_stop(place, lambda: 5.0, confined=False):
        assert "index.lock" in place.commit("a", "words", 1).failure
    assert lock.exists()


@on_linux
@pytest.mark.parametrize("name", ["index.lock", "HEAD.lock", "refs/heads/BRANCH.lock", "packed-refs.lock"])
def test_a_lock_that_nobody_holds_is_moved_aside_and_told(
    checkout: tuple[World, InPlace], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    world, place = checkout
    monkeypatch.setattr(git_locks, "STALE", 0.2)
    lock = world.root / ".git" / name.replace("BRANCH", world.git("symbolic-ref", "--short", "HEAD"))
    lock.write_text("mine")
    made = place.commit("a", "words", 1)
    assert (made.made, made.failure) == (True, "")
    assert f"{lock.name}.aside" in made.remark
    assert (lock.exists(), (world.root / ".git" / f"{lock.name}.aside").read_text()) == (False, "mine")


@on_linux
def test_a_lock_that_a_person_s_git_holds_is_waited_for(
    checkout: tuple[World, InPlace], monkeypatch: pytest.MonkeyPatch
) -> None:
    world, place = checkout
    monkeypatch.setattr(git_locks, "STALE", 0.2)
    monkeypatch.setattr(git_locks, "TIMEOUT", 0.5)
    editor = {**os.environ, **GIT, "GIT_EDITOR": "sleep 60; false"}  # `commit --all` locks while a message is written
    theirs = subprocess.Popen(["git", "commit", "--all"], cwd=world.root, env=editor, start_new_session=True)
    try:
        lock = world.root / ".git/index.lock"
        until(lock.exists)
        assert "index.lock" in place.commit("a", "words", 1).failure
        assert lock.exists()
    finally:
        os.killpg(theirs.pid, 9)
        theirs.wait()


@pytest.mark.deep
def test_a_repository_inside_this_one_keeps_nothing_from_being_committed(world: World) -> None:
    world.repository()
    world.spec("a", checks="true")
    world.agent('note hi; git init -q sub; (cd sub; git commit -q --allow-empty -m x); echo y > y; echo ok > "$done"')
    ran = world.run()
    assert (ran.code, world.events("commit_failed")) == (0, [])
    assert "y" in world.git("show", "--name-only", "--format=").split()
    assert "sub/" not in world.git("ls-files")


# --- commits --------------------------------------------------------------------------------------------------------


SIGNER = """#!/bin/sh
cat > /dev/null
echo signed >> "{ran}"
echo "[GNUPG:] SIG_CREATED " >&2
printf -- '-----BEGIN PGP SIGNATURE-----\\n\\nxx\\n-----END PGP SIGNATURE-----\\n'
"""


def configured(values: Mapping[str, str]) -> dict[str, str]:
    """Return the variables by which a person configures git for one command."""
    pairs = [(f"GIT_CONFIG_{kind}_{n}", one[i]) for n, one in enumerate(values.items()) for i, kind in KINDS]
    return {"GIT_CONFIG_COUNT": str(len(values)), **dict(pairs)}


KINDS = ((0, "KEY"), (1, "VALUE"))


@needs_bwrap
def test_a_commit_is_made_inside_and_signed_outside(confined: Any, tmp_path: Path) -> None:
    signer, ran = tmp_path / "signer", tmp_path / "ran"
    signer.write_text(SIGNER.format(ran=ran))
    signer.chmod(0o755)
    confined.spec("hello", may_change=[".husky/pre-commit"])
    confined.repository()
    confined.environment |= configured({"commit.gpgsign": "true", "gpg.program": str(signer)})
    confined.git("config", "core.hooksPath", ".husky")
    hook = f"#!/bin/sh\\nif test -e {tmp_path}/signer; then echo outside; else echo inside; fi > hook.txt"
    confined.agent(f"mkdir .husky; printf '{hook}\\n' > .husky/pre-commit; chmod +x .husky/pre-commit; {FINISH}")
    ran_to_end = confined.go()
    assert ran_to_end.code == 0, ran_to_end.text
    assert (confined.root / "hook.txt").read_text() == "inside\n"
    commit = confined.git("cat-file", "commit", "HEAD")
    assert ("gpgsig" in commit, ran.read_text(), "a tester" in commit) == (True, "signed\n", True)
    assert confined.git("show", "-s", "--format=%s").startswith("hello: finished")


@needs_bwrap
@pytest.mark.deep
def test_a_commit_that_cannot_be_signed_stands_and_is_told(confined: Any) -> None:
    confined.spec("hello")
    confined.repository()
    confined.environment |= configured({"commit.gpgsign": "true", "gpg.program": "/bin/false"})
    confined.agent(FINISH)
    ran = confined.go()
    assert (ran.code, confined.git("rev-list", "--count", "HEAD")) == (0, "2")
    assert "hello: committed, but not signed: " in ran.text


@needs_bwrap
@pytest.mark.parametrize(
    "by_whom", ["the repository", pytest.param("the person, in the project", marks=pytest.mark.deep)]
)
def test_no_program_signs_that_an_agent_or_the_project_chose(confined: Any, tmp_path: Path, by_whom: str) -> None:
    confined.spec("hello")
    program = confined.root / "sign.sh"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\nexit 1\n")
    program.chmod(0o755)
    confined.repository()
    signing = {"commit.gpgSign": "true", "gpg.program": "./sign.sh"}
    if by_whom == "the repository":
        for key, value in signing.items():
            confined.git("config", key, value)
    else:
        confined.environment |= configured(signing)
    confined.agent(FINISH)
    ran = confined.go()
    assert (ran.code, (tmp_path / "ran").exists()) == (0, False), ran.text
    why = "is named by the repository" if by_whom == "the repository" else "lies where an agent can write"
    assert "hello: committed, but not signed: `" in ran.text and why in ran.text


@pytest.mark.parametrize(
    ("key", "value"),
    [
        pytest.param("include.path", "{fifo}", id="an include"),
        pytest.param("include.path", "{around}/more", id="an include in an include"),
        pytest.param("core.attributesFile", "{fifo}", id="attributes"),
    ],
)
def test_git_is_not_asked_where_its_configuration_leads_to_a_fifo(
    world: Any, tmp_path: Path, key: str, value: str
) -> None:
    world.repository()
    os.mkfifo(fifo := tmp_path / "fifo")
    (tmp_path / "more").write_text("[include] path = fifo\n")
    with (world.root / ".git/config").open("a") as config:
        section, _, name = key.partition(".")
        config.write(f"[{section}]\n\t{name} = {value.format(fifo=fifo, around=tmp_path)}\n")
    git = Git(world.root, world.environ)
    assert (git.found, "a fifo or a device" in git.why, "answer" in git.why) == (False, True, False), git.why


@on_linux
@pytest.mark.deep
def test_a_git_that_hangs_is_given_up_and_ends_with_a_command_that_is_killed(world: Any, tmp_path: Path) -> None:
    world.repository()
    world.spec("a", checks="true")
    os.mkfifo(fifo := tmp_path / "fifo")
    with (world.root / ".git/config").open("a") as config:
        config.write(f"[include]\n\tpath = \\\n{fifo}\n")  # spelled so that git alone finds it
    doctor = world.start("doctor")
    mine = until(lambda: find_gits(world.root))
    doctor.terminate()
    doctor.communicate()
    assert (doctor.returncode, bool(mine), find_gits(world.root)) == (130, True, [])
    assert "git does not answer within 10s" in Git(world.root, world.environ).why


def find_gits(root: Path) -> list[str]:
    """Return the processes of git that work in a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (process / "comm").read_text() == "git\n" and (process / "cwd").readlink() == root:
                found.append(process.name)
    return found


def test_why_git_does_not_serve_is_told_in_its_own_words(world: Any) -> None:
    world.spec("a", checks="true")
    world.agent('echo "a note that is long enough to count as one" >> $log; echo done > $done')
    world.repository()
    (world.root / ".git/config").write_text("[core\n")
    ran = world.run()
    assert (ran.code, [line for line in ran.lines if line.startswith("commits: ")]) == (
        0, ["commits: off: git says: fatal: bad config line 1 in file .git/config"]
    )  # fmt: skip
