"""When a limit ends: the wordings of agents, zones, clocks that are set forward and back, and laws."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.agents.reset_times import find_reset
from harness.domain.reply import FURTHEST

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
NOW = datetime(2026, 11, 21, 13, 15, tzinfo=UTC).timestamp()  # a Saturday, 14:15 in Berlin


def moment(when: str) -> float:
    return datetime.fromisoformat(when).timestamp()


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("You've hit your limit · resets 2pm (Asia/Shanghai)", "2026-11-22T06:00Z"),
        ("You're out of extra usage · resets 9pm", "2026-11-21T21:00+01:00"),
        ("resets 3:05 p.m. (UTC)", "2026-11-21T15:05Z"),
        ("resets 12am (UTC)", "2026-11-22T00:00Z"),
        ("resets 12pm (UTC)", "2026-11-22T12:00Z"),
        ("resets 1:15pm (UTC)", "2026-11-22T13:15Z"),
        ("resets at 14:30", "2026-11-21T14:30+01:00"),
        ("resets at 14:15", "2026-11-22T14:15+01:00"),
        ("resets 3am PST", "2026-11-22T11:00Z"),
        ("You've hit your weekly limit · resets Nov 24, 3am (Europe/Berlin)", "2026-11-24T03:00+01:00"),
        ("Claude AI usage limit reached|1795333189", "2026-11-22T07:39:49Z"),
        ('"resetsAt": 1795333189, "x"', "2026-11-22T07:39:49Z"),
        ("You will regain access on 2026-12-01 at 00:00 UTC.", "2026-12-01T00:00Z"),
        ("You will regain access on 2026-12-01 at 00:00.", "2026-12-01T00:00+01:00"),
        ("resets 2026-11-24T03:00:00Z", "2026-11-24T03:00Z"),
        ("resets at 2026-11-24T03:00:00.123+05:30", "2026-11-23T21:30Z"),
        ("it resets on 2026-11-24 03:00", "2026-11-24T03:00+01:00"),
        ("You’ve hit your usage limit. Upgrade to Pro, or try again at 4:42 AM.", "2026-11-22T04:42+01:00"),
        ("try again at Nov 24th, 2026 3:45 AM.", "2026-11-24T03:45+01:00"),
        ("Please try again in 3h 25m", "2026-11-21T16:40Z"),
        ("try again in 2 days, 3 hours and 5 minutes", "2026-11-23T16:20Z"),
        ("Your quota will reset after 3h14m22s.", "2026-11-21T16:29:22Z"),
        ("retry-after: 61", "2026-11-21T13:16:01Z"),
    ],
)  # fmt: skip
def test_a_reset_is_found_in_the_words_of_agents(text: str, when: str) -> None:
    assert find_reset(text, NOW, BERLIN) == moment(when)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("You've hit your limit", id="no time"),
        pytest.param("resets 5", id="a bare number"),
        pytest.param("resets 13pm", id="no such hour"),
        pytest.param("resets at 25:00", id="nor that one"),
        pytest.param("resets Feb 30, 3am", id="no such day"),
        pytest.param("resets 3am (Mars/Base)", id="no such zone"),
        pytest.param("resets 3am (../etc/passwd)", id="a path for a zone"),
        pytest.param("resets 3am (America)", id="half a zone"),
        pytest.param("resets 3am IST", id="a zone of several meanings"),
        pytest.param("resets Nov 20, 3am", id="yesterday"),
        pytest.param("Claude AI usage limit reached|1795233189", id="an epoch in the past"),
        pytest.param("regain access on 2026-12-31 at 00:00 UTC", id="more than 35 days ahead"),
        pytest.param("try again in 99 days", id="a duration beyond that"),
        pytest.param("it fails at 3am, and 9pm is no better", id="a time that resets nothing"),
    ],
)
def test_what_is_not_said_or_cannot_be_is_not_guessed(text: str) -> None:
    assert find_reset(text, NOW, BERLIN) is None


@pytest.mark.parametrize(
    ("now", "text", "when"),
    [
        pytest.param("2026-03-29T00:30+01:00", "resets 2:30am", "2026-03-29T03:30+02:00", id="an hour left out"),
        pytest.param("2026-10-25T00:30+02:00", "resets 2:30am", "2026-10-25T02:30+02:00", id="the first of two"),
        pytest.param("2026-10-25T02:45+02:00", "resets 2:30am", "2026-10-25T02:30+01:00", id="the second of two"),
        pytest.param("2026-03-28T23:00+01:00", "resets 9am", "2026-03-29T09:00+02:00", id="across the change"),
        pytest.param("2026-12-31T23:00+01:00", "resets Jan 2, 3am", "2027-01-02T03:00+01:00", id="across the year"),
        pytest.param("2028-02-20T00:00+01:00", "resets Feb 29, 3am", "2028-02-29T03:00+01:00", id="a leap day"),
    ],
)
def test_clocks_that_are_set_forward_and_back(now: str, text: str, when: str) -> None:
    assert find_reset(text, moment(now), BERLIN) == moment(when)


def test_without_a_zone_it_is_the_clock_of_this_machine() -> None:
    found = find_reset("resets 9pm", NOW)
    assert found is not None
    assert (datetime.fromtimestamp(found).hour, found > NOW) == (21, True)


moments = st.datetimes(datetime(2025, 1, 1), datetime(2030, 1, 1)).map(lambda one: one.replace(tzinfo=UTC).timestamp())
zones = st.sampled_from([BERLIN, NEW_YORK, UTC, ZoneInfo("Asia/Kolkata"), ZoneInfo("Australia/Lord_Howe")])


@given(moments, zones, st.integers(0, 23), st.integers(0, 59))
def test_a_time_of_day_is_the_next_one_that_the_clock_shows(now, zone, hour, minute) -> None:
    found = find_reset(f"resets at {hour}:{minute:02}", now, zone)
    assert found is not None
    shown = datetime.fromtimestamp(found, zone)
    assert now < found <= now + timedelta(hours=50).total_seconds()
    assert (shown.hour, shown.minute) == (hour, minute) or shown.utcoffset() != (shown - timedelta(hours=2)).utcoffset()


@given(moments, zones, st.text(st.sampled_from("resetry again in at:|(), 0123456789pamhdUTCNov-Z"), max_size=40))
def test_no_text_gives_a_moment_in_the_past_or_far_ahead(now, zone, text) -> None:
    found = find_reset(f"resets {text}", now, zone)
    assert found is None or now < found <= now + FURTHEST
