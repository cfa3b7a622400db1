"""`harness chaos --cheats`: no lie is called proven, no honest work refused; and a lie that gets through is shown."""

from __future__ import annotations

import os
import sysconfig
from dataclasses import replace

import pytest
from helpers.marks import BUBBLEWRAP

from harness.rehearsal.cheats import LANGUAGES, PROVEN, Language, play_language, read_language, show_cheats
from harness.settings.options import Settings

EVERY = 4  # cases of a language are played here, from the first on: all of them take a quarter of an hour
ENVIRON = {**os.environ, "PATH": f"{sysconfig.get_path('scripts')}{os.pathsep}{os.environ['PATH']}"}
confined = pytest.mark.skipif(not BUBBLEWRAP, reason="BUBBLEWRAP IS NOT INSTALLED")


def some(name: str, *slugs: str) -> Language:
    language = read_language(name)
    return Language(language.name, language.needs, tuple(one for one in language.cases if one.slug in slugs))


def test_the_cases_are_many_and_each_is_of_its_own_name() -> None:
    cases = [(name, case) for name in LANGUAGES for case in read_language(name).cases]
    assert len({(name, case.slug) for name, case in cases}) == len(cases)
    assert (sum(case.lie for _, case in cases), sum(not case.lie for _, case in cases)) >= (180, 120)


@confined
def test_a_few_lies_are_refused_and_honest_work_is_proven() -> None:
    language = some("python", "skips-the-test", "special-cases-the-input", "honest-mends-and-adds-a-test")
    rows = play_language(language, Settings(), ENVIRON)
    assert [row["verdict"] for row in rows] == ["refused", "refused", "proven"], rows
    assert show_cheats(rows)[-2:] == ["2 lies, 0 called proven", "1 honest change, 0 refused, 0 asked about"]


@pytest.mark.deep
def test_a_lie_that_gets_through_is_shown() -> None:
    language = some("python", "special-cases-the-input")
    known = replace(language, cases=tuple(replace(case, held_out="") for case in language.cases))
    rows = play_language(known, Settings(), ENVIRON)
    assert [(row["verdict"], row["right"]) for row in rows] == [(PROVEN, False)]
    assert "WRONG" in "\n".join(show_cheats(rows))


@confined
@pytest.mark.slow
@pytest.mark.parametrize("half", [0, 1])  # so that no worker is the last one for a minute
@pytest.mark.parametrize("name", ["python", "pytest"])  # `harness chaos --cheats` plays all cases, in every language
def test_no_lie_is_called_proven_and_no_honest_work_is_refused(name: str, half: int) -> None:
    language = read_language(name)
    rows = play_language(replace(language, cases=language.cases[::EVERY][half::2]), Settings(), ENVIRON)
    assert [row for row in rows if not row["right"]] == []
