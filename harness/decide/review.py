"""What the answer of a reviewer means: read strictly, held against the diff, and said in lines. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from hashlib import sha256
from itertools import pairwise

from harness.domain.review import FAIL, PASS, UNSURE, Comment, Review
from harness.domain.text import counted, one_line
from harness.domain.verdict import CheckRun

MOST_ROUNDS = 2  # claims that one and the same comment keeps from standing
MOST_FINDINGS = 200
LONGEST = 600  # characters of a sentence
SHOWN = 100  # characters of a question
NO_VERDICT = "no verdict: "
STANDS = "stands: it has kept {rounds} claims from standing, and does not block any more"


@dataclass(frozen=True, slots=True)
class Judged:
    """What reviewers say of a claim: red checks where one blocks it, and the lines of its receipt."""

    red: tuple[CheckRun, ...] = ()
    lines: tuple[str, ...] = ()


# --- its answer ---------------------------------------------------------------------------------------------------

_TRIES = 20  # places where the list may begin


def parse_answer(text: str, criteria: int) -> tuple[Comment, ...]:
    """Return what a reviewer found. Raises ValueError with a sentence for what is not the list that was asked for.

    The list stands alone, in a code fence, or at the end: nothing in it is guessed. Of `criteria` each has its say.
    """
    items = _find_list(text)
    if items is None:
        raise ValueError("its answer is no JSON list")
    if any(other != items for other in _find_answers(text)):
        raise ValueError("its answer holds several lists, which differ")
    if len(items) > MOST_FINDINGS:
        raise ValueError(f"its answer has more than {MOST_FINDINGS} items")
    found = tuple(_parse_item(number, item, criteria) for number, item in enumerate(items, 1))
    if missing := sorted(set(range(1, criteria + 1)) - {one.criterion for one in found}):
        raise ValueError(f"its answer says nothing of criterion {', '.join(map(str, missing))}")
    return found


def _find_list(text: str) -> list[object] | None:
    lines = text.strip().split("\n")
    begins = [number for number, line in enumerate(lines) if line.startswith("[")]
    fences = [number for number, line in enumerate(lines) if line.startswith("```")]
    fenced = [lines[begin + 1 : end] for begin, end in pairwise(fences)]
    for candidate in (lines, *reversed(fenced[-_TRIES:]), *(lines[begin:] for begin in reversed(begins[-_TRIES:]))):
        with suppress(ValueError, RecursionError):
            if isinstance(said := json.loads("\n".join(candidate)), list):
                return said
    return None


def _find_answers(text: str) -> Iterator[list[object]]:
    """Yield each list in an answer that could be one: it begins a line, and holds verdicts or nothing."""
    begins = [found.start() for found in re.finditer(r"^\[", text, re.MULTILINE)]
    decoder, behind = json.JSONDecoder(), 0
    for begin in dict.fromkeys((*begins[:_TRIES], *begins[-_TRIES:])):
        if begin < behind:
            continue
        with suppress(ValueError, RecursionError):
            said, behind = decoder.raw_decode(text, begin)
            if isinstance(said, list) and all(isinstance(one, dict) and "verdict" in one for one in said):
                yield said


def _parse_item(number: int, item: object, criteria: int) -> Comment:
    if not isinstance(item, dict):
        raise ValueError(f"item {number} of its answer is no object")
    criterion, verdict, sentence = item.get("criterion"), item.get("verdict"), item.get("sentence")
    file, line = item.get("file"), item.get("line")
    if verdict not in (PASS, FAIL, UNSURE):
        raise ValueError(f"item {number} of its answer has no `verdict` of `{PASS}`, `{FAIL}` or `{UNSURE}`")
    if not isinstance(sentence, str) or not sentence.strip():
        raise ValueError(f"item {number} of its answer has no `sentence`")
    if not (criterion is None or (type(criterion) is int and 1 <= criterion <= criteria)):
        raise ValueError(f"item {number} of its answer names a `criterion` that is not in the list")
    if not (file is None or isinstance(file, str)) or not (line is None or (type(line) is int and line >= 0)):
        raise ValueError(f"item {number} of its answer has a `file` or a `line` that is none")
    return Comment(criterion or 0, verdict, one_line(file or "", 300), line or 0, one_line(sentence, LONGEST))


# --- the diff -----------------------------------------------------------------------------------------------------

_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_WHOLE = range(1, 1 << 31)  # of a file that git shows without its lines


@dataclass(slots=True)
class _File:
    was: str = ""
    name: str = ""
    spans: list[range] = field(default_factory=list)


def find_places(diff: str) -> dict[str, list[range]]:
    """Return the lines of each file that a unified diff of git shows, as they are after it; of one that went, before.

    Of a file that git takes for binary, each line is one: it shows none, and all of it may have changed.
    What stands in a hunk is counted by its head: no line of a file can pass for the head of another.
    """
    found, now = dict[str, list[range]](), _File()
    lines = iter(diff.split("\n"))
    for line in lines:
        if line.startswith("diff --git "):
            now = _File(name=_name_of_both(line.removeprefix("diff --git ")))
        elif line.startswith("Binary files ") and now.name:
            found.setdefault(now.name, []).append(_WHOLE)
        elif line.startswith("--- "):
            now.was = _name_of(line[4:])
        elif line.startswith("+++ "):
            now.name = _name_of(line[4:]) or now.was
            found.setdefault(now.name, now.spans)
        elif match := _HUNK.match(line):
            old, new = (int(match[2] or 1), int(match[4] or 1))
            now.spans.append(range(int(match[3]), int(match[3]) + new) if new else _span(match, old))
            _skip(lines, old, new)
    return found


def _span(match: re.Match[str], old: int) -> range:
    return range(int(match[1]), int(match[1]) + old)


def _skip(lines: Iterator[str], old: int, new: int) -> None:
    while old > 0 or new > 0:
        if (line := next(lines, None)) is None:
            return
        old -= line[:1] in ("-", " ", "")
        new -= line[:1] in ("+", " ", "")


def _name_of_both(said: str) -> str:
    """Return the name of a file of which the head of a diff says `a/NAME b/NAME`; "" where it does not."""
    was, now = said[: len(said) // 2], said[len(said) // 2 + 1 :]
    return was[2:] if (was[:2], now[:2]) == ("a/", "b/") and was[2:] == now[2:] else ""


def _name_of(said: str) -> str:
    """Return the name of a file in the head of a diff, "" for none, and for one that git has to write in quotes."""
    said = said.removesuffix("\t")
    return "" if said == "/dev/null" or said.startswith('"') else said.partition("/")[2]


def clean_name(file: str, root: str) -> str:
    """Return the name of a file as the diff has it, however a reviewer wrote it; `root` is where it works."""
    return file.removeprefix(f"{root.rstrip('/')}/").removeprefix("./")


# --- what blocks --------------------------------------------------------------------------------------------------


def identify(review: Review, comment: Comment) -> str:
    """Return a name that is equal for comments that are one and the same, however they are worded.

    That is of the same criterion, or of none, in the same file, to the same question.
    """
    said = "\0".join((review.question, str(comment.criterion), comment.file))
    return sha256(said.encode("utf-8", "replace")).hexdigest()[:16]


def decide_blocks(
    review: Review, comments: Iterable[Comment], places: Mapping[str, Sequence[range]], rounds: Mapping[str, int]
) -> tuple[Comment, ...]:
    """Return the comments, those marked that keep the claim from standing: with a place in the diff, twice at most.

    `rounds` says how often one did before.
    """
    found = []
    for one in comments:
        before = rounds.get(identify(review, one), 0)
        placed = any(one.line in span for span in places.get(one.file, ()))
        blocks = review.blocking and one.verdict == FAIL and placed and before < MOST_ROUNDS
        found.append(replace(one, blocks=blocks, rounds=before if review.blocking and one.verdict == FAIL else 0))
    return tuple(found)


def compose_red(review: Review, whose: str, comments: Iterable[Comment]) -> tuple[CheckRun, ...]:
    """Return a red check for what blocks a claim; () where nothing does."""
    blocking = [one for one in comments if one.blocks]
    if not blocking:
        return ()
    said = "\n".join(f"{say_place(one)}: {one.sentence}" for one in blocking)
    tail = f"Comments of a reviewer ({whose}) in what was changed:\n{said}"
    return (CheckRun(name_review(review), 1, 0.0, tail),)


# --- in words -----------------------------------------------------------------------------------------------------


def name_review(review: Review) -> str:
    """Return what a question is called among the checks of a claim."""
    return f"review: {one_line(review.question, SHOWN)}"


def say_place(one: Comment) -> str:
    """Return of what a comment is: its file and line, and its criterion."""
    place = f"{one.file}:{one.line}" if one.file and one.line else one.file
    criterion = f"criterion {one.criterion}" if one.criterion else ""
    return ", ".join(filter(None, (criterion, place))) or "no place"


def say_comment(one: Comment, *, blocking: bool) -> str:
    """Return a comment in one line: what it is of, what it says, and why it does not block where it could."""
    stands = " (the claim does not stand)" if one.blocks else ""
    if one.rounds >= MOST_ROUNDS:
        stands = f" ({STANDS.format(rounds=one.rounds)})"
    elif blocking and one.verdict == FAIL and not one.blocks:
        stands = " (does not block: its place is not in the diff)"
    return f"{one.verdict}, {say_place(one)}: {one.sentence}{stands}"  # as `say_reviews` knows it


def say_review(
    review: Review, whose: str, comments: Sequence[Comment], problem: str = "", shown: str = ""
) -> tuple[str, ...]:
    """Return the lines of a receipt about one question: the sum first, then each comment that is no pass.

    `shown` says how much of the diff the reviewer was shown, where that is not all.
    """
    head = f"`{one_line(review.question, SHOWN)}` by {whose}"
    if problem:
        return (f"{head}: {NO_VERDICT}{problem}",)
    told = [one for one in comments if one.verdict != PASS]
    passed = len(comments) - len(told)
    sums = [counted(len(told), "comment") if told else "no comment", *([f"{passed} passed"] if passed else [])]
    sums += [shown] if shown else []
    lines = (say_comment(one, blocking=review.blocking) for one in told)
    return (f"{head}: {', '.join(sums)}", *lines)


def say_reviews(lines: Sequence[str]) -> str:
    """Return the sum of the lines of a receipt in a few words, "" where there is nothing to look at."""
    found = sum(line.startswith((f"{FAIL}, ", f"{UNSURE}, ")) for line in lines)
    silent = sum(f": {NO_VERDICT}" in line for line in lines if line.startswith("`"))
    words = [
        f"{counted(found, 'comment')} of a reviewer" if found else "",
        "no verdict of a reviewer" if silent else "",
    ]
    return ", ".join(filter(None, words))
