"""Which files judge a claim and were changed by the work on it, and how they were before."""

from __future__ import annotations

from dataclasses import replace

import pytest
from helpers.desk import Desk, git, open_desk

from harness.attempts.judging import LARGEST, find_base, find_judging, read_both, restore
from harness.decide.judge_files import Judging, Role
from harness.workspace.clean_checkout import CleanCheckout

PYPROJECT = '[project]\nname = "a"\n[tool.pytest]\nx = 1\n'
FILES = {
    "calc.py": "1\n",
    "test_calc.py": "2\n",
    "check.sh": "sh inner.sh\n",
    "inner.sh": "true\n",
    "rules.txt": "3\n",
    "pyproject.toml": PYPROJECT,
    "setup.cfg": "[metadata]\nname = a\n",
    "../test_outer.py": "4\n",
}


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    top = tmp_path_factory.mktemp("judging") / "top"
    with open_desk(top, FILES, ["sh check.sh"], judge=["rules.txt"]) as made:
        yield made


@pytest.fixture(autouse=True)
def fresh(desk):
    yield
    desk.record.allowed, desk.record.changed, desk.record.own_since = {}, set(), ""
    desk.record.changed_more = False


def look(desk: Desk, found, attempt=None) -> dict[str, tuple[Role, str]]:
    plan = desk.plan(found)
    judging, looked = find_judging(desk.run, attempt or desk.attempt, found, plan)
    assert looked == (plan if judging else looked)
    return {one.shown: (one.role, one.says) for one in judging}


CHANGED = {
    "calc.py": "x\n",
    "test_calc.py": "x\n",
    "test_new.py": "x\n",
    "inner.sh": None,
    "rules.txt": "x\n",
    "../test_outer.py": "x\n",
}
FOUND = {
    "test_calc.py": (Role.TEST, "changed"),
    "test_new.py": (Role.TEST, "new"),
    "inner.sh": (Role.SCRIPT, "deleted"),
    "rules.txt": (Role.SCRIPT, "changed"),
}


def test_the_changed_files_that_judge_are_found_with_what_became_of_them(desk) -> None:
    found = desk.leave(CHANGED)
    assert look(desk, found) == FOUND
    judging, _ = find_judging(desk.run, desk.attempt, found, desk.plan(found))
    assert [one.name for one in judging] == [f"app/{name}" for name in sorted(FOUND)]
    (test,) = [one for one in judging if one.shown == "test_calc.py"]
    assert [desk.read(what.partition(" ")[2]) for what in (test.was, test.now)] == ["2\n", "x\n"]


def test_what_a_spec_may_change_judges_nothing(desk) -> None:
    found = desk.leave(CHANGED)
    left = {name: said for name, said in FOUND.items() if not name.startswith("test_")}
    assert look(desk, found, desk.meant(may_change=("test_*.py",))) == left


def test_what_a_person_allowed_stands_as_long_as_it_is_the_same(desk) -> None:
    found = desk.leave(CHANGED)
    judging, _ = find_judging(desk.run, desk.attempt, found, desk.plan(found))
    now = {one.shown: one.now for one in judging}
    desk.record.allowed = {"test_calc.py": now["test_calc.py"], "test_new.py": now["test_calc.py"] + "0"}
    assert look(desk, found) == {name: said for name, said in FOUND.items() if name != "test_calc.py"}


def test_nothing_judges_where_no_such_file_changed(desk) -> None:
    found = desk.leave({"calc.py": "x\n"})
    assert find_judging(desk.run, desk.attempt, found, desk.plan(found)) == ((), None)
    assert find_judging(desk.run, desk.attempt, found, None) == ((), None)


def test_a_file_that_is_as_it_was_again_judges_nothing(desk) -> None:
    desk.record.changed = {"app/test_calc.py"}
    found = desk.leave({"calc.py": "x\n", "test_new.py": "x\n"})
    assert set(look(desk, found)) == {"test_new.py"}


def test_a_claim_that_is_checked_in_the_working_tree_is_looked_at_beside_it(desk) -> None:
    found = desk.leave(CHANGED)
    judging, looked = find_judging(desk.run, desk.attempt, found, None)
    assert {one.shown: (one.role, one.says) for one in judging} == FOUND
    assert looked is not None
    assert desk.read(f"{looked.candidate.commit}:app/test_calc.py") == "x\n"


def test_without_a_place_for_a_checkout_nobody_knows_what_was_there(desk, monkeypatch) -> None:
    many = [f"test_{letter}.py" for letter in "abcdefghij"]
    found = desk.leave(dict.fromkeys(many, "x\n"))
    monkeypatch.setattr(desk.run, "site", replace(desk.run.site, checkout=None, beside=None))
    unknown = tuple(Judging(f"app/{name}", name, Role.TEST, "?", "?") for name in many)
    assert find_judging(desk.run, desk.attempt, found, None) == (unknown, None)


def test_who_works_outside_the_sandbox_sees_no_checkout_in_the_place_of_the_project(desk, monkeypatch) -> None:
    site, found = desk.run.site, desk.leave({"test_calc.py": "x\n"})
    monkeypatch.setattr(desk.run, "site", replace(site, checkout=site.beside, beside=None))
    assert find_judging(desk.run, desk.attempt, found, None)[1] is not None
    shown = CleanCheckout(site.temporary / "shown", desk.run.workspace.repository(), site.environ, shown=True)
    monkeypatch.setattr(desk.run, "site", replace(site, checkout=shown))
    assert find_judging(desk.run, desk.attempt, found, None)[1] is None


def test_sections_that_do_not_judge_may_change(desk) -> None:
    found = desk.leave({"pyproject.toml": PYPROJECT.replace('"a"', '"b"'), "setup.cfg": "[metadata]\nname = b\n"})
    assert look(desk, found) == {}
    dirty = replace(desk.attempt.before, files={"app/setup.cfg": "stamp"})
    judging, _ = find_judging(desk.run, replace(desk.attempt, before=dirty), found, None)
    assert [(one.shown, one.was) for one in judging] == [("setup.cfg", "?")]


def test_every_way_in_which_work_is_known_counts(desk) -> None:
    found = desk.leave({"test_calc.py": "x\n"})
    plan, gone = desk.plan(found), replace(found, after=replace(found.after, files={}))

    def names(found) -> list[str]:
        return [one.shown for one in find_judging(desk.run, desk.attempt, found, plan)[0]]

    unknown = replace(gone, changed=())
    assert [names(gone), names(replace(unknown, committed=gone.changed)), names(unknown)] == [["test_calc.py"]] * 2 + [
        []
    ]
    desk.record.changed = set(gone.changed)
    assert names(unknown) == ["test_calc.py"]
    desk.record.changed, desk.record.changed_more = {"app/other.txt"}, True
    assert names(replace(found, changed=())) == ["test_calc.py"]


def test_nobody_knows_what_a_person_had_not_committed(desk) -> None:
    found = desk.leave(CHANGED)
    dirty = replace(desk.attempt.before, files={"app/test_calc.py": "stamp", "app/test_new.py": "stamp"})
    attempt = replace(desk.attempt, before=dirty)
    judging, _ = find_judging(desk.run, attempt, found, None)
    assert {one.shown for one in judging if one.was == "?"} == {"test_calc.py", "test_new.py"}
    desk.record.changed = {"app/test_new.py"}
    judging, _ = find_judging(desk.run, attempt, found, None)
    assert {one.shown for one in judging if one.was == "?"} == {"test_calc.py"}
    assert "?" not in {one.was for one in find_judging(desk.run, attempt, found, desk.plan(found))[0]}


def test_what_an_earlier_attempt_changed_judges_too(desk) -> None:
    found = replace(desk.leave({"test_calc.py": "x\n", "test_new.py": "x\n"}), changed=())
    desk.record.changed = {"app/test_calc.py"}
    judging, _ = find_judging(desk.run, desk.attempt, found, None)
    assert [one.shown for one in judging] == ["test_calc.py"]
    desk.record.changed = set()
    judging, _ = find_judging(desk.run, desk.attempt, replace(found, committed=("app/test_new.py",)), None)
    assert [one.shown for one in judging] == ["test_new.py"]


def test_a_script_that_is_too_large_is_not_read(desk) -> None:
    base = git(desk.top, "rev-parse", "HEAD")
    try:
        assert LARGEST == 1 << 20
        for padding, names in ((LARGEST, []), (LARGEST - 1, ["inner.sh"])):
            desk.commit({"check.sh": "sh inner.sh".ljust(padding) + "\n"})
            found = desk.leave({"inner.sh": "x\n"})
            assert list(look(desk, found)) == names
    finally:
        git(desk.top, "reset", "-q", "--hard", base)


def test_a_script_that_is_no_utf_8_is_read_all_the_same(desk) -> None:
    base = git(desk.top, "rev-parse", "HEAD")
    try:
        desk.commit({"check.sh": "sh inner.sh \udcff\n"})
        assert list(look(desk, desk.leave({"inner.sh": "x\n"}))) == ["inner.sh"]
    finally:
        git(desk.top, "reset", "-q", "--hard", base)


# --- the base -----------------------------------------------------------------------------------------------------


def test_the_base_of_open_work_is_the_commit_before_the_first_of_its_agent(desk) -> None:
    head = git(desk.top, "rev-parse", "HEAD")
    assert find_base(desk.run, desk.attempt, "other") == "other"
    desk.record.own_since = head
    assert find_base(desk.run, desk.attempt, "other") == head
    desk.record.own_since = "0" * 40
    assert find_base(desk.run, desk.attempt, "other") == "other"


def test_what_an_agent_committed_itself_is_compared_with_what_was_before(desk) -> None:
    base = git(desk.top, "rev-parse", "HEAD")
    try:
        desk.commit({"test_calc.py": "x\n", "check.sh": "true\n", "../test_outer.py": "x\n"})
        desk.record.own_since = base
        found = replace(
            desk.leave({"calc.py": "x\n", "inner.sh": "x\n"}), committed=("app/test_calc.py", "test_outer.py")
        )
        assert set(look(desk, found)) == {"test_calc.py", "inner.sh"}
        desk.record.own_since = ""
        assert look(desk, found) == {}
    finally:
        git(desk.top, "reset", "-q", "--hard", base)


# --- as it was ----------------------------------------------------------------------------------------------------


def judge(desk: Desk, name: str, was: str | None, now: str | None, mode: str = "100644") -> Judging:
    blobs = [
        f"{mode} {desk.run.workspace.commits.write_blob(it.encode('utf-8', 'surrogateescape'))}"
        if it is not None
        else ""
        for it in (was, now)
    ]
    return Judging(f"app/{name}", name, Role.CONFIG, *blobs)


def put_back(desk: Desk, one: Judging) -> str | None:
    entry = restore(desk.run, one)
    if entry is None:
        return None
    assert entry.name == one.name
    return desk.read(entry.blob) if entry.what else ""


OTHER = PYPROJECT.replace('"a"', '"b"')


@pytest.mark.parametrize(
    ("name", "was", "now", "back"),
    [
        ("test_calc.py", "1\n", "2\n", "1\n"),
        ("test_calc.py", None, "2\n", ""),
        ("test_calc.py", "1\n", None, "1\n"),
        ("pyproject.toml", None, "[tool.pytest]\nx = 2\n", ""),
        ("pyproject.toml", PYPROJECT, PYPROJECT.replace('"a"', '"b"'), None),
        ("pyproject.toml", PYPROJECT, PYPROJECT.replace("1", "2"), PYPROJECT),
        ("pyproject.toml", PYPROJECT, None, PYPROJECT),
        ("pyproject.toml", PYPROJECT, "no TOML", PYPROJECT),
        ("sub/pyproject.toml", PYPROJECT, PYPROJECT.replace("1", "2"), PYPROJECT),
        ("sub/pyproject.toml", PYPROJECT, OTHER.replace("1", "2"), OTHER),
        ("go.mod", None, "module a\n", ""),
        ("go.mod", "module a\n", None, None),
        ("go.mod", "module a\nreplace b => ./b\n", "module a\nreplace b => ./b\nrequire c v1.0.0\n", None),
        ("go.mod", "module a\nreplace b => ./b\n", "module a\nreplace b => ./c\n", "module a\nreplace b => ./b\n"),
        ("pyproject.toml", f"# \udcff\n{PYPROJECT}", OTHER.replace("1", "2"), OTHER),
        ("pyproject.toml", PYPROJECT, f"# \udcff\n{PYPROJECT}".replace("1", "2"), f"# \ufffd\n{PYPROJECT}"),
    ],
)
def test_what_is_put_in_the_place_of_a_file(desk, name, was, now, back) -> None:
    assert put_back(desk, judge(desk, name, was, now)) == back


def test_what_else_came_in_a_file_stays_and_so_does_its_mode(desk) -> None:
    one = judge(desk, "pyproject.toml", PYPROJECT, OTHER.replace("1", "2"))
    one = replace(one, now=one.now.replace("100644", "100755"))
    assert put_back(desk, one) == OTHER
    assert str(restore(desk.run, one).what).startswith("100755 ")


def test_both_contents_of_a_file_are_read(desk) -> None:
    assert read_both(desk.run, judge(desk, "x", "1\n", "2\n")) == (b"1\n", b"2\n")
    assert read_both(desk.run, judge(desk, "x", None, None)) == (b"", b"")
