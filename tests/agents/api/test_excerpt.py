"""What the model is shown of a file, and where a text nearly stands."""

from __future__ import annotations

import pytest
from helpers.api_tools import edit, refusal

from harness.agents.api.arguments import Replace, View
from harness.agents.api.clip import LIMIT


def test_a_file_is_shown_with_line_numbers(place):
    (place / "f").write_text("one\n\ttvå\n\nfour")
    assert edit(place, View("f")) == "     1\tone\n     2\t\ttvå\n     3\t\n     4\tfour"
    assert edit(place, View(str(place / "f"), (2, 3))) == "     2\t\ttvå\n     3\t"
    assert edit(place, View("f", (4, -1))) == edit(place, View("f", (4, 99))) == "     4\tfour"
    assert refusal(place, View("f", (5, 6))) == f"`view_range` starts at line 5, but {place}/f has 4 lines"


def test_an_empty_file_says_so(place):
    (place / "f").touch()
    assert edit(place, View("f")) == "(empty file)"


def test_a_folder_is_shown_two_levels_deep(place):
    for name in ("a/b/c/d", ".git/x", "node_modules/x/y", "z.txt", "a/k"):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).touch()
    (place / "link").symlink_to("/etc")
    assert edit(place, View(".")).splitlines() == [
        f"{place}, two levels deep, without hidden entries:",
        "a/",
        "  b/",
        "  k",
        "link@",
        "node_modules/",
        "  (left out)",
        "z.txt",
    ]


def test_a_long_file_ends_with_how_to_see_the_rest(place):
    (place / "f").write_text("x" * 99 + "\n" + "".join(f"{n:099}\n" for n in range(5_000)))
    text = edit(place, View("f"))
    assert LIMIT * 0.9 < len(text) <= LIMIT
    assert text.endswith(
        f"[lines 1-{text.count(chr(10))} of 5,001: the rest is too long for one result; use `view_range`]"
    )


@pytest.mark.deep
def test_a_huge_file_is_shown_in_part_only(place):
    (place / "f").write_text("".join(f"line {n}\n" for n in range(1, 1_000_000)))
    assert refusal(place, View("f")).startswith(f"{place}/f is 11.3 MiB, more than 8 MiB; pass a `view_range`")
    assert edit(place, View("f", (999_998, 2_000_000))) == "999998\tline 999998\n999999\tline 999999"
    assert "was not found" in refusal(place, View("f", (2_000_000, 2_000_001)))
    assert "larger than 8 MiB" in refusal(place, Replace("f", "line 7\n", ""))


def test_a_long_folder_ends_with_how_to_see_the_rest(place):
    for number in range(600):
        (place / f"{number:0200}").touch()
    text = edit(place, View("."))
    assert LIMIT * 0.9 < len(text) <= LIMIT and text.endswith("or use `find` in bash]")


def test_text_that_repeats_itself_is_counted_in_no_time(place):
    (place / "f").write_text("a" * 4_000_000)
    sentence = "Found 33 or more matches for replacement text (lines 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, ...). "
    assert refusal(place, Replace("f", "a" * 2_000_000, "b")).startswith(sentence)


def test_the_change_is_shown_in_its_surroundings(place):
    (place / "f").write_text("".join(f"{n}\n" for n in range(1, 21)))
    shown = edit(place, Replace("f", "10\n11\n", "ten\n"))
    assert shown == f"Edited {place}/f:\n" + "\n".join(
        f"{n:6}\t{line}" for n, line in enumerate([6, 7, 8, 9, "ten", 12, 13, 14, 15], 6)
    )


NO_MATCH = "No match found for replacement. Check the text against `view`: it must match exactly, whitespace included"


@pytest.mark.parametrize(
    ("old", "sentence"),
    [
        (
            "bar",
            "Found 3 matches for replacement text (lines 1, 2, 5). Please provide more context to make a unique match.",
        ),
        (
            "aa",
            "Found 2 matches for replacement text (lines 4, 4). Please provide more context to make a unique match.",
        ),
        (
            "def f(x):\n  return x",
            NO_MATCH + " (lines 6-7: the same but for whitespace; line 6 is 'def f(x):').",
        ),
        (
            "retrun x",
            NO_MATCH + " (nearest line 7: '\\treturn x').",
        ),
        (
            "@@@@@@",
            NO_MATCH + ".",
        ),
        (
            "  \n \n",
            NO_MATCH + "; it is nothing but whitespace.",
        ),
    ],
    ids=["several", "overlapping", "whitespace", "near", "nothing near", "blank"],
)
def test_a_text_that_is_not_there_once_is_refused_with_a_hint(place, old, sentence):
    (place / "f").write_text("bar\nbar\n\naaa\nbar\ndef f(x):\n\treturn x\n")
    assert refusal(place, Replace("f", old, "new")) == sentence
