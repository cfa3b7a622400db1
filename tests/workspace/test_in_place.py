"""A look at the tree ends when everything has to stop."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from helpers.waiting import HANGS
from helpers.world import World

from harness.domain.paths import Paths
from harness.system.command import Confined
from harness.system.process import Supervisor
from harness.workspace.in_place import InPlace


def ask_to_stop(place: InPlace, asked: Callable[[], float | None], confined: bool) -> Supervisor:
    supervisor = Supervisor(namespace="off")
    if confined:
        bare = Confined((), (), {}, wraps=False)
        place.confine_git(supervisor, lambda command: replace(command, confined=bare), asked)
    else:
        place.confine_git(supervisor, lambda command: command, asked)
    return supervisor


@pytest.mark.parametrize("confined", [False, True], ids=["as we are", "in the sandbox"])
def test_a_look_that_hangs_ends_when_everything_has_to_stop(
    checkout: tuple[World, InPlace], monkeypatch: pytest.MonkeyPatch, confined: bool
) -> None:
    world, place = checkout
    monkeypatch.setattr("harness.workspace.git.LOOK_ON", 0.3)
    monkeypatch.setattr("harness.workspace.git.AT_LEAST", 0.3)
    monkeypatch.setattr("harness.workspace.git.TIMEOUT", 10.0 * HANGS)
    os.mkfifo(world.root / ".gitignore")
    began = time.monotonic()
    with ask_to_stop(place, lambda: 5.0 if time.monotonic() > began + 0.5 else None, confined):
        assert place.snapshot().head == ""


def test_a_look_in_good_time_is_made_though_everything_has_to_stop(checkout: tuple[World, InPlace]) -> None:
    _, place = checkout
    with ask_to_stop(place, lambda: 5.0, confined=True):
        assert set(place.snapshot().files) == {"kept"}
        assert place.snapshot().head


def test_a_hook_that_a_person_adds_while_a_run_is_on_is_found(world: World) -> None:
    world.repository()
    workspace = InPlace(Paths(world.root, world.root / "specs", world.root / "logs"), world.environ)
    hook = world.root / "mine/commit-msg"
    hook.parent.mkdir()
    assert not workspace.has_hooks()
    hook.write_text("#!/bin/sh\n")
    world.git("config", "core.hooksPath", "mine")
    assert workspace.has_hooks()
    hook.rename(hook.with_suffix(".sample"))
    assert not workspace.has_hooks()


def test_what_git_ignores_is_known_whatever_lies_in_submodules_and_behind_links(
    checkout: tuple[World, InPlace],
) -> None:
    world, place = checkout
    (world.root / ".gitignore").write_text("*.local.md\n")
    subprocess.run(["git", "init", "-q", world.root / "sub"], check=True)
    world.git("-C", "sub", "commit", "-q", "--allow-empty", "-m", "x")
    world.git("add", "sub")
    (world.root / "link").symlink_to("sub")
    apart = [f"{folder}/{number}.local.md" for folder in ("sub", "link") for number in range(30)]
    assert place.find_ignored([*apart, "seen.md", "unseen.local.md"]) == {"unseen.local.md"}
