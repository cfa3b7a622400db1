"""What a note asks of a person: the lines that start with `BLOCKED:`. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Mapping
from contextlib import suppress

from harness.domain.gist import digest_gist
from harness.domain.look import LAND

ALLOW = "allow"  # the first word of an answer that lets files stand
LONGEST_QUESTION = 2_000
QUESTION_LINES = 10
NO_QUESTION = "the agent says that it is blocked, but not by what: read the end of its log"

_BLOCKED = re.compile(
    r"(?:[ \t]*(?P<item>[-*+]|\d{1,3}[.)])[ \t]+(?:\[[ xX]\][ \t]+)?| {0,3}(?:#{1,6}[ \t]+)?)"
    r"(?P<bold>\*\*|__)?(?P<un>UN)?BLOCKED(?P<early>\*\*|__)?:(?P<late>\*\*|__)?(?P<text>.*)"
)
_NEARLY = re.compile(
    r"[^\w>|]*(?:[Ss]tatus\W+)?(?:BLOCKED\b|(?i:blocked)[^\w\s]*\s*(?:[:\uff1a\u2010-\u2015-]|$))\W*(?P<text>.*)"
)
_FENCE = re.compile(r"\s*(?P<marks>`{3,}|~{3,})(?P<rest>.*)")
_NEXT_BLOCK = re.compile(r"(?:[-*+]|\d{1,3}[.)]|#{1,6})[ \t]|[>|]")
_NOTHING = re.compile(r"(?:none|no|nothing|n/?a|not blocked|false|resolved|-+|—)[.!]*", re.IGNORECASE)


def find_blocked(note: str, answered: Collection[str] = ()) -> str | None:
    """The questions of this attempt's note, each of one or more lines; None if it is not blocked.

    A question is a line that starts with `BLOCKED:`, also as a list item, a heading or in bold, and the lines right
    below it. Code blocks and quotes (`>`, `|`) are somebody else's words. `BLOCKED: none` and `UNBLOCKED:` take back
    what was asked above them; one that was `answered` before (a digest, see gist.py) was only written again. Several
    open questions are all given, so that a person can answer them in one go.
    """
    questions: list[str] = []
    lines = unfenced(note)
    for number, line in enumerate(lines):
        found = _BLOCKED.fullmatch(line)
        if not found:
            continue
        text = _first_line(found)
        if found["un"] or _NOTHING.fullmatch(text):
            questions.clear()
            continue
        below = _lines_below(found, lines[number + 1 : number + QUESTION_LINES])
        question = "\n".join([text, *below]).strip() or NO_QUESTION
        if question not in questions and digest_gist(question) not in answered:
            questions.append(question)
    return "\n".join(questions)[:LONGEST_QUESTION].rstrip() or None


def find_nearly_blocked(note: str) -> str | None:
    """The first line that looks like a question for a person, though it does not start with `BLOCKED:`."""
    for line in (line.rstrip() for line in unfenced(note)):
        found = _NEARLY.fullmatch(line)
        if found and not _BLOCKED.fullmatch(line) and not _NOTHING.fullmatch(found["text"]):
            return line.strip()
    return None


def unfenced(note: str) -> list[str]:
    """The lines, an empty one for each code block; one that is never closed runs to the end, as in CommonMark."""
    lines, fence = [], ""
    for line in note.splitlines():
        found = _FENCE.fullmatch(line)
        marks, rest = (found["marks"], found["rest"].strip()) if found else ("", "")
        if not fence:
            fence = "" if "`" in rest else marks  # ```code``` in one line opens nothing
            lines.append("" if fence else line)
        elif marks.startswith(fence) and not rest:
            fence = ""
    return lines


def _first_line(found: re.Match[str]) -> str:
    text = found["text"].strip()
    if found["bold"] and not found["early"] and not found["late"]:
        text = text.removesuffix(found["bold"]).rstrip()
    return text


def _lines_below(found: re.Match[str], lines: list[str]) -> list[str]:
    """The lines that go on with it: to an empty line, another such line, or, for a list item, what follows it."""
    below: list[str] = []
    for line in lines:
        ended = not line.strip() or _BLOCKED.fullmatch(line)
        if ended or (found["item"] and _NEXT_BLOCK.match(line)):
            break
        below.append(line.strip())
    return below


def find_allowed(text: str, judging: Mapping[str, str], parked: str) -> dict[str, str]:
    """Return which of the files that a question is about an answer allows, as git has them.

    Where work is parked, all of them by `land`; else by `allow FILE ...`.
    """
    if parked:
        return dict(judging) if text.strip() == LAND else {}
    with suppress(ValueError):
        first, *names = shlex.split(text)
        return {name: judging[name] for name in names if name in judging} if first == ALLOW else {}
    return {}
