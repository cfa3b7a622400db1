"""The door to the disk: tails, synced appends, atomic replacement."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.domain.errors import StorageError
from harness.system import files


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
