"""When a limit ends, from an agent's own words: wall clocks with and without a zone, dates, epochs, durations. Pure.

The wordings are those of Claude Code, Codex 0.169.0, Gemini CLI and the Messages API, and those users reported.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

from harness.domain.reply import FURTHEST

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
# Abbreviations that name one offset only; others (IST, CST, BST) mean several, and are not guessed at.
_OFFSETS = {"utc": 0, "gmt": 0, "z": 0, "est": -5, "edt": -4, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7, "cet": 1,
            "cest": 2, "jst": 9}  # fmt: skip
_UNITS = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0}

_FLAGS = re.ASCII | re.IGNORECASE
_LEAD = r"\b(?:reset(?:s|ting)?|(?:try|retry)(?:ing)?(?: again)?|regain access|available(?: again)?)"
_CLOCK = r"(?P<hour>\d{1,2})(?::(?P<minute>\d\d))?(?::\d\d)?(?: ?(?P<half>[ap]\.?m\b\.?))?"
_ZONE = r"(?: ?\((?P<name>[^()]{1,40})\)| (?P<short>UTC|GMT|[A-Z]{2,3}T)\b)?"
_DAY = (
    r"(?:(?P<month>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.? (?P<day>\d{1,2})(?:st|nd|rd|th)?"
    r"(?:,? (?P<year>\d{4}))?|(?P<iso>\d{4}-\d\d-\d\d))"
)
_EPOCH = re.compile(r"(?:limit reached\||\bresets?_?at\b\W{0,4})(?P<epoch>[12]\d{9})(?P<milli>\d{3})?\b", _FLAGS)
_STAMP = re.compile(
    _LEAD + r"\D{0,20}?(?P<stamp>\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?)(?:\.\d+)?"
    r"(?: ?(?P<zone>Z|UTC|GMT|[+-]\d\d:?\d\d)\b)?" + _ZONE,
    _FLAGS,
)
_DATE = re.compile(_LEAD + r"(?: (?:on|at))? " + _DAY + r",?(?: at)? " + _CLOCK + _ZONE, _FLAGS)
_TIME = re.compile(_LEAD + r"(?: at)? " + _CLOCK + _ZONE, _FLAGS)
_AMOUNT = r"\d{1,7}(?:\.\d{1,6})?\s*(?:days?|hours?|hrs?|minutes?|mins?|seconds?|secs?|[dhms])(?![a-z])"
_SPAN = re.compile(_LEAD + rf"\s+(?:in|after)\s+(?:about\s+)?(?P<span>{_AMOUNT}(?:[,\s]*(?:and )?{_AMOUNT})*)", _FLAGS)
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([dhms])", _FLAGS)
_HEADER = re.compile(r"\bretry[- ]after\W{1,3}(?P<seconds>\d{1,7})\b(?!\.?\d|\s*[a-z])", _FLAGS)


def find_reset(text: str, now: float, zone: tzinfo | None = None) -> float | None:
    """Epoch seconds at which a limit ends; None when the text does not say so, or says what cannot be.

    A wall clock without a zone is one of `zone` (None: this machine's), and the next such time after `now`; what lies
    in the past or more than 35 days ahead is not believed, and a zone that nobody knows is not guessed at.
    """
    text = " ".join(text.split())
    ways: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], float, tzinfo | None], float | None]], ...] = (
        (_EPOCH, _of_epoch), (_STAMP, _of_stamp), (_DATE, _of_date), (_TIME, _of_time), (_SPAN, _of_span),
        (_HEADER, _of_header),
    )  # fmt: skip
    for pattern, read in ways:
        if found := pattern.search(text):
            try:
                moment = read(found, now, zone)
            except (ValueError, OverflowError, OSError, KeyError):  # a 13th month, hour 25, a zone nobody knows
                return None
            return moment if moment is not None and now < moment <= now + FURTHEST else None
    return None


def _of_epoch(found: re.Match[str], now: float, zone: tzinfo | None) -> float:
    return float(found["epoch"]) + (int(found["milli"]) / 1000 if found["milli"] else 0.0)


def _of_stamp(found: re.Match[str], now: float, zone: tzinfo | None) -> float:
    said = datetime.fromisoformat(found["stamp"].replace(" ", "T"))
    offset = found["zone"]
    if offset and offset[0] in "+-":
        sign, hours, minutes = (-1 if offset[0] == "-" else 1), int(offset[1:3]), int(offset[-2:])
        return said.replace(tzinfo=timezone(sign * timedelta(hours=hours, minutes=minutes))).timestamp()
    return said.replace(tzinfo=UTC if offset else _zone_of(found, zone)).timestamp()


def _of_date(found: re.Match[str], now: float, zone: tzinfo | None) -> float | None:
    zone = _zone_of(found, zone)
    if found["iso"]:
        days = [date.fromisoformat(found["iso"])]
    else:
        this_year = datetime.fromtimestamp(now, zone).year
        years = [int(found["year"])] if found["year"] else [this_year, this_year + 1]
        month, day = _MONTHS.index(found["month"][:3].lower()) + 1, int(found["day"])
        days = [date(year, month, day) for year in years if (month, day) != (2, 29) or year % 4 == 0]
    return _first_after(now, days, _clock_of(found), zone)


def _of_time(found: re.Match[str], now: float, zone: tzinfo | None) -> float | None:
    if found["minute"] is None and found["half"] is None:
        return None  # a bare number is no time of day
    zone = _zone_of(found, zone)
    today = datetime.fromtimestamp(now, zone).date()
    return _first_after(now, [today + timedelta(days=more) for more in range(3)], _clock_of(found), zone)


def _of_span(found: re.Match[str], now: float, zone: tzinfo | None) -> float:
    return now + sum(float(number) * _UNITS[unit.lower()] for number, unit in _PART.findall(found["span"]))


def _of_header(found: re.Match[str], now: float, zone: tzinfo | None) -> float:
    return now + float(found["seconds"])


def _clock_of(found: re.Match[str]) -> time:
    """The time of day. Raises ValueError for one that no clock shows."""
    hour, minute, half = int(found["hour"]), int(found["minute"] or 0), (found["half"] or "")[:1].lower()
    if half and not 1 <= hour <= 12:
        raise ValueError(f"there is no hour {hour} before or after noon")
    return time(hour % 12 + (12 if half == "p" else 0) if half else hour, minute)


def _zone_of(found: re.Match[str], zone: tzinfo | None) -> tzinfo | None:
    """The zone that the text names, else the one given. Raises KeyError, ValueError or OSError for an unknown one."""
    if found["short"]:
        return timezone(timedelta(hours=_OFFSETS[found["short"].lower()]))
    name = (found["name"] or "").strip()
    if name.lower() in _OFFSETS:
        return timezone(timedelta(hours=_OFFSETS[name.lower()]))
    return ZoneInfo(name) if name else zone


def _first_after(now: float, days: list[date], clock: time, zone: tzinfo | None) -> float | None:
    return next((moment for day in days for moment in _moments(day, clock, zone) if moment > now), None)


def _moments(day: date, clock: time, zone: tzinfo | None) -> Iterator[float]:
    """The moments at which a wall clock shows this, in order: two where it is set back.

    Where it is set forward over it, what the clock would have shown: never earlier than was meant.
    """
    said = datetime.combine(day, clock, zone)
    first, second = said.timestamp(), said.replace(fold=1).timestamp()
    yield first
    if second > first:
        yield second
