"""What an agent moves in git is told, written down, and put right where that loses nothing; else the run ends."""

from __future__ import annotations

import os
import re
import subprocess
import time
from typing import Any

import pytest
from helpers.marks import in_short, needs_bwrap
from helpers.world import CLAIM, GIT, SECRET, World

from harness.domain.errors import StorageError
from harness.domain.halt import Halt


def begin(world: World, code: str, *slugs: str) -> None:
    """Make features whose agent runs `code` at b, and everywhere writes a file, a note and a claim."""
    for slug in slugs or ("a", "b"):
        world.spec(slug, checks=f"test -f {slug}.txt")
    world.repository()
    world.git("branch", "-M", "main")
    world.agent(f'echo x > "$slug.txt"; [ "$slug$attempt" = b1 ] && {{ {code}; }}; {CLAIM}')


def moves(world: World) -> list[tuple[str, bool]]:
    return [(one["what"], one["back"]) for one in world.events("head_moved")]


def subjects(world: World) -> list[str]:
    return world.git("log", "--format=%s", "main").splitlines()


def where(world: World) -> tuple[str, str]:
    return world.git("rev-parse", "--abbrev-ref", "HEAD"), world.git("status", "--porcelain")


def type_commands(world: World, advice: str) -> None:
    """Type what a person is told to, but for the commands of harness."""
    commands = [one for one in re.findall("`(.*?)`", advice) if not one.startswith("harness")]
    subprocess.run(["sh", "-ec", "\n".join(commands)], cwd=world.root, env={**os.environ, **GIT}, check=True)


COMMIT = "git add b.txt; git commit -qm own"
BACK: list[Any] = [
    pytest.param("git checkout -q --detach", [("detached", True)], ["b: finished b"], id="detached"),
    pytest.param(
        f"git checkout -q --detach; {COMMIT}",
        [("detached", True), ("committed", False)],
        ["own"],
        id="detached, commits",
    ),
    pytest.param("git checkout -qb side", [("switched", True), ("refs", False)], ["b: finished b"], id="a branch"),
    pytest.param(
        f"git checkout -qb side; {COMMIT}",
        [("switched", True), ("refs", False)],
        ["b: finished b"],
        id="a branch, commits",
    ),
    pytest.param(
        "git branch -m main trunk",
        [("switched", True), ("rewritten", True), ("refs", False)],
        ["b: finished b"],
        id="renamed",
    ),
    pytest.param("git reset -q --soft HEAD~", [("reset", True)], ["b: finished b"], id="reset, soft"),
    pytest.param("git reset -q HEAD~", [("reset", True)], ["b: finished b"], id="reset, mixed"),
    pytest.param("git add b.txt; git commit -q --amend -m mine", [("amended", True)], ["b: finished b"], id="amended"),
    pytest.param("git checkout -q --orphan new", [("orphaned", True)], ["b: finished b"], id="orphan"),
    pytest.param("git update-ref -d HEAD", [("orphaned", True)], ["b: finished b"], id="deleted"),
    pytest.param(COMMIT, [("committed", False)], ["own"], id="commits"),
    pytest.param(f"{COMMIT}; git tag v1", [("committed", False), ("refs", False)], ["own"], id="commits, tag"),
]


@pytest.mark.parametrize(("code", "moved", "top"), in_short(BACK, "a branch, commits"))
def test_what_can_be_put_right_without_loss_is(
    world: World, code: str, moved: list[tuple[str, bool]], top: list[str]
) -> None:
    begin(world, code)
    ran = world.run()
    assert (ran.code, moves(world)) == (0, moved), ran.text
    assert subjects(world) == [*top, "a: finished a", "begin"]
    assert where(world) == ("main", "")
    assert world.git("ls-tree", "--name-only", "main", "a.txt", "b.txt").split() == ["a.txt", "b.txt"]


OPEN = (
    "git checkout -qb side; echo 1 > c; git add c; git commit -qm side; git checkout -q main; echo 2 > c; git add c;"
    " git commit -qm c"
)
# A commit on no branch, which takes all files away and brings one.
EVIL = (
    "echo evil > e; b=$(git hash-object -w e); rm e; t=$(printf '100644 blob %s\\tevil.txt\\n' $b | git mktree); "
    "c=$(git commit-tree -p HEAD -m evil $t)"
)
STOPS: list[Any] = [
    pytest.param("git reset -q --hard HEAD~; echo x > b.txt", "git reset --keep", id="reset, hard"),
    pytest.param(
        f"git reset -q --hard HEAD~; echo x > b.txt; {COMMIT}", "git branch left-by-the-agent", id="rewritten"
    ),
    pytest.param("git checkout -q HEAD~", "git switch main", id="an older commit"),
    pytest.param("git checkout -q elder", "git switch main", id="another branch"),
    pytest.param(f"{OPEN}; git merge side >/dev/null", "git merge --abort", id="merge"),
    pytest.param(f"{OPEN}; git cherry-pick side >/dev/null 2>&1", "git cherry-pick --abort", id="cherry-pick"),
    pytest.param(f"{OPEN}; git rebase -q side >/dev/null 2>&1", "git rebase --abort", id="rebase"),
    pytest.param("git rebase -q -x false HEAD~ >/dev/null 2>&1", "git rebase --abort", id="rebase, exec"),
    pytest.param("git bisect start -q HEAD HEAD~ >/dev/null 2>&1", "git bisect reset", id="bisect"),
    pytest.param(
        f"{EVIL}; mkdir .git/sequencer; cd .git/sequencer; echo $c > head; git rev-parse HEAD > abort-safety; "
        "echo pick $c > todo; cd ../..",
        "git cherry-pick --quit",
        id="cherry-pick, forged",
    ),
    pytest.param(
        f"{EVIL}; git rebase -q -x false HEAD~ >/dev/null 2>&1; echo $c > .git/rebase-merge/orig-head",
        "git rebase --quit",
        id="rebase, forged",
        marks=pytest.mark.deep,
    ),
    pytest.param(
        f"{EVIL}; git bisect start -q HEAD HEAD~ >/dev/null 2>&1; echo $c > .git/BISECT_START",
        "git bisect reset HEAD",
        id="bisect, forged",
        marks=pytest.mark.deep,
    ),
    pytest.param("git update-ref -d HEAD; rm a.txt", "git reset ", id="deleted, with files"),
    pytest.param("git bisect start >/dev/null 2>&1", "git bisect reset", id="bisect, begun"),
]


@pytest.mark.parametrize(("code", "command"), in_short(STOPS, "reset, hard"))
def test_what_cannot_be_put_right_without_loss_ends_the_run_until_a_person_has_typed_the_commands(
    world: World, code: str, command: str
) -> None:
    begin(world, code, "a", "b", "c")
    world.git("branch", "elder")
    ran = world.run(keep_going=True)
    assert (ran.code, ran.halt) == (4, Halt.MOVED), ran.text
    assert "b: while its agent worked, somebody " in ran.text and command in ran.stop.advice
    assert command in (world.root / "HALT").read_text()
    assert {back for _, back in moves(world)} == {False}
    assert (world.outcomes(), world.states()["b"]) == (["done", "interrupted"], "claimed")
    assert "b: finished b" not in world.git("log", "--all", "--format=%s")
    type_commands(world, ran.stop.advice)
    assert "evil" not in subjects(world) and not world.has("evil.txt")
    (world.root / "HALT").unlink()
    again = world.run()
    assert again.code == 0, again.text
    assert [line for line in subjects(world) if ": finished" in line] == [f"{one}: finished {one}" for one in "cba"]
    assert {f"{one}.txt" for one in "abc"} <= set(world.git("ls-files").split())
    assert where(world) == ("main", "")


@pytest.mark.parametrize(
    "code", in_short(["git switch -q theirs", "git checkout -q --detach origin/theirs"], "git switch -q theirs")
)
@pytest.mark.deep
def test_commits_that_others_made_are_not_taken_for_the_agent_s(world: World, code: str) -> None:
    begin(world, code, "b")
    world.git("switch", "-qc", "theirs")
    world.git("commit", "-q", "--allow-empty", "-m", "a person's")
    world.git("switch", "-q", "main")
    if "origin" in code:
        world.git("update-ref", "refs/remotes/origin/theirs", "theirs")
        world.git("branch", "-qD", "theirs")
    ran = world.run()
    assert (ran.halt, subjects(world)) == (Halt.MOVED, ["begin"])
    assert (
        "some of the commits are on another branch or a remote; a person puts it right: `git switch main`" in ran.text
    )


def test_the_agent_s_own_commits_are_part_of_the_feature_in_journal_and_why(world: World, harness: Any) -> None:
    begin(world, f"{COMMIT}; echo y > b2.txt")
    ran = world.run()
    since, own, last = (world.git("rev-parse", name) for name in ("main~2", "main~1", "main"))
    said = f"made 1 commit on `main` ({since[:12]}..{own[:12]}), part of the feature"
    assert f"b: while its agent worked, somebody {said}" in ran.text
    (event,) = world.events("head_moved")
    assert (event["since"], event["commit"], event["text"]) == (since, own, said)
    shown = harness("why", "b")
    assert said in shown.out and f"commits: {since[:12]}..{own[:12]}, {last[:12]}" in shown.out
    assert harness("why", "b", "--json").json["commits"] == [f"{since}..{own}", last]


@pytest.mark.deep
def test_a_branch_that_the_agent_deletes_is_told_with_the_command_that_brings_it_back(world: World) -> None:
    begin(world, "git branch -q -D 'a;b'", "b")
    world.git("branch", "a;b")
    ran = world.run()
    assert f"git branch 'a;b' {world.git('rev-parse', 'main~')[:12]}` brings it back" in ran.text


@pytest.mark.deep
def test_many_tags_are_told_in_a_few_lines(world: World) -> None:
    begin(world, "for n in $(seq 30); do git tag v$n; done", "b")
    ran = world.run()
    assert len(moves(world)) == 11
    assert (
        "b: while its agent worked, somebody made the tag `v1`" in ran.text
        and "b: while its agent worked, somebody made, moved or deleted 20 more branches and tags" in ran.text
    )


@pytest.mark.deep
def test_where_harness_commits_nothing_git_is_left_as_the_agent_left_it(world: World) -> None:
    begin(world, f"git checkout -qb feature; {COMMIT}")
    ran = world.run(commit="never")
    assert (ran.code, where(world)[0]) == (0, "feature")
    assert "b: while its agent worked, somebody switched from `main` to `feature`" in ran.text


@pytest.mark.deep
def test_a_check_that_moves_head_is_met_before_the_commit(world: World) -> None:
    world.spec("a", checks="git checkout -q --detach")
    world.repository()
    world.git("branch", "-M", "main")
    world.agent("echo x > a.txt; " + CLAIM)
    assert world.run().code == 0
    assert (where(world)[0], subjects(world)[0]) == ("main", "a: finished a")
    assert {(one["what"], one["by"], one["back"]) for one in world.events("head_moved")} == {
        ("detached", "a check", True)
    }


@pytest.mark.deep
def test_a_check_before_the_work_that_leaves_a_bisect_open_ends_the_run(world: World) -> None:
    world.spec("a", checks="git bisect start")
    world.repository()
    ran = world.run()
    assert (ran.halt, world.outcomes()) == (Halt.MOVED, [])
    assert "a: while its checks ran, somebody left a bisect" in ran.text and "`git bisect reset`" in ran.stop.advice


def test_a_run_whose_commits_are_not_on_its_branch_does_not_end_well(world: World, monkeypatch: Any) -> None:
    monkeypatch.setattr("harness.attempts.keep.watch_commit", lambda *rest: None)  # as if somebody were quick enough
    world.spec("a", checks="test -f a.txt")
    world.repository()
    world.git("branch", "-M", "main")
    hook = world.root / ".git/hooks/post-commit"
    hook.write_text("#!/bin/sh\ngit checkout -q --detach; git branch -f main HEAD~\n")
    hook.chmod(0o755)
    world.agent("echo x > a.txt; " + CLAIM)
    ran = world.run()
    assert (ran.code, ran.halt) == (4, Halt.MOVED), ran.text
    assert "1 commit of this run cannot be reached from `main`, where the run began" in ran.text


def test_a_run_that_loses_the_commit_of_a_feature_done_before_does_not_end_well(world: World) -> None:
    world.spec("a", checks="test -f a.txt")
    world.repository()
    world.git("branch", "-M", "main")
    world.agent("echo x > a.txt; " + CLAIM)
    assert world.run().code == 0
    commit = world.git("rev-parse", "HEAD")

    world.spec("b", checks="test -f b.txt")
    (world.root / "mine.txt").write_text("so that nothing is committed\n")
    world.agent("echo x > b.txt; git add b.txt; git commit -q --amend -m amended; " + CLAIM)
    ran = world.run()
    assert (ran.code, ran.halt) == (4, Halt.MOVED), ran.text
    said = "1 commit of done features cannot be reached from `main`, where the run began"
    assert f"{said}: {commit[:12]} (a)" in ran.text

    (world.root / "HALT").unlink()
    assert world.run().code == 0


@pytest.mark.deep
def test_a_hook_that_moves_head_after_the_commit_is_told_and_met(world: World) -> None:
    world.spec("a", checks="test -f a.txt")
    world.repository()
    world.git("branch", "-M", "main")
    hook = world.root / ".git/hooks/post-commit"
    hook.write_text("#!/bin/sh\ngit switch -q -c stolen\n")
    hook.chmod(0o755)
    world.agent("echo x > a.txt; " + CLAIM)
    ran = world.run()
    assert "a: while it was committed, somebody switched from `main` to `stolen`; HEAD is back on `main`" in ran.text
    assert (ran.code, where(world), subjects(world)) == (0, ("main", ""), ["a: finished a", "begin"]), ran.text


@pytest.mark.deep
def test_a_hook_that_leaves_the_branch_with_its_files_ends_the_run(world: World) -> None:
    begin(world, "true")
    hook = world.root / ".git/hooks/post-commit"
    hook.write_text("#!/bin/sh\ngit switch -q stolen || git switch -q -c stolen\n")
    hook.chmod(0o755)
    ran = world.run()
    assert (ran.halt, subjects(world)) == (Halt.MOVED, ["b: finished b", "a: finished a", "begin"]), ran.text
    assert "`git switch main`" in ran.stop.advice


@pytest.mark.deep
def test_a_run_that_begins_on_a_detached_head_ends_there(world: World) -> None:
    begin(world, COMMIT)
    world.git("checkout", "-q", "--detach")
    ran = world.run()
    assert (ran.code, world.git("log", "--format=%s", "HEAD").splitlines()) == (0, ["own", "a: finished a", "begin"])


@pytest.mark.deep
def test_nothing_is_committed_while_a_person_s_bisect_is_open(world: World) -> None:
    begin(world, "true")
    world.git("bisect", "start")
    ran = world.run()
    assert "commits: off: a bisect is not finished" in ran.text
    assert (ran.code, subjects(world)) == (0, ["begin"])


def test_head_that_a_killed_run_left_elsewhere_waits_for_a_person(world: World, start: Any) -> None:
    world.agent("git checkout -q --detach; echo x > a.txt; echo ready; sleep 60")
    world.config_file()
    world.spec("a", checks="test -f a.txt")
    world.repository()
    world.git("branch", "-M", "main")
    run = start("run")
    while not world.has("a.txt"):
        time.sleep(0.05)
    run.kill()
    run.wait()
    world.agent("echo x > a.txt; " + CLAIM)
    ran = world.run()
    assert (ran.halt, where(world)[0]) == (Halt.MOVED, "HEAD")
    assert "a: before it was killed, somebody left HEAD detached" in ran.text
    assert "so a person may have done it; a person puts it right: `git switch main`" in ran.text
    (world.root / "HALT").unlink()
    world.git("switch", "main")
    assert (world.run().code, subjects(world)[0]) == (0, "a: finished a")


@pytest.mark.parametrize(
    ("code", "ends"),
    [
        pytest.param("git reset -q --soft HEAD~", (0, ["b: finished b", "a: finished a", "begin"]), id="soft"),
        pytest.param("git reset -q --hard HEAD~", (4, ["begin"]), id="hard", marks=pytest.mark.deep),
    ],
)
@pytest.mark.deep
def test_a_confined_agent_is_met_alike(confined: Any, code: str, ends: tuple[int, list[str]]) -> None:
    begin(confined, code)
    ran = confined.go()
    assert (ran.code, subjects(confined)) == ends, ran.text


@pytest.mark.deep
def test_a_repository_that_is_gone_ends_the_run(world: World) -> None:
    begin(world, "mv .git ../gone")
    ran = world.run()
    assert (ran.code, ran.halt) == (4, Halt.MOVED)
    assert (
        "b: while its agent worked, somebody left git where it does not work any more; nothing can be committed"
        in ran.text
    )


@pytest.mark.deep
def test_a_secret_in_a_commit_of_the_agent_s_own_is_met(world: World) -> None:
    begin(world, f'printf "key = %s" "$API_TOKEN" > key.txt; git add key.txt; {COMMIT}')
    ran = world.run(environ={**world.environ, "API_TOKEN": SECRET}, env_pass="API_TOKEN", max_iterations=2)
    assert "the agent's own commit of key.txt holds the value of API_TOKEN" in world.log("journal.jsonl")
    assert "b: unconfirmed" in ran.text


@pytest.mark.deep
def test_a_branch_without_a_commit_and_without_files_is_left_by_a_person_alone(world: World) -> None:
    begin(world, "git switch -q --orphan new")
    ran = world.run()
    assert (ran.halt, world.has("a.txt")) == (Halt.MOVED, False)
    assert "`git switch main`" in ran.stop.advice
    type_commands(world, ran.stop.advice)
    (world.root / "HALT").unlink()
    assert (world.run().code, subjects(world)) == (0, ["b: finished b", "a: finished a", "begin"])


@pytest.mark.deep
@needs_bwrap
def test_a_receipt_whose_commit_was_taken_off_the_branch_is_renewed_where_its_checks_pass(world: World) -> None:
    world.settings["sandbox"] = "bwrap"
    world.spec("a", checks="test -f a.txt")
    world.repository()
    world.agent("echo x > a.txt; " + CLAIM)
    assert world.run().code == 0
    assert "(red before, green after): test -f a.txt" in world.log("a.done")

    world.git("commit", "-q", "--amend", "-m", "in my own words")
    ran = world.run()
    assert ran.code == 0
    assert f"commit: {world.git('rev-parse', 'HEAD')}\n" in world.log("a.done")
    assert "renewed: the commit that its receipt named is not in what is checked out any more" in world.log("a.done")
    assert "(red before, green after): test -f a.txt" in world.log("a.done")
    again = world.run()
    assert again.code == 0 and "renewed" not in again.text and "not in what is checked out" not in again.text

    world.git("reset", "-q", "--hard", "HEAD~1")
    assert world.run().code == 1
    assert "not in what is checked out" in world.log("a.done")


@pytest.mark.deep
def test_files_outside_of_the_project_in_an_agent_s_commit_are_told(tmp_path: Any) -> None:
    world = World(tmp_path / "top/sub")
    world.root.mkdir(parents=True)
    world.spec("a", checks="test -f a.txt")
    for words in (("init", "-q", ".."), ("add", "-A"), ("commit", "-qm", "begin")):
        world.git(*words)
    code = (
        "b=$(echo evil | git hash-object -w --stdin); export GIT_INDEX_FILE=$PWD/../.git/i; git read-tree HEAD; cd ..; "
    )
    code += "git update-index --add --cacheinfo 100644,$b,.envrc; c=$(git commit-tree -m x -p HEAD $(git write-tree)); "
    world.agent(f"({code} git update-ref HEAD $c; rm $GIT_INDEX_FILE); echo x > a.txt; {CLAIM}")
    ran = world.run()
    assert "a: its own commits hold `.envrc`, outside of the project: look before you push" in ran.text


# --- names of other refs, the stash, the main checkout --------------------------------------------------------------

SYMBOLIC = {
    "main": ("git symbolic-ref refs/heads/main refs/heads/release", "main"),
    "main, through a ref beside": (
        "git update-ref refs/x/y HEAD; git symbolic-ref refs/heads/main refs/x/y",
        "main",
    ),
    "a branch": ("git symbolic-ref refs/heads/release refs/heads/main", "release"),
    "a tag": ("git symbolic-ref refs/tags/v1 refs/heads/main", "v1"),
}


@pytest.mark.parametrize("case", in_short(SYMBOLIC, "a branch"))
def test_a_branch_that_was_made_another_name_is_one_of_its_own_again(world: World, case: tuple[str, str]) -> None:
    code, name = case
    begin(world, code)
    world.git("branch", "release")
    world.git("tag", "v1")
    first = world.git("rev-parse", "HEAD")
    ran = world.run()
    assert ran.code == 0, ran.text
    assert f"somebody made `{name}` another name of" in ran.text
    assert world.git("for-each-ref", "--format=%(symref)", "refs/heads", "refs/tags") == ""
    assert (world.git("rev-parse", "release"), world.git("rev-parse", "v1")) == (first, first)
    assert subjects(world) == ["b: finished b", "a: finished a", "begin"]
    assert where(world)[0] == "main"


@pytest.mark.deep
def test_older_entries_that_were_taken_off_the_stash_are_told_with_their_ids(world: World) -> None:
    begin(world, "git stash drop -q 'stash@{1}'")
    for text in ("1", "2"):
        (world.root / "kept.txt").write_text(text)
        world.git("stash", "push", "-q", "-u")
    older = world.git("rev-parse", "stash@{1}")
    ran = world.run()
    assert f"somebody took 1 off the stash: `git stash store {older}` brings the newest back" in ran.text


def test_what_is_left_open_in_the_main_checkout_of_a_linked_one_is_told(world: World) -> None:
    main = world.root.parent / "main"
    begin(world, "git rev-parse HEAD > $(git rev-parse --git-common-dir)/MERGE_HEAD")
    world.root.rename(main)
    subprocess.run(["git", "worktree", "add", "-q", "-b", "linked", str(world.root)], cwd=main, check=True)
    ran = world.run(commit="never")
    assert "somebody left a merge open in the main checkout" in ran.text, ran.text


FORGED = {
    "a rebase": (
        "mkdir $g/rebase-merge; cd $g/rebase-merge; echo refs/heads/main > head-name; echo $evil > head; "
        "echo $h > onto;"
        " touch interactive git-rebase-todo done; echo 0 > msgnum; echo 0 > end"
    ),
    "a rebase by patches": (
        "mkdir $g/rebase-apply; cd $g/rebase-apply; echo refs/heads/main > head-name; echo $evil > head; "
        "echo $h > onto;"
        " touch rebasing; echo 1 > next; echo 1 > last"
    ),
    "patches": (
        "mkdir $g/rebase-apply; cd $g/rebase-apply; echo 1 > next; echo 1 > last; touch applying; "
        "echo $h > abort-safety;"
        " rm -f ../ORIG_HEAD; git update-ref refs/remotes/ORIG_HEAD/HEAD $evil"
    ),
    "a bisect": "touch $g/BISECT_LOG; echo $h > $g/BISECT_START",
}


@pytest.mark.parametrize("code", in_short(FORGED, "a rebase"))
def test_the_way_out_of_what_was_forged_leads_to_no_commit_of_the_agent(world: World, code: str) -> None:
    evil = "$(git commit-tree -m evil $(printf '' | git mktree) -p HEAD)"
    begin(world, f'g="$PWD/.git"; h=$(git rev-parse HEAD); evil={evil}; (:; {code})')
    ran = world.run(keep_going=True)
    assert ran.code == 4, ran.text
    before = world.git("rev-parse", "refs/heads/main")
    type_commands(world, ran.stop.advice)
    assert (world.git("rev-parse", "main"), where(world)[0]) == (before, "main")
    assert world.has("a.txt")


def test_a_rebase_that_loses_nothing_is_left_and_what_it_brought_is_no_part_of_the_feature(world: World) -> None:
    for slug in "ab":
        world.spec(slug, checks=f"test -f {slug}.txt")
    world.repository()
    theirs = "git checkout -q --detach main~1 && echo t > team.txt && git add team.txt && git commit -qm team"
    rebase = (
        f"{theirs} && git update-ref refs/remotes/origin/main HEAD && git checkout -q main && git rebase -q origin/main"
    )
    world.git("branch", "-M", "main")
    world.agent(f'[ $slug = a ] || {{ {rebase}; }}; echo x > "$slug.txt"; {CLAIM}')
    ran = world.run()
    assert "b: while its agent worked, somebody rebased `main`: 1 commit of it have other names now" in ran.text
    assert world.git("show", "--format=", "--name-only", "HEAD").split() == ["b.txt"]
    assert (ran.code, world.git("log", "--format=%s").splitlines()[2]) == (0, "team"), ran.text


@pytest.mark.deep
@pytest.mark.parametrize("odd", ["\u2028", "\u0085"], ids=["line separator", "next line"])
def test_a_tag_of_any_name_ends_no_run(world: World, odd: str) -> None:
    world.spec("a", checks="test -f a.txt")
    world.repository()
    world.agent(f"echo a > a.txt; git tag 'v1{odd}x'; " + CLAIM)
    assert world.run().code == 0
    assert world.run().code == 0


@pytest.mark.deep
def test_what_git_lists_is_never_taken_for_all_where_it_is_cut(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.workspace.git.LONGEST_ANSWER", 20_000)
    world.spec("a", checks="test -f a.txt")
    world.repository()
    many = "mkdir many; for i in $(seq 400); do : > many/$i-of-a-long-name-that-fills-the-list-of-git; done"
    world.agent(f"{many}; echo a > a.txt; git add -A; git commit -qm many; {CLAIM}")
    with pytest.raises(
        StorageError, match=r"`git [a-z-]+` says more than 19\.5 KiB, and nothing is decided by a part of it"
    ):
        world.run()
    assert not world.log("a.done").count("proven by harness")
