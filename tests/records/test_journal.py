"""What harness keeps on disk: journal, logs and their shadow, receipts, tails, atomic files, the lock."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.domain.errors import JournalError, LockHeld, StorageError
from harness.domain.verdict import CheckRun
from harness.records.history import fold_journal
from harness.records.journal import Journal, decode_line, encode_event, read_journal
from harness.records.notes import Notes
from harness.records.receipt import compose_acceptance, compose_receipt, parse_receipt
from harness.records.run_lock import find_holder, hold_lock
from harness.system import files


def write_journal(folder: Path, number: int) -> Path:
    journal = Journal(folder, "run", lambda: 1_795_000_000.0)
    for index in range(number):
        journal.append("attempt_began", slug=f"f{index}", attempt=1)
    journal.close()
    return journal.path


def test_every_event_is_a_json_line_that_ends_in_its_checksum(tmp_path: Path) -> None:
    path = write_journal(tmp_path, 1)
    assert path.read_text() == (
        '{"seq":1,"at":"2026-11-18T11:06:40.000Z","run":"run","event":"attempt_began","slug":"f0","attempt":1,'
        f'"crc":"{path.read_text()[-11:-3]}"}}\n'
    )
    assert decode_line(path.read_bytes()[:-1])["slug"] == "f0"


@given(st.dictionaries(st.text(), st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text())))
def test_any_event_comes_back_as_it_was(event: dict) -> None:
    line = encode_event(event)
    assert line.count(b"\n") == 1
    assert decode_line(line[:-1]) == event or any(ord(c) > 0xD7FF for t in str(event) for c in t)


def test_a_torn_tail_is_cut_at_start_and_skipped_by_readers(tmp_path: Path) -> None:
    path = write_journal(tmp_path, 3)
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    assert len(read_journal(path)) == 2
    journal = Journal(tmp_path, "next", lambda: 0.0)
    assert (len(journal.events), journal.cut > 0) == (2, True)
    assert journal.append("x")["seq"] == 3
    journal.close()
    assert len(read_journal(path)) == 3


def test_damage_in_the_middle_is_refused_with_the_line(tmp_path: Path) -> None:
    path = write_journal(tmp_path, 3)
    lines = path.read_bytes().split(b"\n")
    lines[1] = lines[1].replace(b"f1", b"f9")
    path.write_bytes(b"\n".join(lines))
    with pytest.raises(JournalError, match="is damaged at line 2"):
        read_journal(path)


def test_a_line_that_is_gone_as_a_whole_is_damage_too(tmp_path: Path) -> None:
    path = write_journal(tmp_path, 4)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:1] + lines[2:]))
    with pytest.raises(JournalError, match="damaged at line 2"):
        read_journal(path)


def test_an_event_that_could_not_be_written_leaves_no_gap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_journal(tmp_path, 2)
    journal = Journal(tmp_path, "run", lambda: 1_795_000_000.0)
    with monkeypatch.context() as full:
        full.setattr(
            "harness.system.files.append_fd", lambda *given, **named: (_ for _ in ()).throw(OSError(28, "full"))
        )
        with pytest.raises(StorageError):
            journal.append("halted")
    journal.append("halted")
    journal.close()
    assert [event["seq"] for event in read_journal(path)] == [1, 2, 3]


def test_damaged_journals_lose_nothing_silently_and_invent_nothing(tmp_path: Path) -> None:
    path = write_journal(tmp_path, 8)
    whole, chance = path.read_bytes(), random.Random(7)
    known = read_journal(path)
    for _ in range(1500):
        raw = bytearray(whole)
        for _ in range(chance.randint(1, 3)):
            match chance.randint(0, 3):
                case 0:
                    del raw[chance.randrange(len(raw) or 1) :]
                case 1 if raw:
                    raw[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)
                case 2 if raw:
                    at = chance.randrange(len(raw))
                    raw[at : at + 40] = b"\0" * 40
                case _:
                    raw += chance.randbytes(20)
        path.write_bytes(raw)
        try:
            events = read_journal(path)
        except JournalError:
            continue
        assert events == known[: len(events)]


def test_a_reset_forgets_counters_but_never_numbers() -> None:
    began = {"event": "attempt_began", "slug": "a", "attempt": 7}
    ended = {"event": "attempt_ended", "slug": "a", "attempt": 7, "outcome": "stalled", "charged": True}
    history = fold_journal([began, ended, {"event": "reset", "slug": "a"}])
    assert (history.of("a").attempts, history.of("a").charged, history.of("a").streak) == (7, 0, 0)


# --- logs ---


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
@settings(deadline=None, max_examples=60)
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


# --- files ---


def test_a_tail_keeps_the_newest_lines_and_says_what_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("".join(f"line {number}\n" for number in range(1000)))
    tail = files.read_tail(path, lines=2, limit=1000)
    assert tail.text == "line 998\nline 999\n"
    assert tail.cut == path.stat().st_size - len(tail.text)


def test_a_single_huge_line_is_cut_at_its_front(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("x" * 1000 + "end")
    assert files.read_tail(path, lines=200, limit=10).text == "xxxxxxxend"


@given(st.text(alphabet="ab\n", max_size=60), st.integers(1, 5), st.integers(1, 40))
@settings(deadline=None)
def test_a_tail_is_always_the_end_of_the_file(tmp_path_factory, text: str, lines: int, limit: int) -> None:
    path = tmp_path_factory.mktemp("tail") / "log"
    path.write_text(text)
    tail = files.read_tail(path, lines, limit)
    assert text.endswith(tail.text)
    assert len(tail.text) <= limit
    assert len(tail.text.splitlines()) <= lines
    assert tail.cut + len(tail.text) == len(text)


def test_a_failed_append_leaves_no_torn_line(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    (tmp_path / "full").symlink_to("/dev/full")
    with pytest.raises(StorageError) as caught:
        files.append(tmp_path / "full", "x")
    assert "cannot append to" in caught.value.message


def test_an_atomic_write_replaces_the_whole_file_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("a long old text")
    files.write_atomic(path, "new")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_the_lock_has_one_holder_who_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.records.run_lock.PATIENCE", 0.0)
    lock = hold_lock(tmp_path / ".lock", tmp_path)
    with pytest.raises(LockHeld, match=f"pid {os.getpid()}"):
        hold_lock(tmp_path / ".lock", tmp_path)
    assert find_holder(tmp_path / ".lock", tmp_path).pid == os.getpid()
    lock.close()
    assert find_holder(tmp_path / ".lock", tmp_path) is None


# --- receipts ---


def test_a_receipt_reads_as_written() -> None:
    text = compose_receipt(
        "did it\nand more",
        spec="ab12",
        commit="commit: c0ffee",
        checks=[CheckRun("make test", 0, 1.234)],
        attempt=3,
        agent="claude 2.1",
        model="opus",
        at="2026-11-21T03:04:05.678Z",
    )
    assert text == (
        "did it and more\n\n--- proven by harness ---\nspec: sha256 ab12\ncommit: c0ffee\n"
        "check: exit 0 in 1.23 s: make test\nattempt: 3\nagent: claude 2.1\nmodel: opus\nat: 2026-11-21T03:04:05.678Z\n"
    )
    receipt = parse_receipt(text)
    assert (receipt.kind, receipt.words, receipt.spec, receipt.commit, receipt.attempt) == (
        "proven", "did it and more", "ab12", "c0ffee", 3,
    )  # fmt: skip


@pytest.mark.parametrize("text", ["", "done\n", "done\n\n--- something else ---\n"])
def test_what_harness_did_not_write_is_by_hand(text: str) -> None:
    assert parse_receipt(text).kind == "by hand"


def test_a_person_s_acceptance_is_told_apart() -> None:
    receipt = parse_receipt(compose_acceptance("I looked", spec="ab", at="now"))
    assert (receipt.kind, receipt.words, receipt.spec) == ("accepted", "I looked", "ab")


@given(st.text())
def test_any_marker_can_be_read(text: str) -> None:
    parse_receipt(text)
