"""A feature is taken back by one commit; what rests on one that is gone is named; a new name keeps its proof."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from helpers.marks import in_short
from helpers.world import CLAIM, World


def done(world: World, code: str = 'echo "$slug" > "$slug.txt"') -> None:
    """Let a, and b and c that depend on it, become done, a commit each."""
    world.spec("a", checks="test -f a.txt")
    world.spec("b", checks="test -f b.txt", depends_on=["a"])
    world.spec("c", checks="test -f c.txt", depends_on=["b"])
    (world.root / "shared.txt").write_text("1\n2\n3\n4\n5\n6\n7\n8\n9\n")
    world.repository()
    world.git("branch", "-M", "main")
    world.agent(f"{code}; {CLAIM}")
    assert world.run().code == 0


def files(world: World) -> list[str]:
    return world.git("ls-tree", "--name-only", "HEAD", "a.txt", "b.txt", "c.txt").split()


# --- undo ---------------------------------------------------------------------------------------------------------


def test_undo_takes_a_feature_back_by_one_commit_and_opens_it_again(world: World, harness: Any) -> None:
    done(world)
    first = world.git("rev-parse", "main~2")
    ran = harness("undo", "a")
    last = world.git("rev-parse", "main")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        f"`a` is taken back by {last[:12]} (1 commit, 1 file: `a.txt`)",
        "`b` and `c` depend on it, done as before: `harness verify b c` tells if that holds",
        "its receipt is now `logs/attempts/a/a.done`",
        "`harness run` works on it again",
    ]
    assert world.git("log", "-1", "--format=%B") == f"Undo a\n\nThis reverts commit {first}.\n\nHarness-Undone: a"
    assert (files(world), world.has("a.txt"), world.git("status", "--porcelain")) == (["b.txt", "c.txt"], False, "")
    assert world.states() == {"a": "ready", "b": "done", "c": "done"}
    (event,) = world.events("reopened")
    assert (event["slug"], event["commit"]) == ("a", last)
    assert f"its work was taken back by {last[:12]}" in harness("why", "a").out
    ran = world.run()
    assert (ran.code, files(world)) == (0, ["a.txt", "b.txt", "c.txt"])
    assert f"A person took the work on this feature back ({last})" in world.prompt("a", 2)
    assert harness("undo", "a").code == 0
    assert files(world) == ["b.txt", "c.txt"]


def test_undo_runs_no_program_outside_the_sandbox_that_an_agent_wrote(confined: Any) -> None:
    home = Path(confined.environment["HOME"])
    (confined.root / "tools").mkdir()
    (confined.root / "tools/smudge.sh").write_text("cat\n")
    (confined.root / ".gitattributes").write_text("f.txt filter=fmt\n")
    (confined.root / "f.txt").write_text("1\n")
    confined.spec("a", checks="test -f a.txt", may_change=["tools/smudge.sh"])
    confined.config_file(sandbox="bwrap")
    confined.repository()
    confined.git("config", "filter.fmt.smudge", "sh tools/smudge.sh")
    hook = confined.root / ".git/hooks/post-index-change"
    hook.write_text("#!/bin/sh\nsh tools/smudge.sh </dev/null\n")
    hook.chmod(0o755)
    code = f"echo 'touch {home}/ran; cat' > tools/smudge.sh; echo 2 > f.txt; echo a > a.txt"
    confined.agent(f"{code}; {CLAIM}")
    assert confined.go().code == 0
    for words in (["--dry-run"], []):
        ran = confined.command("undo", "a", *words, HOME=str(home), HARNESS_SANDBOX="bwrap")
        assert (ran.returncode, (home / "ran").exists()) == (0, False), ran.stdout + ran.stderr
    assert (confined.root / "f.txt").read_text() == "1\n"


def test_undo_puts_a_folder_back_that_became_a_link(world: World, harness: Any) -> None:
    world.spec("a", checks="test -L d")
    (world.root / "d").mkdir()
    (world.root / "d/x").write_text("1\n")
    world.repository()
    world.agent(f"mv d e; ln -s e d; {CLAIM}")
    assert world.run().code == 0
    ran = harness("undo", "a")
    assert (ran.code, ran.err) == (0, "")
    assert not (world.root / "d").is_symlink()
    assert (world.root / "d/x").read_text() == "1\n"
    assert (world.has("e"), world.git("status", "--porcelain")) == (False, "")


def test_undo_leaves_alone_what_another_run_committed_meanwhile(world: World, harness: Any) -> None:
    world.spec("a", checks="test -f a.txt")
    world.repository()
    words = "Theirs\n\nHarness-Feature: theirs\nHarness-Attempt: 1"
    theirs = f"echo 1 > t.txt; git add t.txt; git commit -qm '{words}'"
    world.agent(f"{theirs}; echo a > a.txt; {CLAIM}")
    assert world.run().code == 0
    ran, commit = harness("undo", "a"), world.git("rev-parse", "HEAD~1")
    assert ran.code == 2
    assert f"or another run in this repository: `{commit[:12]}`" in ran.err
    assert world.has("t.txt")


@pytest.mark.deep
def test_undo_runs_no_program_that_merges_files(confined: Any) -> None:
    home = Path(confined.environment["HOME"])
    (confined.root / "merge.sh").write_text("exit 1\n")
    (confined.root / ".gitattributes").write_text("f.txt merge=mine\n")
    (confined.root / "f.txt").write_text("1\n2\n3\n4\n")
    confined.spec("a", checks="test -f a.txt", may_change=["merge.sh"])
    confined.config_file(sandbox="bwrap")
    confined.repository()
    confined.git("config", "merge.mine.driver", "sh merge.sh")
    confined.agent(f"echo 'touch {home}/ran' > merge.sh; sed -i s/1/one/ f.txt; echo a > a.txt; {CLAIM}")
    assert confined.go().code == 0
    (confined.root / "f.txt").write_text("one\n2\nthree\n4\n")
    confined.git("commit", "-qam", "a person's")
    ran = confined.command("undo", "a", HOME=str(home), HARNESS_SANDBOX="bwrap")
    assert not (home / "ran").exists(), ran.stdout + ran.stderr
    assert ran.returncode != 0 and (confined.root / "f.txt").read_text() == "one\n2\nthree\n4\n"


@pytest.mark.deep
def test_undo_takes_back_what_the_agent_committed_by_itself(world: World, harness: Any) -> None:
    own = "echo 1 > 1.txt; git add 1.txt; git commit -qm 1; echo 2 > 1.txt; git commit -qam 2; git add 1.txt"
    done(world, f'[ $slug = a ] && {{ {own}; }}; echo "$slug" > "$slug.txt"')
    assert (
        harness("undo", "a")
        .out.splitlines()[0]
        .endswith("(3 commits, 2 files: `1.txt`, `a.txt`)".replace(", `a", " and `a"))
    )
    assert world.git("ls-files", "*.txt").split() == ["b.txt", "c.txt", "shared.txt"]
    assert world.git("log", "-1", "--format=%B").count("This reverts commit") == 3


@pytest.mark.deep
def test_undo_rehearses(world: World, harness: Any) -> None:
    done(world)
    before = world.git("rev-parse", "main"), world.log("journal.jsonl")
    ran = harness("undo", "b", "--dry-run")
    assert ran.out.splitlines() == [
        "`b` would be taken back (1 commit, 1 file: `b.txt`)",
        "`c` depends on it, done as before: `harness verify c` tells if that holds",
    ]
    assert (world.git("rev-parse", "main"), world.log("journal.jsonl")) == before
    assert world.git("status", "--porcelain") == ""


@pytest.mark.deep
def test_a_conflict_names_the_files_where_git_names_none(world: World, harness: Any) -> None:
    done(world, 'echo $slug > $slug.txt; echo $slug >> list.txt; seq 20 >> list.txt; echo x > "[$slug]*.txt"')
    assert "later work meets `a` in `list.txt`: nothing was changed" in harness("undo", "a").err
    (world.root / "[a]*.txt").write_text("y")
    world.git("commit", "-qam", "a person's")
    assert "later work meets `a` in `[a]*.txt` and `list.txt`: nothing was changed" in harness("undo", "a").err


def test_a_conflict_is_told_and_changes_nothing(world: World, harness: Any) -> None:
    done(world, 'echo "$slug" > "$slug.txt"; sed -i "s/^5.*/& $slug/" shared.txt')
    before = world.git("rev-parse", "main"), world.log("journal.jsonl")
    ran = harness("undo", "a")
    assert (ran.code, ran.out) == (2, "")
    assert "later work meets `a` in `shared.txt`: nothing was changed" in ran.err
    assert f"git revert {world.git('rev-parse', 'main~2')[:12]}" in ran.err
    assert (world.git("rev-parse", "main"), world.log("journal.jsonl")) == before
    assert (world.git("status", "--porcelain"), world.states()["a"]) == ("", "done")


@pytest.mark.deep
def test_later_work_in_the_same_file_stays(world: World, harness: Any) -> None:
    done(world, 'echo "$slug" > "$slug.txt"; [ $slug = a ] && sed -i s/^1/one/ shared.txt || echo $slug >> shared.txt')
    assert harness("undo", "a").code == 0
    assert (world.root / "shared.txt").read_text() == "1\n2\n3\n4\n5\n6\n7\n8\n9\nb\nc\n"


@pytest.mark.parametrize("staged", [False, pytest.param(True, marks=pytest.mark.deep)])
@pytest.mark.deep
def test_what_a_person_has_in_work_is_not_touched(world: World, harness: Any, staged: bool) -> None:
    done(world)
    (world.root / "a.txt").write_text("mine")
    (world.root / "b.txt").write_text("mine too")
    if staged:
        world.git("add", "a.txt", "b.txt")
    ran = harness("undo", "a")
    assert (ran.code, (world.root / "a.txt").read_text()) == (2, "mine")
    assert "`a.txt` would change, and there is something in it that is not committed: nothing was changed" in ran.err
    world.git("restore", "--staged", "--worktree", "a.txt")
    assert harness("undo", "a").code == 0
    assert world.git("status", "--porcelain") == ("M  b.txt" if staged else "M b.txt")
    assert (world.root / "b.txt").read_text() == "mine too"


@pytest.mark.deep
def test_what_was_reverted_by_hand_is_only_opened_again(world: World, harness: Any) -> None:
    done(world)
    world.git("revert", "--no-edit", "main~2")
    before = world.git("rev-parse", "main")
    ran = harness("undo", "a")
    assert ran.out.splitlines()[0] == f"`a`: its work was taken back already by {before[:12]}"
    assert (world.git("rev-parse", "main"), world.states()["a"]) == (before, "ready")


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        pytest.param(["checkout", "-q", "--detach"], "HEAD is detached", id="detached", marks=pytest.mark.deep),
        pytest.param(["bisect", "start"], "a bisect is not finished", id="bisect", marks=pytest.mark.deep),
        pytest.param(["checkout", "-q", "-b", "old", "main~3"], "is not on `old`", id="another branch"),
    ],
)
@pytest.mark.deep
def test_undo_says_why_it_cannot(world: World, harness: Any, typed: list[str], said: str) -> None:
    done(world)
    world.git(*typed)
    before = world.git("rev-parse", "HEAD")
    ran = harness("undo", "a")
    assert (ran.code, said in ran.err, world.git("rev-parse", "HEAD")) == (2, True, before)


def test_undo_of_what_has_no_commit_says_so(world: World, harness: Any) -> None:
    world.spec("a")
    world.repository()
    assert "no commit of `a` is recorded" in harness("undo", "a").err


@pytest.mark.deep
def test_undo_in_a_folder_of_a_repository(
    world: World, harness: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    top = world.root
    world.root = top / "packages/app"
    world.root.mkdir(parents=True)
    for slug in "ab":
        world.spec(slug, checks=f"test -f {slug}.txt")
    world.git("init", "-q", "-b", "main", str(top))
    world.git("add", ".")
    world.git("commit", "-qm", "begin")
    world.agent('echo "$slug" > "$slug.txt"; ' + CLAIM)
    (top / "packages/agent.sh").replace(tmp_path / "agent.sh")
    world.settings["command"] = ["/bin/sh", str(tmp_path / "agent.sh")]
    assert world.run().code == 0
    (top / "other.txt").write_text("a person's")
    monkeypatch.chdir(world.root)
    assert harness("undo", "a").code == 0
    assert (world.has("a.txt"), world.git("status", "--porcelain")) == (False, "?? other.txt")
    assert world.git("show", "--format=", "--name-status", "main") == "D\tpackages/app/a.txt"


# What a person made where the feature had deleted a file, and git does not look.
IGNORED = {
    "a file": ("rm conf; echo /conf > .gitignore", "echo mine > conf", "conf"),
    "a folder": ("rm conf; echo /conf > .gitignore", "mkdir conf; echo mine > conf/x", "conf/x"),
    "a file for a folder": ("rm -r sub; echo /sub > .gitignore", "echo mine > sub", "sub"),
    "a link for a folder": ("rm -r sub; echo /sub > .gitignore", "ln -s .. sub", "sub"),
    "a flag": ("echo 2 > conf", "git update-index --assume-unchanged conf; echo mine > conf", "conf"),
}


@pytest.mark.parametrize("case", in_short(IGNORED, "a file"))
def test_undo_overwrites_nothing_that_git_does_not_look_at(world: World, harness: Any, case: tuple[str, ...]) -> None:
    code, typed, name = case
    (world.root / "conf").write_text("1")
    (world.root / "sub").mkdir()
    (world.root / "sub/file").write_text("1")
    world.spec("a", checks="test -f a.txt")
    world.repository()
    world.agent(f"{code}; echo a > a.txt; {CLAIM}")
    assert world.run().code == 0
    subprocess.run(["sh", "-ec", typed], cwd=world.root, check=True)
    before = world.git("rev-parse", "HEAD")
    ran = harness("undo", "a")
    assert (ran.code, world.git("rev-parse", "HEAD")) == (2, before), ran.out
    assert f"`{name}` would change, and there is something in it that is not committed: nothing was changed" in ran.err


@pytest.mark.deep
def test_undo_of_a_file_that_became_a_folder_is_in_nobodys_way(world: World, harness: Any) -> None:
    (world.root / "conf").write_text("1")
    world.spec("a", checks="test -f conf/x")
    world.repository()
    world.agent(f"rm conf; mkdir conf; echo 1 > conf/x; {CLAIM}")
    assert world.run().code == 0
    ran = harness("undo", "a")
    assert (ran.code, world.git("status", "--porcelain"), (world.root / "conf").is_file()) == (0, "", True), ran.err


@pytest.mark.parametrize("really", [False, pytest.param(True, marks=pytest.mark.deep)])
def test_an_attempt_that_says_it_reverts_a_feature_is_believed_only_if_it_did(
    world: World, harness: Any, really: bool
) -> None:
    work = "git rm -q a.txt" if really else "echo 1 > own.txt; git add own.txt"
    revert = f'{work}; git commit -qm "own" -m "This reverts commit $(git rev-parse HEAD)."'
    world.spec("a", checks="test -f a.txt")
    world.spec("b", checks="test -f b.txt")
    world.repository()
    world.agent(f'[ $slug = b ] && {{ {revert}; }}; echo "$slug" > "$slug.txt"; {CLAIM}')
    world.run("a")
    world.run("b")
    assert ("was reverted" in harness("status").out) is really
    ran = harness("undo", "a")
    assert (ran.code, "taken back already" in ran.out, world.has("a.txt")) == (0, really, False), ran.out


# --- what rests on what is gone -----------------------------------------------------------------------------------


@pytest.mark.deep
def test_a_reverted_commit_is_told_with_what_depends_on_it(world: World, harness: Any) -> None:
    done(world)
    first = world.git("rev-parse", "main~2")
    world.git("revert", "--no-edit", first)
    said = f"`a` is done, but its commit was reverted by {world.git('rev-parse', 'main')[:12]}; `b` and `c`"
    said += " depend on it; `harness verify` tells what still holds"
    assert f"warning: {said}" in harness("status").out
    assert said in world.run().lines
    world.git("revert", "--no-edit", "main")
    assert harness("status", "--json").json["warnings"] == []


@pytest.mark.deep
def test_a_commit_that_was_reverted_before_others_were_made_is_told(world: World, harness: Any) -> None:
    for slug in "ab":
        world.spec(slug, checks=f"test -f {slug}.txt")
    world.repository()
    world.agent('echo "$slug" > "$slug.txt"; ' + CLAIM)
    world.run("a")
    world.git("revert", "--no-edit", "HEAD")
    world.run("b")
    assert "`a` is done, but its commit" in harness("status").out
    assert "`b` is done, but" not in harness("status").out


@pytest.mark.deep
def test_a_commit_that_a_reset_took_off_is_told_with_what_depends_on_it(world: World, harness: Any) -> None:
    done(world)
    world.git("reset", "-q", "--hard", "main~2")
    said = "`b` and `c` are done, but their commits are not in what is checked out"
    assert harness("status", "--json").json["warnings"] == [f"{said}; `harness verify` tells what still holds"]
    world.git("reset", "-q", "--hard", "main~")
    said = "`a`, `b` and `c` are done, but their commits are not in what is checked out"
    assert harness("status", "--json").json["warnings"] == [f"{said}; `harness verify` tells what still holds"]


@pytest.mark.deep
def test_commits_that_a_person_picked_or_squashed_are_found_by_their_trailers(world: World, harness: Any) -> None:
    done(world)
    world.git("checkout", "-qb", "elsewhere", "main~3")
    world.git("commit", "-q", "--allow-empty", "-m", "meanwhile")
    world.git("cherry-pick", "main~2")
    message = "\n\n".join(world.git("log", "-1", "--format=* %B", one) for one in ("main~", "main"))
    world.git("checkout", "-q", "main", "--", "b.txt", "c.txt")
    world.git("commit", "-qm", message)
    assert harness("status", "--json").json["warnings"] == []


@pytest.mark.deep
def test_a_commit_that_a_person_changed_is_told(world: World, harness: Any) -> None:
    done(world)
    (world.root / "c.txt").write_text("other\n")
    world.git("commit", "-q", "--amend", "--no-edit", "--all")
    said = "`c` is done, but its commit is in what is checked out with other content"
    assert harness("status", "--json").json["warnings"] == [f"{said}; `harness verify` tells what still holds"]
    world.git("reset", "-q", "--soft", "main~3")
    (world.root / "b.txt").unlink()
    log = ("log", "-3", "--format=%B", "main@{1}")
    world.git("commit", "-qam", world.git(*log))
    said = "`b` and `c` are done, but their commits are in what is checked out with other content"
    assert harness("status", "--json").json["warnings"] == [f"{said}; `harness verify` tells what still holds"]


@pytest.mark.deep
def test_a_commit_that_was_rebased_on_a_change_of_its_file_is_told_of_by_nobody(world: World, harness: Any) -> None:
    world.spec("a", checks="grep -q a shared.txt")
    (world.root / "shared.txt").write_text("".join(f"{number}\n" for number in range(40)))
    world.repository()
    world.agent("sed -i 1s/.*/a/ shared.txt; " + CLAIM)
    assert world.run().code == 0
    world.git("checkout", "-qb", "elsewhere", "HEAD~")
    (world.root / "shared.txt").write_text("".join(f"{number}\n" for number in range(39)))
    world.git("commit", "-qam", "meanwhile")
    world.git("cherry-pick", "-")
    assert harness("status", "--json").json["warnings"] == []


@pytest.mark.deep
def test_a_feature_that_starts_over_names_what_depends_on_it(world: World, harness: Any) -> None:
    done(world)
    assert "; `b` and `c` depend on it, done as before: `harness verify`" in harness("reset", "a").out
    said = "`b` is done, but not `a`, on which it depends; `harness verify` tells what still holds"
    assert harness("status", "--json").json["warnings"] == [said]
    assert said in world.run().lines
    assert harness("status", "--json").json["warnings"] == []


# --- another name -------------------------------------------------------------------------------------------------


@pytest.mark.deep
def test_a_renamed_feature_keeps_its_proof_by_the_command_that_is_told(world: World, harness: Any) -> None:
    world.spec("a", checks="test -f a.txt")
    world.repository()
    world.agent("echo x > a.txt; " + CLAIM)
    assert world.run().code == 0
    (world.root / "specs/a").rename(world.root / "specs/z")
    world.git("add", "--all")
    world.git("commit", "-qm", "rename")
    said = "`z` has the text by which `a` was accepted, which has no spec any more; if you renamed it, "
    said += "`harness rename a z` keeps its proof"
    assert harness("status", "--json").json["warnings"] == [said]
    receipt = world.log("a.done")
    ran = harness("rename", "a", "z")
    assert (ran.code, ran.out) == (0, "`z` has the receipt, the log and the attempts of `a` now\n")
    assert (world.states(), world.log("z.done"), world.has("logs/a.done")) == ({"z": "done"}, receipt, False)
    assert harness("status", "--json").json["warnings"] == []
    ran = world.run()
    assert (ran.code, world.outcomes()) == (0, ["done"])
    assert harness("undo", "z").code == 0 and not world.has("a.txt")
    world.agent("echo x > a.txt; " + CLAIM)
    assert world.run().code == 0 and world.has("logs/attempts/z/0002")


def test_a_new_name_that_is_not_the_old_feature_is_refused(world: World, harness: Any) -> None:
    world.spec("a", checks="test -f a.txt")
    world.agent("echo x > a.txt; " + CLAIM)
    world.run()
    assert "`a` has a spec of its own still" in harness("rename", "a", "a").err
    (world.root / "specs/a").rename(world.root / "specs/z")
    world.spec("z", "Do it otherwise.", checks="test -f a.txt")
    assert "is not the text by which `a` was accepted" in harness("rename", "a", "z").err
    assert "`b` has no receipt that harness wrote" in harness("rename", "b", "z").err
    assert world.states() == {"z": "ready"}


def test_undo_leaves_alone_what_a_person_pulled_meanwhile(world: World, harness: Any) -> None:
    world.spec("a", checks="test -f a.txt")
    world.repository()
    world.git("clone", "-q", ".", "../theirs")
    world.git("remote", "add", "origin", "../theirs")
    theirs = "git -C ../theirs -c user.name=t -c user.email=t@b.invalid commit -q --allow-empty -m theirs"
    world.agent(
        f"{theirs}; git pull -q origin HEAD:refs/remotes/origin/main; git merge -q origin/main; echo a > a.txt; {CLAIM}"
    )
    assert world.run().code == 0
    ran = harness("undo", "a")
    assert ran.code == 2 and "are some that others made" in ran.err, ran.out


def test_undo_takes_a_line_back_where_git_would_keep_both_sides(world: World, harness: Any) -> None:
    world.spec("a", checks="grep -q new CHANGELOG.md")
    (world.root / "CHANGELOG.md").write_text("old\n")
    (world.root / ".gitattributes").write_text("CHANGELOG.md merge=union\n")
    world.repository()
    world.agent(f"echo new >> CHANGELOG.md; {CLAIM}")
    assert world.run().code == 0
    assert harness("undo", "a").code == 0
    assert (world.root / "CHANGELOG.md").read_text() == "old\n"
