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
        ("__ASSUMED:__ a\n__ASSUMED__: b\n**ASSUMED**: c\n", ("a", "b", "c")),
        ("+ ASSUMED: a\n* ASSUMED: b\n123) ASSUMED: c\n\t-\t ASSUMED: d\n   ASSUMED: e \n", tuple("abcde")),
        ("    ASSUMED: code\n1234. ASSUMED: x\n-ASSUMED: x\nASSUMED x\nUNASSUMED: x\n1 ASSUMED: x\n", ()),
    ],
)
def test_what_was_assumed_stands_at_the_start_of_a_line(note: str, assumed: tuple[str, ...]) -> None:
    assert find_assumed(note) == assumed


def test_no_note_assumes_without_end() -> None:
    found = find_assumed("".join(f"ASSUMED: {number}{'x' * 1000}\n" for number in range(100)))
    assert [len(one) for one in found] == [300] * 20
