"""Text from elsewhere, made safe: no control left, no block opened or closed."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from helpers.laws import examples
from hypothesis import given
from hypothesis import strategies as st

from harness.domain.text import fenced, one_line, plain, printable, shown, without_orders

UNSEEN = {"Cc", "Cf", "Zl", "Zp", "Cs", "Co"}  # controls, formats, line ends, halves of pairs, private use
IGNORABLE = (
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180f\u2800\u3164\ufe00\ufe0f\uffa0\U000e0100\U000e01ef"  # with no category
)


@pytest.mark.deep
def test_no_character_that_could_lie_is_left_in_all_of_unicode() -> None:
    every = [chr(code) for code in range(sys.maxunicode + 1)]
    unseen = [one for one in every if unicodedata.category(one) in UNSEEN] + list(IGNORABLE)
    left = [hex(ord(one)) for one in unseen if one not in "\t\n" and one in plain(f"a{one}b")]
    assert (left, [hex(ord(one)) for one in unseen if one in one_line(f"a{one}b")]) == ([], [])
    assert [hex(ord(one)) for one in unseen if one in printable(f"a{one}b") or one in shown(f"a{one}b")] == []


def test_letters_signs_and_pictures_of_all_scripts_stay() -> None:
    for text in ("Zoë naïve straße", "שלום", "مرحبا", "नमस्ते", "한국어", "日本語", "✓ → … 🎉 €"):
        assert plain(text) == one_line(text) == printable(text) == text


SIGNS = [*"ab|<> \n\r\t\v\f\x1b\x85\u2028\u200b", "PRIOR_LOG", "<<<LEARNINGS", "LEARNINGS"]
HOSTILE = st.lists(st.sampled_from(SIGNS), max_size=40).map("".join)


@given(HOSTILE)
@examples(300)
def test_no_line_of_a_block_can_open_or_close_one(text: str) -> None:
    assert all(line.startswith("| ") for line in fenced(plain(text)).splitlines())


@given(st.text())
def test_plain_text_has_no_control_left_and_is_stable(text: str) -> None:
    once = plain(text)
    assert plain(once) == once
    assert not any((ord(c) < 32 and c not in "\n\t") or 0x7F <= ord(c) < 0xA0 for c in once)


def test_the_words_of_an_agent_give_no_orders_to_a_forge() -> None:
    said = "[skip ci] closes #12, fixes GH-3 and a/b#4; thanks @me ***NO_CI***"
    assert without_orders(said) == "(skip ci) closes # 12, fixes GH- 3 and a/b# 4; thanks @ me *NO_CI*"
    assert without_orders("reset: 204 for a (known) address, C# too") == "reset: 204 for a (known) address, C# too"
