"""Files in which some sections judge: these as they were, all else as it is now."""

from __future__ import annotations

import json
import tomllib

import pytest

from harness.decide.judge_sections import restore_sections

# --- pyproject.toml -----------------------------------------------------------------------------------------------

TOOLS = [
    "pytest", "pytest.ini_options", "coverage.run", "ruff", "ruff.lint", "mypy", "pyright", "tox", "hatch.envs",
    "hatch.envs.test", "pylint", "isort", "flake8", "bandit", "poe", "taskipy", "pdm.scripts", "nox", "black",
]  # fmt: skip


@pytest.mark.parametrize("tool", TOOLS)
def test_a_table_that_judges_is_put_back_and_the_rest_stays(tool: str) -> None:
    old = f'[project]\nname = "a"\n[tool.{tool}]\nx = 1\n'
    new = f'[project]\nname = "b"\n[tool.{tool}]\nx = 2\n[tool.other]\ny = 3\n'
    restored = restore_sections("app/pyproject.toml", old, new)
    assert restored == f'[project]\nname = "b"\n[tool.other]\ny = 3\n[tool.{tool}]\nx = 1\n'


@pytest.mark.parametrize("tool", ["other", "hatch.build", "pdm", "rufflike", "pytester"])
def test_a_table_that_does_not_judge_stays_as_it_is(tool: str) -> None:
    new = f"[tool.{tool}]\nx = 2\n"
    assert restore_sections("pyproject.toml", f"[tool.{tool}]\nx = 1\n", new) == new


@pytest.mark.parametrize(
    ("old", "new", "judging"),
    [
        pytest.param("[tool.ruff]\nx = 1\n", "", {"ruff": {"x": 1}}, id="taken away"),
        pytest.param("", "[tool.ruff]\nx = 1\n", {}, id="that came"),
        pytest.param("[tool.ruff]\nx = 1", "[tool.ruff]\nx = 2", {"ruff": {"x": 1}}, id="without a last line end"),
        pytest.param('[ tool . "ruff" ]\nx = 1\n', "[tool.ruff]\nx = 2\n", {"ruff": {"x": 1}}, id="in other words"),
        pytest.param("", "[tool.hatch.envs.a]\nx = 1\n", {}, id="that came, in one that does not"),
        pytest.param("[tool.ruff]\nx = [1]\n", "[tool.ruff]\nx = [2]\n", {"ruff": {"x": [1]}}, id="with a list"),
        pytest.param("[tool.ruff]\nx = [\n[],\n]\n", "", {"ruff": {"x": [[]]}}, id="with a list of lists"),
        pytest.param(
            "[tool.ruff]\nx = 1\n", "[tool]\nhatch = 3\n", {"hatch": 3, "ruff": {"x": 1}}, id="beside what is no table"
        ),
        pytest.param("[tool.ruff] # why\nx = 1\n", "  [tool.ruff]\nx = 2\n", {"ruff": {"x": 1}}, id="and a comment"),
        pytest.param(
            "[[tool.mypy.overrides]]\nx = 1\n[[tool.mypy.overrides]]\nx = 2\n",
            "[[tool.mypy.overrides]]\nx = 3\n",
            {"mypy": {"overrides": [{"x": 1}, {"x": 2}]}},
            id="of many",
        ),
        pytest.param(
            "[tool.ruff]\nx = 1\n[tool.hatch.envs.a]\ny = 1\n[tool.hatch.build]\nz = 1\n",
            "[tool.ruff]\nx = 2\n[tool.hatch.build]\nz = 2\n",
            {"ruff": {"x": 1}, "hatch": {"build": {"z": 2}, "envs": {"a": {"y": 1}}}},
            id="beside one that does not",
        ),
    ],
)
def test_tables_are_as_they_were(old: str, new: str, judging: dict[str, object]) -> None:
    restored = restore_sections("pyproject.toml", f'{old}\n[project]\nname = "a"\n', f'[project]\nname = "b"\n{new}')
    assert restored is not None
    assert tomllib.loads(restored) == {"project": {"name": "b"}, **({"tool": judging} if judging else {})}


def test_a_file_whose_tables_judge_as_before_is_left_byte_for_byte() -> None:
    new = '# words\n[tool.ruff]\nx = 0x1\n\n[project]\nname = "b"'
    assert restore_sections("pyproject.toml", "[tool.ruff]\nx = 1\n", new) == new
    assert restore_sections("pyproject.toml", "", "x = 1") == "x = 1"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("tool.ruff.x = 1\n", "tool.ruff.x = 2\n", id="a dotted key"),
        pytest.param("[tool]\nruff = {x = 1}\n", "[tool]\nruff = {x = 2}\n", id="in one line"),
        pytest.param("[tool.ruff]\nx = 1\n", 'x = """\n[tool.ruff]\n"""\n', id="a heading within a text"),
        pytest.param(
            'y = """\n[tool.ruff]\n"""\n[tool.ruff]\nx = 1\n', "[tool.ruff]\nx = 2\n", id="within the old one"
        ),
        pytest.param("[tool.ruff]\nx = 1\n", "[tool.ruff\n", id="no TOML any more"),
        pytest.param("[tool.ruff", "[tool.ruff]\nx = 1\n", id="none before"),
        pytest.param("[tool.ruff]\nx = 1\n", "tool = 3\n", id="no table at all"),
        pytest.param("[tool.hatch.envs]\nx = 1\n", "[tool]\nhatch = 3\n", id="no table within"),
        pytest.param("[tool.ruff]\nx = 1\n", f"x = {'[' * 5_000}\n", id="too deep"),
    ],
)
def test_where_it_cannot_be_told_what_judges_all_of_it_does(old: str, new: str) -> None:
    assert restore_sections("pyproject.toml", old, new) is None


@pytest.mark.parametrize("table", ["project", "tool.other"])
def test_what_is_said_within_a_text_is_not_lost(table: str) -> None:
    new = f'[{table}]\nx = """\n[tool.ruff]\n[b]\n"""\n[tool.ruff]\nx = 2\n'
    assert restore_sections("pyproject.toml", "[tool.ruff]\nx = 1\n", new) is None


def test_a_table_without_a_last_line_end_gets_one() -> None:
    new = '[tool.ruff]\nx = 2\n[project]\nname = "b"'
    restored = restore_sections("pyproject.toml", "[tool.ruff]\nx = 1", new)
    assert restored == '[project]\nname = "b"\n[tool.ruff]\nx = 1\n'


# --- setup.cfg ----------------------------------------------------------------------------------------------------

SECTIONS = [
    "tool:pytest", "pytest", "coverage:run", "coverage.run", "flake8", "mypy", "mypy-a.*", "pycodestyle", "tox:tox",
    "isort", "pylint", "testenv", "testenv:lint",
]  # fmt: skip


@pytest.mark.parametrize("section", SECTIONS)
def test_a_section_that_judges_is_put_back(section: str) -> None:
    restored = restore_sections("setup.cfg", f"[{section}]\nx = 1\n", f"[{section}]\nx = 2\n[metadata]\nname = b\n")
    assert restored == f"[metadata]\nname = b\n[{section}]\nx = 1\n"


@pytest.mark.parametrize("section", ["metadata", "options", "mypyc", "testenvs"])
def test_a_section_that_does_not_judge_stays(section: str) -> None:
    new = f"[flake8]\ny = 1\n[{section}]\nx = 2\n"
    assert restore_sections("setup.cfg", f"[{section}]\nx = 1\n[flake8]\ny = 1\n", new) == new


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("[flake8]\nx = 1\n", "[flake8\n", id="no sections any more"),
        pytest.param("[flake8]\nx = 1\n[flake8]\nx = 1\n", "[flake8]\nx = 1\n", id="a section twice"),
        pytest.param("[flake8]\nx = 1\n", "[a]\nx =\n [flake8]\n y = 2\n", id="a heading that is a value"),
        pytest.param("[DEFAULT]\nx = 1\n[flake8]\ny = 1\n", "[DEFAULT]\nx = 2\n[flake8]\ny = 1\n", id="what all obey"),
    ],
)
def test_where_sections_cannot_be_told_apart_all_of_it_judges(old: str, new: str) -> None:
    assert restore_sections("setup.cfg", old, new) is None


# --- package.json -------------------------------------------------------------------------------------------------


def restore(old: dict[str, object], new: dict[str, object]) -> object:
    text = restore_sections("package.json", json.dumps(old), json.dumps(new))
    assert text is not None
    return json.loads(text)


@pytest.mark.parametrize(
    "name", ["jest", "mocha", "ava", "vitest", "c8", "nyc", "tap", "xo", "eslintConfig", "prettier", "lint-staged"]
)
def test_the_settings_of_a_test_runner_are_put_back(name: str) -> None:
    assert restore({name: 1, "version": "1"}, {name: 2, "version": "2"}) == {name: 1, "version": "2"}
    assert restore({name: 1}, {"version": "2"}) == {name: 1, "version": "2"}
    assert restore({}, {name: 2}) == {}


@pytest.mark.parametrize(
    ("old", "new", "restored"),
    [
        pytest.param({"test": "jest"}, {"test": "true"}, {"test": "jest"}, id="that changed"),
        pytest.param({"test": "jest"}, {}, {"test": "jest"}, id="that went"),
        pytest.param({}, {"build": "tsc"}, {"build": "tsc"}, id="that only came"),
        pytest.param({"test": "jest"}, {"test": "jest", "pretest": "x"}, {"test": "jest"}, id="before one"),
        pytest.param({"build": "tsc"}, {"build": "tsc", "postbuild": "x"}, {"build": "tsc"}, id="after one"),
        pytest.param({}, {"pretest": "x", "posttest": "x", "preinstall": "x", "postinstall": "x"}, {}, id="around"),
        pytest.param({}, {"preprepare": "x", "postprepare": "x", "prettier": "y"}, {"prettier": "y"}, id="like one"),
    ],
)
def test_scripts_are_as_they_were_but_for_those_that_only_come(
    old: dict[str, str], new: dict[str, str], restored: dict[str, str]
) -> None:
    assert restore({"scripts": old}, {"scripts": new}) == {"scripts": restored}


def test_packages_within_a_package_stay_and_may_come() -> None:
    assert restore({"workspaces": ["a", "b"]}, {"workspaces": ["b", "c"]}) == {"workspaces": ["b", "c", "a"]}
    assert restore({"workspaces": ["a"]}, {}) == {"workspaces": ["a"]}
    assert restore({}, {"workspaces": ["a"]}) == {"workspaces": ["a"]}


def test_a_package_without_scripts_gets_none() -> None:
    assert restore({"jest": 1}, {"jest": 2}) == {"jest": 1}
    assert restore({"scripts": {"test": "jest"}}, {}) == {"scripts": {"test": "jest"}}
    assert restore({"scripts": None}, {"scripts": {}}) == {"scripts": {}}
    assert restore({"scripts": {"test": "jest"}}, {"scripts": None}) == {"scripts": {"test": "jest"}}


def test_a_package_that_judges_as_before_is_left_byte_for_byte() -> None:
    new = '{ "version":"2", "scripts":{"test":"jest"} }'
    assert restore_sections("package.json", '{"scripts": {"test": "jest"}}', new) == new


def test_a_package_that_was_put_back_is_laid_out_as_npm_does() -> None:
    assert restore_sections("a/package.json", '{"jest": 1}', "{}") == '{\n  "jest": 1\n}\n'


@pytest.mark.parametrize(("old", "new"), [("{}", "not json"), ("[]", "{}"), ("{}", "3"), ('{"scripts": 3}', "{}")])
def test_a_package_that_is_none_judges_as_a_whole(old: str, new: str) -> None:
    assert restore_sections("package.json", old, new) is None


def test_another_file_judges_as_a_whole() -> None:
    assert restore_sections("pyproject.toml/other", "", "") is None


# --- Cargo.toml ----------------------------------------------------------------------------------------------------

CARGO = '[package]\nname = "calc"\nversion = "0.1.0"\n\n[lib]\nname = "calc"\n'
WEAK = {
    "no tests are looked for": CARGO.replace('"0.1.0"\n', '"0.1.0"\nautotests = false\n'),
    "no examples run": CARGO + "doctest = false\n",
    "another file of tests": CARGO + '\n[[test]]\nname = "calc"\npath = "soft.rs"\n',
    "a profile": CARGO + "\n[profile.test]\ndebug-assertions = false\n",
}


@pytest.mark.parametrize("weak", WEAK.values(), ids=WEAK)
def test_what_cargo_tests_is_as_it_was(weak: str) -> None:
    restored = restore_sections("Cargo.toml", CARGO, weak.replace("0.1.0", "0.2.0"))
    assert restored is not None
    assert restored.split() == CARGO.replace("0.1.0", "0.2.0").split()


def test_a_dependency_that_comes_judges_nothing() -> None:
    new = CARGO + '\n[dependencies]\nserde = "1"\n'
    assert restore_sections("Cargo.toml", CARGO, new) == new


def test_a_new_package_json_judges_by_its_sections() -> None:
    new = '{"name": "calc", "jest": {"bail": true}}'
    assert restore_sections("package.json", "", new) == '{\n  "name": "calc"\n}\n'


# --- files of tools that run tasks --------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "tasks"), [("composer.json", "scripts"), ("deno.json", "tasks")])
def test_tasks_are_as_they_were_beside_those_that_came_and_the_rest_stays(name: str, tasks: str) -> None:
    old, new = {tasks: {"test": "a"}, "x": 1}, {tasks: {"test": "true", "more": "b"}, "x": 2, "imports": {}}
    restored = restore_sections(name, json.dumps(old), json.dumps(new))
    assert json.loads(str(restored)) == {tasks: {"test": "a", "more": "b"}, "x": 2, "imports": {}}
    assert restore_sections(name, json.dumps(old), json.dumps({**old, "x": 2})) == json.dumps({**old, "x": 2})
    assert restore_sections(name, json.dumps(old), "no JSON") is None


def test_what_deno_tests_is_as_it_was() -> None:
    restored = restore_sections("deno.json", '{"test": {"include": ["a"]}}', '{"test": {"exclude": ["a"]}, "x": 1}')
    assert json.loads(str(restored)) == {"x": 1, "test": {"include": ["a"]}}


@pytest.mark.parametrize(("name", "table"), [("hatch.toml", "envs.test"), ("pixi.toml", "tasks")])
def test_tables_of_tasks_are_as_they_were_and_the_rest_stays(name: str, table: str) -> None:
    old, new = f"[{table}]\nx = 1\n", f"[{table}]\nx = 2\n[dependencies]\ny = 1\n"
    assert restore_sections(name, old, new) == f"[dependencies]\ny = 1\n[{table}]\nx = 1\n"
