"""The bytes of a spec: what becomes of front matter and words, and which mistakes are told with their line."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.spec_files import problem, read, write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.domain.feature import Check, Feature
from harness.specs.front_matter import split_front_matter
from harness.specs.parse import parse_spec
from harness.specs.shelf import SpecsFolder
from harness.specs.spec_file import SPEC_LIMIT


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
        ("title: x\nchecks:", "specs/a/spec.md:3: `checks` has no value"),
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
        ("depends_on: ../x", "`depends_on` must name features: `../x` is not a slug: letters, digits,"),
        ("2024-01-01: x", "specs/a/spec.md:2: `2024-01-01` cannot be a key"),
        ("1: x", "specs/a/spec.md:2: `1` cannot be a key"),
        ("[a]: x", "specs/a/spec.md:2: a list cannot be a key"),
        ("title: a\ntitle: b", "specs/a/spec.md:3: the key `title` is there twice"),
        ("title: a: b", "specs/a/spec.md:2: this is not YAML: mapping values are not allowed in this"),
        ("title: 'a", "this is not YAML: "),
        ("title: \x07", "it holds characters that YAML does not allow"),
        ("- a", "specs/a/spec.md:2: the front matter is not a list of `key: value` lines"),
        ("Some prose.", "specs/a/spec.md:2: the front matter is not a list of `key: value` lines"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 30 else "",
)
def test_a_mistake_in_front_matter_is_told_with_its_line(front_matter, sentence):
    assert sentence in (problem(front_matter) or "no problem")


@pytest.mark.parametrize("line", ["checks: []", "checks: ~", "timeout: null", "# nothing", "", "{}"])
def test_a_key_with_nothing_behind_it_counts_as_left_out(line):
    content = f"---\n{line}\n---\nx".encode()
    assert parse_spec(Path("a/spec.md"), content, "", "") == Feature("a", Path("a/spec.md"), size=len(content))


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
        (b"# a\n\nf\xfcr J\xfcrgen\n", "specs/x/spec.md:3: this is not UTF-8"),
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


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.binary(), st.text().map(lambda text: text.encode("utf-8", "surrogatepass"))))
def test_any_bytes_at_all_give_a_feature(specs, content):
    path = write(specs, "a", content)
    (each,) = SpecsFolder(specs).read().features
    assert (each.slug, each.path) == ("a", path)
    assert "\n" not in (each.problem or "")


YAMLISH = st.text(st.sampled_from("abc:-[]{},&*!|>'\"#%@? \n\t0.~<timeouchkspr\\é\ufeff\u2028"), max_size=80)


@given(YAMLISH)
def test_any_front_matter_at_all_gives_a_feature(front_matter):
    content = f"---\n{front_matter}\n---\nbody".encode()
    each = parse_spec(Path("a/spec.md"), content, "", "specs/a/spec.md")
    assert "\n" not in (each.problem or "") + each.title
    assert all(part in content.decode() for part in split_front_matter(content.decode()))
