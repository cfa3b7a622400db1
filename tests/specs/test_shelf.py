"""Reading specs: what becomes a feature, what is a problem, and in which order they come."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.domain.errors import SpecError
from harness.domain.feature import Check, Feature
from harness.domain.slugs import check_slug
from harness.specs.front_matter import split_front_matter
from harness.specs.order import find_cycle, find_problems, order_features
from harness.specs.parse import parse_spec
from harness.specs.shelf import SpecShelf
from harness.specs.spec_file import SPEC_LIMIT, read_spec_text


@pytest.fixture
def specs(tmp_path):
    folder = tmp_path / "specs"
    folder.mkdir()
    return folder


def write(specs: Path, slug: str, text: str | bytes = "# Words\n", *, age: float = 100) -> Path:
    """A spec last changed `age` seconds ago, so that its reading settles."""
    path = specs / slug / "spec.md"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    then = time.time() - age
    os.utime(path, (then, then))
    os.utime(specs, (then, then))
    return path


def read(specs: Path) -> dict[str, Feature]:
    return {feature.slug: feature for feature in SpecShelf(specs).read().features}


def order(specs: Path, order_file: Path | None = None) -> list[str]:
    return [feature.slug for feature in SpecShelf(specs, order_file=order_file).read().features]


def problem(front_matter: str) -> str | None:
    content = f"---\n{front_matter}\n---\nwords\n".encode()
    return parse_spec(Path("specs/a/spec.md"), content, "", "specs/a/spec.md").problem


# --- one spec -----------------------------------------------------------------------------------------------------


def test_a_spec_without_front_matter_is_a_feature_with_its_heading_as_title(specs):
    path = write(specs, "login", "\n# Log in #\n\nwords\n")
    feature = read(specs)["login"]
    assert (feature.path, feature.title, feature.size, feature.problem) == (path, "Log in", 19, None)
    assert len(feature.sha256) == 64


def test_every_key_of_the_front_matter_arrives_in_the_feature(specs):
    write(specs, "b")
    write(specs, "a", FULL)
    feature = read(specs)["a"]
    assert feature.problem is None
    assert feature.depends_on == ("b",)
    assert feature.checks == (Check("pytest -q"), Check("make bench\nmake more", 300.0), Check("true", None))
    assert (feature.agent, feature.model, feature.timeout) == ("claude", "4.10", 5400.0)
    assert (feature.stuck_bytes, feature.stuck_limit, feature.priority) == (1024, 5, -3)
    assert feature.title == "A: title"


FULL = """---
depends_on: [b, b]
checks:
  - pytest -q
  - run: |
      make bench
      make more
    timeout: 5m
  - {run: "true", timeout: }
agent: claude
model: 4.10
timeout: 1h30m
stuck_bytes: 1k
stuck_limit: 5
priority: -3
title: "A: title"   # a comment
---
words
"""


@pytest.mark.parametrize("line", ["checks: pytest -q", "checks: [pytest -q]", "checks: {run: pytest -q}"])
def test_a_single_check_can_be_written_in_three_ways(line):
    assert parse_spec(Path("a/spec.md"), f"---\n{line}\n---\nx".encode(), "", "").checks == (Check("pytest -q"),)


@pytest.mark.parametrize(
    ("front_matter", "sentence"),
    [
        ("check: x", "specs/a/spec.md:2: unknown key `check` in front matter; did you mean `checks`?"),
        ("title: x\nzzz: 1", "specs/a/spec.md:3: unknown key `zzz` in front matter"),
        ("priority: true", "specs/a/spec.md:2: `priority` must be a whole number such as 3, not `true`"),
        ("priority: '3'", "specs/a/spec.md:2: `priority` must be a whole number such as 3, not `3`"),
        ("priority: 1.5", "specs/a/spec.md:2: `priority` must be a whole number such as 3, not `1.5`"),
        ("stuck_limit: -1", "specs/a/spec.md:2: `stuck_limit` must be 0 or more, not -1"),
        ("stuck_bytes: lots", "`stuck_bytes`: `lots` is not a size; write bytes, or e.g. `64k`, `20M`, `1.5 GiB`"),
        ("timeout: -5s", "`timeout`: `-5s` is not a duration; write seconds, or e.g. `90s`, `30m`, `1h30m`"),
        ("timeout: .nan", "`timeout`: `.nan` is not a duration; write seconds, or e.g. `90s`, `30m`, `1h30m`"),
        ("timeout: .inf", "`timeout`: `.inf` is not a duration; write seconds, or e.g. `90s`, `30m`, `1h30m`"),
        ("timeout: yes", "`timeout` must be text, and `yes` means yes or no"),
        ("title: [a]", "`title` must be text, not a list or a mapping"),
        ("title: ''", "`title` has an empty value"),
        ('title: "a\\nb"', "`title` must be one line"),
        ('title: "a\\eb"', "`title` holds control characters"),
        ("checks: false", "`checks` must be text, and `false` means yes or no"),
        ("checks: [a, [b]]", "`checks` must be text, not a list or a mapping"),
        ("checks:\n- a\n-", "specs/a/spec.md:4: `checks` has an empty value"),
        ("checks: [{rum: a}]", "unknown key `rum` in `checks`; did you mean `run`?"),
        ("checks: [{timeout: 1}]", "a check in `checks` has no `run`"),
        ("depends_on: ../x", "`depends_on` must name features: `../x` is no slug: letters, digits,"),
        ("2024-01-01: x", "specs/a/spec.md:2: `2024-01-01` cannot be a key"),
        ("1: x", "specs/a/spec.md:2: `1` cannot be a key"),
        ("[a]: x", "specs/a/spec.md:2: a list cannot be a key"),
        ("title: a\ntitle: b", "specs/a/spec.md:3: the key `title` is there twice"),
        ("title: a: b", "specs/a/spec.md:2: this is not YAML: mapping values are not allowed in this"),
        ("title: 'a", "this is not YAML: "),
        ("title: \x07", "it holds characters that YAML does not allow"),
        ("- a", "specs/a/spec.md:2: the front matter is no list of `key: value`"),
        ("Some prose.", "specs/a/spec.md:2: the front matter is no list of `key: value`"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 30 else "",
)
def test_a_mistake_in_front_matter_is_told_with_its_line(front_matter, sentence):
    assert sentence in (problem(front_matter) or "no problem")


@pytest.mark.parametrize("line", ["depends_on:", "checks: []", "checks: ~", "timeout: null", "# nothing", "", "{}"])
def test_a_key_with_nothing_behind_it_counts_as_left_out(line):
    content = f"---\n{line}\n---\nx".encode()
    assert parse_spec(Path("a/spec.md"), content, "", "") == Feature("a", Path("a/spec.md"), size=len(content))


BOMBS = {
    "billion laughs": ("a: &a [x]\nb: [*a, *a]", "anchors and aliases"),
    "an anchor alone": ("title: &a x", "anchors and aliases"),
    "an alias alone": ("title: *a", "anchors and aliases"),
    "a merge key": ("checks: {<<: {run: x}}", "merge keys"),
    "a tag": ("title: !!python/object/apply:os.system [id]", "tags"),
    "deep lists": ("[" * 60_000, "nested more than 20 deep"),
    "deep mappings": ("{a: " * 15_000, "nested more than 20 deep"),
    "deep dashes": ("- " * 30_000, "nested more than 20 deep"),
    "too long": ("title: " + "a" * 65_536, "longer than 64 KiB"),
    "many keys": ("".join(f"k{number}: 1\n" for number in range(5500)), "unknown key `k0`"),
    "a long key": ("a" * 1000 + ": 1", "unknown key `aaaa"),
    "two documents": ("title: a\n--- b", "a second document"),
}


@pytest.mark.parametrize("loader", ["libyaml", "python"])
@pytest.mark.parametrize("bomb", BOMBS)
def test_hostile_yaml_is_refused_at_once(bomb, loader, monkeypatch):
    if loader == "python":
        monkeypatch.delattr(yaml, "CSafeLoader", raising=False)
    front_matter, sentence = BOMBS[bomb]
    begun = time.process_time()
    told = problem(front_matter) or "no problem"
    assert sentence in told
    assert len(told) < 300
    assert time.process_time() - begun < 1


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


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "specs/x/spec.md is empty"),
        (b"\xef\xbb\xbf \r\n\t\n", "specs/x/spec.md is empty"),
        (b"---\ntitle: x\n---\n\n", "specs/x/spec.md is empty"),
        (b"a\0b", "specs/x/spec.md is not text: it holds NUL bytes"),
        ("wörds".encode("utf-16"), "specs/x/spec.md is not text: it holds NUL bytes"),
        (b"a" * (SPEC_LIMIT + 1), "specs/x/spec.md is too large: 256 KiB, the limit is 256 KiB"),
        (b"a" * (SPEC_LIMIT * 2), "specs/x/spec.md is too large: 512 KiB, the limit is 256 KiB"),
        (b"a" * SPEC_LIMIT, None),
        (b"\xff\xfe\xfa no UTF-8", None),
    ],
    ids=[
        "empty",
        "only a BOM and blanks",
        "only front matter",
        "NUL",
        "UTF-16",
        "a byte too long",
        "too long",
        "just fits",
        "not UTF-8",
    ],
)
def test_what_no_agent_could_work_from_is_a_problem(specs, content, sentence):
    write(specs, "x", content)
    assert read(specs)["x"].problem == sentence


# --- folders ------------------------------------------------------------------------------------------------------


def test_hidden_folders_and_files_are_no_features(specs):
    write(specs, "a")
    write(specs, ".b")
    (specs / "README.md").write_text("x")
    (specs / "order.txt").write_text("a\n")
    (specs / "link.md").symlink_to("README.md")
    assert list(read(specs)) == ["a"]


def test_a_folder_without_a_spec_is_a_problem_that_offers_the_misspelt_file(specs):
    (specs / "x").mkdir()
    (specs / "y").mkdir()
    (specs / "y" / "SPEC.txt").write_text("x")
    told = [(feature.problem, feature.hint) for feature in read(specs).values()]
    assert told == [
        ("specs/x has no spec.md", "write specs/x/spec.md, or remove the folder"),
        ("specs/y has no spec.md", "rename specs/y/SPEC.txt to spec.md"),
    ]


def test_a_folder_or_a_pipe_in_place_of_the_spec_is_a_problem_and_no_wait(specs):
    (specs / "x" / "spec.md").mkdir(parents=True)
    (specs / "y").mkdir()
    os.mkfifo(specs / "y" / "spec.md")
    told = [feature.problem for feature in read(specs).values()]
    assert told == [
        "specs/x/spec.md is a folder, not a file",
        "specs/y/spec.md is a pipe, socket or device, not a file",
    ]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_spec_that_may_not_be_read_is_a_problem(specs):
    write(specs, "x").chmod(0)
    assert read(specs)["x"].problem == "specs/x/spec.md cannot be read: permission denied"


def test_a_spec_that_may_not_be_read_is_a_problem_for_root_too(specs, monkeypatch):
    write(specs, "x")
    monkeypatch.setattr(os, "open", lambda *_, **__: (_ for _ in ()).throw(PermissionError(13, "Permission denied")))
    assert read(specs)["x"].problem == "specs/x/spec.md cannot be read: permission denied"


@pytest.mark.parametrize(
    "name", ["a b", "-n", "_x", "a;b", "run", "Con.txt", "x.done", "a" * 65, "ä", "\x1b[31m", "\udcff"]
)
def test_a_folder_whose_name_is_no_slug_is_a_problem_that_prints(specs, name):
    write(specs, name)
    (feature,) = read(specs).values()
    assert "has no usable name" in (feature.problem or "")
    assert (feature.slug + (feature.problem or "")).isprintable()


def test_symlinks_that_lead_outside_or_nowhere_are_problems(specs, tmp_path):
    (tmp_path / "spec.md").write_text("secret")
    (tmp_path / "specs-too").mkdir()
    (tmp_path / "specs-too" / "spec.md").write_text("secret")
    (specs / "folder").symlink_to(tmp_path)
    (specs / "prefix").symlink_to(tmp_path / "specs-too")
    (specs / "file").mkdir()
    (specs / "file" / "spec.md").symlink_to(tmp_path / "spec.md")
    (specs / "gone").symlink_to("nowhere")
    features = read(specs)
    outside = "specs/{}/spec.md leads outside specs/ by a symlink"
    told = {slug: feature.problem for slug, feature in features.items()}
    assert told.pop("gone") is not None
    assert told == {slug: outside.format(slug) for slug in ("file", "folder", "prefix")}
    with pytest.raises(SpecError, match="leads outside"):
        read_spec_text(features["file"])


def test_symlinks_within_the_specs_are_followed_and_always_up_to_date(specs):
    write(specs, "a", "one")
    (specs / "b").symlink_to("a")
    shelf = SpecShelf(specs)
    first = {feature.slug: feature.sha256 for feature in shelf.read().features}
    write(specs, "a", "two")
    second = {feature.slug: feature.sha256 for feature in shelf.read().features}
    assert first["a"] == first["b"] != second["a"] == second["b"]


def test_a_spec_replaced_by_a_symlink_to_its_own_inode_outside_is_noticed(specs, tmp_path):
    path = write(specs, "a")
    shelf = SpecShelf(specs)
    shelf.read()
    path.rename(tmp_path / "moved.md")
    path.symlink_to(tmp_path / "moved.md")
    assert "leads outside" in (shelf.read().features[0].problem or "")


def test_slugs_that_differ_only_in_case_are_both_a_problem():
    features = find_problems([feature("login"), feature("Login"), feature("other")])
    twins = "specs/Login and specs/login differ only in case"
    assert [each.problem for each in features] == [twins, twins, None]


# --- the set as a whole -------------------------------------------------------------------------------------------


def test_no_specs_folder_is_an_error(tmp_path):
    with pytest.raises(SpecError, match=r"^there is no specs/ folder$"):
        SpecShelf(tmp_path / "specs").read()


def test_a_file_in_place_of_the_specs_folder_is_an_error(tmp_path):
    (tmp_path / "specs").write_text("x")
    with pytest.raises(SpecError, match=r"^specs is not a folder$"):
        SpecShelf(tmp_path / "specs").read()


def test_an_empty_specs_folder_is_an_error_and_not_all_done(specs):
    with pytest.raises(SpecError, match=r"^no features found in specs/$") as caught:
        SpecShelf(specs).read()
    assert caught.value.hint == "write one with `harness new SLUG`"


def test_a_spec_that_lies_flat_in_the_folder_is_explained(specs):
    (specs / "login.md").write_text("x")
    with pytest.raises(SpecError) as caught:
        SpecShelf(specs).read()
    assert caught.value.hint == "a spec has its own folder: move specs/login.md to specs/login/spec.md"


def test_an_order_file_that_was_asked_for_must_exist(specs, tmp_path):
    write(specs, "a")
    with pytest.raises(SpecError, match=r"^there is no order file my-order\.txt$"):
        order(specs, tmp_path / "my-order.txt")


def test_the_order_file_comes_before_priority_and_priority_before_name(specs):
    for slug, priority in {"a": 0, "b": 9, "c": 0, "d": 0}.items():
        write(specs, slug, f"---\npriority: {priority}\n---\nx")
    (specs / "order.txt").write_bytes(b"\xef\xbb\xbf# first\r\n\r\n  d  # why\r\n")
    assert order(specs) == ["d", "b", "a", "c"]


def test_the_order_file_is_read_again_at_every_look(specs):
    write(specs, "a")
    write(specs, "b")
    shelf = SpecShelf(specs)
    before = [feature.slug for feature in shelf.read().features]
    (specs / "order.txt").write_text("b\na\n")
    after = [feature.slug for feature in shelf.read().features]
    (specs / "order.txt").unlink()
    assert (before, after, [f.slug for f in shelf.read().features]) == (["a", "b"], ["b", "a"], ["a", "b"])


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("../x", "specs/order.txt:2: `../x` is no slug: letters, digits,"),
        ("a b", "specs/order.txt:2: `a b` is no slug"),
        ("-n", "specs/order.txt:2: `-n` is no slug"),
        ("\0", "specs/order.txt:2: `\\x00` is no slug"),
        ("run", "specs/order.txt:2: `run` is a name that harness needs for itself"),
        ("logn", "specs/order.txt:2: there is no feature `logn`; did you mean `login`?"),
        ("LOGIN", "specs/order.txt:2: there is no feature `LOGIN`; did you mean `login`?"),
    ],
    ids=["climbing", "space", "dash", "NUL", "reserved", "unknown", "wrong case"],
)
def test_an_order_file_that_names_no_feature_is_an_error_with_its_line(specs, line, sentence):
    write(specs, "login")
    (specs / "order.txt").write_text(f"login\n{line}\n")
    with pytest.raises(SpecError) as caught:
        order(specs)
    assert caught.value.message.startswith(sentence)


def test_a_slug_that_is_in_the_order_file_twice_is_warned_of(specs):
    write(specs, "a")
    (specs / "order.txt").write_text("a\n\na\n")
    assert SpecShelf(specs).read().warnings == ("specs/order.txt:3: `a` is there twice; its first line, 1, counts",)


def test_an_error_of_the_whole_set_comes_again_at_the_next_look(specs):
    write(specs, "a")
    shelf = SpecShelf(specs)
    shelf.read()
    (specs / "order.txt").write_text("b\n")
    for _ in range(2):
        with pytest.raises(SpecError, match="there is no feature `b`"):
            shelf.read()
    write(specs, "b")
    assert [feature.slug for feature in shelf.read().features] == ["b", "a"]


def test_a_spec_file_of_another_name_is_read(specs):
    (specs / "a").mkdir()
    (specs / "a" / "SPEC.txt").write_text("# Hello")
    assert SpecShelf(specs, "SPEC.txt").read().features[0].title == "Hello"


@pytest.mark.parametrize("name", ["", "..", "../spec.md", "a/b", "a\0b"], ids=ascii)
def test_a_spec_file_name_that_leads_elsewhere_is_refused(specs, name):
    with pytest.raises(SpecError, match="is not a file name for specs"):
        SpecShelf(specs, name)


# --- dependencies -------------------------------------------------------------------------------------------------


def feature(slug: str, *depends_on: str, priority: int = 0) -> Feature:
    return Feature(slug, Path(f"specs/{slug}/spec.md"), depends_on=depends_on, priority=priority)


def test_an_unknown_dependency_is_a_problem_with_a_suggestion():
    (_, told) = find_problems([feature("login"), feature("logout", "logn")])
    assert told.problem == "specs/logout/spec.md depends on `logn`, which is no feature; did you mean `login`?"
    assert told.hint == "mend `depends_on`, or write `logn`: `harness new logn`"


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


# --- slugs --------------------------------------------------------------------------------------------------------


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


# --- between looks ------------------------------------------------------------------------------------------------


def test_an_unchanged_set_gives_the_very_same_reading_without_opening_a_file(specs, monkeypatch):
    for slug in ("a", "b"):
        write(specs, slug)
    shelf = SpecShelf(specs)
    first = shelf.read()
    monkeypatch.setattr("harness.specs.shelf.read_spec_file", lambda *_: pytest.fail("it was opened"))
    assert shelf.read() is first


def test_a_changed_spec_is_read_again_and_the_others_are_kept(specs):
    write(specs, "a")
    write(specs, "b")
    shelf = SpecShelf(specs)
    before = shelf.read().features
    write(specs, "b", "# Another\n", age=50)
    after = shelf.read().features
    assert after[0] is before[0]
    assert (before[1].title, after[1].title) == ("Words", "Another")


def test_two_writes_within_one_tick_of_the_clock_are_both_seen(specs):
    path = write(specs, "a", "# One\n", age=0)
    status = path.stat()
    shelf = SpecShelf(specs)
    shelf.read()
    path.write_text("# Two\n")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert shelf.read().features[0].title == "Two"


def test_specs_that_come_and_go_are_noticed(specs):
    write(specs, "a")
    shelf = SpecShelf(specs)
    shelf.read()
    write(specs, "b")
    (specs / "c").mkdir()
    assert [each.slug for each in shelf.read().features] == ["a", "b", "c"]
    (specs / "b" / "spec.md").unlink()
    (specs / "c").rmdir()
    assert [each.problem for each in shelf.read().features] == [None, "specs/b has no spec.md"]
    write(specs, "b")
    assert [each.problem for each in shelf.read().features] == [None, None]


def test_a_folder_that_is_removed_is_noticed(specs):
    write(specs, "a")
    write(specs, "b")
    shelf = SpecShelf(specs)
    shelf.read()
    (specs / "b" / "spec.md").unlink()
    (specs / "b").rmdir()
    assert [each.slug for each in shelf.read().features] == ["a"]


def test_a_spec_that_is_written_into_a_waiting_folder_is_noticed(specs):
    (specs / "b").mkdir()
    write(specs, "a")
    shelf = SpecShelf(specs)
    assert [each.problem for each in shelf.read().features] == [None, "specs/b has no spec.md"]
    (specs / "b" / "spec.md").write_text("words")
    assert [each.problem for each in shelf.read().features] == [None, None]


def test_a_spec_that_vanishes_between_listing_and_opening_is_a_problem_and_no_crash(specs, monkeypatch):
    path = write(specs, "a")
    really = os.open

    def vanish(name, *args, **kwargs):
        if str(name).endswith("spec.md"):
            path.unlink(missing_ok=True)
        return really(name, *args, **kwargs)

    monkeypatch.setattr(os, "open", vanish)
    assert SpecShelf(specs).read().features[0].problem == "specs/a has no spec.md"


def test_in_mid_run_what_breaks_keeps_its_last_good_reading_with_a_warning(specs):
    write(specs, "a", "---\ntitle: Good\ndepends_on: b\n---\nx")
    write(specs, "b")
    shelf = SpecShelf(specs)
    shelf.read()
    write(specs, "a", "---\ntitel: Bad\n---\nx", age=50)
    write(specs, "c", "")
    reading = shelf.reread()
    assert [(each.slug, each.title, bool(each.problem)) for each in reading.features] == [
        ("b", "Words", False),
        ("a", "Good", False),
        ("c", "", True),
    ]
    assert reading.warnings == (
        "specs/a/spec.md:2: unknown key `titel` in front matter; did you mean `title`?; going on with `a` as it was",
    )


def test_in_mid_run_a_broken_order_file_keeps_the_features_as_they_were(specs):
    write(specs, "a")
    shelf = SpecShelf(specs)
    before = shelf.read()
    (specs / "order.txt").write_text("b\n")
    reading = shelf.reread()
    assert reading.features == before.features
    assert reading.warnings == ("specs/order.txt:1: there is no feature `b`; going on with the specs as they were",)
    (specs / "order.txt").unlink()
    assert shelf.reread() == before


# --- text ---------------------------------------------------------------------------------------------------------


def test_the_text_for_the_prompt_is_the_body_and_whole_with_front_matter(specs):
    write(specs, "a", b"\xef\xbb\xbf---\r\ntitle: x\r\n---\r\nbody \xff\r\n")
    (each,) = read(specs).values()
    assert read_spec_text(each) == "body �\n"
    assert read_spec_text(each, whole=True) == "---\ntitle: x\n---\nbody �\n"


def test_the_text_of_a_spec_that_is_gone_is_an_error_and_no_crash(specs):
    path = write(specs, "a")
    (each,) = read(specs).values()
    path.unlink()
    with pytest.raises(SpecError, match=r"^specs/a has no spec\.md$"):
        read_spec_text(each)


def test_specs_without_front_matter_never_import_yaml(specs):
    write(specs, "a")
    look = "from pathlib import Path; from harness.specs.shelf import SpecShelf; SpecShelf(Path('specs')).read()"
    code = f"import sys; {look}; sys.exit('yaml' in sys.modules)"
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    assert subprocess.run([sys.executable, "-c", code], cwd=specs.parent, env=environ, timeout=30).returncode == 0


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.one_of(st.binary(), st.text().map(lambda text: text.encode("utf-8", "surrogatepass"))))
def test_any_bytes_at_all_give_a_feature(specs, content):
    path = write(specs, "a", content)
    (each,) = SpecShelf(specs).read().features
    assert (each.slug, each.path) == ("a", path)
    assert "\n" not in (each.problem or "")


YAMLISH = st.text(st.sampled_from("abc:-[]{},&*!|>'\"#%@? \n\t0.~<timeouchkspr\\é\ufeff\u2028"), max_size=80)


@given(YAMLISH)
def test_any_front_matter_at_all_gives_a_feature(front_matter):
    content = f"---\n{front_matter}\n---\nbody".encode()
    each = parse_spec(Path("a/spec.md"), content, "", "specs/a/spec.md")
    assert "\n" not in (each.problem or "") + each.title
    assert all(part in content.decode() for part in split_front_matter(content.decode()))


@pytest.mark.bench
def test_five_thousand_unchanged_specs_cost_a_look_of_milliseconds(specs):
    for number in range(5000):
        write(specs, f"feature-{number}", f"# Feature {number}\n")
    shelf = SpecShelf(specs)
    shelf.read()
    times = []
    for _ in range(30):
        begun = time.process_time()
        shelf.read()
        times.append(time.process_time() - begun)
    assert min(times) < 0.05  # the median is 8 to 12 ms on a quiet machine; this one may be slow or busy
