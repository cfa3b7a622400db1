"""The diff that a reviewer reads shows text as text, whatever the tree says of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from helpers.marks import in_short

from harness.workspace.git import Git
from harness.workspace.shown_diff import show_diff

IMAGE = b"\x89PNG\0\0\1"
SHOWN, BINARY = ("+new",), ("Binary files",)
CHANGES: dict[str, Any] = {
    "text that attributes hide": pytest.param("*.py -diff", b"old\n", b"new\n", SHOWN),
    "text of a driver that is binary": pytest.param("*.py diff=mine", b"old\n", b"new\n", SHOWN),
    "new text that attributes hide": pytest.param("* binary", None, b"new\n", SHOWN),
    "text with a NUL now": pytest.param("", b"old\n", b"new\n#\0\n", SHOWN),
    "an image": pytest.param("", IMAGE, IMAGE * 2, BINARY),
    "a new image that attributes hide": pytest.param("* binary", None, IMAGE, BINARY),
}


@pytest.mark.parametrize(("attributes", "was", "now", "shown"), in_short(CHANGES, "text that attributes hide"))
def test_text_is_shown_and_what_is_none_is_named(
    world: Any, attributes: str, was: bytes | None, now: bytes, shown: tuple[str, ...]
) -> None:
    folder = world.root / "sub"
    folder.mkdir()
    (folder / "a.py").write_bytes(was or b"") if was is not None else None
    (folder / "b.txt").write_text("old b\n")
    world.repository()
    world.git("config", "diff.mine.binary", "true")
    since = world.git("rev-parse", "HEAD^{tree}")
    (folder / ".gitattributes").write_text(attributes)
    (folder / "a.py").write_bytes(now)
    (folder / "b.txt").write_text("new b\n")
    world.git("add", "sub")
    until = world.git("write-tree")
    names = ("sub/a.py", "sub/b.txt", "sub/.gitattributes")
    said = show_diff(Git(Path(folder), dict(os.environ)), since, until, names, "sub/").decode()
    assert all(one in said for one in (*shown, "diff --git a/a.py b/a.py", "+new b")), said
    assert said.count("diff --git a/a.py ") == 1 and ("Binary files" in said) == (shown is BINARY)
