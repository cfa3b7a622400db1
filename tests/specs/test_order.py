"""All features together: dependencies, cycles, and the order that comes of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.domain.feature import Feature
from harness.specs.order import find_cycle, find_problems, order_features


def test_slugs_that_differ_only_in_case_are_both_a_problem():
    features = find_problems([feature("login"), feature("Login"), feature("other")])
    twins = "specs/Login and specs/login differ only in case"
    assert [each.problem for each in features] == [twins, twins, None]


def feature(slug: str, *depends_on: str, priority: int = 0) -> Feature:
    return Feature(slug, Path(f"specs/{slug}/spec.md"), depends_on=depends_on, priority=priority)


def test_an_unknown_dependency_is_a_problem_with_a_suggestion():
    (_, told) = find_problems([feature("login"), feature("logout", "logn")])
    assert told.problem == "specs/logout/spec.md depends on `logn`, which is no feature; did you mean `login`?"
    assert told.hint == "correct `depends_on`, or write `logn`: `harness new logn`"


def test_a_problem_of_its_own_is_told_before_one_among_others():
    broken = Feature("a", Path("specs/a/spec.md"), depends_on=("nowhere",), problem="broken")
    assert find_problems([broken]) == [broken]


@pytest.mark.parametrize(
    ("features", "cycles"),
    [
        ([feature("a", "a")], {"a": "`a -> a`"}),
        ([feature("a", "b"), feature("b", "a")], {"a": "`a -> b -> a`", "b": "`a -> b -> a`"}),
        (
            [feature("a", "b"), feature("b", "a", "c"), feature("c", "b"), feature("d", "a"), feature("e")],
            {"a": "`a -> b -> a`", "b": "`a -> b -> a`", "c": "`c -> b -> c`"},
        ),
        (
            [feature("a", "a"), feature("b", "a"), feature("c", "b", "c")],
            {"a": "`a -> a`", "c": "`c -> c`"},
        ),
        ([feature("a", "b"), feature("b", "x")], {}),
    ],
    ids=["itself", "two", "two that share a member", "one between two", "none"],
)
def test_every_member_of_a_cycle_is_told_the_cycle(features, cycles):
    told = {
        each.slug: each.problem.split(": ")[1] for each in find_problems(features) if "cycle" in (each.problem or "")
    }
    assert told == cycles


def test_find_cycle_gives_the_way_round_or_none():
    assert find_cycle([feature("a", "b"), feature("b", "c"), feature("c", "a")]) in (
        ("a", "b", "c", "a"),
        ("b", "c", "a", "b"),
        ("c", "a", "b", "c"),
    )
    assert find_cycle([feature("a", "b"), feature("b")]) is None


def test_dependencies_are_pulled_forward_to_just_before_who_needs_them():
    features = [feature("a"), feature("y"), feature("z", "y"), feature("b", priority=5)]
    assert [each.slug for each in order_features(features, ["z"])] == ["y", "z", "b", "a"]


def test_a_chain_of_five_thousand_is_ordered_without_recursion():
    features = [feature(f"f{number}", f"f{number + 1}") for number in range(5000)]
    assert order_features(features, ["f0"])[0].slug == "f4999"
    assert find_cycle([*features[:-1], feature("f4999", "f0")]) is not None


SLUGS = [f"s{number}" for number in range(12)]


@st.composite
def graphs(draw, *, acyclic: bool):
    slugs = draw(st.lists(st.sampled_from(SLUGS), unique=True))
    before = {slug: slugs[:index] if acyclic else slugs for index, slug in enumerate(slugs)}
    return [
        feature(
            slug,
            *(draw(st.lists(st.sampled_from(before[slug]), unique=True, max_size=3)) if before[slug] else ()),
            priority=draw(st.integers(-2, 2)),
        )
        for slug in draw(st.permutations(slugs))
    ]


@given(graphs(acyclic=False), st.lists(st.sampled_from(SLUGS)))
def test_ordering_loses_no_feature_and_does_not_depend_on_where_one_starts(features, order):
    ordered = order_features(features, order)
    assert sorted(each.slug for each in ordered) == sorted(each.slug for each in features)
    assert order_features(features[::-1], order) == ordered


@given(graphs(acyclic=True), st.lists(st.sampled_from(SLUGS)))
def test_every_feature_comes_after_what_it_depends_on(features, order):
    ordered = [each.slug for each in order_features(features, order)]
    for each in features:
        assert all(ordered.index(slug) < ordered.index(each.slug) for slug in each.depends_on)
    assert find_cycle(features) is None


@given(graphs(acyclic=False))
def test_a_problem_with_a_cycle_is_told_exactly_when_there_is_one(features):
    told = [each for each in find_problems(features) if each.problem]
    assert bool(told) == (find_cycle(features) is not None)
    assert all("is in a dependency cycle: `" in (each.problem or "") for each in told)
