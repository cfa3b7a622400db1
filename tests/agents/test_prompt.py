"""The prompt: its promises to agents, its budgets, and that no text can leave its block."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.agents.prompt import compose_prompt, find_template, shorten_tails
from harness.domain.errors import ConfigError
from harness.domain.feature import Feature
from harness.domain.paths import Paths
from harness.system.shipped import shipped_template


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    (tmp_path / "logs").mkdir()
    return Paths(tmp_path, tmp_path / "specs", tmp_path / "logs")


def compose(paths: Paths, spec: str = "Do it.", observed: str = "", checks=("make test",)):
    feature = Feature("login", paths.specs / "login" / "spec.md")
    return compose_prompt(shipped_template("prompt.md"), feature, spec, checks, paths, observed)


def test_the_blocks_come_in_the_promised_order(paths: Paths) -> None:
    text = compose(paths, observed="it failed").text
    marks = ["six steps", "BLOCKED:", "## Files", "## Spec", "`make test`", "<<<LEARNINGS", "\nLEARNINGS",
             "<<<PRIOR_LOG", "\nPRIOR_LOG", "observed last time", "| it failed"]  # fmt: skip
    assert sorted(marks, key=text.index) == marks


def test_the_first_path_that_ends_in_done_is_the_feature_s_own(paths: Paths) -> None:
    text = compose(paths, spec="see /tmp/other.done").text
    first = next(word for word in text.split() if word.endswith(".done"))
    assert first == str(paths.logs / "login.done")


def test_what_never_changes_comes_first_without_a_path_or_a_date(paths: Paths) -> None:
    head = compose(paths).text.split("## Files")[0]
    assert str(paths.root) not in head
    assert head == compose(paths, spec="other", observed="x").text.split("## Files")[0]


def test_tails_are_cut_to_their_budgets_and_say_so(paths: Paths) -> None:
    paths.learnings.write_text("- a lesson of some length\n" * 20_000)
    paths.log("login").write_text("x" * 500_000)
    prompt = compose(paths)
    assert len(prompt.text) < 130_000
    assert "older learnings are left out" in prompt.text
    assert "older notes are left out" in prompt.text
    cut = {section.name: section.cut for section in prompt.sections}
    assert cut["learnings"] > 0
    assert cut["prior log"] > 400_000


def test_the_sections_add_up_to_the_prompt(paths: Paths) -> None:
    paths.log("login").write_text("a note with ünïcödé\n")
    prompt = compose(paths, observed="it failed")
    assert sum(section.size for section in prompt.sections) == len(prompt.text.encode())


@pytest.mark.parametrize(
    ("template", "message"),
    [
        pytest.param("{{ nosuch }}", "'nosuch' is undefined", id="unknown word"),
        pytest.param("{% if %}", "cannot be used", id="broken"),
        pytest.param("{{ ''.__class__.__mro__ }}", "cannot be used", id="escape"),
        pytest.param("Just do {{ spec }}.", "does not tell the agent its files", id="without files"),
        pytest.param("{{ log }}\nf\udcfcr", "line 2: this is not UTF-8", id="not UTF-8"),
    ],
)
def test_a_template_that_cannot_serve_is_refused(paths: Paths, template: str, message: str) -> None:
    path = paths.root / "prompt.md"
    path.write_text(template, "utf-8", "surrogateescape")
    with pytest.raises(ConfigError, match=message):
        compose_prompt(path, Feature("a", paths.specs), "spec", (), paths, "")


def test_a_project_s_own_template_is_found(paths: Paths) -> None:
    assert find_template(paths, "") == shipped_template("prompt.md")
    (paths.root / "templates").mkdir()
    (paths.root / "templates" / "prompt.md").write_text("own")
    assert find_template(paths, "") == paths.root / "templates" / "prompt.md"
    with pytest.raises(ConfigError, match=r"the template `nosuch.md` does not exist"):
        find_template(paths, "nosuch.md")


PROMPT = """\
You are one step of a loop.

## Files

- spec: /p/specs/a/spec.md

## Spec of `a`

Do it.

## Learnings

What earlier steps found out.

<<<LEARNINGS
| - one lesson
LEARNINGS

## Prior log

What earlier steps noted.

<<<PRIOR_LOG
| an old note
| a new note
PRIOR_LOG

## What was observed last time

It was red.
"""


def test_the_oldest_lines_of_the_log_go_first_and_it_is_said() -> None:
    shorter, gone = shorten_tails(PROMPT, 5)
    assert gone == len("| an old note\n")
    assert "| (cut to fit the model: 14 older bytes)\n| a new note" in shorter
    assert "one lesson" in shorter


def test_what_stands_outside_the_tails_is_never_cut() -> None:
    shorter, gone = shorten_tails(PROMPT, 10_000)
    assert gone == len("| an old note\n| a new note\n| - one lesson\n")
    assert "Do it." in shorter
    assert "It was red." in shorter
    assert shorten_tails("no blocks at all", 100) == ("no blocks at all", 0)
