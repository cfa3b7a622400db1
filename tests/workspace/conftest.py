"""A checkout, and a workspace in it."""

from __future__ import annotations

import os

import pytest
from helpers.world import GIT, World

from harness.domain.paths import Paths
from harness.workspace.in_place import InPlace


@pytest.fixture
def checkout(world: World) -> tuple[World, InPlace]:
    """A repository with a change in it."""
    (world.root / "kept").write_text("1")
    world.repository()
    paths = Paths(world.root, world.root / "specs", world.root / "logs")
    made = InPlace(paths, {**os.environ, **GIT})
    (world.root / "kept").write_text("2")
    return world, made
