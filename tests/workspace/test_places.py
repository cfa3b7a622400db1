"""Where clean checkouts are kept: one run at a time uses a place, and what nobody needs any more goes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from harness.workspace.places import UNUSED, Place, find_place, hold_place, remove_unused

NOW = 2_000_000_000.0


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """The place of a project that is there, used just now."""
    (tmp_path / "project").mkdir()
    return make(tmp_path / "project", tmp_path)


def make(root: Path, home: Path, age: float = 0.0) -> Place:
    """Use the place of a project, so many seconds ago."""
    found = find_place(root, {"HOME": str(home)})
    assert found is not None
    fd = hold_place(found, root)
    assert fd is not None
    os.close(fd)
    (found.folder / "git").mkdir(parents=True)
    (found.folder / "git/index").write_text("")
    found.verdicts.write_text("")
    for path in (found.folder / "git/index", found.folder, found.verdicts, found.lock):
        os.utime(path, (NOW - age, NOW - age))
    return found


def test_a_place_is_held_by_one_at_a_time(place: Place, tmp_path: Path) -> None:
    fd = hold_place(place, tmp_path / "project")
    assert (fd is None, hold_place(place, tmp_path / "project")) == (False, None)
    os.close(fd or 0)
    again = hold_place(place, tmp_path / "project")
    assert again is not None
    os.close(again)


def test_a_lock_that_was_taken_away_meanwhile_is_none(place: Place, monkeypatch: Any) -> None:
    real = Path.lstat
    monkeypatch.setattr(Path, "lstat", lambda self: real(self.parent))
    assert place.hold() is None


def left(around: Path) -> list[str]:
    return sorted(one.name for one in around.iterdir())


def test_places_go_whose_project_is_gone_or_that_were_not_used_for_long(place: Place, tmp_path: Path) -> None:
    gone, here = tmp_path / "gone", tmp_path / "here"
    here.mkdir()
    make(gone, tmp_path)
    make(here, tmp_path, age=UNUSED + 9)
    remove_unused(place.folder.parent, NOW)
    assert left(place.folder.parent) == [place.folder.name, place.lock.name, place.verdicts.name]


def test_no_place_goes_that_is_in_use_not_ours_or_none(place: Place, tmp_path: Path) -> None:
    used = make(tmp_path / "used", tmp_path)
    fd = used.hold()
    used.folder.with_name("notes").mkdir()
    linked = used.folder.with_name("0" * 16)
    linked.symlink_to(tmp_path / "project")
    before = left(place.folder.parent)
    remove_unused(place.folder.parent, NOW)
    assert (left(place.folder.parent), (tmp_path / "project").is_dir()) == (before, True)
    os.close(fd or 0)


def test_a_place_without_a_word_about_its_project_counts_by_its_age(place: Place) -> None:
    place.lock.unlink()
    remove_unused(place.folder.parent, NOW)
    assert place.folder.is_dir()
    remove_unused(place.folder.parent, NOW + UNUSED + 1)
    assert left(place.folder.parent) == []
