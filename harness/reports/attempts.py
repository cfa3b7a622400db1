"""`harness attempts` and `harness show`: what each attempt came to, and what its agent said and ran, from the files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from harness.agents.from_settings import agent_options
from harness.agents.stream import StreamReader
from harness.agents.table import names, profile_of
from harness.domain.agent import Dialect
from harness.domain.errors import UsageError
from harness.domain.text import one_line
from harness.domain.units import format_dollars, format_duration
from harness.records.events import AttemptBegan, AttemptEnded, Cleaned, Event, Renamed
from harness.records.transcripts import open_transcript
from harness.reports.as_text import UNCUT, columns
from harness.reports.view import View, say_time

Report = dict[str, Any]
LONGEST_LINE = 8 << 20  # bytes of a line of a stream that is understood
LONGEST_WORDS = 2_000  # characters of what an agent says at once


@dataclass(frozen=True, slots=True)
class Known:
    """What the journal knows of an attempt: how it began, and how it ended where it has."""

    slug: str  # of the feature, as it is called now
    began: AttemptBegan
    ended: AttemptEnded | None = None
    kept: str = ""  # the commit of what it left
    cleaned: bool = False  # a person had that forgotten

    @property
    def name(self) -> str:
        """Under which it is kept."""
        return f"{self.began.slug}/{self.began.attempt}"


def read_attempts(events: list[Event], slug: str | None = None) -> list[Known]:
    """Return the attempts, oldest first; of one that was judged twice, the last verdict."""
    found = dict[str, Known]()
    for event in events:
        match event:
            case AttemptBegan():
                found[f"{event.slug}/{event.attempt}"] = Known(event.slug, event)
            case AttemptEnded() if (known := found.get(f"{event.slug}/{event.attempt}")) is not None:
                found[known.name] = _add_verdict(known, event)
            case Cleaned():
                gone = found.keys() & set(event.attempts)
                found |= {name: replace(found[name], kept="", cleaned=True) for name in gone}
            case Renamed():
                moved = [one for one in found.values() if one.slug == event.was]
                found |= {one.name: replace(one, slug=event.slug) for one in moved}
    return [one for one in found.values() if slug in (None, one.slug)]


def _add_verdict(known: Known, ended: AttemptEnded) -> Known:
    """Return an attempt with a verdict; where it was judged before, its agent worked, and cost, what it did then."""
    if (first := known.ended) is not None:
        ended = replace(ended, seconds=first.seconds, dollars=first.dollars, model=first.model)
    return replace(known, ended=ended, kept=ended.kept or known.kept)


def choose_attempt(view: View, slug: str, number: int | None) -> Known:
    """Return an attempt on a feature, the last one where none is named. Raises UsageError."""
    known = read_attempts(view.events, slug)
    found = known if number is None else [one for one in known if one.began.attempt == number]
    if not found:
        view.feature(slug)
        said = f"`{slug}` has no attempt {number}" if known else f"nobody has worked on `{slug}` yet"
        raise UsageError(said, f"`harness attempts {slug}` lists them" if known else "`harness run` does")
    return found[-1]


def report_attempt(view: View, known: Known) -> Report:
    """Return an attempt as a row of a report."""
    began, ended = known.began, known.ended
    is_on = view.attempt_on(known.slug) is began
    return {
        "slug": known.slug,
        "attempt": began.attempt,
        "at": began.at,
        "agent": began.agent,
        "model": (ended and ended.model) or began.model,
        "outcome": ended.outcome if ended else "is on" if is_on else "was cut off",
        "reason": ended.reason if ended else "",
        "seconds": ended.seconds if ended else None,
        "dollars": ended.dollars if ended else None,
        "changed_files": ended.changed_files if ended else None,
        "since": began.since or None,
        "commit": known.kept or None,
        "not_kept": list(ended.not_kept) if ended else [],
        "cleaned": known.cleaned,
    }


def report_show(view: View, known: Known) -> Report:
    """Return what an agent said and ran in an attempt, in words, and what came of it."""
    folder = view.config.paths.attempt(known.slug, known.began.attempt)
    return {**report_attempt(view, known), "said": list(_read_words(view, known)), "folder": str(folder)}


def _read_words(view: View, known: Known) -> Iterator[str]:
    """Yield what the stream of an attempt says to a person, line by line."""
    agent, options = known.began.agent, agent_options(view.config.settings)
    reader = StreamReader(profile_of(agent, options).dialect if agent in names() else Dialect.TEXT)
    stream = view.config.paths.attempt(known.slug, known.began.attempt) / "stream.jsonl"
    said = ""
    if (file := open_transcript(stream)) is not None:
        with file:
            while line := file.readline(LONGEST_LINE):
                words = one_line(reader.feed(line), LONGEST_WORDS)
                if words and words != said:  # a result says once more what was said last
                    yield words
                said = words or said


def show_attempts(report: Report) -> list[str]:
    """Return the lines of `harness attempts`."""
    if not report["attempts"]:
        return ["nobody has worked on anything yet"]
    rows = [("feature", "attempt", "began", "agent", "time", "cost", "files", "outcome")]
    for one in report["attempts"]:
        took = "" if one["seconds"] is None else format_duration(round(one["seconds"], 1))
        cost = "" if one["seconds"] is None else format_dollars(one["dollars"])
        said = f"{one['outcome']}: {one['reason']}" if one["reason"] else one["outcome"]
        rows.append(
            (one["slug"], str(one["attempt"]), say_time(one["at"]), one["agent"], took, cost, _say_changed(one), said)
        )
    return columns(rows)


def _say_changed(one: Report) -> str:
    """Return how much an attempt changed; by the journal alone, where nothing is kept of it."""
    if stat := one["diffstat"]:
        return f"{stat['files']} +{stat['added']} -{stat['removed']}" if stat["files"] else "0"
    lost = " (lost)" if one["gone"] else " (cleaned)" if one["cleaned"] else ""
    return f"{'' if one['changed_files'] is None else one['changed_files']}{lost}"


def show_attempt(report: Report) -> list[str]:
    """Return the lines of `harness show`."""
    took = "" if report["seconds"] is None else f" after {format_duration(round(report['seconds'], 1))}"
    cost = "" if report["dollars"] is None else f", {format_dollars(report['dollars'])}"
    reason = f": {report['reason']}" if report["reason"] else ""
    who = f"{report['agent']} {report['model']}".strip()
    head = f"{report['slug']} attempt {report['attempt']}, {say_time(report['at'])}, {who}"
    head += f": {report['outcome']}{took}{cost}{reason}"
    silent = "what its agent said was cleaned away" if report["cleaned"] else "its agent said nothing"
    said = [f"    {line}" for line in report["said"] or [silent]]
    missing = ", ".join(one_line(name) for name in report["not_kept"])
    said += ["", f"not kept of what it left: {missing}"] if missing else []
    return [one_line(head, UNCUT), "", *said, "", f"all of it: {report['folder']}"]
