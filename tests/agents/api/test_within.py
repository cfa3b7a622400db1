"""Files within the roots and nowhere else, and only those that can be edited."""

from __future__ import annotations

import os
import threading
from contextlib import suppress

import pytest
from helpers.api_tools import BINARY, BY_SCRIPT, edit, refusal

from harness.agents.api.arguments import Create, Insert, Refused, Replace, View
from harness.agents.api.editor import Editor


@pytest.mark.parametrize(
    "path",
    [
        "../secret",
        "{outside}/secret",
        "out/secret",
        "file",
        "a/../../secret",
        "./out/../secret",
        "dangling",
        "out/new/f",
    ],
)
def test_a_path_that_leads_outside_is_refused(place, path):
    outside = place.parent / "outside"
    outside.mkdir()
    for secret in (place.parent / "secret", outside / "secret"):
        secret.write_text("secret")
    (place / "out").symlink_to(outside)
    (place / "file").symlink_to(outside / "secret")
    (place / "dangling").symlink_to(outside / "nothing")
    path = path.format(outside=outside)
    for one in (View(path), Create(path, "x"), Replace(path, "secret", "x"), Insert(path, 0, "x")):
        sentence = refusal(place, one)
        assert sentence.startswith(path) and f"is outside the workspace {place}; " in sentence
    assert (outside / "secret").read_text() == "secret" and {p.name for p in outside.iterdir()} == {"secret"}


def test_a_second_root_is_inside(place, tmp_path):
    (tmp_path / "logs").mkdir()
    Editor([place, tmp_path / "logs"]).run(Create(str(tmp_path / "logs" / "x.done"), "done"))
    assert (tmp_path / "logs" / "x.done").read_text() == "done"


def test_a_folder_that_is_swapped_for_a_link_all_the_time_leads_nowhere(place):
    """Two hundred edits against a thread that swaps: each is inside or refused."""
    outside = place.parent / "outside"
    outside.mkdir()
    (place / "real").mkdir()
    stop = threading.Event()

    def swap():
        while not stop.is_set():
            for target in (place / "real", outside):
                with suppress(OSError):
                    (place / "new").symlink_to(target)
                    (place / "new").rename(place / "d")

    swapping = threading.Thread(target=swap)
    swapping.start()
    try:
        for number in range(200):
            with suppress(Refused):
                edit(place, Create(f"d/{number}", "x"))
    finally:
        stop.set()
        swapping.join()
    assert list(outside.iterdir()) == []


NOT_PLAIN = " is no plain file (a link, fifo, socket or device), which the editor leaves alone"


@pytest.mark.parametrize(
    ("name", "one", "sentence"),
    [
        ("none", View("none"), "File not found: none"),
        ("none", Replace("none", "a", "b"), "File not found: none"),
        ("fifo", View("fifo"), "{place}/fifo" + NOT_PLAIN),
        ("fifo", Create("fifo", "x"), "{place}/fifo" + NOT_PLAIN),
        ("folder", Replace("folder", "a", "b"), "folder is a folder, not a file"),
        ("folder", Create("folder", "a"), "folder is a folder, not a file"),
        (".", Create(".", "a"), ". is a folder, not a file"),
        ("folder", View("folder", (1, 2)), "{place}/folder is a folder; `view_range` is for files"),
        ("binary", View("binary"), "{place}/binary" + BINARY),
        ("binary", Replace("binary", "a", "b"), "{place}/binary" + BINARY),
        ("latin", Insert("latin", 0, "x"), "{place}/latin is not UTF-8 (line 2)" + BY_SCRIPT),
        ("kept", Create("kept", "x"), "{place}/kept is read-only (mode 0444); `chmod` it if that is meant"),
        ("kept", Replace("kept", "a", "x"), "{place}/kept is read-only (mode 0444); `chmod` it if that is meant"),
        ("file/x", Create("kept/x", "x"), "kept/x leads through something that is not a folder"),
        ("long", Create("x" * 300, "x"), "The file name is too long: " + "x" * 300),
        ("loop", View("loop"), "{place}/loop" + NOT_PLAIN),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 7 else "",
)  # fmt: skip
def test_what_cannot_be_edited_is_refused_with_its_reason(place, name, one, sentence):
    os.mkfifo(place / "fifo")
    (place / "folder").mkdir()
    (place / "binary").write_bytes(b"a\0b")
    (place / "latin").write_bytes("a\né\n".encode("latin-1"))
    (place / "kept").write_text("a")
    (place / "kept").chmod(0o444)
    (place / "loop").symlink_to("loop")
    assert refusal(place, one) == sentence.format(place=place)
