"""Files below a folder that an agent may write are moved and removed through no link."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from helpers.files import dig
from helpers.marks import needs_renameat2
from helpers.world import SECRET

from harness.domain.errors import StorageError
from harness.domain.paths import Paths
from harness.system import untrusted
from harness.workspace.in_place import InPlace
from harness.workspace.quarantine import Quarantined, quarantine_one


def test_a_link_is_set_aside_and_not_what_it_leads_to(place: Paths, tmp_path: Path) -> None:
    home, settings = tmp_path / "home", place.root / ".claude/settings.json"
    (place.root / ".claude").symlink_to(home)
    found = quarantine_one(place, tmp_path / "attempt", settings)
    assert found == Quarantined(place.root / ".claude", tmp_path / "attempt/foreign/.claude.quarantined")
    assert ((home / "settings.json").read_text(), (place.root / ".claude").is_symlink()) == (SECRET, False)


def test_a_file_is_set_aside_under_a_name_that_is_free(place: Paths, tmp_path: Path) -> None:
    for text in ("one", "two"):
        (place.root / ".mcp.json").write_text(text)
        quarantine_one(place, tmp_path, place.root / ".mcp.json")
    assert sorted(path.read_text() for path in (tmp_path / "foreign").iterdir()) == ["one", "two"]


@pytest.mark.parametrize("made", ["nothing", "a file on the way", "an empty folder"])
def test_where_nothing_stands_nothing_is_moved(place: Paths, tmp_path: Path, made: str) -> None:
    if made == "a file on the way":
        (place.root / ".claude").write_text("")
    if made == "an empty folder":
        (place.root / ".claude").mkdir()
    assert untrusted.move_out(place.root, place.root / ".claude/settings.json", tmp_path / "aside") is None


RACER = """
import ctypes, os, sys
root, outside = sys.argv[1:]
os.chdir(root)
libc = ctypes.CDLL(None)
print("up", flush=True)
while True:  # a folder and a link change places, at once, again and again
    for name in (".claude", "other"):
        try:
            fd = os.open(name, os.O_DIRECTORY | os.O_NOFOLLOW)
            os.close(os.open("settings.json", os.O_CREAT | os.O_WRONLY, dir_fd=fd))
            os.close(fd)
        except FileNotFoundError:
            links = [os.path.islink(one) for one in (".claude", "other")]
            os.mkdir(name) if any(links) else os.symlink(outside, name)
        except OSError:
            pass
    for _ in range(50):
        libc.renameat2(-100, b".claude", -100, b"other", 2)
"""


def race(place: Paths, tmp_path: Path, take: Any, rounds: int) -> int:
    """How often a file outside was taken away while somebody swaps the folder on the way to it."""
    outside, escapes = tmp_path / "home", 0
    line = [sys.executable, "-I", "-S", "-c", RACER, str(place.root), str(outside)]
    with subprocess.Popen(line, stdout=subprocess.PIPE) as racer:
        assert racer.stdout is not None
        racer.stdout.readline()
        try:
            for number in range(rounds):
                with suppress(OSError, StorageError):
                    take(place.root, place.root / ".claude/settings.json", tmp_path / "aside" / str(number))
                if not (outside / "settings.json").exists():
                    escapes += 1
                    (outside / "settings.json").write_text(SECRET)
        finally:
            racer.kill()
    return escapes


def take_naively(root: Path, path: Path, folder: Path) -> None:
    """Look whether a link is on the way, then move: what the race is lost by."""
    folder.mkdir(parents=True)
    if not path.parent.is_symlink():
        path.rename(folder / path.name)


@pytest.mark.deep
@needs_renameat2
def test_a_racer_gets_no_file_from_outside_moved(place: Paths, tmp_path: Path) -> None:
    assert race(place, tmp_path, untrusted.move_out, 1000) == 0


@needs_renameat2
@pytest.mark.deep
def test_the_racer_wins_against_a_look_before_the_move(place: Paths, tmp_path: Path) -> None:
    assert race(place, tmp_path, take_naively, 8_000) > 0


@pytest.mark.deep
def test_a_thousand_folders_in_one_another_are_looked_at_and_removed(place: Paths, tmp_path: Path) -> None:
    dig(place.root)
    (place.root / "top").write_text("")
    (place.root / "closed").mkdir(mode=0)
    (place.root / "link").symlink_to(tmp_path / "home")
    try:
        assert "top" in InPlace(place, {"PATH": os.environ["PATH"]}).snapshot().files
    finally:
        untrusted.remove_tree(place.root)
    assert (place.root.exists(), (tmp_path / "home/settings.json").read_text()) == (False, SECRET)


@pytest.mark.parametrize("what", ["a link", "a file", "a folder"])
def test_what_stands_in_the_place_of_a_folder_is_removed_and_no_link_followed(tmp_path: Path, what: str) -> None:
    other, place = tmp_path / "other", tmp_path / "place"
    other.mkdir()
    (other / "kept").write_text("kept")
    if what == "a link":
        place.symlink_to(other)
    elif what == "a file":
        place.write_text("x")
    else:
        (place / "a/b").mkdir(parents=True)
    untrusted.remove_tree(place)
    assert (place.is_symlink() or place.exists(), (other / "kept").read_text()) == (False, "kept")
