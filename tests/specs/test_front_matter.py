"""Front matter is told from the words below it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.spec_files import write
from helpers.waiting import PATIENCE

from harness.domain.feature import Check
from harness.domain.review import Review
from harness.specs.front_matter import split_front_matter
from harness.specs.parse import parse_spec


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("---\na: 1\n---\nbody\n", ("a: 1\n", "body\n")),
        ("\ufeff---\r\na: 1\r\n---\r\nbody", ("a: 1\r\n", "body")),
        ("---\na: 1\n...\nbody", ("a: 1\n", "body")),
        ("---  \n\na: 1\n--- \nbody", ("\na: 1\n", "body")),
        ("---\n---\nbody", ("", "body")),
        ("---\na: 1\n", ("", "---\na: 1\n")),
        ("---\n\nwords\n\n---\n\nmore", ("", "---\n\nwords\n\n---\n\nmore")),
        ("---\n# Title\n\nwords", ("", "---\n# Title\n\nwords")),
        ("----\na: 1\n----\n", ("", "----\na: 1\n----\n")),
        ("\n---\na: 1\n---\n", ("", "\n---\na: 1\n---\n")),
        ("body", ("", "body")),
        ("---", ("", "---")),
        ("", ("", "")),
    ],
    ids=[
        "usual",
        "BOM and CRLF",
        "dots close it",
        "blank line first",
        "empty",
        "never closed",
        "rules",
        "one rule",
        "four dashes",
        "not in the first line",
        "none",
        "dashes alone",
        "nothing",
    ],
)
def test_front_matter_is_told_from_a_horizontal_rule(text, parts):
    assert split_front_matter(text) == parts


def test_front_matter_that_is_never_closed_is_a_problem_and_not_lost():
    feature = parse_spec(Path("a/spec.md"), b"---\nchecks: pytest\n\n# Title\n", "", "specs/a/spec.md")
    assert feature.problem == "specs/a/spec.md:1: the front matter is never closed"
    assert parse_spec(Path("a/spec.md"), b"---\n\n# Title\n\nwords", "", "").problem is None


def test_specs_without_front_matter_never_import_yaml(specs):
    write(specs, "a")
    look = "from pathlib import Path; from harness.specs.shelf import SpecsFolder; SpecsFolder(Path('specs')).read()"
    code = f"import sys; {look}; sys.exit('yaml' in sys.modules)"
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    assert subprocess.run([sys.executable, "-c", code], cwd=specs.parent, env=environ, timeout=PATIENCE).returncode == 0


def test_a_review_stands_among_checks_and_is_none():
    text = b"---\nchecks: [pytest, {review: any leak, agent: codex, model: m, timeout: 5m, blocking: true}]\n---\n# A\n"
    feature = parse_spec(Path("a/spec.md"), text, "", "specs/a/spec.md")
    assert feature.checks == (Check("pytest"),)
    assert feature.reviews == (Review("any leak", "codex", "m", 300.0, blocking=True),)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("checks: [{review: any leak, run: pytest}]", "unknown key `run` of a `review` in `checks`"),
        ("checks: [{review: ''}]", "`review` has an empty value"),
        ("checks: [{review: any leak, blocking: perhaps}]", "`blocking` must be true or false"),
        ("checks: x\nheld_out: [{review: any leak}]", "`held_out` takes commands alone, and no `review`"),
    ],
    ids=["a command too", "empty", "perhaps", "held out"],
)
def test_a_review_that_is_none_is_a_problem(text, problem):
    feature = parse_spec(Path("a/spec.md"), f"---\n{text}\n---\n# A\n".encode(), "", "specs/a/spec.md")
    assert problem in str(feature.problem)
