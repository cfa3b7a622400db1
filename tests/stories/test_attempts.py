"""What an agent did is not lost: each attempt is kept in a commit that no branch and no index knows of."""

from __future__ import annotations

import signal
from typing import Any

import pytest
from helpers.waiting import wait_until_ready
from helpers.world import CLAIM, World

from harness.workspace.parking import Parking, ParkingError

PARTS = 'echo $attempt > a.txt; echo $attempt > try-$attempt.txt; note "did part $attempt of it"; '


def kept(world: World) -> dict[str, str]:
    lines = world.git("for-each-ref", "--format=%(refname) %(objectname)", "refs/harness/").splitlines()
    return {name.removeprefix("refs/harness/"): commit for name, _, commit in (line.partition(" ") for line in lines)}


def three_attempts(world: World) -> None:
    """Two that come to nothing, and one that lands without what the first one had made."""
    world.spec("a", checks="test -f done.txt")
    world.repository()
    world.agent(PARTS + "if [ $attempt = 3 ]; then rm try-1.txt; touch done.txt; fi; " + CLAIM)
    assert world.run().code == 0


def take_away(world: World) -> None:
    """Take what attempts left out of the tree, as a person does who does not want it."""
    world.git("checkout", "-q", ".")
    world.git("clean", "-qfd", "--", "*.txt")


def test_each_attempt_is_kept_under_its_name_and_neither_branch_nor_index_knows_of_it(world: World) -> None:
    three_attempts(world)
    refs = kept(world)
    assert sorted(refs) == ["a/1", "a/2", "a/3"]
    assert world.git("show", f"{refs['a/1']}:a.txt") == "1"
    changed = world.git("diff", "--name-status", f"{refs['a/2']}^", refs["a/2"])
    assert changed.split() == ["M", "a.txt", "A", "try-2.txt"]
    assert world.git("diff", "--name-only", refs["a/3"], "HEAD") == ""
    assert world.git("log", "--format=%s") == "a: finished a\nbegin"
    assert world.git("status", "--porcelain") == ""


def test_attempts_are_listed_and_shown_with_what_each_changed(world: World, harness: Any) -> None:
    three_attempts(world)
    rows = harness("attempts", "a", "--json").json["attempts"]
    assert [(one["attempt"], one["outcome"], one["diffstat"]["files"]) for one in rows] == [
        (1, "unconfirmed", 2),
        (2, "unconfirmed", 2),
        (3, "done", 4),
    ]
    assert harness("attempts").out.splitlines()[1].split()[:2] == ["a", "1"]
    assert "-2\n+3" in harness("diff", "a").out
    assert "a.txt     | 2 +-" in harness("diff", "a", "2", "--stat").out
    world.agent("echo I look around; " + CLAIM)
    world.spec("b")
    world.run()
    assert "    I look around" in harness("show", "b").out.splitlines()
    assert harness("diff", "b").out == ""


@pytest.mark.parametrize("sandbox", ["none", "bwrap"])
def test_an_attempt_comes_back_beside_what_landed_since(world: World, harness: Any, sandbox: str) -> None:
    world.spec("a", checks="false")
    world.repository()
    world.agent(PARTS)
    world.run(max_iterations=1)
    take_away(world)
    (world.root / "later.txt").write_text("later\n")
    world.git("add", "-A")
    world.git("commit", "-qm", "later")
    assert "is back in the working tree: 2 files: a.txt, try-1.txt" in harness("restore", "a", "1").out
    assert (world.root / "try-1.txt").read_text() == "1\n" and (world.root / "later.txt").exists()
    assert world.git("diff", "--cached", "--name-only") == ""
    assert "nothing was changed" in harness("restore", "a", "1").out
    world.spec("a", checks="test -f try-1.txt")
    world.agent("note 'it was there already'; " + CLAIM)
    assert world.run(sandbox=sandbox).code == 0
    assert world.git("show", "--name-only", "--format=").split() == ["a.txt", "try-1.txt"]


def test_nothing_comes_back_over_what_is_not_saved(world: World, harness: Any) -> None:
    world.spec("a", checks="false")
    world.repository()
    world.agent(PARTS)
    world.run(max_iterations=1)
    (world.root / "a.txt").write_text("mine\n")
    said = harness("restore", "a", "1")
    assert (said.code, (world.root / "a.txt").read_text()) == (2, "mine\n")
    assert "a.txt would change, and there is something in it that is saved nowhere: nothing was changed" in said.err


def test_work_on_the_same_lines_that_landed_since_is_a_conflict_and_nothing_is_changed(
    world: World, harness: Any
) -> None:
    (world.root / "a.txt").write_text("0\n")
    world.spec("a", checks="false")
    world.repository()
    world.agent(PARTS)
    world.run(max_iterations=1)
    take_away(world)
    (world.root / "a.txt").write_text("other\n")
    world.git("commit", "-qam", "other")
    said = harness("restore", "a", "1")
    assert said.code == 2 and "it meets later work in a.txt: nothing was changed" in said.err
    assert world.git("status", "--porcelain") == ""


def test_a_secret_and_a_file_that_is_too_large_are_not_kept_and_that_is_told(
    world: World, harness: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.workspace.attempt_refs.LARGEST", 1000)
    (world.root / ".env").write_text("API_TOKEN=Zk9vQx7LmP2sWd8RtY\n")
    (world.root / ".gitignore").write_text(".env\n/logs/\n/HALT\n")
    world.spec("a", checks="false")
    world.repository()
    world.agent("cp .env c.txt; head -c 2000 /dev/zero > large; echo a > a.txt; note 'a part of it'")
    said = world.run(max_iterations=1).text
    assert world.git("diff", "--name-only", "HEAD", kept(world)["a/1"]) == "a.txt"
    assert "a: c.txt is not in what is kept of its attempts: it holds the value of a secret" in said
    assert "a: large is not in what is kept of its attempts: it is larger than" in said
    (world.root / "a.txt").unlink()
    assert "not kept of that attempt, so not there: large, c.txt" in harness("restore", "a", "1").out


def test_an_attempt_of_a_killed_run_is_kept_and_what_was_to_be_named_gets_its_name(
    world: World, start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.attempts.recover.KILLING", 0.0)
    world.spec("a", checks="test -f a.txt")
    world.spec("b", checks="test -f b.txt")
    world.agent(
        "case $slug in a) echo a > a.txt;; b) echo part > b.part; touch ready; exec sleep 1000;; esac; " + CLAIM
    )
    world.config_file()
    (world.root / ".gitignore").write_text("ready\n/logs/\n/HALT\n")
    world.repository()
    run = start("run")
    wait_until_ready(world, run)
    run.send_signal(signal.SIGKILL)
    run.communicate()
    assert kept(world) == {}
    (world.root / "mine.txt").write_text("a person's, since then\n")
    world.agent("echo b > b.txt; " + CLAIM)
    assert world.run().code == 0
    refs = kept(world)
    assert sorted(refs) == ["a/1", "b/1", "b/2"]
    assert world.git("diff", "--name-only", f"{refs['b/1']}^", refs["b/1"]) == "b.part"


def test_what_is_kept_of_old_attempts_on_done_features_is_forgotten_when_a_person_says_so(
    world: World, harness: Any
) -> None:
    three_attempts(world)
    world.spec("b", checks="false")
    world.agent("echo b > b.txt; note 'a part of it'")
    world.run(max_iterations=1)
    assert "nothing is kept of attempts on done features that are older than 30d" in harness("clean").out
    assert "3 attempts on done features, older than 0s" in harness("clean", "--older-than", "0s", "--dry-run").out
    assert sorted(kept(world)) == ["a/1", "a/2", "a/3", "b/1"]
    assert "forgotten; commits on branches stay" in harness("clean", "--older-than", "0s").out
    assert sorted(kept(world)) == ["b/1"]
    assert world.has("logs/attempts/a/0001/outcome.json") and not world.has("logs/attempts/a/0001/stream.jsonl")
    assert "it was cleaned away" in harness("diff", "a", "1").err
    assert "what its agent said was cleaned away" in harness("show", "a", "1").out
    assert "nothing is kept" in harness("clean", "--older-than", "0s").out
    assert world.run(max_iterations=1).code == 1 and sorted(kept(world)) == ["b/1", "b/2"]


def test_what_landed_and_was_taken_back_comes_again_also_a_mode_alone(world: World, harness: Any) -> None:
    (world.root / "run.sh").write_text("#!/bin/sh\n")
    world.spec("a", checks="test -x run.sh")
    world.repository()
    world.agent("chmod +x run.sh; echo a > a.txt; " + CLAIM)
    assert world.run().code == 0
    assert "nothing that attempt 1 of `a` changed is missing here" in harness("restore", "a", "1").out
    assert harness("undo", "a").code == 0
    assert "`a`: its work was taken back by" in harness("undo", "a").err
    assert "2 files: a.txt, run.sh" in harness("restore", "a", "1").out
    assert world.git("status", "--porcelain").split() == ["M", "run.sh", "??", "a.txt"]
    world.agent(CLAIM)
    assert world.run().code == 0
    assert world.git("show", "--name-only", "--format=").split() == ["a.txt", "run.sh"]


def test_what_came_back_is_committed_by_the_next_run_and_a_new_name_keeps_the_attempts(
    world: World, harness: Any
) -> None:
    world.spec("a", checks="test -f run.txt")
    world.agent("echo a > a.txt; note 'a part of it'")
    world.config_file()
    world.repository()
    world.run(max_iterations=1)
    world.git("clean", "-qfd", "--", "a.txt")
    assert harness("restore", "a", "1").code == 0
    world.agent("echo b > run.txt; " + CLAIM)
    assert harness("run", "--quiet").code == 0
    assert world.git("show", "--name-only", "--format=").split() == ["a.txt", "run.txt"]
    world.git("mv", "specs/a", "specs/b")
    assert harness("rename", "a", "b").code == 0
    rows = harness("attempts", "b", "--json").json["attempts"]
    assert [(one["slug"], one["attempt"]) for one in rows] == [("b", 1), ("b", 2)]
    assert "+a" in harness("diff", "b", "1").out
    assert harness("attempts", "a").code == 2


def test_one_attempt_comes_in_the_place_of_another_which_is_kept(world: World, harness: Any) -> None:
    world.spec("a", checks="false")
    world.repository()
    world.agent(PARTS)
    world.run(max_iterations=2)
    assert "3 files" not in harness("restore", "a", "2").out
    assert harness("restore", "a", "1").code == 0
    assert (world.root / "a.txt").read_text() == "1\n" and not world.has("try-2.txt")
    assert harness("restore", "a", "2").code == 0
    assert (world.root / "a.txt").read_text() == "2\n" and world.has("try-1.txt") and world.has("try-2.txt")
    (world.root / "try-2.txt").write_text("mine\n")
    assert harness("restore", "a", "1").code == 0 and (world.root / "try-2.txt").read_text() == "mine\n"


def test_files_that_could_not_all_be_written_are_not_said_to_be_unchanged(
    world: World, harness: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise ParkingError("no space left")

    world.spec("a", checks="false")
    world.repository()
    world.agent(PARTS)
    world.run(max_iterations=1)
    take_away(world)
    with monkeypatch.context() as patched:
        patched.setattr(Parking, "write", refuse)
        said = harness("restore", "a", "1")
    assert said.code == 2 and "no space left: some of the files may be back, and not all are" in said.err
    assert "nothing was changed" not in said.err
    assert harness("restore", "a", "1").code == 0 and world.has("try-1.txt")
