"""What a text says, without what differs each time it is said."""

from __future__ import annotations

import pytest

from harness.domain.gist import digest_gist, gist

SAME = [
    ("FAILED tests/test_a.py::test_x in 0.31s", "FAILED tests/test_a.py::test_x in 12.7s"),
    ("2026-11-27T03:04:05Z error: no such table", "2026-11-28 04:04:05,123 error: no such table"),
    ("<Foo object at 0x7f3a2b> is wrong", "<Foo object at 0x55aa12> is wrong"),
    ("/tmp/pytest-of-me/pytest-12/x/out.txt differs", "/tmp/pytest-of-me/pytest-13/y/out.txt differs"),
    ("commit 3f2a9c1d failed", "commit 9b8c7d6e failed"),
    ("\033[31mred\033[0m  one\n", "red one"),
]
OTHER = [
    ("expected 3, got 4", "expected 3, got 5"),
    ("test_a.py:12: error", "test_a.py:13: error"),
    ("2 failed, 3 passed", "1 failed, 4 passed"),
    ("FAILED test_a", "FAILED test_b"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_times_hashes_and_places_say_nothing(one: str, other: str) -> None:
    assert gist(one) == gist(other)


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_everything_else_does(one: str, other: str) -> None:
    assert gist(one) != gist(other)


def test_nothing_said_has_no_digest() -> None:
    assert (digest_gist(), digest_gist("", " \n")) == ("", "")
