"""Spec files become features: what is there, in which order, and what is noticed between looks."""

from __future__ import annotations

import os
import time

import pytest
from helpers.spec_files import order, read, write

from harness.domain.errors import SpecError
from harness.specs.shelf import SpecsFolder

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


@pytest.mark.parametrize(
    "name", ["a b", "-n", "_x", "a;b", "run", "Con.txt", "x.done", "a" * 65, "ä", "\x1b[31m", "\udcff"]
)
def test_a_folder_whose_name_is_no_slug_is_a_problem_that_prints(specs, name):
    write(specs, name)
    (feature,) = read(specs).values()
    assert "has no usable name" in (feature.problem or "")
    assert (feature.slug + (feature.problem or "")).isprintable()


def test_symlinks_within_the_specs_are_followed_and_always_up_to_date(specs):
    write(specs, "a", "one")
    (specs / "b").symlink_to("a")
    shelf = SpecsFolder(specs)
    first = {feature.slug: feature.sha256 for feature in shelf.read().features}
    write(specs, "a", "two")
    second = {feature.slug: feature.sha256 for feature in shelf.read().features}
    assert first["a"] == first["b"] != second["a"] == second["b"]


# --- the set as a whole -------------------------------------------------------------------------------------------


def test_no_specs_folder_is_an_error(tmp_path):
    with pytest.raises(SpecError, match=r"^there is no specs/ folder$"):
        SpecsFolder(tmp_path / "specs").read()


@pytest.mark.parametrize("near", ["Specs", "spec", ".specs"])
def test_a_folder_of_specs_under_a_name_that_is_nearly_right_is_offered(tmp_path, near):
    (tmp_path / near).mkdir()
    with pytest.raises(SpecError) as caught:
        SpecsFolder(tmp_path / "specs").read()
    assert caught.value.hint == f"rename {near}/ to specs/, or name it in `specs_dir`"


def test_a_file_in_place_of_the_specs_folder_is_an_error(tmp_path):
    (tmp_path / "specs").write_text("x")
    with pytest.raises(SpecError, match=r"^specs is not a folder$"):
        SpecsFolder(tmp_path / "specs").read()


def test_an_empty_specs_folder_is_an_error_and_not_all_done(specs):
    with pytest.raises(SpecError, match=r"^no features found in specs/$") as caught:
        SpecsFolder(specs).read()
    assert caught.value.hint == "write one with `harness new SLUG`"


def test_a_spec_that_lies_flat_in_the_folder_is_explained(specs):
    (specs / "login.md").write_text("x")
    with pytest.raises(SpecError) as caught:
        SpecsFolder(specs).read()
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
    shelf = SpecsFolder(specs)
    before = [feature.slug for feature in shelf.read().features]
    (specs / "order.txt").write_text("b\na\n")
    after = [feature.slug for feature in shelf.read().features]
    (specs / "order.txt").unlink()
    assert (before, after, [f.slug for f in shelf.read().features]) == (["a", "b"], ["b", "a"], ["a", "b"])


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("../x", "specs/order.txt:2: `../x` is not a slug: letters, digits,"),
        ("a b", "specs/order.txt:2: `a b` is not a slug"),
        ("-n", "specs/order.txt:2: `-n` is not a slug"),
        ("\0", "specs/order.txt is not text: it holds NUL bytes"),
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


def test_an_order_under_a_name_that_is_nearly_right_is_refused_or_told(specs):
    write(specs, "a")
    (specs / "Order.md").write_text("a\n")
    with pytest.raises(SpecError, match=r"specs/Order.md is not read: the order is specs/order.txt"):
        order(specs)
    (specs / "order.txt").write_text("a\n")
    told = ("specs/Order.md is not read: the order is specs/order.txt",)
    assert SpecsFolder(specs).read().warnings == told
    assert SpecsFolder(specs, order_file=specs / "Order.md").read().warnings == ()


def test_a_file_beside_the_folders_of_features_is_told_unless_it_is_there_to_be_read_by_people(specs):
    write(specs, "a")
    for name in ("README.md", "readme.md", "NOTES.md", "_draft.md", ".x.md", "order.txt", "picture.svg"):
        (specs / name).write_text("")
    shelf = SpecsFolder(specs)
    assert shelf.read().warnings == ()
    for name in ("login.md", "search.txt"):
        (specs / name).write_text("# Words\n")
    told = "specs/login.md (and 1 more) is not read: a feature has its own folder, as in specs/login/spec.md"
    assert shelf.read().warnings == (told,)


def test_a_slug_that_is_in_the_order_file_twice_is_warned_of(specs):
    write(specs, "a")
    (specs / "order.txt").write_text("a\n\na\n")
    assert SpecsFolder(specs).read().warnings == ("specs/order.txt:3: `a` is there twice; its first line, 1, counts",)


def test_an_error_of_the_whole_set_comes_again_at_the_next_look(specs):
    write(specs, "a")
    shelf = SpecsFolder(specs)
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
    assert SpecsFolder(specs, "SPEC.txt").read().features[0].title == "Hello"


# --- between looks ------------------------------------------------------------------------------------------------


def test_an_unchanged_set_gives_the_very_same_reading_without_opening_a_file(specs, monkeypatch):
    for slug in ("a", "b"):
        write(specs, slug)
    shelf = SpecsFolder(specs)
    first = shelf.read()
    monkeypatch.setattr("harness.specs.shelf.read_spec_file", lambda *_: pytest.fail("it was opened"))
    assert shelf.read() is first


def test_a_changed_spec_is_read_again_and_the_others_are_kept(specs):
    write(specs, "a")
    write(specs, "b")
    shelf = SpecsFolder(specs)
    before = shelf.read().features
    write(specs, "b", "# Another\n", age=50)
    after = shelf.read().features
    assert after[0] is before[0]
    assert (before[1].title, after[1].title) == ("Words", "Another")


def test_two_writes_within_one_tick_of_the_clock_are_both_seen(specs):
    path = write(specs, "a", "# One\n", age=0)
    status = path.stat()
    shelf = SpecsFolder(specs)
    shelf.read()
    path.write_text("# Two\n")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert shelf.read().features[0].title == "Two"


def test_specs_that_come_and_go_are_noticed(specs):
    write(specs, "a")
    shelf = SpecsFolder(specs)
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
    shelf = SpecsFolder(specs)
    shelf.read()
    (specs / "b" / "spec.md").unlink()
    (specs / "b").rmdir()
    assert [each.slug for each in shelf.read().features] == ["a"]


def test_a_spec_that_is_written_into_a_waiting_folder_is_noticed(specs):
    (specs / "b").mkdir()
    write(specs, "a")
    shelf = SpecsFolder(specs)
    assert [each.problem for each in shelf.read().features] == [None, "specs/b has no spec.md"]
    (specs / "b" / "spec.md").write_text("words")
    assert [each.problem for each in shelf.read().features] == [None, None]


def test_in_mid_run_what_breaks_keeps_its_last_good_reading_with_a_warning(specs):
    write(specs, "a", "---\ntitle: Good\ndepends_on: b\n---\nx")
    write(specs, "b")
    shelf = SpecsFolder(specs)
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
    shelf = SpecsFolder(specs)
    before = shelf.read()
    (specs / "order.txt").write_text("b\n")
    reading = shelf.reread()
    assert reading.features == before.features
    assert reading.warnings == ("specs/order.txt:1: there is no feature `b`; going on with the specs as they were",)
    (specs / "order.txt").unlink()
    assert shelf.reread() == before


# --- text ---------------------------------------------------------------------------------------------------------


@pytest.mark.bench
def test_five_thousand_unchanged_specs_cost_a_look_of_milliseconds(specs):
    for number in range(5000):
        write(specs, f"feature-{number}", f"# Feature {number}\n")
    shelf = SpecsFolder(specs)
    shelf.read()
    times = []
    for _ in range(30):
        begun = time.process_time()
        shelf.read()
        times.append(time.process_time() - begun)
    assert min(times) < 0.05  # the median is 8 to 12 ms on a quiet machine; this one may be slow or busy
