"""The editor of the model: what it writes, replaces and inserts, byte for byte."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from helpers.api_tools import edit, refusal
from hypothesis import given
from hypothesis import strategies as st

from harness.agents.api.arguments import Create, Insert, Refused, Replace, View


def test_create_makes_folders_and_says_when_it_overwrites(place):
    assert edit(place, Create("a/b/f", "x\ny\n")) == f"Created {place}/a/b/f (2 lines, 4 bytes)."
    assert edit(place, Create("a/b/f", "z")) == f"Overwrote the existing file {place}/a/b/f (1 line, 1 byte)."
    assert (place / "a/b/f").read_text() == "z"


@pytest.mark.parametrize(
    ("before", "one", "after"),
    [
        (b"a\nb\n", Insert("f", 0, "x"), b"x\na\nb\n"),
        (b"a\nb\n", Insert("f", 1, "x\ny\n"), b"a\nx\ny\nb\n"),
        (b"a\nb", Insert("f", 2, "x"), b"a\nb\nx\n"),
        (b"", Insert("f", 0, "x"), b"x\n"),
        (b"a\r\nb\r\n", Insert("f", 1, "x"), b"a\r\nx\r\nb\r\n"),
        (b"a\r\nb\r\nc\r\n", Replace("f", "a\nb", "x\ny"), b"x\r\ny\r\nc\r\n"),
        (b"a\r\nb\r\n", Replace("f", "a\r\nb", "x"), b"x\r\n"),
        (b"a\nb\r\nc\r\nd\r\n", Replace("f", "a\nb", "x\ny"), b"x\ny\r\nc\r\nd\r\n"),
        (b"a\r\nb\r\n", Create("f", "x\ny\n"), b"x\r\ny\r\n"),
        (b"a\rb\n", Replace("f", "b", "c"), b"a\rc\n"),
        ("\ufeffä\n".encode(), Replace("f", "ä", "ö"), "\ufeffö\n".encode()),
        (b"a", Replace("f", "a", ""), b""),
    ],
    ids=[
        "at the start", "between", "after a last line without an end", "into nothing", "insert crlf", "crlf",
        "crlf given", "mixed", "create crlf", "lone cr", "bom", "to nothing",
    ],
)  # fmt: skip
def test_an_edit_keeps_the_bytes_around_it_and_the_line_endings(place, before, one, after):
    (place / "f").write_bytes(before)
    edit(place, one)
    assert (place / "f").read_bytes() == after


TEXT = st.text(alphabet="ab \n\té😀", max_size=60)


@pytest.fixture(scope="module")
def shared(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("shared")


@given(before=TEXT, old=TEXT.filter(bool), new=TEXT, crlf=st.booleans())
def test_a_replacement_is_what_python_would_do_or_is_refused(shared, before, old, new, crlf):
    def as_file(text: str) -> bytes:
        return text.replace("\n", "\r\n" if crlf else "\n").encode()

    (shared / "f").write_bytes(as_file(before))
    places = [at for at in range(len(before)) if before.startswith(old, at)]
    if crlf and "\n" not in before:
        crlf = False  # then nothing says so
    try:
        edit(shared, Replace("f", old, new))
    except Refused:
        assert len(places) != 1
        assert (shared / "f").read_bytes() == as_file(before)
    else:
        assert len(places) == 1
        assert (shared / "f").read_bytes() == as_file(before.replace(old, new, 1))


@given(lines=st.lists(st.text(alphabet="ab é", max_size=5), max_size=8), at=st.integers(0, 8), new=TEXT)
def test_what_was_inserted_stands_after_its_line_and_taking_it_out_gives_the_old_file(shared, lines, at, new):
    before = "".join(f"{line}\n" for line in lines)
    (shared / "f").write_text(before)
    if at > len(lines):
        assert f"so it can be 0 to {len(lines)}" in refusal(shared, Insert("f", at, new))
        return
    edit(shared, Insert("f", at, new + "§"))
    after = (shared / "f").read_text()
    assert after.split("\n")[at : at + new.count("\n") + 1] == f"{new}§".split("\n")
    edit(shared, Replace("f", f"{new}§\n", ""))
    assert (shared / "f").read_text() == before


def test_an_edit_keeps_the_mode_and_follows_a_link_inside(place):
    (place / "f").write_text("a\n")
    (place / "f").chmod(0o750)
    (place / "link").symlink_to("f")
    edit(place, Replace("link", "a", "b"))
    assert (place / "f").read_text() == "b\n" and (place / "link").is_symlink()
    assert stat.S_IMODE((place / "f").stat().st_mode) == 0o750
    assert {path.name for path in place.iterdir()} == {"f", "link"}


def test_what_is_not_utf8_can_be_seen(place):
    (place / "f").write_bytes("é\r\n".encode("latin-1"))
    assert edit(place, View("f")) == (
        "     1\t\ufffd\n"
        "[CRLF line endings; write \\n, they are kept]\n"
        "[not UTF-8: some characters are shown as \ufffd]"
    )
