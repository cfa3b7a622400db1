"""Findings about specs, before a token is spent on them: can harness tell when this one is done? Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.decide.evidence import CANNOT_FAIL, CANNOT_RUN, HINTS, NO_CHECKS, find_weak_words
from harness.domain.feature import Feature
from harness.domain.obeyed import Obeyed, is_allowed
from harness.domain.text import counted, one_line, suggest
from harness.domain.units import format_size
from harness.specs.fences import outside_fences

OBEYED = Obeyed()
LONG = 20 * 1024  # bytes; every attempt reads the spec again

Level = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a spec that a person may want to mend; `line` counts from 1 in the whole file."""

    slug: str
    line: int
    level: Level
    rule: str
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class _Line:
    """A line, or an item with the lines that continue it."""

    number: int
    text: str


@dataclass(frozen=True, slots=True)
class _Page:
    """A spec as the rules see it; `heading` is the one over its acceptance criteria."""

    feature: Feature
    lines: tuple[_Line, ...]
    heading: _Line | None
    section: tuple[_Line, ...]
    criteria: tuple[_Line, ...]
    slugs: frozenset[str]
    is_there: Callable[[str], bool]  # whether a program is on PATH
    agents: Collection[str]  # that can be named


Look = Callable[[_Page], Iterator[tuple[int, str]]]  # -> line and message of each finding


@dataclass(frozen=True, slots=True)
class Rule:
    """A name, how bad it is, how to find it, and what to do about it."""

    name: str
    level: Level
    look: Look
    hint: str


def lint(
    features: Sequence[Feature],
    texts: Mapping[str, str],
    is_there: Callable[[str], bool] = bool,
    agents: Collection[str] = (),
) -> tuple[Finding, ...]:
    """What a person may want to mend, feature by feature, in the order of lines.

    `texts` holds whole files by slug, front matter included; of a spec without a text only its problem is told.
    `is_there` says whether a program that a check names is on PATH; `agents` are those that there are, none where
    nobody knows.
    """
    slugs = frozenset(feature.slug for feature in features)
    pages = ((one, _read_page(one, texts.get(one.slug, ""), slugs, is_there, agents)) for one in features)
    return tuple(finding for feature, page in pages for finding in _lint_one(feature, texts.get(feature.slug), page))


def _lint_one(feature: Feature, text: str | None, page: _Page) -> list[Finding]:
    """The findings about one spec, its problem first."""
    findings = []
    if feature.problem:
        place = _PLACE.search(feature.problem)
        line = int(place[1]) if place else 1
        findings.append(Finding(feature.slug, line, "error", "problem", feature.problem, feature.hint))
    if text is None or not text.strip():
        return findings
    found = [
        Finding(feature.slug, line, rule.level, rule.name, message, rule.hint)
        for rule in RULES
        for line, message in rule.look(page)
    ]
    return findings + sorted(found, key=lambda finding: finding.line)


# --- Markdown, as much as is needed -------------------------------------------------------------------------------

_PLACE = re.compile(r":(\d{1,6}): ")  # in a problem: specs/login/spec.md:3: ...
_HEADING = re.compile(r"(#{1,6})[ \t]+(.*)")
_BARE_HEADING = re.compile(r"(?:\*\*|__)([^*_]+)(?:\*\*|__):?|([A-Z][A-Za-z ]{2,40}):")  # people write both
_ACCEPTANCE = re.compile(r"\b(?:acceptance|definition of done|done when|success criteria)\b", re.IGNORECASE)
_ITEM = re.compile(r"[ \t]*(?:[-*+]|\d{1,4}[.)])[ \t]+(?:\[[ xX]?\][ \t]*)?(.*)")
_CODE = re.compile(r"`([^`\n]+)`")


def _read_page(
    feature: Feature, text: str, slugs: frozenset[str], is_there: Callable[[str], bool], agents: Collection[str]
) -> _Page:
    """The text, cut into what the rules look at."""
    lines = tuple(_Line(number, line.rstrip()) for number, line in enumerate(text.split("\n"), 1))
    heading, section = _find_section(lines)
    return _Page(feature, lines, heading, section, _find_items(section), slugs, is_there, agents)


def _find_section(lines: Sequence[_Line]) -> tuple[_Line | None, tuple[_Line, ...]]:
    """The first heading about acceptance that has items under it (else the first of all), and the lines under it."""
    first: tuple[_Line | None, tuple[_Line, ...]] = (None, ())
    headings = [(index, *_find_heading(line.text)) for index, line in _outside_fences(lines)]
    levels = [(index, level, words) for index, level, words in headings if level]
    for place, (index, level, words) in enumerate(levels):
        if not _ACCEPTANCE.search(words):
            continue
        below = (levels[other] for other in range(place + 1, len(levels)))
        end = next((other for other, depth, _ in below if depth <= level), len(lines))
        section = tuple(lines[index + 1 : end])
        if _find_items(section):
            return lines[index], section
        first = first if first[0] else (lines[index], section)
    return first


def find_criteria(text: str) -> tuple[str, ...]:
    """Return the acceptance criteria of a spec, in their order: the first is number 1."""
    lines = tuple(_Line(number, line.rstrip()) for number, line in enumerate(text.split("\n"), 1))
    return tuple(item.text for item in _find_items(_find_section(lines)[1]))


def _find_heading(text: str) -> tuple[int, str]:
    """Level and words of a heading; level 0 when the line is none; a bold line or `Words:` is the lowest."""
    if match := _HEADING.match(text):
        return len(match[1]), match[2]
    if match := _BARE_HEADING.fullmatch(text):
        return 7, match[1] or match[2]
    return 0, ""


def _outside_fences(lines: Sequence[_Line]) -> Iterator[tuple[int, _Line]]:
    """The lines that are not code, with their index."""
    return ((index, lines[index]) for index in outside_fences(line.text for line in lines))


def _find_items(section: Sequence[_Line]) -> tuple[_Line, ...]:
    """The list items, each with the indented lines that continue it."""
    items: list[tuple[int, list[str]]] = []
    continued = False
    for _, line in _outside_fences(section):
        if match := _ITEM.match(line.text):
            items.append((line.number, [match[1]]))
            continued = True
        elif continued and line.text[:1] in (" ", "\t"):
            items[-1][1].append(line.text.strip())
        else:
            continued = False
    return tuple(_Line(number, " ".join(texts)) for number, texts in items if any(texts))


# --- the rules ----------------------------------------------------------------------------------------------------

_VAGUE = re.compile(
    r"\b(?:fast|quickly|easy|easily|nice(?:ly)?|user[- ]friendly|intuitive(?:ly)?|robust(?:ly)?|clean code|good"
    r"|well[- ]designed|works? well|properly|correctly|appropriate(?:ly)?|reasonabl[ey]|sensibl[ey]|efficient(?:ly)?"
    r"|performant|scalable|modern|elegant|seamless(?:ly)?|as needed|if necessary|etc|and so on|best practices?"
    r"|high[- ]quality)\b(?!-)",
    re.IGNORECASE,
)
_TODO = re.compile(r"\b(?:TODO|TBD|FIXME|XXX)\b|\?\?\?")
_OURS = ("What a user can do when this is done, and why they want it.", "`command` prints `exactly this`")
_SCOPE = re.compile(r"\b(?:out[- ]of[- ]scope|not in scope|non-?goals?|not part of this)\b", re.IGNORECASE)
_SPEC_PATH = re.compile(r"specs/([A-Za-z0-9][A-Za-z0-9._-]*)(?:/[\w./-]*)?")


def _look_for_no_criteria(page: _Page) -> Iterator[tuple[int, str]]:
    if page.heading is None:
        yield 1, "there are no acceptance criteria"
    elif not page.criteria:
        yield page.heading.number, "no list item stands under the acceptance criteria"


def _look_for_weak(rule: str) -> Look:
    """Return how to find what the checks of a spec cannot show, by one rule."""

    def look(page: _Page) -> Iterator[tuple[int, str]]:
        for weak in find_weak_words(page.feature.checks, page.is_there):
            first = weak.command.split("\n", 1)[0].strip()
            heading = page.heading.number if page.heading and not first else 1
            line = next((line.number for line in page.lines if first and first in line.text), heading)
            if weak.rule == rule and not (page.feature.problem and not first):
                yield line, weak.says

    return look


def _look_for_vague(page: _Page) -> Iterator[tuple[int, str]]:
    for item in page.criteria:
        word = _VAGUE.search(item.text)
        if word and not re.search(r"\d", item.text) and not _CODE.search(item.text):
            yield item.number, f"no check can prove this criterion false: `{word[0]}` has no measure"


def _look_for_todo(page: _Page) -> Iterator[tuple[int, str]]:
    for _, line in _outside_fences(page.section):
        if word := _TODO.search(_CODE.sub("", line.text)):
            yield line.number, f"the acceptance criteria are not finished: `{word[0]}`"


def _look_for_template(page: _Page) -> Iterator[tuple[int, str]]:
    for line in page.lines:
        if any(words in line.text for words in _OURS):
            yield line.number, "this is still the text of the template"


def _look_for_no_scope(page: _Page) -> Iterator[tuple[int, str]]:
    if not any(_SCOPE.search(line.text) for line in page.lines):
        yield 1, "nothing says what is out of scope"


def _look_for_unknown_spec(page: _Page) -> Iterator[tuple[int, str]]:
    for _, line in _outside_fences(page.lines):
        for span in _CODE.findall(line.text):
            path = _SPEC_PATH.fullmatch(span.strip())
            if path and path[1] not in page.slugs and path[1] != "order.txt":
                yield line.number, f"`{span.strip()}` is not in any spec's folder"


def _look_for_long(page: _Page) -> Iterator[tuple[int, str]]:
    if page.feature.size > LONG:
        yield 1, f"the spec is {format_size(page.feature.size)} long, and every attempt reads it again"


_PATH = re.compile(r"[\w.*/@-]*[\w*]")


def _look_for_guarded_names(page: _Page) -> Iterator[tuple[int, str]]:
    """Names of files that programs obey: an agent may not change them, and could never be done."""
    told: set[str] = set()
    for line in page.lines:
        for name in _PATH.findall(line.text):
            row = OBEYED.find(*name.rpartition("/")[::2])
            if (
                row is not None
                and row.may_change
                and name not in told
                and not is_allowed(name, page.feature.may_change)
            ):
                told.add(name)
                yield line.number, f"`{name}` is obeyed by {row.by}: an agent may not make or change it"


def _look_for_no_such_criterion(page: _Page) -> Iterator[tuple[int, str]]:
    for number in sorted({number for check in page.feature.checks for number in check.proves}):
        if number > len(page.criteria):
            yield 1, f"a check `proves` criterion {number}, and the list has {counted(len(page.criteria), 'item')}"


def _look_for_unknown_reviewer(page: _Page) -> Iterator[tuple[int, str]]:
    for name in dict.fromkeys(one.agent for one in page.feature.reviews if one.agent):
        if page.agents and name not in page.agents:
            line = next(
                (line.number for line in page.lines if re.search(rf"agent:\s*{re.escape(name)}\b", line.text)), 1
            )
            yield line, f"a `review` asks agent `{one_line(name, 60)}`, and there is none{suggest(name, page.agents)}"


def _look_for_not_shown(page: _Page) -> Iterator[tuple[int, str]]:
    """Where some check says what it proves, a criterion that none proves is a gap."""
    proven = {number for check in page.feature.checks for number in check.proves}
    for number, item in enumerate(page.criteria, 1):
        if proven and number not in proven:
            yield item.number, f"no check proves criterion {number}"


RULES = (
    Rule(
        "no-criteria",
        "error",
        _look_for_no_criteria,
        "add a heading `## Acceptance criteria` with a list of what a person or a command can see",
    ),
    Rule("template", "warning", _look_for_template, "say what you want in its place"),
    Rule("unfinished", "error", _look_for_todo, "decide it now, or put the word in backticks if it is meant literally"),
    Rule(NO_CHECKS, "warning", _look_for_weak(NO_CHECKS), HINTS[NO_CHECKS]),
    Rule(CANNOT_FAIL, "error", _look_for_weak(CANNOT_FAIL), HINTS[CANNOT_FAIL]),
    Rule(CANNOT_RUN, "warning", _look_for_weak(CANNOT_RUN), HINTS[CANNOT_RUN]),
    Rule("vague", "warning", _look_for_vague, "say it with a number, a file or a command in backticks"),
    Rule("unknown-spec", "warning", _look_for_unknown_spec, "correct the path, or write that spec first"),
    Rule("long", "warning", _look_for_long, f"split it, or move details elsewhere: {LONG // 1024} KiB are enough"),
    Rule(
        "may-change",
        "warning",
        _look_for_guarded_names,
        "if it is to, name it in the front matter: `may_change: [PATH]`",
    ),
    Rule("no-such-criterion", "error", _look_for_no_such_criterion, "the first in the list is number 1"),
    Rule("unknown-reviewer", "error", _look_for_unknown_reviewer, "`harness config` says which agents there are"),
    Rule("not-shown", "warning", _look_for_not_shown, "name it in the `proves:` of a check, or add a check"),
    Rule("no-scope", "warning", _look_for_no_scope, "add `## Out of scope`: an agent left alone likes to do more"),
)
