"""The journal: every line as it was written, torn tails cut, damage in the middle refused."""

from __future__ import annotations

import os
import random
from pathlib import Path

import bench_damage
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.domain.errors import JournalError, StorageError
from harness.records.events import Blocked, FeatureReset, Halted
from harness.records.journal import Journal, decode_line, encode_event, read_journal


def write_journal(folder: Path, number: int) -> Path:
    journal = Journal(folder, "run", lambda: 1_795_000_000.0)
    for index in range(number):
        journal.append(Blocked(slug=f"f{index}", attempt=1, question="which?"))
    journal.close()
    return journal.path


def test_every_event_is_a_json_line_that_ends_in_its_checksum(tmp_path: Path) -> None:
    path = write_journal(tmp_path, 1)
    assert path.read_text() == (
        '{"seq":1,"at":"2026-11-18T11:06:40.000Z","run":"run","event":"blocked","slug":"f0","attempt":1,'
        '"question":"which?",'
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
    assert journal.append(FeatureReset(slug="a")).seq == 3
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
            journal.append(Halted())
    journal.append(Halted())
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


def test_a_damaged_journal_is_read_up_to_the_damage_or_refused() -> None:
    assert [one.name for one in bench_damage.measure_journals(500) if one.met is False] == []


def test_a_line_forged_in_place_is_put_back(tmp_path: Path) -> None:
    """Of the same length, with the right checksum, in a file of the same inode."""
    journal = Journal(tmp_path, "run", lambda: 1_795_000_000.0)
    for question in ("which?", "where?"):
        journal.append(Blocked(slug="a", attempt=1, question=question))
    written = journal.path.read_bytes()
    first, rest = written.split(b"\n", 1)
    forged = encode_event({**decode_line(first), "slug": "b"}) + rest
    assert len(forged) == len(written)
    with journal.path.open("r+b") as file:
        file.write(forged)
    assert (journal.mend(), journal.path.read_bytes(), journal.mend()) == (True, written, False)
    journal.close()


def test_what_an_append_had_to_put_back_is_told_to_who_asks_next(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "run", lambda: 1_795_000_000.0)
    journal.append(FeatureReset(slug="a"))
    journal.path.unlink()
    journal.append(FeatureReset(slug="b"))
    assert ([one["slug"] for one in read_journal(journal.path)], journal.mend(), journal.mend()) == (
        ["a", "b"],
        True,
        False,
    )
    journal.close()


def put_strange(path: Path, kind: str) -> None:
    """Put something in the place of a file."""
    path.unlink()
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
        (path / "x").touch()
    else:
        path.symlink_to("/dev/null")


@pytest.mark.parametrize("kind", ["fifo", "folder", "link"])
def test_what_an_agent_puts_in_the_place_of_journal_and_log_is_moved_aside(tmp_path: Path, kind: str) -> None:
    journal = Journal(tmp_path, "run", lambda: 1_795_000_000.0)
    journal.append(FeatureReset(slug="a"))
    for name in ("journal.jsonl", "run.log"):
        put_strange(tmp_path / name, kind)
    assert journal.mend()
    journal.append(FeatureReset(slug="b"))
    journal.log("told")
    journal.close()
    assert [one["slug"] for one in read_journal(journal.path)] == ["a", "b"]
    assert (tmp_path / "run.log").read_text().endswith(" told\n")


@pytest.mark.parametrize("kind", ["fifo", "folder", "link"])
@pytest.mark.parametrize("name", ["journal.jsonl", "run.log"])
def test_a_start_waits_for_nothing_that_is_no_file(tmp_path: Path, kind: str, name: str) -> None:
    (tmp_path / name).touch()
    put_strange(tmp_path / name, kind)
    with pytest.raises(StorageError, match=rf"`{tmp_path}/{name}`"):
        Journal(tmp_path, "run", lambda: 1_795_000_000.0)
