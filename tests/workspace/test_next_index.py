"""The index of a commit takes the place of the person's where nothing was staged there, and leaves it alone else."""

from __future__ import annotations

import pytest
from helpers.world import World

from harness.domain.paths import Paths
from harness.workspace.in_place import InPlace


@pytest.fixture
def place(world: World) -> InPlace:
    """A repository with two files."""
    (world.root / "code").mkdir()
    for name in ("work.txt", "mine.txt"):
        (world.root / "code" / name).write_text("0\n")
    (world.root / ".gitignore").write_text("logs/\n")
    world.repository()
    made = InPlace(Paths(world.root, world.root / "specs", world.root / "logs"), world.environ)
    made.keep_index()
    return made


def commit(place: InPlace, number: int) -> None:
    """A feature changes a file, and the commit is made."""
    (place.root / "code/work.txt").write_text(f"{number}\n" * (number + 1))
    place.forget()
    place.snapshot()
    assert place.commit("a", "done", number, ["code/work.txt"]).made


def test_the_index_is_as_the_commit_has_it_each_time(world: World, place: InPlace) -> None:
    for number in range(1, 4):
        commit(place, number)
        assert world.git("status", "--porcelain", "code") == ""
        assert world.git("show", "HEAD:code/work.txt").splitlines() == [str(number)] * (number + 1)
        assert world.git("write-tree") == world.git("rev-parse", "HEAD^{tree}")


def test_the_next_look_finds_what_changed_since_a_commit(world: World, place: InPlace) -> None:
    commit(place, 1)
    assert "code/work.txt" not in place.recent_snapshot().files
    (world.root / "code/work.txt").write_text("later\n")
    assert "code/work.txt" in place.snapshot().files


def test_what_a_person_stages_between_two_commits_stays_staged_and_is_in_none(world: World, place: InPlace) -> None:
    commit(place, 1)
    (world.root / "code/mine.txt").write_text("staged\n")
    world.git("add", "code/mine.txt")
    place.keep_index()
    for number in (2, 3):
        commit(place, number)
        assert world.git("diff", "--cached", "--name-only") == "code/mine.txt"
        assert world.git("show", "HEAD:code/mine.txt") == "0"


def test_what_a_person_told_git_of_files_stays(world: World, place: InPlace) -> None:
    world.git("update-index", "--assume-unchanged", "code/mine.txt")
    (world.root / "new.txt").write_text("new\n")
    world.git("add", "--intent-to-add", "new.txt")
    place.keep_index()
    for number in range(1, 4):
        commit(place, number)
    assert "h code/mine.txt" in world.git("ls-files", "-v").splitlines()
    assert world.git("diff", "--name-only", "--diff-filter=A") == "new.txt"
    assert "new.txt" not in world.git("ls-tree", "-r", "--name-only", "HEAD").split()


def test_an_index_that_changed_since_the_commit_was_prepared_is_not_replaced(world: World, place: InPlace) -> None:
    commit(place, 1)
    (world.root / "code/work.txt").write_text("2\n2\n2\n")
    place.forget()
    candidate = place.prepare_commit("a", "done", 2, ["code/work.txt"])
    (world.root / "code/mine.txt").write_text("staged\n")
    world.git("add", "code/mine.txt")
    assert place.commit("a", "done", 2, ["code/work.txt"], candidate).made
    assert world.git("diff", "--cached", "--name-only") == "code/mine.txt"


def test_an_index_in_two_files_follows_too(world: World, place: InPlace) -> None:
    world.git("update-index", "--split-index")
    place.keep_index()
    for number in range(1, 4):
        commit(place, number)
        assert world.git("status", "--porcelain", "code") == ""
