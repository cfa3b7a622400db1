"""The bubblewrap line: what is mounted, in which order, and what each wish adds."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.sandbox.bubblewrap import Mounts, compose_arguments


def mounts_of(mounts: Mounts) -> list[str]:
    words = compose_arguments(mounts)
    told = words[words.index("/run") + 1 : words.index("--remount-ro")]
    return [f"{told[at][2:]} {told[at + 1]} {told[at + 2]}" for at in range(0, len(told), 3)]


def paths(*names: str) -> tuple[Path, ...]:
    return tuple(map(Path, names))


def test_the_more_specific_path_wins_and_parents_come_first() -> None:
    mounts = Mounts(
        workspace=Path("/home/u/code/app"),
        writable=paths("/home/u/code/app/.git"),
        readable=paths("/home/u/.cargo", "/home/u/.cargo/bin", "/home/u/code", "/home/u/code/app/tools"),
        protected=paths("/home/u/code/app/.git/hooks", "/home/u/code/app/a/b/c.json"),
        masked=paths("/home/u/.cargo/credentials"),
        private=((Path("/home/u"), Path("/scratch/home")), (Path("/home/u/code/app/logs"), Path("/private"))),
    )
    assert mounts_of(mounts) == [
        "bind /scratch/home /home/u",
        "ro-bind /home/u/.cargo /home/u/.cargo",
        "ro-bind /dev/null /home/u/.cargo/credentials",
        "ro-bind /home/u/code /home/u/code",
        "bind /home/u/code/app /home/u/code/app",
        "bind /home/u/code/app/.git /home/u/code/app/.git",
        "ro-bind /home/u/code/app/.git/hooks /home/u/code/app/.git/hooks",
        "bind /home/u/code/app/a /home/u/code/app/a",
        "bind /home/u/code/app/a/b /home/u/code/app/a/b",
        "ro-bind /home/u/code/app/a/b/c.json /home/u/code/app/a/b/c.json",
        "bind /private /home/u/code/app/logs",
    ]


def test_what_the_folders_of_the_system_show_is_not_mounted_again() -> None:
    mounts = Mounts(
        workspace=Path("/opt/app"),
        readable=paths("/usr/bin/dash", "/bin/sh", "/opt/tools/bin", "/opt/app/bin", "/opt/home/bin"),
        private=((Path("/opt/home"), Path("/scratch/home")),),
    )
    assert mounts_of(mounts) == [
        "bind /opt/app /opt/app",
        "bind /scratch/home /opt/home",
        "ro-bind /opt/home/bin /opt/home/bin",
    ]


def test_the_folders_above_what_is_mounted_in_the_project_are_pinned() -> None:
    mounts = Mounts(
        workspace=Path("/app"),
        writable=paths("/app/a/b/c", "/repo", "/repo/worktrees/mine"),
        protected=paths("/repo/worktrees", "/repo/worktrees/mine/gitdir"),
        private=((Path("/app/build/logs"), Path("/private")),),
    )
    assert mounts_of(mounts) == [
        "bind /app /app",
        "bind /app/a /app/a",
        "bind /app/a/b /app/a/b",
        "bind /app/a/b/c /app/a/b/c",
        "bind /app/build /app/build",
        "bind /private /app/build/logs",
        "bind /repo /repo",
        "ro-bind /repo/worktrees /repo/worktrees",
        "bind /repo/worktrees/mine /repo/worktrees/mine",
        "ro-bind /repo/worktrees/mine/gitdir /repo/worktrees/mine/gitdir",
    ]


@pytest.mark.parametrize(
    ("mounts", "word", "there"),
    [
        (Mounts(Path("/w")), "--unshare-net", False),
        (Mounts(Path("/w"), network=False), "--unshare-net", True),
        (Mounts(Path("/w")), "--disable-userns", True),
        (Mounts(Path("/w"), closed=False), "--disable-userns", False),
        (Mounts(Path("/w"), user_namespace=False), "--unshare-user", False),
        (Mounts(Path("/w")), "/proc/sys", False),
        (Mounts(Path("/w"), proc_sys=True), "/proc/sys", True),
        (Mounts(Path("/w"), tied=True), "--die-with-parent", True),
    ],
)
def test_each_wish_is_a_word_of_the_line(mounts: Mounts, word: str, there: bool) -> None:
    assert (word in compose_arguments(mounts)) == there
