"""Output of any length fits its space, and keeps its beginning and its end."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.agents.api.clip import Clip, clipped


@given(st.lists(st.binary(max_size=300), max_size=20), st.integers(200, 2_000))
def test_a_clip_never_exceeds_its_limit_and_keeps_what_fits(parts, limit):
    clip = Clip(limit)
    for part in parts:
        clip.feed(part)
    text, cut = clip.text()
    assert len(text.encode()) <= limit
    assert cut >= 0 and clip.size == sum(map(len, parts))


@given(st.text(alphabet="ab\u00e4\U0001f600", max_size=2_000), st.integers(200, 1_000))
def test_a_clipped_text_begins_and_ends_as_the_whole(text, limit):
    short, cut = clipped(text, limit)
    assert len(short.encode()) <= limit
    assert (short == text) == (cut == 0)
    assert short[:10] == text[:10] and short[-10:] == text[-10:]
