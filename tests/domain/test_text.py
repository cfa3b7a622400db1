"""Text from elsewhere, made safe: no control left, no block opened or closed."""

from __future__ import annotations

from helpers.laws import examples
from hypothesis import given
from hypothesis import strategies as st

from harness.domain.text import fenced, plain

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
