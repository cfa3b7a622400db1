"""The prompt: its promises to agents, its budgets, and that no text can leave its block."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.agents.prompt import compose_prompt, find_template
from harness.domain.errors import ConfigError
from harness.domain.feature import Feature
from harness.domain.paths import Paths
from harness.domain.text import fenced, plain
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


SIGNS = [*"ab|<> \n\r\t\v\f\x1b\x85\u2028\u200b", "PRIOR_LOG", "<<<LEARNINGS", "LEARNINGS"]
HOSTILE = st.lists(st.sampled_from(SIGNS), max_size=40).map("".join)


@given(HOSTILE)
@settings(max_examples=300)
def test_no_line_of_a_block_can_open_or_close_one(text: str) -> None:
    assert all(line.startswith("| ") for line in fenced(plain(text)).splitlines())


@given(st.text())
def test_plain_text_has_no_control_left_and_is_stable(text: str) -> None:
    once = plain(text)
    assert plain(once) == once
    assert not any((ord(c) < 32 and c not in "\n\t") or 0x7F <= ord(c) < 0xA0 for c in once)


@pytest.mark.parametrize(
    ("template", "message"),
    [
        pytest.param("{{ nosuch }}", "'nosuch' is undefined", id="unknown word"),
        pytest.param("{% if %}", "cannot be used", id="broken"),
        pytest.param("{{ ''.__class__.__mro__ }}", "cannot be used", id="escape"),
        pytest.param("Just do {{ spec }}.", "does not tell the agent its files", id="without files"),
    ],
)
def test_a_template_that_cannot_serve_is_refused(paths: Paths, template: str, message: str) -> None:
    path = paths.root / "prompt.md"
    path.write_text(template)
    with pytest.raises(ConfigError, match=message):
        compose_prompt(path, Feature("a", paths.specs), "spec", (), paths, "")


def test_a_project_s_own_template_is_found(paths: Paths) -> None:
    assert find_template(paths, "") == shipped_template("prompt.md")
    (paths.root / "templates").mkdir()
    (paths.root / "templates" / "prompt.md").write_text("own")
    assert find_template(paths, "") == paths.root / "templates" / "prompt.md"
    with pytest.raises(ConfigError, match=r"the template `nosuch.md` does not exist"):
        find_template(paths, "nosuch.md")
