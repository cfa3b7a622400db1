"""What the answer of a reviewer means."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harness.decide.review import (
    clean_name,
    decide_blocks,
    find_places,
    identify,
    parse_answer,
    say_review,
    say_reviews,
)
from harness.domain.review import Comment, Review

ITEM = {"criterion": 1, "verdict": "fail", "file": "a.py", "line": 2, "sentence": "It leaks."}
LEAK = Comment(1, "fail", "a.py", 2, "It leaks.")
ONE = json.dumps([ITEM])


@pytest.mark.parametrize(
    "text",
    [
        ONE,
        f"{ONE}\n{ONE}",
        f'[1]\n[{{"id": 1}}]\n{ONE}',
        f"I looked.\n\n```json\n{ONE}\n```\nThat is all.",
        f"Here it is:\n{json.dumps([ITEM], indent=1)}\n",
    ],
    ids=["alone", "twice", "below other lists", "in a fence", "at the end"],
)
def test_an_answer_is_the_list_that_was_asked_for(text: str) -> None:
    assert parse_answer(text, 1) == (LEAK,)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("LGTM!", "its answer is no JSON list"),
        (ONE[:-4], "its answer is no JSON list"),
        ("{}", "its answer is no JSON list"),
        ("[" * 100_000, "its answer is no JSON list"),
        ("[1]", "item 1 of its answer is no object"),
        ("[]", "its answer says nothing of criterion 1"),
        (f"{ONE}\n{ONE.replace('fail', 'pass')}", "its answer holds several lists, which differ"),
        (f"{ONE}\n\n```\n{ONE.replace('fail', 'pass')}\n```\n", "its answer holds several lists, which differ"),
        (f"```\n{ONE}\n```\n[]", "its answer holds several lists, which differ"),
        (
            json.dumps([{**ITEM, "verdict": "ok"}]),
            "item 1 of its answer has no `verdict` of `pass`, `fail` or `unsure`",
        ),
        (json.dumps([{**ITEM, "verdict": ["fail"]}]), "item 1 of its answer has no `verdict` of `pass`, `fail`"),
        (json.dumps([{**ITEM, "sentence": " "}]), "item 1 of its answer has no `sentence`"),
        (json.dumps([{**ITEM, "criterion": 2}]), "item 1 of its answer names a `criterion` that is not in the list"),
        (json.dumps([{**ITEM, "criterion": True}]), "item 1 of its answer names a `criterion` that is not in the list"),
        (json.dumps([{**ITEM, "line": "2"}]), "item 1 of its answer has a `file` or a `line` that is none"),
    ],
    ids=str,
)
def test_what_does_not_parse_is_no_verdict(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says.replace("`", ".").replace("(", ".")):
        parse_answer(text, 1)


DIFF = """\
diff --git a/a.py b/a.py
index 1..2 100644
--- a/a.py
+++ b/a.py
@@ -1,2 +1,4 @@ def f():
 one
+++ b/other.py
+@@ -1 +9,9 @@
 two
@@ -9 +12,0 @@
-nine
diff --git a/gone.py b/gone.py
deleted file mode 100644
--- a/gone.py
+++ /dev/null
@@ -3,2 +0,0 @@
-three
-four
\\ No newline at end of file
"""


def test_no_line_of_a_file_passes_for_the_head_of_another() -> None:
    assert find_places(DIFF) == {"a.py": [range(1, 5), range(9, 10)], "gone.py": [range(3, 5)]}


@pytest.mark.parametrize("sides", ["a/x and b.bin and b/x and b.bin", "/dev/null and b/x and b.bin"])
def test_each_line_of_a_file_that_git_shows_without_lines_is_a_place(sides: str) -> None:
    head = "diff --git a/x and b.bin b/x and b.bin\nindex 1..2 100644\n"
    (span,) = find_places(f"{head}Binary files {sides} differ\n")["x and b.bin"]
    assert 1 in span and 10_000 in span and 0 not in span


PLACES = {"a.py": [range(1, 5)]}
BLOCKING = Review("any leak", blocking=True)


@pytest.mark.parametrize(
    ("review", "comment", "blocks"),
    [
        (BLOCKING, LEAK, True),
        (Review("any leak"), LEAK, False),
        (BLOCKING, Comment(1, "unsure", "a.py", 2, "It leaks."), False),
        (BLOCKING, Comment(1, "fail", "a.py", 5, "It leaks."), False),
        (BLOCKING, Comment(1, "fail", "b.py", 2, "It leaks."), False),
        (BLOCKING, Comment(1, "fail", "", 0, "It leaks."), False),
    ],
    ids=["placed", "not asked to block", "not sure", "another line", "another file", "nowhere"],
)
def test_only_a_failure_with_a_place_in_the_diff_blocks(review: Review, comment: Comment, blocks: bool) -> None:
    (found,) = decide_blocks(review, [comment], PLACES, {})
    assert found.blocks is blocks


def test_one_and_the_same_comment_blocks_two_claims_however_it_is_worded_and_then_stands() -> None:
    rounds: dict[str, int] = {}
    found: list[Any] = []
    for sentence in ("It leaks.", "A leak.", "Still a leak."):
        (one,) = decide_blocks(BLOCKING, [Comment(1, "fail", "a.py", 2, sentence)], PLACES, rounds)
        rounds[identify(BLOCKING, one)] = rounds.get(identify(BLOCKING, one), 0) + one.blocks
        found.append(one)
    assert [one.blocks for one in found] == [True, True, False]
    assert say_review(BLOCKING, "claude", [found[-1], Comment(2, "pass", sentence="Fine.")]) == (
        "`any leak` by claude: 1 comment, 1 passed",
        "fail, criterion 1, a.py:2: Still a leak."
        " (stands: it has kept 2 claims from standing, and does not block any more)",
    )


def test_no_verdict_is_told_as_such() -> None:
    said = say_review(Review("any leak"), "claude", (), "its answer is no JSON list")
    assert said == ("`any leak` by claude: no verdict: its answer is no JSON list",)


@pytest.mark.parametrize("name", ["a.py", "./a.py", "/app/a.py"])
def test_a_file_is_known_however_a_reviewer_writes_it(name: str) -> None:
    assert clean_name(name, "/app") == "a.py"


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (("`q` by claude: no comment, 2 passed",), ""),
        (("`q` by claude: 2 comments", "fail, a.py:1: Bad.", "unsure, no place: Odd."), "2 comments of a reviewer"),
        (("`q` by claude: no verdict: usage limit: used up",), "no verdict of a reviewer"),
        (("`q` by a: 1 comment", "fail, a.py: x", "`r` by b: no verdict: y"),
         "1 comment of a reviewer, no verdict of a reviewer"),
    ],
)  # fmt: skip
def test_what_status_says_of_reviews_is_what_a_person_should_look_at(lines: tuple[str, ...], says: str) -> None:
    assert say_reviews(lines) == says


def test_a_comment_that_could_block_and_has_no_place_says_why_it_does_not() -> None:
    said = say_review(BLOCKING, "claude", [Comment(0, "fail", sentence="It leaks.")])
    assert said[1] == "fail, no place: It leaks. (does not block: its place is not in the diff)"
    assert (
        say_review(Review("q"), "claude", [Comment(0, "fail", sentence="It leaks.")])[1] == "fail, no place: It leaks."
    )
