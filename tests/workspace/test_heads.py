"""The way back to where HEAD was is one that loses nothing, or commands for a person."""

from __future__ import annotations

from dataclasses import replace

import pytest
from helpers.world import World

from harness.domain.paths import Paths
from harness.workspace.heads import Head, Line, Way, describe_refs, find_way
from harness.workspace.in_place import InPlace

MAIN, SIDE = "refs/heads/main", "refs/heads/side"
OLD, NEW, TIP = "1" * 40, "2" * 40, "3" * 40
WAS = Head(OLD, MAIN, refs={MAIN: OLD})
ON = Line(OLD, 0, 1)
OFF = Line("0" * 40, 1, 1)


def head(commit: str, branch: str = MAIN, operation: str = "", **tips: str) -> Head:
    return Head(
        commit, branch, operation, {MAIN: commit, SIDE: commit} | {f"refs/heads/{k}": v for k, v in tips.items()}
    )


@pytest.mark.parametrize(
    ("now", "line", "way"),
    [
        pytest.param(head(NEW), ON, None, id="it went on"),
        pytest.param(head(NEW, "", main=OLD), ON, Way(NEW), id="detached, own commits"),
        pytest.param(head(NEW, SIDE, main=OLD), ON, Way(OLD), id="another branch, own commits"),
        pytest.param(head(NEW, SIDE, main=TIP), ON, Way(OLD, (NEW, TIP)), id="two lines of work"),
        pytest.param(head(NEW), OFF, Way(OLD, (NEW,)), id="amended"),
        pytest.param(
            head(NEW, SIDE, main=OLD),
            Line(OLD, 0, 2, others=1),
            Way(why="some of the commits are on another branch or a remote", commands=("git switch main",)),
            id="somebody else's commits",
        ),
        pytest.param(
            head(NEW),
            Line(NEW, 1, 0, taken_back=("a",)),
            Way(why="the files went with it (`a`)", commands=("git reset --keep 111111111111",)),
            id="reset, with the files",
        ),
        pytest.param(
            head(NEW, SIDE, main=OLD),
            Line(NEW, 1, 0, taken_back=("a",)),
            Way(why="the files went with it (`a`)", commands=("git switch main",)),
            id="an older branch",
        ),
        pytest.param(
            head(NEW),
            Line("", 1, 1),
            Way(
                why="the files went with it (all of them)",
                commands=("git branch left-by-the-agent 222222222222", "git reset --keep 111111111111"),
            ),
            id="another history",
        ),
        pytest.param(
            head(OLD, "", "a bisect"),
            Line(OLD, 0, 0),
            Way(why="nothing is committed until that is finished or aborted", commands=("git bisect reset",)),
            id="an open operation",
        ),
    ],
)
def test_the_way_back(now: Head, line: Line, way: Way | None) -> None:
    assert find_way(WAS, now, line) == way


def test_an_operation_that_was_open_before_is_not_the_agent_s() -> None:
    assert find_way(Head(OLD, MAIN, "a merge"), head(OLD, MAIN, "a merge"), Line(OLD, 0, 0)) is None


def test_a_run_that_began_on_no_branch_goes_back_by_a_person_alone() -> None:
    way = find_way(Head(OLD, "", refs={MAIN: OLD}), head(NEW, SIDE), ON)
    assert way == Way(why="the run began on a detached HEAD", commands=("git switch --detach 111111111111",))


def test_other_refs_are_told_one_by_one_and_never_by_a_name_that_a_shell_would_obey() -> None:
    evil = "refs/heads/$(touch x)"
    was = Head(OLD, MAIN, refs={MAIN: OLD, evil: OLD, "refs/tags/v1": OLD})
    now = Head(OLD, MAIN, refs={MAIN: OLD, "refs/tags/v1": NEW, "refs/tags/v2": NEW, "refs/stash": NEW})
    now = replace(now, refs={**now.refs, "refs/notes/commits": NEW})
    assert describe_refs(was, now) == [
        "deleted the branch `'$(touch x)'`, which was at 111111111111: "
        "`git branch '$(touch x)' 111111111111` brings it back",
        "changed the notes `refs/notes/commits`, which `git log` may show: "
        "`git update-ref -d refs/notes/commits` takes them away",
        "changed the stash: `git stash list` shows it",
        "moved the tag `v1` from 111111111111",
        "made the tag `v2`",
    ]


def test_after_a_commit_of_ours_git_is_asked_again_only_where_more_was_moved(world: World) -> None:
    world.repository()
    workspace = InPlace(Paths(world.root, world.root / "specs", world.root / "logs"), world.environ)
    heads = workspace.heads
    heads.note()
    asked = list[tuple[str, ...]]()
    ask = heads.git.ask
    heads.git.ask = lambda *words, **more: (asked.append(words), ask(*words, **more))[1]  # type: ignore[method-assign]

    world.git("commit", "-q", "--allow-empty", "-m", "ours")
    heads.follow(ours := world.git("rev-parse", "HEAD"))
    assert heads.look() == heads.last
    assert (heads.last.commit, heads.last.refs[heads.last.branch], asked) == (ours, ours, [])

    world.git("commit", "-q", "--allow-empty", "-m", "ours again")
    world.git("branch", "by-a-person")
    heads.follow(world.git("rev-parse", "HEAD"))
    assert "refs/heads/by-a-person" in heads.look().refs
    assert asked

    world.git("commit", "-q", "--allow-empty", "-m", "a person's")
    heads.follow(ours)
    assert heads.look().commit == world.git("rev-parse", "HEAD") != ours
