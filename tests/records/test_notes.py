"""Logs and their shadow: where a note begins, and that no line is ever lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.laws import examples
from hypothesis import given
from hypothesis import strategies as st

from harness.records.notes import Notes


@pytest.fixture
def book(tmp_path: Path) -> Notes:
    (tmp_path / ".kept").mkdir()
    return Notes(tmp_path / "a.log", tmp_path / ".kept")


def test_a_note_is_what_was_added_since_the_mark(book: Notes) -> None:
    book.path.write_text("old\n")
    mark = book.mark()
    with book.path.open("a") as log:
        log.write("new \x1b[31mred\x1b[0m\n")
    note = book.take_note(mark)
    assert (note.text, note.size, note.tampered) == ("new red\n", 17, False)


def test_what_a_person_changed_between_attempts_is_right(book: Notes) -> None:
    book.path.write_text("old\n")
    book.mark()
    book.path.write_text("a person's version\n")
    assert not book.take_note(book.mark()).tampered
    assert book.path.read_text() == "a person's version\n"


def test_harness_s_own_lines_are_no_note_and_start_on_a_line_of_their_own(book: Notes) -> None:
    book.path.write_text("no newline at the end")
    book.add("[harness] said something\n")
    assert book.path.read_text() == "no newline at the end\n[harness] said something\n"
    assert book.take_note(book.mark()).size == 0


@given(
    old=st.lists(st.sampled_from(["a", "b", "c"]), max_size=5),
    new=st.lists(st.sampled_from(["a", "b", "d"]), max_size=5),
)
@examples(60)
def test_no_line_that_was_there_is_ever_lost(tmp_path_factory, old: list[str], new: list[str]) -> None:
    folder = tmp_path_factory.mktemp("book")
    (folder / ".kept").mkdir()
    book = Notes(folder / "x.log", folder / ".kept")
    before = "".join(f"{line}\n" for line in old)
    book.path.write_text(before)
    mark = book.mark()
    book.path.write_text("".join(f"{line}\n" for line in new))
    book.take_note(mark)
    assert book.path.read_text().startswith(before)


def test_a_long_old_log_that_is_cut_keeps_its_beginning_too(book: Notes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.records.notes.SHADOW_LIMIT", 100)
    old = "".join(f"line {number}\n" for number in range(100))
    book.path.write_text(old)
    mark = book.mark()
    book.path.write_text(old[:-5] + "cut and changed\n")
    assert book.take_note(mark).tampered
    assert book.path.read_text().startswith(old)
    assert book.path.read_text().endswith("cut and changed\n")


def test_a_note_is_kept_once_though_it_is_taken_twice(book: Notes) -> None:
    book.path.write_text("old\n")
    mark = book.mark()
    with book.path.open("a") as log:
        log.write("new\n")
    assert book.take_note(mark) == book.take_note(mark)
    assert book.shadow.read_text() == "old\nnew\n"
