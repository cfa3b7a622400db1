"""What a feature may be called, and that no name leads out of its folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.domain.slugs import check_slug


@pytest.mark.parametrize("slug", ["a", "Login-2", "0", "a.b_c-d", "404", "a" * 64, "runner", "com10", "x.done.y"])
def test_a_plain_name_is_a_slug(slug):
    assert check_slug(slug) is None


@pytest.mark.parametrize(
    "slug",
    [
        "",
        ".",
        "..",
        ".a",
        "-n",
        "_a",
        "a/b",
        "../a",
        "a b",
        "a\n",
        "a\0",
        "ä",
        "a" * 65,
        "$(id)",
        "a;b",
        "~",
        "*",
        "x.done",
        "x.LOG",
        "x.blocked",
        "x.answer",
        "run",
        "Journal",
        "learnings",
        "attempts",
        "HALT",
        "lock",
        "harness",
        "con",
        "NUL",
        "com1",
        "lpt9.txt",
        "１",
    ],
    ids=ascii,
)
def test_what_is_no_slug_is_told_in_one_printable_sentence(slug):
    reason = check_slug(slug)
    assert reason is not None
    assert reason.isprintable()


@given(st.one_of(st.text(), st.from_regex(r"[.\w/\\-]{1,70}")))
def test_an_accepted_slug_never_leads_out_of_the_folder(slug):
    if check_slug(slug) is None:
        path = Path("/project/specs") / slug / "spec.md"
        assert Path(os.path.normpath(path)) == path
        assert path.parent.parent == Path("/project/specs")
        assert not slug.startswith("-")
        assert slug.isascii()
