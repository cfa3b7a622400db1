"""Front matter that is nearly right is refused, and prose that looks a little like it is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.specs.parse import parse_spec


def problem_of(text: str) -> str | None:
    return parse_spec(Path("a/spec.md"), text.encode(), "", "specs/a/spec.md").problem


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Some text.\n---\nchecks: make\n---\n# a\n", 3),
        ("\n---\nchecks: make\n---\n# a\n", 3),
        ("\n\n---\n\n# what proves it\nchecks: make\n---\n# a\n", 6),
        ("\ufeff\ufeff\u200b---\nchecks: make\n---\n# a\n", 2),
        ("<!-- a comment -->\n\n---\nchecks: make\n---\n# a\n", 4),
        ("# a\n\n---\nchecks: make\n\nDo it.\n", 4),
        ("# a\n\n---\nChecks: make\nTimeout: 5m\n---\n\nDo it.\n", 4),
        ("checks: make\n---\n# a\n", 1),
        ("checks:\n  - make\n\n# a\n", 1),
        ("\u2014\nchecks: make\n\u2014\n# a\n", 2),
        ("----\nchecks: make\n----\n# a\n", 2),
        (" ---\nchecks: make\n---\n# a\n", 2),
        ("---yaml\nchecks: make\n---\n# a\n", 2),
        ("--- yaml\ndepends_on: b\n---\n# a\n", 2),
        ('{"checks": "make"}\n\n# a\n', 1),
        ("***\nchecks: make\n***\n# a\n", 2),
        ("+++\nchecks = make\n+++\n# a\n", 2),
        ("\n```yaml\nchecks: make\n```\n# a\n", 3),
    ],
)
def test_what_looks_like_front_matter_and_is_none_is_refused(text: str, line: int) -> None:
    told = [problem_of(text.replace("\n", end)) for end in ("\n", "\r\n", "\r")]
    assert [str(one).partition(" ")[0] for one in told] == [f"specs/a/spec.md:{line}:"] * 3


@pytest.mark.parametrize(
    "text",
    [
        "# a\n\nIts front matter:\n\n```yaml\n---\nchecks: make\n---\n```\n",
        "# a\n\nWords.\n\n---\n\nMore words.\n\n---\n",
        "```\nmake\n```\n\n# a\n\n```yaml\n---\nchecks: make\n```\n",
        "# a\n\n---\n\nTimeout: the page gives up after 5 s.\n\nWords.\n",
        "Title\n-----\n\nchecks are made by `make`.\n",
        "# a\n\nchecks: make, and all that\n",
        "Priority: high\n\n# a\n",
        "---\n\n# a\n\nwords\n",
        "# a\n\n| key | value |\n|---|---|\n| checks | make |\n",
        "# a\n\n- timeout: five seconds\n",
    ],
)
def test_prose_is_not_taken_for_front_matter(text: str) -> None:
    assert problem_of(text) is None


@pytest.mark.parametrize("end", ["\r\n", "\r", "\n"])
def test_lines_may_end_as_they_like(end: str) -> None:
    text = "---\nchecks: make\n---\n# a\n".replace("\n", end)
    feature = parse_spec(Path("a/spec.md"), text.encode(), "", "specs/a/spec.md")
    assert (feature.problem, feature.title, [check.command for check in feature.checks]) == (None, "a", ["make"])
