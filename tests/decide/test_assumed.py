"""What a note says was assumed."""

from __future__ import annotations

import pytest

from harness.decide.assumed import find_assumed


@pytest.mark.parametrize(
    ("note", "assumed"),
    [
        ("ASSUMED: names are UTF-8\nmore", ("names are UTF-8",)),
        ("- ASSUMED: a\n- **ASSUMED:** b\n2. ASSUMED: c\n", ("a", "b", "c")),
        ("ASSUMED: a\nASSUMED: a\n", ("a",)),
        ("```\nASSUMED: in a code block\n```\n> ASSUMED: quoted\nI ASSUMED: not at the start\nASSUMED:\n", ()),
        ("ASSUMED: x\x1b[31m\u202ey", ("xy",)),
        ("", ()),
    ],
)
def test_what_was_assumed_stands_at_the_start_of_a_line(note: str, assumed: tuple[str, ...]) -> None:
    assert find_assumed(note) == assumed


def test_no_note_assumes_without_end() -> None:
    found = find_assumed("".join(f"ASSUMED: {'x' * 1000}{number}\n" for number in range(100)))
    assert len(found) <= 20 and max(map(len, found)) <= 310
