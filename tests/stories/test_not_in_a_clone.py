"""What an attempt moved, untracked or made where git does not look proves nothing, and what was a person's stays so."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest
from helpers.marks import in_short, needs_bwrap
from helpers.world import CLAIM, World

pytestmark = needs_bwrap

# A check, what the agent does, and what the person had: each passes where the agent worked, and in no clone.
IN_NO_CLONE = {
    "a folder moved": ("grep -q a1 build/lib/x", "mkdir -p build; mv lib build/lib", "lib/x"),
    "a file untracked": (
        "grep -q a1 conf.txt",
        "echo conf.txt >> .gitignore; git rm -q --cached conf.txt; git add .gitignore; git commit -qm local",
        "conf.txt",
    ),
    "beside many files": ("grep -q a1 build/x", "mkdir -p build; echo a1 > build/x", "data/*"),
}


@pytest.fixture
def mine(world: World) -> World:
    world.settings |= {"sandbox": "bwrap", "max_iterations": 1}
    (world.root / ".gitignore").write_text("build\ndata\nharness.yaml\n")
    return world


def begin(world: World, check: str, code: str) -> None:
    world.spec("a", checks=check)
    world.repository()
    world.agent(f"{code}; echo more >> own.txt; {CLAIM}")
    time.sleep(0.02)  # the clock of files is coarse


@pytest.mark.parametrize("case", in_short(IN_NO_CLONE, "a folder moved"))
def test_what_an_attempt_put_where_no_clone_has_it_proves_nothing(
    mine: World, case: tuple[str, str, str], monkeypatch: Any
) -> None:
    check, code, name = case
    monkeypatch.setattr("harness.workspace.left_out.LIMIT", 50)
    for number in range(100) if "*" in name else (0,):
        file = mine.root / name.replace("*", str(number))
        file.parent.mkdir(exist_ok=True)
        file.write_text("a1\n")
    begin(mine, check, code)
    ran = mine.run()
    assert ran.code != 0 and "the commit would not hold" in ran.text, ran.text


@pytest.mark.deep
def test_a_generated_file_that_was_edited_by_hand_proves_nothing(mine: World) -> None:
    for name in ["a.gen", *(f"m{number}" for number in range(100)), "z.src"]:
        (mine.root / name).write_text("one\n")
    as_make_does = "{ test ! z.src -nt a.gen || cp z.src a.gen; }"
    begin(mine, f"{as_make_does} && grep -q two a.gen", "echo two > a.gen")
    ran = mine.run()
    assert ran.code != 0 and "the commit would not hold a.gen (its time of change" in ran.text, ran.text


@pytest.mark.deep
def test_what_was_made_before_a_reset_proves_nothing_after_it(mine: World, harness: Any) -> None:
    begin(mine, "test -f build/x", "[ -f build/x ] || { mkdir -p build; echo a1 > build/x; }")
    assert mine.run().code != 0
    mine.config_file()
    assert harness("reset", "a").code == 0
    ran = mine.run()
    assert ran.code != 0 and "the commit would not hold build/x" in ran.text, ran.text


@pytest.mark.deep
def test_what_another_feature_left_proves_nothing_in_the_same_run(mine: World) -> None:
    mine.spec("b", checks="test -f build/x")
    mine.settings["max_iterations"] = 2
    begin(mine, "test -f own.txt", '[ "$slug" = b ] || { mkdir -p build; echo a1 > build/x; }')
    ran = mine.run()
    assert mine.states() == {"a": "done", "b": "ready"} and "the commit would not hold build/x" in ran.text, ran.text


def test_what_git_ignored_before_the_work_is_not_committed(mine: World, harness: Any) -> None:
    (mine.root / "data").mkdir()
    (mine.root / "data/mine.db").write_text("a person's\n")
    begin(mine, "test -f build/t.db", "mkdir -p build; echo 1 > build/t.db; echo '!build' > .gitignore")
    ran = mine.run()
    assert (ran.code, mine.git("show", "--format=", "--name-only")) == (0, ".gitignore\nbuild/t.db\nown.txt"), ran.text
    assert "a: not committed, `data/mine.db`: there before, and ignored by git" in ran.text
    mine.config_file()
    assert harness("undo", "a").code == 0
    assert (mine.root / "data/mine.db").read_text() == "a person's\n"


@pytest.mark.parametrize("touched", [False, True])
def test_a_folder_that_an_attempt_renamed_is_committed(mine: World, touched: bool) -> None:
    (mine.root / "lib").mkdir()
    (mine.root / "lib/x").write_text("a1\n")
    more = "echo new > src/new; echo more >> .gitignore" if touched else "true"
    begin(mine, "grep -q a1 src/x", f"mv lib src; {more}")
    ran = mine.run()
    assert ran.code == 0 and "src/x" in mine.git("ls-files").split(), ran.text
    assert mine.git("status", "--porcelain") == ""


@pytest.mark.deep
def test_a_name_in_another_case_is_committed_whatever_the_repository_says_of_its_disk(mine: World) -> None:
    (mine.root / "Readme").write_text("important\n")
    begin(mine, "test -f README", "mv Readme README")
    mine.git("config", "core.ignorecase", "true")
    ran = mine.run()
    assert ran.code == 0 and "in a clean checkout of the commit" in mine.log("a.done"), ran.text
    assert {"README", "own.txt"} == set(mine.git("ls-files").split()) & {"README", "Readme", "own.txt"}
    assert mine.git("-c", "core.ignorecase=false", "status", "--porcelain") == ""


@pytest.mark.deep
def test_the_last_commit_of_hooks_is_in_the_index_too(mine: World) -> None:
    (mine.root / "VERSION").write_text("1\n")
    begin(mine, "test -f own.txt", "true")
    hook = mine.root / ".git/hooks/post-commit"
    bump = "echo 2 > VERSION; git add VERSION; git commit -qm bump --no-verify"
    hook.write_text(f"#!/bin/sh\ncase $(git log -1 --format=%s) in bump*) exit 0;; esac\n{bump}\n")
    hook.chmod(0o755)
    ran = mine.run()
    assert (ran.code, mine.git("show", "HEAD:VERSION"), mine.git("status", "--porcelain")) == (0, "2", ""), ran.text


def test_what_was_proven_in_the_working_tree_is_checked_at_the_end_of_each_run(mine: World) -> None:
    mine.settings["prove"] = "tree"
    (mine.root / "data").mkdir()
    (mine.root / "data/local").write_text("x\n")
    begin(mine, "test -f data/local && test -f own.txt", "true")
    assert mine.run().code == 0
    assert "proven in the working tree at " in mine.command("status").stdout
    (mine.root / "data/local").unlink()
    assert mine.run().code == 1


@pytest.mark.deep
def test_what_no_commit_holds_is_not_proven_where_a_commit_is_to_be(mine: World) -> None:
    mine.settings["prove"] = "tree"
    begin(mine, "test -f build/x", "mkdir -p build; echo 1 > build/x")
    assert mine.run().code == 0
    mine.spec("a", "Said in other words.", checks="test -f build/x")
    mine.git("commit", "-qam", "in other words")
    assert mine.run().code == 0
    assert "; not in the commit: build/x (ignored by git)" in mine.log("a.done")
    mine.settings["prove"] = "commit"
    assert mine.run().code == 1


@pytest.mark.deep
def test_work_whose_commit_was_taken_off_the_branch_is_not_committed(mine: World) -> None:
    mine.settings["prove"] = "tree"
    begin(mine, "test -f own.txt", "true")
    assert mine.run().code == 0
    mine.git("reset", "-q", "HEAD~1")
    ran = mine.run()
    assert ran.code == 1 and "work that is done is not committed (a)" in ran.text, ran.text


@pytest.mark.deep
def test_undo_takes_back_what_was_done_before_a_reset_too(mine: World, harness: Any) -> None:
    begin(mine, "test -f own.txt", 'echo 1 > "n$attempt.txt"')
    assert mine.run().code == 0
    mine.config_file()
    assert harness("reset", "a").code == 0
    assert mine.run().code == 0
    assert "2 commits" in harness("undo", "a").out
    assert not (mine.root / "own.txt").exists() and not list(mine.root.glob("n*.txt"))


@pytest.mark.deep
def test_git_is_never_one_that_an_agent_left_on_path(mine: World, tmp_path: Path) -> None:
    begin(mine, "test -f own.txt", "true")
    (mine.root / "build").mkdir(exist_ok=True)
    hook = mine.root / ".git/hooks/pre-commit"
    hook.write_text("#!/bin/sh\nexit 0\n")
    hook.chmod(0o755)
    environ = {**mine.environ, "PATH": f"{mine.root}/build:{os.environ['PATH']}", "HOME": str(tmp_path)}
    (mine.root / "build/git").write_text('#!/bin/sh\ntouch ran\nexec /usr/bin/git "$@"\n')
    (mine.root / "build/git").chmod(0o755)
    ran = mine.run(environ=environ)
    assert (ran.code, mine.has("ran")) == (0, False), ran.text


@pytest.mark.deep
def test_a_repository_of_a_person_that_is_deleted_is_told_and_not_said_to_be_back(mine: World, tmp_path: Path) -> None:
    (mine.root / ".gitignore").write_text("vendor/\n")
    mine.git("init", "-q", "vendor/lib")
    begin(mine, "test -f own.txt", "rm -rf vendor/lib/.git")
    ran = mine.run()
    assert "`vendor/lib/.git` was deleted during the attempt" in ran.text and "is back" not in ran.text, ran.text
    assert not mine.has("vendor/lib/.git")


@pytest.mark.deep
def test_git_writes_through_no_link_in_a_repository_of_a_person(mine: World, tmp_path: Path) -> None:
    (mine.root / ".gitignore").write_text("vendor/\n")
    mine.git("init", "-q", "vendor/lib")
    (tmp_path / "precious").write_text("mine\n")
    links = ("vendor/lib/.git/COMMIT_EDITMSG", "vendor/lib/.git/logs/HEAD")
    made = "".join(f"mkdir -p $(dirname {one}); ln -sf {tmp_path}/precious {one}; " for one in links)
    begin(mine, "test -f own.txt", f"{made}true")
    ran = mine.run()
    assert not [one for one in links if os.path.lexists(mine.root / one)], ran.text


@pytest.mark.deep
def test_what_a_run_left_is_committed_whatever_a_person_commits_meanwhile(mine: World) -> None:
    begin(mine, "test -f own.txt && test -f better", "true")
    assert mine.run().code != 0
    mine.spec("a", checks="test -f own.txt")
    mine.git("add", "specs")
    mine.git("commit", "-qm", "a better spec")
    ran = mine.run()
    assert (ran.code, mine.git("status", "--porcelain")) == (0, ""), ran.text


@pytest.mark.deep
def test_undo_takes_back_what_was_merely_touched(mine: World, harness: Any) -> None:
    begin(mine, "test -f own.txt", "true")
    assert mine.run().code == 0
    mine.config_file()
    os.utime(mine.root / "own.txt", (1, 1))
    assert harness("undo", "a").code == 0
    assert not (mine.root / "own.txt").exists()


@pytest.mark.deep
def test_what_lies_beside_a_spec_and_is_not_committed_is_named(mine: World) -> None:
    begin(mine, "diff specs/a/want own.txt", "true")
    (mine.root / "specs/a/want").write_text("more\n")
    ran = mine.run()
    assert ran.code == 0 and "lacks specs/a/want (not committed)" in mine.log("a.done"), mine.log("a.done")


@pytest.mark.parametrize("had", in_short({"none before": None, "one before": "MODE=old\n"}, "none before"))
def test_an_env_file_that_an_attempt_made_or_changed_proves_nothing(mine: World, had: str | None) -> None:
    (mine.root / ".gitignore").write_text(".env\n")
    if had is not None:
        (mine.root / ".env").write_text(had)
    begin(mine, "grep -q new .env", "echo MODE=new > .env")
    ran = mine.run()
    assert ran.code != 0 and "the commit would not hold .env (ignored by git)" in ran.text, ran.text


def test_what_an_agent_commits_holds_nothing_of_logs(mine: World) -> None:
    (mine.root / ".gitignore").write_text("")
    begin(mine, "test -f own.txt", "true")
    mine.agent(f"echo more > own.txt; {CLAIM}; git add -A; git commit -qm own")
    ran = mine.run()
    assert ran.code == 0, ran.text
    assert mine.git("ls-tree", "-r", "--name-only", "HEAD", "logs") == ""
    mine.spec("b", checks="test -f b.txt")
    mine.agent(f"echo b > b.txt; {CLAIM}; git add -Af logs; git commit -qm forced")
    assert "which are harness's own: `git rm --cached`" in mine.run().text


@pytest.mark.deep
def test_a_run_on_a_detached_head_says_so(mine: World) -> None:
    begin(mine, "test -f own.txt", "true")
    mine.git("switch", "-q", "--detach")
    assert "HEAD is detached: what is committed will be on no branch" in mine.run().text


def test_a_receipt_that_the_journal_does_not_know_is_checked_again(mine: World) -> None:
    begin(mine, "test -f own.txt", "true")
    assert mine.run().code == 0
    (mine.root / "logs/journal.jsonl").unlink()
    assert "the journal does not know its receipt, and every check is green: its receipt is renewed" in mine.run().text
    (mine.root / "logs/journal.jsonl").unlink()
    mine.git("rm", "-q", "own.txt")
    mine.git("commit", "-qm", "broken")
    mine.agent(": nothing")
    ran = mine.run()
    assert ran.code != 0 and "worked on again: the journal does not know its receipt" in ran.text, ran.text
