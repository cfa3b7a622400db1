"""What a person accepts, or what git does not look at: it is committed, or said not to be."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.marks import in_short, needs_bwrap
from helpers.world import CLAIM, SECRET, World

from harness.domain.halt import Halt

pytestmark = needs_bwrap


@pytest.fixture
def mine(world: World) -> World:
    world.settings |= {"sandbox": "bwrap", "max_iterations": 3, "stuck_limit": 1}
    (world.root / ".gitignore").write_text("logs/\n")
    return world


def begin(world: World, code: str, **settings: Any) -> None:
    """Commit the specs, with an agent and the settings."""
    world.agent(code)
    world.config_file(**settings)
    world.repository()


def test_what_the_attempts_on_an_accepted_feature_made_is_committed(mine: World, harness: Any) -> None:
    mine.spec("a", checks="false")
    mine.spec("b", checks="test -f a.txt && test -f b.txt", depends_on=["a"])
    begin(mine, f'echo "$slug" > "$slug.txt"; {CLAIM}')
    assert mine.run(keep_going=True).code != 0
    said = harness("accept", "a", "looks fine").out
    assert said.endswith("what its attempts changed (`a.txt`) is committed by the next run that commits\n")
    ran = mine.run(max_iterations=1)
    assert ran.code == 0, ran.text
    assert mine.git("status", "--porcelain") == ""
    assert mine.git("log", "-1", "--format=%s", "--", "a.txt") == "a: accepted by a person"
    assert mine.git("log", "-1", "--format=%s", "--", "b.txt").startswith("b: ")
    assert harness("undo", "a").code == 0
    assert not mine.has("a.txt")


@pytest.mark.deep
def test_accepted_work_that_git_refuses_is_not_said_to_be_done(mine: World, harness: Any) -> None:
    mine.spec("a", checks="false")
    begin(mine, f'echo "$slug" > "$slug.txt"; {CLAIM}')
    assert mine.run().code != 0
    harness("resume")
    harness("accept", "a", "looks fine")
    hook = mine.root / ".git/hooks/pre-commit"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    ran = mine.run()
    assert ran.code == 1 and "a: still not committed" in ran.text, ran.text


@pytest.mark.deep
def test_accepted_work_that_holds_a_secret_is_not_committed(mine: World, harness: Any) -> None:
    mine.spec("a", checks="false")
    begin(mine, f'echo "$API_TOKEN" > key.txt; {CLAIM}', env_pass="API_TOKEN")
    environ = {**mine.environ, "API_TOKEN": SECRET}
    assert mine.run(environ=environ).code != 0
    harness("resume")
    harness("accept", "a", "looks fine")
    ran = mine.run(environ=environ)
    assert ran.code == 1 and "a: still not committed: key.txt holds the value of API_TOKEN" in ran.text, ran.text


@pytest.mark.parametrize("flag", in_short(["--skip-worktree", "--assume-unchanged"], "--skip-worktree"))
def test_a_change_in_a_file_that_git_is_told_not_to_look_at_proves_nothing(mine: World, flag: str) -> None:
    (mine.root / "cfg").write_text("old\n")
    mine.spec("a", checks="grep -q new cfg && test -f a.txt")
    mine.repository()
    mine.git("update-index", flag, "cfg")
    mine.agent(f"echo new > cfg; echo a > a.txt; {CLAIM}")
    ran = mine.run(max_iterations=1)
    assert ran.code != 0 and "cfg (git is told not to look at it)" in ran.text, ran.text


@pytest.mark.deep
def test_a_formatter_that_finds_old_files_says_what_to_do(mine: World) -> None:
    (mine.root / "old.txt").write_text("x \n")
    mine.spec("a", checks=[{"run": "sed -i 's/ $//' *.txt", "fix": True}, "test -f a.txt"])
    mine.repository()
    mine.agent(f"echo a > a.txt; {CLAIM}")
    ran = mine.run(max_iterations=1)
    assert ran.code != 0
    assert "before the work, `sed -i 's/ $//' *.txt` would change what is no file of the feature: old.txt" in ran.text
    assert "`fix: true` changed old.txt, too, which is not of its work: `git restore old.txt` takes" in ran.text


@pytest.mark.deep
def test_a_file_of_two_features_is_committed_as_a_whole_and_that_is_said(mine: World) -> None:
    (mine.root / "shared.txt").write_text("1\n2\n3\n4\n5\n")
    mine.spec("a", checks="false")
    mine.spec("b", checks="grep -q b shared.txt")
    mine.repository()
    mine.agent(f"case $slug in a) sed -i 1s/.*/a/ shared.txt ;; b) sed -i 5s/.*/b/ shared.txt ;; esac; {CLAIM}")
    ran = mine.run(keep_going=True)
    assert "b: the commit has shared.txt as a whole, with what another feature's attempts changed there" in ran.text


@pytest.mark.deep
def test_undo_after_a_rebase_says_which_commit_to_revert(mine: World, harness: Any) -> None:
    mine.spec("a", checks="test -f a.txt")
    begin(mine, f"echo a > a.txt; {CLAIM}")
    assert mine.run().code == 0
    mine.git("commit", "-q", "--amend", "--no-edit", "--date=2001-02-03T04:05:06Z")
    new = mine.git("rev-parse", "--short=12", "HEAD")
    ran = harness("undo", "a")
    assert ran.code != 0
    assert f"`git revert {new}` by hand, then `harness reset a`" in ran.err


@pytest.mark.deep
def test_harness_knows_its_own_halt_after_a_second_run(mine: World, harness: Any) -> None:
    mine.spec("a", checks="false")
    begin(mine, f'echo "$attempt" > a.txt; {CLAIM}')
    assert (mine.run().code, mine.run().code) == (5, 3)
    assert "set by a person" not in harness("status").out


def test_accepted_work_that_a_run_does_not_commit_keeps_it_from_ending_well(mine: World, harness: Any) -> None:
    mine.spec("a", checks="false")
    begin(mine, f"echo a > a.txt; {CLAIM}")
    assert mine.run().code != 0
    harness("resume")
    harness("accept", "a", "looks fine")
    (mine.root / "todo.txt").write_text("mine\n")  # then nothing is committed
    ran = mine.run()
    assert "commits: off: the tree has" in ran.text
    assert (ran.code, ran.halt) == (1, Halt.NOT_COMMITTED), ran.text
    assert mine.run(commit="never").code == 0
