"""Findings about specs: each rule by an example that it finds and one that it leaves alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.domain.feature import Check, Feature
from harness.domain.review import Review
from harness.specs.lint import RULES, Finding, lint

GOOD = """---
checks: pytest -q
---
# Log in

People log in with a password.

## Acceptance criteria
- [ ] `POST /login` gives 200 with a session cookie
- [x] three wrong passwords lock the account for 10 minutes

## Out of scope
- TODO comments, and anything fast
"""


def found(text: str, *, checks: tuple[Check, ...] = (Check("pytest"),), size: int = 0) -> list[tuple[str, int]]:
    """Rule and line of each finding but `no-scope`, which most of the short examples would have."""
    feature = Feature("a", Path("specs/a/spec.md"), checks=checks, size=size)
    return [(each.rule, each.line) for each in lint([feature], {"a": text}) if each.rule != "no-scope"]


def criteria(*items: str) -> str:
    return "# Title\n\n## Acceptance criteria\n" + "".join(f"- {item}\n" for item in items)


def test_a_good_spec_has_no_findings():
    feature = Feature("login", Path("specs/login/spec.md"), checks=(Check("pytest -q"),), size=len(GOOD))
    assert lint([feature], {"login": GOOD}) == ()


def test_every_rule_has_its_own_name_and_a_hint():
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert all(rule.hint for rule in RULES)


def test_a_problem_is_an_error_at_the_line_it_names_with_or_without_a_text():
    problem = "specs/a/spec.md:3: unknown key `check` in front matter; did you mean `checks`?"
    feature = Feature("a", Path("specs/a/spec.md"), problem=problem, hint="the keys are ...")
    told = Finding("a", 3, "error", "problem", problem, "the keys are ...")
    assert lint([feature], {}) == (told,)
    assert lint([feature], {"a": GOOD}) == (told,)


@pytest.mark.parametrize(
    "heading",
    [
        "## Acceptance criteria",
        "# ACCEPTANCE",
        "### Definition of Done",
        "**Acceptance criteria**",
        "Acceptance criteria:",
        "## 3. Acceptance tests",
        "**Acceptance criteria:**",
        "## Done when",
    ],
)
@pytest.mark.parametrize("item", ["- one", "* one", "1. one", "- [ ] one", "  - [x] one", "2) one"])
def test_acceptance_criteria_are_found_as_people_write_them(heading, item):
    assert found(f"# Title\n\n{heading}\n\n{item}\n") == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("# Title\n\nwords\n", 1),
        ("# Title\n\n## Acceptance criteria\n\nIt works.\n", 3),
        ("# Title\n\n## Acceptance criteria\n- [ ]\n-\n", 3),
        ("## Acceptance criteria\n\n## Notes\n- an item of the notes\n", 1),
        ("```\n## Acceptance criteria\n- in code\n```\n", 1),
        ("## Acceptance criteria\n```\n- in code\n```\n", 1),
    ],
    ids=["no heading", "only prose", "empty items", "items elsewhere", "heading in code", "items in code"],
)
def test_a_spec_without_acceptance_criteria_is_an_error(text, line):
    assert found(text) == [("no-criteria", line)]


def test_criteria_under_headings_of_their_own_are_found():
    assert found("## Acceptance criteria\n\n### For users\n- one\n\n## Notes\n- TODO\n") == []


@pytest.mark.parametrize("word", ["TODO", "TBD", "FIXME", "???"])
def test_unfinished_criteria_are_an_error(word):
    assert found(criteria("one", f"{word}: two")) == [("unfinished", 5)]


def test_an_unfinished_word_in_backticks_or_elsewhere_is_left_alone():
    assert found("TODO\n\n" + criteria("`grep -r TODO src` finds nothing", "todo lists can be sorted")) == []


def test_a_spec_that_nothing_can_prove_is_warned_of_at_its_criteria():
    assert found(criteria("people can log in"), checks=()) == [("no-checks", 3)]


@pytest.mark.parametrize("span", ["`pytest -q`", "`login`"])
def test_a_command_that_the_criteria_name_is_not_run_and_proves_nothing(span):
    assert found(criteria(f"{span} passes"), checks=()) == [("no-checks", 3)]


def test_a_check_whose_program_is_not_there_is_warned_of():
    text = "---\nchecks: no-such-program --all\n---\n" + criteria("one")
    feature = Feature("a", Path("specs/a/spec.md"), checks=(Check("no-such-program --all"),))
    [told] = [one for one in lint([feature], {"a": text}, {"make"}.__contains__) if one.rule == "cannot-run"]
    assert (told.line, told.message) == (2, "this check cannot run: `no-such-program` is not on PATH")


@pytest.mark.parametrize(
    "item",
    [
        "it is fast",
        "the page is user-friendly",
        "Robust error handling",
        "looks nice",
        "retries as needed",
        "etc.",
        "cookies, tokens, etc. are set",
        "appropriate errors",
        "it works well",
        "it behaves properly",
        "it should be good",
        "an intuitive UI",
        "clean code",
    ],
)
def test_a_criterion_that_no_check_can_prove_false_is_warned_of(item):
    assert found(criteria("one", item)) == [("vague", 5)]


@pytest.mark.parametrize(
    "item",
    [
        "fast: below 50 ms",
        "`time curl /` is fast",
        "a fast-forward merge is refused",
        "breakfast is served",
        "it is fast:\n  under 200 ms",
        "people can log in",
    ],
)
def test_a_criterion_with_a_number_or_code_is_left_alone(item):
    assert found(criteria(item)) == []


def test_a_spec_that_says_nothing_about_its_bounds_is_warned_of():
    feature = Feature("a", Path("specs/a/spec.md"), checks=(Check("x"),))
    (told,) = lint([feature], {"a": criteria("one")})
    assert (told.rule, told.level, told.message) == ("no-scope", "warning", "nothing says what is out of scope")
    for words in ("## Out of scope\n", "Non-goals: x\n", "Sessions are out-of-scope.\n"):
        assert lint([feature], {"a": criteria("one") + words}) == ()


def test_a_path_into_a_spec_that_is_not_there_is_warned_of_and_other_paths_are_not():
    text = criteria("one") + "\nSee `specs/b/spec.md`, `specs/a/spec.md`, `src/new.py`, `specs/<slug>/spec.md`.\n"
    assert found(text) == [("unknown-spec", 6)]


@pytest.mark.parametrize(
    ("size", "findings"), [(20 * 1024, []), (20 * 1024 + 1, [("long", 1)])], ids=["20 KiB", "more"]
)
def test_a_spec_that_costs_much_at_every_attempt_is_warned_of(size, findings):
    assert found(criteria("one"), size=size) == findings


def test_findings_come_feature_by_feature_in_the_order_of_lines():
    features = [Feature(slug, Path(f"specs/{slug}/spec.md")) for slug in ("b", "a")]
    text = criteria("it is fast", "TBD") + "\n`specs/nope`\n"
    told = [(each.slug, each.line, each.level, each.rule) for each in lint(features, {"a": text, "b": text})]
    expected = [
        (1, "warning", "no-scope"),
        (3, "warning", "no-checks"),
        (4, "warning", "vague"),
        (5, "error", "unfinished"),
        (7, "warning", "unknown-spec"),
    ]
    assert told == [(slug, *each) for slug in ("b", "a") for each in expected]


def test_messages_read_well():
    feature = Feature("a", Path("specs/a/spec.md"), size=30 * 1024)
    told = {each.rule: each.message for each in lint([feature], {"a": criteria("it is fast", "TBD", "`specs/x`")})}
    assert told == {
        "unfinished": "the acceptance criteria are not finished: `TBD`",
        "no-checks": "no check: a claim is accepted on the agent's word, and the receipt will say unverified",
        "vague": "no check can prove this criterion false: `fast` has no measure",
        "unknown-spec": "`specs/x` is not in any spec's folder",
        "long": "the spec is 30 KiB long, and every attempt reads it again",
        "no-scope": "nothing says what is out of scope",
    }


@given(st.text(st.sampled_from("#-*`~ \n[]x1.:TODAcceptance?_\r\t"), max_size=300))
def test_any_text_at_all_gives_findings_on_lines_that_are_there(text):
    for each in lint([Feature("a", Path("specs/a/spec.md"))], {"a": text}):
        assert 1 <= each.line <= text.count("\n") + 1


def test_a_template_that_nobody_filled_in_is_found():
    text = (Path(__file__).parents[2] / "templates/spec.md").read_text()
    assert [rule for rule, _ in found(text)] == ["template", "template"]
    assert "template" not in [rule for rule, _ in found(GOOD)]


def test_a_file_that_programs_obey_is_told_in_the_evening_unless_the_spec_allows_it():
    text = criteria("`packages/a/.npmrc` names our registry", "specs/b/spec.md and `.git` stay, and src/app.py changes")
    feature = Feature("a", Path("specs/a/spec.md"), checks=(Check("pytest"),))
    [told] = [each for each in lint([feature], {"a": text}) if each.rule == "may-change"]
    assert (told.line, told.message) == (4, "`packages/a/.npmrc` is obeyed by npm: an agent may not make or change it")
    allowed = replace(feature, may_change=("packages/*/.npmrc",))
    assert "may-change" not in {each.rule for each in lint([allowed], {"a": text})}


def test_a_number_that_is_no_criterion_is_an_error() -> None:
    text = "# x\n\n## Acceptance criteria\n- one\n"
    feature = Feature("x", Path("x"), checks=(Check("pytest", proves=(1, 2)),))
    found = [one for one in lint([feature], {"x": text}) if one.rule in ("no-such-criterion", "not-shown")]
    assert [(one.level, one.message) for one in found] == [
        ("error", "a check `proves` criterion 2, and the list has 1 item")
    ]


def test_a_reviewer_that_nobody_has_is_an_error_with_the_nearest_name() -> None:
    text = GOOD.replace("checks: pytest -q", "checks:\n- pytest -q\n- {review: any leak, agent: cluade}")
    feature = Feature("a", Path("specs/a/spec.md"), checks=(Check("pytest"),), reviews=(Review("any leak", "cluade"),))
    (finding,) = lint([feature], {"a": text}, agents=("claude", "codex"))
    assert (finding.line, finding.level) == (4, "error")
    assert finding.message == "a `review` asks agent `cluade`, and there is none; did you mean `claude`?"
    assert lint([feature], {"a": text}, agents=("cluade",)) == ()
