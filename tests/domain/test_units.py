"""Durations and sizes as people write them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.domain.units import format_duration, format_size, parse_duration, parse_size


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("90", 90),
        ("0.1s", 0.1),
        ("90s", 90),
        ("30m", 1800),
        ("1h30m", 5400),
        ("1h 30m", 5400),
        ("2h", 7200),
        ("1d", 86400),
        ("250ms", 0.25),
        (" 5 s ", 5),
        ("2H", 7200),
        (90, 90),
        (0.5, 0.5),
        (1e-7, 1e-7),
    ],
    ids=str,
)
def test_a_duration_is_read_as_people_write_it(text, seconds):
    assert parse_duration(text) == pytest.approx(seconds)


BAD_DURATIONS = [
    "",
    " ",
    "abc",
    "-5",
    "-5s",
    "1m1h",
    "1m1m",
    "5 parsecs",
    "1e9",
    "nan",
    "inf",
    ".",
    "1.2.3",
    "٣s",
    "5s!",
]


@pytest.mark.parametrize("text", [*BAD_DURATIONS, "9" * 400, math.nan, math.inf, -1, -0.5, True, "400d", "1\n2"])
def test_what_is_no_duration_is_refused_with_one_short_sentence(text):
    with pytest.raises(ValueError, match=r"^`[^\n]{0,120}$"):
        parse_duration(text)


def test_a_wrong_duration_says_how_to_write_one():
    with pytest.raises(
        ValueError, match=r"^`30min` is not a duration; write seconds, or e\.g\. `90s`, `30m`, `1h30m`$"
    ):
        parse_duration("30min")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.1, "0.1s"),
        (1.5, "1.5s"),
        (59.99999, "1m"),
        (60, "1m"),
        (90, "1m30s"),
        (5400, "1h30m"),
        (7200, "2h"),
        (90061, "1d1h1m1s"),
        (3599.7, "1h"),
        (-90, "-1m30s"),
        (math.inf, "inf"),
    ],
    ids=str,
)
def test_a_duration_is_shown_as_people_write_it(seconds, text):
    assert format_duration(seconds) == text


@given(st.integers(0, 366 * 86400))
def test_whole_seconds_survive_being_written_and_read(seconds):
    assert parse_duration(format_duration(seconds)) == seconds


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("32", 32),
        (32, 32),
        ("64k", 65536),
        ("64 KiB", 65536),
        ("64KB", 65536),
        ("1.5M", 1572864),
        ("1 GiB", 1 << 30),
        ("1 byte", 1),
        ("32 bytes", 32),
        ("2b", 2),
    ],
    ids=str,
)
def test_a_size_is_read_as_people_write_it(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "k", "-1", "1 parsec", "nan", "1kk", "1 ki bytes", "9" * 99, True, -1, math.inf])
def test_what_is_no_size_is_refused_with_one_short_sentence(text):
    with pytest.raises(ValueError, match=r"^`[^\n]{0,120}$"):
        parse_size(text)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (1023, "1023 bytes"),
        (1024, "1 KiB"),
        (1536, "1.5 KiB"),
        (262144, "256 KiB"),
        ((1 << 20) - 1, "1 MiB"),
        (5 << 40, "5 TiB"),
        (5000 << 40, "5000 TiB"),
    ],
    ids=str,
)
def test_a_size_is_shown_as_people_read_it(size, text):
    assert format_size(size) == text


@given(st.integers(0, 1 << 50))
def test_a_shown_size_reads_back_within_a_twentieth(size):
    assert abs(parse_size(format_size(size)) - size) <= size / 20
