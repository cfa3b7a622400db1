"""Files of tasks that a check asks for by name."""

from __future__ import annotations

import pytest

from harness.decide.tasks import add_tasks, find_needed, find_reached

CAME = {
    "Makefile": (
        "test:\n\tpytest\n",
        ".PHONY: test verify\nPYTHON ?= python3\ntest:\n\ttrue\n\nverify: deps\n\t$(PYTHON) verify.py\n",
        "PYTHON ?= python3\nverify: deps\n\t$(PYTHON) verify.py\n",
    ),
    "justfile": ("test:\n    a\n", "test:\n    true\n\n@verify x='a':\n    v {{x}}\n", "@verify x='a':\n    v {{x}}\n"),
    "tox.ini": (
        "[tox]\nx = 1\n[testenv]\ncommands = pytest\n[pytest]\na = 1\n",
        "[tox]\nx = 2\n[testenv]\ncommands = true\n[testenv:verify]\ncommands = v\n[pytest]\na = 2\n",
        "[testenv:verify]\ncommands = v\n",
    ),
    "tox.toml": ('[env.t]\ncommands = [["a"]]\n', '[env.t]\nx = 1\n[env.verify]\ny = 1\n', "[env.verify]\ny = 1\n"),
    "noxfile.py": (
        "import nox\n\n\n@nox.session\ndef tests(session):\n    session.run('pytest')\n",
        "import nox\nimport os\n\nnox.options.x = 1\n\n\n@nox.session\ndef tests(session):\n    pass\n\n\n"
        "@nox.session(name='verify')\ndef other(session):\n    session.run('v')\n",
        "import os\n@nox.session(name='verify')\ndef other(session):\n    session.run('v')\n",
    ),
    "Taskfile.yml": (
        "version: '3'\ntasks:\n  test:\n    cmds: [pytest]\nvars:\n  A: 1\n",
        "version: '3'\ntasks:\n  test:\n    cmds: [true]\n  verify:\n    cmds: [v]\nvars:\n  A: 2\n",
        "  verify:\n    cmds: [v]\n",
    ),
    "Rakefile": ("task :test do\n  sh 'a'\nend\n", "task :test do\nend\ntask :verify do\n  sh 'v'\nend\n",
                 "task :verify do\n  sh 'v'\nend\n"),
    "Earthfile": ("test:\n    RUN a\n", "test:\n    RUN b\nverify:\n    RUN v\n", "verify:\n    RUN v\n"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "texts"), CAME.items(), ids=CAME)
def test_a_task_that_came_stands_beside_the_old_ones_as_they_were(name: str, texts: tuple[str, str, str]) -> None:
    old, new, came = texts
    text, names = add_tasks(name, old, new)
    assert "verify" in names
    assert text.replace(came, "") in (old, f"{old}\n")


NOT_ADDED = {
    "another command in an old one": ("Makefile", "test:\n\tpytest\n", "test:\n\ttrue\n"),
    "the same once more": ("Makefile", "test:\n\tpytest\n", "test:\n\tpytest\ntest: more\n"),
    "a special target": ("Makefile", "test:\n\tpytest\n", "test:\n\tpytest\n.IGNORE:\n"),
    "a pattern": ("Makefile", "test:\n\tpytest\n", "test:\n\tpytest\n%.out: %.in\n\ttrue\n"),
    "a setting of just": ("justfile", "test:\n    a\n", "set shell := ['true']\ntest:\n    a\n"),
    "no Python": ("noxfile.py", "import nox\n", "def x(:\n"),
    "a section of pytest": ("tox.ini", "[testenv]\nx = 1\n", "[testenv]\nx = 1\n[pytest]\naddopts = -k no\n"),
    "no file of tasks": ("calc.py", "", "def verify(): pass\n"),
}


@pytest.mark.parametrize(("name", "old", "new"), NOT_ADDED.values(), ids=NOT_ADDED)
def test_what_is_no_new_task_is_not_added(name: str, old: str, new: str) -> None:
    assert add_tasks(name, old, new) == (old, frozenset())


@pytest.mark.parametrize(
    "line", ["SHELL := /bin/true", "MAKEFLAGS += -i", "PYTHONPATH = fake", "CC = true", "RUN = true", "export A = 1"]
)
def test_a_variable_that_old_targets_may_obey_is_not_added(line: str) -> None:
    old = "test:\n\t$(RUN) pytest\n"
    text, names = add_tasks("Makefile", old, f"{line}\n{old}\nverify:\n\tv\n")
    assert (text, names) == (f"{old}\nverify:\n\tv\n", {"verify"})


def test_what_is_asked_for_is_reached_with_what_it_needs() -> None:
    make = "A = 1\ntest: lint\n\tt.sh\nlint:\n\tl.sh\ndeploy:\n\td.sh\n"
    assert [word in find_reached("Makefile", make, ["make", "test"]) for word in ("t.sh", "l.sh", "d.sh", "A = 1")] == [
        True,
        True,
        False,
        True,
    ]
    assert "d.sh" not in find_reached("Makefile", make, ["make"])
    make = f".PHONY: deploy\n.DEFAULT_GOAL := test\nx:\n\tx.sh\nALL = lint\n{make.replace(': lint', ': $(ALL)')}"
    reached = find_reached("Makefile", make, ["make"])
    assert [word in reached for word in ("t.sh", "l.sh", "d.sh", "x.sh")] == [True, True, False, False]
    package = '{"scripts": {"test": "npm run unit", "unit": "u.sh", "preunit": "p.sh", "deploy": "d.sh"}}'
    reached = find_reached("package.json", package, ["npm", "t"])
    assert ("u.sh" in reached, "p.sh" in reached, "d.sh" in reached) == (True, True, False)
    assert find_reached("run.sh", "d.sh", ["x"]) == "d.sh"
    assert find_reached("package.json", "no JSON", ["x"]) == "no JSON"


def test_what_a_target_is_made_of_is_told_from_what_it_runs() -> None:
    assert find_needed("Makefile", "out.txt: build.sh # why\n\tsh build.sh\ntest: ; t.sh\n").split() == ["build.sh"]
    assert find_needed("justfile", "a: b\n    c\n") == ""
