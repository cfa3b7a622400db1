"""What a project asks for, read from its files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from helpers.trust import OTHER
from helpers.world import World

from harness.run.trust import Asked, read_asked
from harness.settings.load import load_config


def ask(world: World, **environ: str) -> Asked:
    around = {**world.environ, **environ}
    return read_asked(load_config(world.root, {}, around), around)


def test_the_paths_that_lead_out_are_told_by_name_or_by_link(world: World, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (world.root / "logs").symlink_to(tmp_path / "elsewhere")
    world.config_file(template="../secret", order_file="order")
    said = {one.key: one.value for one in ask(world).reaches if one.key in ("logs_dir", "template", "order_file")}
    assert said == {"logs_dir": str(tmp_path / "elsewhere"), "template": str(tmp_path / "secret")}
    assert "logs_dir" not in {one.key for one in ask(world, HARNESS_LOGS_DIR="logs").reaches}


def test_a_script_is_trusted_by_its_content(world: World) -> None:
    world.config_file(agent="scripted", script="script.yaml")
    digests = set()
    for text in ("a", "b", "b"):
        (world.root / "script.yaml").write_text(text)
        digests |= {one.digest for one in ask(world).reaches if one.key == "script"}
    assert len(digests) == 2


def test_each_other_user_is_told_once_with_a_file(world: World) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    world.settings.clear()
    for path in (world.spec("a"), world.spec("b"), world.root):
        os.chown(path, OTHER, OTHER)
    (world.root / "logs").mkdir()
    os.chown(world.root / "logs", 4243, 4243)
    os.chown(world.root / "specs", 4242, 4242)
    found = [one.says for one in ask(world).foreign]
    assert [one.partition(" belongs")[0] for one in found] == [
        f"`{world.root / 'specs'}`", f"`{world.root / 'logs'}`", f"`{world.root / 'specs/a/spec.md'}`"
    ]  # fmt: skip
    assert ask(world, SUDO_UID=str(OTHER)).foreign == tuple(one for one in ask(world).foreign if "424" in one.value)


def test_a_project_in_the_folder_of_another_that_is_no_repository_is_its_own(world: World) -> None:
    world.spec("a")
    below = World(world.root / "below", {})
    below.spec("b")
    assert "nested" not in {one.key for one in ask(below).reaches}
    world.repository()
    assert "nested" in {one.key for one in ask(below).reaches}
