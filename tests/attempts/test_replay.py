"""The second look at a claim, planned: with what judges it as it was, and with the tests that came."""

from __future__ import annotations

from dataclasses import replace

import pytest
from helpers.desk import Desk, open_desk

from harness.attempts.judging import find_judging
from harness.attempts.replay import plan_replay

TEST = "def test_a(): pass\n"
FILES = {
    "calc.py": "1\n",
    "test_calc.py": TEST,
    "tests/test_b.py": TEST,
    "tests/cases.txt": "x = 1\n",
    "test_empty.py": "",
    "lib/x.py": "1\n",
    "pyproject.toml": "[tool.pytest]\nx = 1\n",
    "../lib/test_outer.py": TEST,
}


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    top = tmp_path_factory.mktemp("replay") / "top"
    with open_desk(top, FILES, ["pytest", "sh ci/new.sh"]) as made:
        yield made


def plan(desk: Desk, files: dict[str, str | None], *, in_tree: bool = False):
    found = desk.leave(files)
    made = desk.plan(found)
    judging, _ = find_judging(desk.run, desk.attempt, found, made)
    return plan_replay(desk.run, desk.attempt, judging, made, in_tree=in_tree), made


def read(desk: Desk, made, name: str) -> str:
    return desk.read(f"{made.candidate.commit}:app/{name}")


def test_what_judges_is_put_back_and_the_work_stays(desk) -> None:
    replay, made = plan(desk, {"calc.py": "x\n", "test_calc.py": "x\n", "tests/test_b.py": None, "test_new.py": "x\n"})
    assert replay is not None
    assert {name: read(desk, replay.as_it_was, name) for name in ("calc.py", "test_calc.py", "tests/test_b.py")} == {
        "calc.py": "x\n",
        "test_calc.py": TEST,
        "tests/test_b.py": TEST,
    }
    assert read(desk, replay.as_it_was, "test_new.py") == ""
    assert replay.new == ("test_new.py",)
    assert replay.with_new is not None
    assert read(desk, replay.with_new, "test_new.py") == "x\n"
    assert read(desk, replay.with_new, "test_calc.py") == TEST
    assert replace(replay.as_it_was, candidate=made.candidate) == made
    assert replay.control is None
    assert replay.before == {name for name in FILES if not name.startswith("../")} | {"specs/a/spec.md"}


def test_a_claim_in_the_working_tree_is_looked_at_as_it_is_too(desk) -> None:
    replay, made = plan(desk, {"test_calc.py": "x\n"}, in_tree=True)
    assert replay is not None
    assert (replay.control, replay.with_new, replay.new) == (made, None, ())


def test_which_checks_were_green_before_is_told(desk) -> None:
    desk.record.before = {"pytest": True, "sh ci/new.sh": False}
    replay, _ = plan(desk, {"test_calc.py": "x\n"})
    assert replay is not None and replay.green_before == {"pytest"}


def test_nothing_is_planned_where_nothing_is_to_be_put_back(desk) -> None:
    found = desk.leave({"test_calc.py": "x\n"})
    made = desk.plan(found)
    judging, _ = find_judging(desk.run, desk.attempt, found, made)
    unknown = [replace(one, was="?") for one in judging]
    assert plan_replay(desk.run, desk.attempt, [], made, in_tree=False) is None
    assert plan_replay(desk.run, desk.attempt, unknown, made, in_tree=False) is None
    broken = [replace(one, was=f"100644 {'0' * 39}1") for one in judging]
    assert plan_replay(desk.run, desk.attempt, broken, made, in_tree=False) is None


def test_what_nobody_knows_is_left_as_it_is(desk) -> None:
    found = desk.leave({"test_calc.py": "x\n", "tests/test_b.py": "x\n"})
    made = desk.plan(found)
    judging, _ = find_judging(desk.run, desk.attempt, found, made)
    mixed = [replace(one, was="?") if one.shown == "test_calc.py" else one for one in judging]
    replay = plan_replay(desk.run, desk.attempt, mixed, made, in_tree=True)
    assert replay is not None
    assert read(desk, replay.as_it_was, "test_calc.py") == "x\n"
    assert read(desk, replay.as_it_was, "tests/test_b.py") == TEST


GROWN = TEST + "def test_more(): pass\n"
FIXTURE = "import pytest\n\n\n@pytest.fixture\ndef thing(): pass\n"


@pytest.mark.parametrize(
    ("name", "text", "new"),
    [
        ("test_new.py", "x\n", True),
        ("testdata/cases.txt", "x\n", True),
        ("test_calc.py", GROWN, True),
        ("test_calc.py", TEST.replace("pass", "1"), False),
        ("test_calc.py", None, False),
        ("test_empty.py", None, False),
        ("tests/cases.txt", "x = 1\ny = 2\n", False),
        ("tests/conftest.py", FIXTURE, True),
        ("ci/new.sh", "x\n", True),
        ("pytest.py", "x\n", False),
        ("unittest/__init__.py", "x\n", False),
        ("conftest.py", FIXTURE, True),
        ("conftest.py", "def pytest_configure(): pass\n", False),
        ("pytest.ini", FIXTURE, False),
        ("tests/pytest.ini", "x\n", False),
        ("lib/pytest.ini", "x\n", True),
        ("lib/conftest.py", "def pytest_configure(): pass\n", True),
        ("test/conftest.py", "def pytest_configure(): pass\n", True),
        ("tests/in/conftest.py", "def pytest_configure(): pass\n", True),
    ],
)
def test_tests_that_came_stay_but_nothing_that_changes_how_others_run(desk, name, text, new) -> None:
    replay, _ = plan(desk, {"calc.py": "x\n", name: text})
    assert replay is not None
    assert replay.new == ((name,) if new else ())
    assert (replay.with_new is not None) == new
    if replay.with_new is not None:
        assert read(desk, replay.with_new, name) == text


def test_a_script_came_only_where_a_check_names_it_and_no_old_file_with_it(desk) -> None:
    assert plan(desk, {"ci/new.sh": "x\n", "test_new.py": "x\n"})[0].new == ("ci/new.sh", "test_new.py")
    attempt = desk.ordered(checks=tuple(replace(one, command="sh tests") for one in desk.attempt.order.checks))
    found = desk.leave({"test_calc.py": "x\n", "tests/run-tests.sh": "x\n"})
    made = desk.plan(found)
    judging, _ = find_judging(desk.run, attempt, found, made)
    assert plan_replay(desk.run, attempt, judging, made, in_tree=False).new == ("tests/run-tests.sh",)


def test_what_grew_is_python_that_is_still_there(desk) -> None:
    replay, _ = plan(desk, {"pyproject.toml": "[tool.pytest]\nx = 2\n[project]\nname = 'b'\n"})
    assert replay is not None and replay.new == ()
    assert read(desk, replay.as_it_was, "pyproject.toml") == "[project]\nname = 'b'\n[tool.pytest]\nx = 1\n"


# --- tasks that came ----------------------------------------------------------------------------------------------

OLD = "test:\n\tpytest\n"


@pytest.fixture
def tasks(tmp_path):
    files = {"calc.py": "1\n", "test_calc.py": TEST, "sub/justfile": "test:\n  a\n", "Makefile": OLD}
    with open_desk(tmp_path / "top", files, ["make verify", "tox -e x", "just x", "grep -q a b"]) as made:
        yield made


def test_a_target_that_came_is_added_to_the_makefile_as_it_was(tasks) -> None:
    replay, _ = plan(tasks, {"Makefile": "test:\n\ttrue\nverify: test\n\tv\n"})
    assert replay is not None and replay.with_new is not None
    assert read(tasks, replay.as_it_was, "Makefile") == OLD
    assert read(tasks, replay.with_new, "Makefile") == f"{OLD}\nverify: test\n\tv\n"
    assert (replay.new, replay.tests, replay.tasks) == ((), (), {"verify"})


def test_a_first_file_of_tasks_is_new_and_of_tox_ini_only_what_tox_reads(tasks) -> None:
    ini = "[tox]\nx = 1\n\n[testenv:x]\ncommands = v\n\n[pytest]\naddopts = -k no\n"
    replay, _ = plan(tasks, {"justfile": "x:\n  v\n", "tox.ini": ini})
    assert replay is not None and replay.with_new is not None
    assert (replay.new, replay.tasks) == (("justfile",), {"x"})
    assert read(tasks, replay.with_new, "justfile") == "x:\n  v\n"
    assert read(tasks, replay.with_new, "tox.ini") == ini.partition("[pytest]")[0]
    assert read(tasks, replay.as_it_was, "justfile") == read(tasks, replay.as_it_was, "tox.ini") == ""


@pytest.mark.parametrize("name", ["GNUmakefile", "makefile", "sub/deep/justfile", "sub/.justfile"])
def test_a_file_that_is_found_before_one_that_was_there_is_not_new(tasks, name: str) -> None:
    replay, _ = plan(tasks, {name: "verify:\n\ttrue\n"})
    assert replay is not None
    assert (replay.new, replay.with_new, replay.tasks) == ((), None, frozenset())
    assert read(tasks, replay.as_it_was, name) == ""
