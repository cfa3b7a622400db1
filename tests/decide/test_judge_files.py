"""Which files judge a claim, by their names and by what the checks call."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.decide.calls import MOST_FOLLOWED, Called, follow
from harness.decide.configured import find_plugins
from harness.decide.judge_files import (
    NOTHING,
    Judgement,
    Judging,
    Role,
    find_role,
    may_need,
    names_some,
    shadows_runner,
)


def call(*commands: str, files: dict[str, str] | None = None) -> Called:
    return follow(commands, lambda name: (files or {}).get(name, ""))


def names(text: str) -> list[str]:
    return text.split()


# --- by name ------------------------------------------------------------------------------------------------------

TESTS = """
test_calc.py calc_test.py test.py tests.py calc_test.go
calc.test.js calc.spec.ts calc.cy.js calc.e2e.mjs calc.test.cjs calc.test.mts calc.spec.jsx calc.test.tsx
test.js test.mjs spec.ts calc-test.js calc_test.mjs calc_test.ts
calc_test.rb calc_spec.rb calc_test.exs calc_test.dart calc_spec.lua calc_test.php calc_test.cc calc_test.cpp
calc_test.c calc_test.rs
CalcTest.java CalcTests.kt CalcSpec.scala CalcTestCase.groovy CalcIT.cs CalcTest.php CalcTests.swift CalcSpec.java
TestCalc.java TestCalc.kt TestCalc.cs TestC.java
test-calc.sh test_calc.bash test-calc.js test_calc.mjs test-calc.tsx test_calc.c test-calc.cc test_calc.cpp
test-calc.lua test_calc.rb test-calc.pl
calc.bats calc.feature calc.t
src/deep/test_calc.py tests/calc.rs
test_.py _test.py _test.go .test.js .spec.ts -test.js _test.ts .cy.js _spec.rb IT.java TestA.kt test_.sh .bats .t
"""
DATA = """
tests/cases.txt test/cases.py __tests__/calc.js e2e/helper.ts cypress/support.js app/tests/helper.py
spec/calc.rb spec/calc.js spec/calc.ts spec/calc.mjs spec/calc.cjs
testdata/a fixtures/a.json __fixtures__/a __snapshots__/a __mocks__/a.js snapshots/a golden/a goldens/a
calc.snap calc.golden calc.approved calc.snap.png expected golden reference expected.json golden-1.txt reference_a
calc.expected.json calc-expected.txt calc_expected.txt deep/fixtures/in/a.bin
.snap .golden expected. golden- reference_ _expected.x
"""
CONFIG = """
conftest.py pytest.ini .pytest.ini pytest.toml tox.ini noxfile.py .coveragerc .coveragerc.toml sitecustomize.py
usercustomize.py a.pth jest.config.js vitest.config.ts jest.setup.js vitest.workspace.ts setup-tests.js setup_test.ts
setup_tests.js setuptest.mjs
.mocharc .mocharc.json karma.conf.js playwright.config.ts cypress.config.js ava.config.js wdio.conf.js
nightwatch.conf.js .nycrc .nycrc.json .c8rc .c8rc.json .rspec spec_helper.rb phpunit.xml phpunit.xml.dist nextest.toml
.codecov.yml .codecov.yaml pyproject.toml setup.cfg package.json deep/conftest.py tests/conftest.py pytest.py
.pth jest.config. .mocharc. karma.conf. .nycrc. .c8rc.
"""
PRODUCT = """
calc.py contest.py latest.js testing.py Testa.java test.md test_calc.md calc.test.css atest.py calc.tests.js
spec/calc.md spec/calc.py unexpected.txt expectedly.txt preference.txt goldenrod.py deep/spec.md golang.go
fixture.py snapshot.py setup.py setup.js config.js karma.js my.rspec apytest.ini confxtest.py Makefile
tsconfig.json ruff.toml .pre-commit-config.yaml scripts/deploy.sh run_checks.sh
xtests.py xtest_a.py TestCalc.javax calcXtest.js testXcalc.sh test-calcXsh calc_testXgo calc_testXpy testsXpy
calcXtestXjs CalcTestXjava TestCalcXjava calcXbats calcXsnap expectedX x.expectedXjson x.expected.
noxfileXpy toxXini pytestXini XcoveragercXtoml sitecustomizeXpy usercustomizeXpy aXpth conftestXpy setup-testsXjs
nextestXtoml phpunitXxml spec_helperXrb XcodecovXyml calc_testXrb
tests testdata fixtures spec conftest.pyx src/calc.rs calc.snap. calc.snapshot
"""


@pytest.mark.parametrize(
    ("text", "role"),
    [(TESTS, Role.TEST), (DATA, Role.DATA), (CONFIG, Role.CONFIG), (PRODUCT, None)],
    ids=["tests", "data", "configuration", "what is worked on"],
)
def test_what_a_file_is_to_the_checks_shows_in_its_name(text: str, role: Role | None) -> None:
    assert {name: find_role(name, NOTHING) for name in names(text)} == dict.fromkeys(names(text), role)


@pytest.mark.parametrize(
    ("tool", "files", "others"),
    [
        ("tsc", "tsconfig.json tsconfig.build.json", "tsconfigXjson tsconfig.js"),
        (
            "eslint",
            ".eslintrc .eslintrc.json .eslintrc. eslint.config.mjs eslint.config. .eslintignore",
            "eslintrc .eslintrcs eslintXconfig.js",
        ),
        ("biome", "biome.json biome.jsonc", "biome.js biomeXjson"),
        (
            "prettier",
            ".prettierrc .prettierrc.yml .prettierrc. prettier.config.js prettier.config. .prettierignore",
            "prettierrc .prettierrcs",
        ),
        ("ruff", "ruff.toml .ruff.toml", "xruff.toml ruffXtoml"),
        ("mypy", "mypy.ini .mypy.ini", "xmypy.ini mypyXini"),
        ("pyright", "pyrightconfig.json", "pyrightconfigXjson"),
        ("flake8", ".flake8", "xflake8"),
        ("pylint", "pylintrc .pylintrc .pylintrc.toml pylintrc.toml", "xpylintrc pylintrc.tomls"),
        ("golangci-lint", ".golangci.yml .golangci.toml .golangci.", "golangci.yml .golangci"),
        ("clippy", "clippy.toml .clippy.toml", "xclippy.toml"),
        ("rubocop", ".rubocop.yml .rubocop_todo.yml", "rubocop.yml .rubocopXyml"),
        ("pre-commit", ".pre-commit-config.yaml", "pre-commit-config.yaml"),
    ],
)
def test_the_configuration_of_a_tool_judges_where_a_check_calls_it(tool: str, files: str, others: str) -> None:
    called = call(f"{tool} src")
    assert {name: find_role(name, called) for name in names(files)} == dict.fromkeys(names(files), Role.CONFIG)
    assert {name: find_role(name, call("make")) for name in names(files)} == dict.fromkeys(names(files))
    assert {name: find_role(name, called) for name in names(others)} == dict.fromkeys(names(others))


@pytest.mark.parametrize(
    ("tool", "files"),
    [
        ("make", "GNUmakefile makefile Makefile"),
        ("gmake", "Makefile"),
        ("just", "justfile Justfile .justfile"),
        ("task", "Taskfile.yml Taskfile.yaml"),
        ("rake", "Rakefile"),
    ],
)
def test_a_build_file_judges_where_a_check_runs_its_targets(tool: str, files: str) -> None:
    for name in names(files):
        assert find_role(name, call(f"{tool} test")) is Role.SCRIPT, name
        assert find_role(name, call("ninja test")) is None, name


def test_a_name_that_two_tools_know_is_found_by_either() -> None:
    assert [find_role("Makefile", call(one)) for one in ("make", "gmake", "just")] == [Role.SCRIPT, Role.SCRIPT, None]


@pytest.mark.parametrize(
    "name",
    names(
        "scripts/x.py script/x.py tools/x.py tool/x.py ci/x.py .ci/x.py .github/x.py hack/x.py dev/x.py devtools/x.py"
    )
    + names(
        "run-checks.py run_test.sh runcheck.sh check.py checks.js verify-a.py validate_it.py lint.sh ci.sh smoke.py"
    )
    + names("acceptance.py assert.py e2e.py deep/check deep/run-tests.d deep/scripts/in/x.py"),
)
def test_a_script_that_a_check_runs_judges_if_its_folder_or_its_name_says_so(name: str) -> None:
    assert find_role(name, call(f"./{name} --fast")) is Role.SCRIPT
    assert find_role(name, call("make")) is None


@pytest.mark.parametrize(
    "name", names("app/x.py checkout.py runner.py linter.py deploy.sh x.bash ascripts/x.py precheck.py bin/tools")
)
def test_a_program_that_a_check_runs_is_worked_on(name: str) -> None:
    assert find_role(name, call(f"sh {name}")) is None


def test_a_script_is_known_by_the_end_of_its_path() -> None:
    called = call("cd app && sh scripts/x.py lib/tools/y.py")
    assert find_role("app/scripts/x.py", called) is Role.SCRIPT
    assert find_role("tools/y.py", called) is None


def test_a_shell_script_judges_where_another_script_calls_it() -> None:
    files = {"Makefile": "test:\n\tsh a/helper.sh\n\tbash one.bash\n\t./app.py\ninclude rules.mk\n"}
    called = call("make test", files=files)
    found = {name: find_role(name, called) for name in names("a/helper.sh one.bash rules.mk app.py b.sh")}
    assert found == {
        "a/helper.sh": Role.SCRIPT,
        "one.bash": Role.SCRIPT,
        "rules.mk": Role.SCRIPT,
        "app.py": None,
        "b.sh": None,
    }


def test_what_a_person_names_judges() -> None:
    assert find_role("src/rules.txt", NOTHING, ["src/*.txt"]) is Role.SCRIPT
    assert find_role("tests/a.py", NOTHING, ["tests"]) is Role.SCRIPT
    assert find_role("src/rules.md", NOTHING, ["src/*.txt"]) is None


@pytest.mark.parametrize("runner", names("unittest pytest _pytest pluggy doctest coverage tox nox hypothesis"))
def test_a_module_that_takes_the_place_of_a_runner_judges(runner: str) -> None:
    for name in (f"{runner}.py", f"{runner}/__init__.py", f"{runner}/__main__.py"):
        assert shadows_runner(name, NOTHING), name
        assert find_role(name, NOTHING) is Role.CONFIG, name
        assert not shadows_runner(f"src/{name}", NOTHING), name
        assert shadows_runner(f"src/{name}", call("cd src && python3 -m unittest")), name
    assert not shadows_runner(f"{runner}.txt", NOTHING)
    assert not shadows_runner(f"{runner}/main.py", NOTHING)


# --- what checks call ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "file", "text"),
    [
        ("make test", "GNUmakefile", "test:\n\t./inner.sh"),
        ("make test", "makefile", "test:\n\t./inner.sh"),
        ("gmake test", "Makefile", "test:\n\t./inner.sh"),
        ("just test", "justfile", "test:\n  ./inner.sh"),
        ("just test", "Justfile", "test:\n  ./inner.sh"),
        ("just test", ".justfile", "test:\n  ./inner.sh"),
        ("npm test", "package.json", '{"scripts": {"test": "./inner.sh -q"}}'),
        ("pnpm test", "package.json", '{"scripts": {"test": "sh inner.sh"}}'),
        ("yarn test", "package.json", '{"scripts": {"test": "sh inner.sh"}}'),
        ("bun test", "package.json", '{"scripts": {"test": "sh inner.sh"}}'),
        ("tox", "tox.ini", "commands = sh inner.sh"),
        ("tox", "setup.cfg", "commands = sh inner.sh"),
        ("nox", "noxfile.py", 'session.run("inner.sh")'),
        ("task test", "Taskfile.yml", "- sh inner.sh"),
        ("task test", "Taskfile.yaml", "- sh inner.sh"),
        ("rake", "Rakefile", "sh 'inner.sh'"),
        ("pre-commit run", ".pre-commit-config.yaml", "entry: inner.sh"),
        ("./outer.sh", "outer.sh", "sh inner.sh"),
        ("cd app && make test", "app/Makefile", "test:\n\t./inner.sh"),
        ("make -C app test", "app/Makefile", "test:\n\t./inner.sh"),
        ("npm --prefix app test", "app/package.json", '{"scripts": {"test": "sh inner.sh"}}'),
        ("pnpm --dir=./app test", "app/package.json", '{"scripts": {"test": "sh inner.sh"}}'),
        ("yarn --cwd app/ test", "app/package.json", '{"scripts": {"test": "sh inner.sh"}}'),
        ("just --directory app test", "app/justfile", "test:\n  ./inner.sh"),
        ("cargo --manifest-path app; make", "app/Makefile", "test:\n\t./inner.sh"),
        ("bin/outer", "bin/outer", "sh inner.sh"),
        ("cd  X && make test", "X/Makefile", "test:\n\t./inner.sh"),
    ],
)
def test_what_a_command_leads_to_is_called_too(command: str, file: str, text: str) -> None:
    called = call(command, files={file: text})
    assert "inner.sh" in called.words & called.indirect
    assert "inner.sh" not in call(command).words


@pytest.mark.parametrize("ending", names(".sh .bash .zsh .py .js .mjs .cjs .ts .rb .pl .ps1 .mk"))
def test_scripts_are_read_by_their_ending(ending: str) -> None:
    assert "inner.sh" in call(f"run outer{ending}", files={f"outer{ending}": "inner.sh"}).indirect
    assert "inner.sh" not in call(f"run outer{ending}x", files={f"outer{ending}x": "inner.sh"}).indirect


def test_the_words_of_a_command_are_direct_and_what_they_lead_to_is_not() -> None:
    called = call("make test ./one.sh dir/ 'a b' BOX", "npm t", files={"Makefile": "test: two.sh one.sh"})
    assert {"make", "test", "one.sh", "dir", "a", "b", "BOX", "npm", "t", "two.sh"} == called.words
    assert called.indirect == {"two.sh"} | {"test", "one.sh"} & called.indirect
    assert not called.words & {"./one.sh", "dir/", "."}


def test_only_the_scripts_of_a_package_are_called() -> None:
    files = {"package.json": '{"files": ["a.sh"], "scripts": {"test": "b.sh", "n": 1}}'}
    assert {"b.sh", "1"} == call("npm test", files=files).indirect
    for text in ("not json", "[]", '{"scripts": []}', "{}", "[" * 100_000):
        assert call("npm test", files={"package.json": text}).indirect == frozenset(), text[:20]


def reads(*commands: str, text: str = "") -> list[str]:
    """Return which files are read for some commands, each with the same text."""
    read = list[str]()
    follow(commands, lambda name: read.append(name) or text)
    return read


def test_scripts_that_call_one_another_are_read_once_and_not_without_end() -> None:
    def endless(name: str) -> str:
        read.append(name)
        number = int(name.removeprefix("s").removesuffix(".sh"))
        return f"sh s{number}.sh s{number + 1}.sh s{number + 2}.sh"

    read = list[str]()
    assert "s3.sh" in follow(["sh s0.sh"], endless).indirect
    assert len(read) == len(set(read)) == MOST_FOLLOWED == 40


def test_which_of_many_scripts_are_read_is_the_same_each_time() -> None:
    many = [f"s{number:02}.sh" for number in range(60)]
    assert reads("sh " + " ".join(many)) == many[:19:-1]
    assert reads("x.sh", text=" ".join(many)) == ["x.sh", *many[:20:-1]]


@pytest.mark.parametrize(
    ("commands", "read"),
    [
        (["cd ./app/ && sh x.sh", "cd b; cd .; ls"], ["x.sh", "app/x.sh", "b/x.sh"]),
        (["abcd app; sh x.sh"], ["x.sh"]),
        (["run data/cases.json data/notes"], ["data/notes"]),
        (["make a", "gmake b"], ["GNUmakefile", "makefile", "Makefile"]),
        (["ls"], []),
    ],
)
def test_a_script_is_looked_for_at_the_root_and_where_a_check_goes(commands: list[str], read: list[str]) -> None:
    assert reads(*commands) == read


# --- what a check names -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "named"),
    [
        ("pytest app/tests/test_a.py", True),
        ("pytest lib/app/tests/test_a.py", False),
        ("cd app && pytest tests/test_a.py", True),
        ("pytest test_a.py", True),
        ("python3 -m unittest app.tests.test_a", True),
        ("python3 -m unittest app.tests.test_a.TestA.test_x", True),
        ("python3 -m unittest test_a", True),
        ("python3 -m unittest test_a.TestA", True),
        ("pytest -k test_a", True),
        ("pytest app/tests", False),
        ("pytest app", False),
        ("pytest other", False),
        ("pytest", False),
        ("pytest est_a.py", False),
        ("pytest tests/test_a.pyx", False),
        ("pytest tests.other/test_a", False),
    ],
)
def test_a_check_names_a_file_by_path_module_or_stem(command: str, named: bool) -> None:
    assert names_some(command, ["app/tests/test_a.py"], ["app/tests/test_b.py"]) is named


def test_a_folder_names_its_files_only_where_no_other_is_in_it() -> None:
    assert names_some("pytest ./app/new/", ["app/new/test_a.py"], ["app/test_b.py"])
    assert not names_some("pytest app", ["app/new/test_a.py"], ["app/test_b.py"])
    assert names_some("pytest app new", ["app/new/test_a.py"], ["app/test_b.py"])
    assert names_some("pytest tests", ["x.py", "tests/test_a.py"], [])
    assert not names_some("pytest tests", [], [])
    assert not names_some("pytest app.x/y", ["app/test_a.py"], [])
    assert names_some("pytest tests", ["tests/test_a.py"], ["tests2/test_b.py", "a/tests/test_b.py"])
    assert not names_some("pytest tests", ["tests/test_a.py"], ["tests/test_b.py"])


@pytest.mark.parametrize(
    ("command", "before", "needs"),
    [
        ("pytest", ["calc.py"], True),
        ("pytest", ["test_b.py"], False),
        ("pytest tests/test_a.py", ["test_b.py"], True),
        ("cd app && pytest", ["test_b.py"], True),
        ("cd app && pytest", ["app/test_b.py"], False),
        ("cd ./app/ && pytest", ["app/test_b.py"], False),
        ("cd . && pytest", ["test_b.py"], False),
        ("cd app && pytest", ["app/calc.py", "application/test_b.py"], True),
        ("cd X && pytest", ["test_b.py"], True),
        ("pytest", ["calc.py", "test_b.py", "calc2.py"], False),
        ("pytest", ["tests/data.txt"], True),
    ],
)
def test_a_check_may_need_new_tests_that_it_names_or_where_it_had_none(
    command: str, before: list[str], needs: bool
) -> None:
    assert may_need(command, ["tests/test_a.py"], before) is needs
    assert may_need(command, [], before) is False


@pytest.mark.parametrize(
    ("was", "now", "says"), [("", "1", "new"), ("1", "2", "changed"), ("1", "", "deleted"), ("?", "?", "changed")]
)
def test_what_became_of_a_file_is_a_word(was: str, now: str, says: str) -> None:
    assert Judging("a/x.py", "x.py", Role.TEST, was, now).says == says


def test_a_judgement_says_nothing_of_its_own() -> None:
    assert Judgement() == Judgement(red=(), question="", about={}, parked_at="", lines=())


def test_a_role_reads_well_in_a_receipt() -> None:
    code = "tests in the code"
    said = ["a test", code, "test data", "configuration of tests", "a script that checks run"]
    assert sorted(map(str, Role)) == sorted(said)


# --- what is in the place of a runner ------------------------------------------------------------------------------

ROLES = {
    "tests/test_a.py": Role.TEST,
    "src/tests.rs": Role.TEST,
    "internal/testutil/equal.go": Role.TEST,
    "test_helpers.py": Role.TEST,
    "cases.json": Role.DATA,
    "usecases.json": None,
    "nice.egg-info/entry_points.txt": Role.CONFIG,
    "difflib.py": Role.CONFIG,
    "app/difflib.py": None,
    "node_modules/chai/index.js": Role.CONFIG,
    "node_modules/@jest/core/build/index.js": Role.CONFIG,
    "node_modules/react/index.js": None,
    "vendor/github.com/stretchr/testify/assert/assert.go": Role.CONFIG,
    "vendor/github.com/a/b/b.go": None,
    "src/calc.py": None,
    "stats/expected_value.py": None,
    "features/steps/sums.py": Role.TEST,
    "features/sums.feature": Role.TEST,
    "src/features/sums.js": None,
    "testcases/add.txt": Role.DATA,
    "expected.py": Role.DATA,
    "app/snapshots/api.py": None,
    "app/snapshots/a.txt": Role.DATA,
    "golden/a.py": Role.DATA,
    "src/e2e/seal.js": None,
    "e2e/login.js": Role.DATA,
    "web/e2e/src/login.js": Role.DATA,
    "contest/a.py": None,
    "test_calc/__init__.py": Role.TEST,
    "node_modules/.bin/jest": Role.CONFIG,
    "greet_test.sh": Role.TEST,
    "greet-test.bash": Role.TEST,
    "run_tests.sh": None,
    "spec/greet_spec.sh": Role.TEST,
    "spec/support.sh": Role.DATA,
    "calc_unittest.cc": Role.TEST,
    "docs/reference.md": None,
    "data/cases.csv": None,
    "data/expected.json": Role.DATA,
    "data/fixtures/cases.csv": Role.DATA,
    "src/features/checkout/steps/address.js": None,
}


@pytest.mark.parametrize(("name", "role"), ROLES.items(), ids=ROLES)
def test_what_a_file_is_by_its_name(name: str, role: Role | None) -> None:
    assert find_role(name, call()) is role


CALLED = [
    ("python3 -m verify", "verify.py", Role.SCRIPT),
    ("python3 -m tools.verify", "tools/verify/__main__.py", Role.SCRIPT),
    ("./gradlew test", "gradlew", Role.SCRIPT),
    ("python3 -m report", "report.py", None),
    ("python3 -m report | diff - reference/out.txt", "reference/out.txt", Role.DATA),
    ("python3 -m report > reference/out.txt", "reference/out.txt", None),
    ("cmp out.txt other.txt && test -f reference/out.txt", "reference/out.txt", None),
    ("npx vitest run", "vite.config.ts", Role.CONFIG),
    ("npx vite build", "vite.config.ts", None),
    ("jest", "babel.config.js", Role.CONFIG),
    ("tsx --test a.test.ts", "tsconfig.json", Role.CONFIG),
    ("cargo test", ".cargo/config.toml", Role.CONFIG),
    ("behave", "features/steps/sums.py", Role.TEST),
    ("npx cucumber-js", "features/support/world.js", Role.TEST),
    ("python3 -m unittest", "features/support/tickets.py", None),
]


@pytest.mark.parametrize(("command", "name", "role"), CALLED)
def test_what_a_file_is_by_what_checks_call(command: str, name: str, role: Role | None) -> None:
    assert find_role(name, call(command)) is role


def test_a_check_may_need_a_test_that_it_asks_for_by_name() -> None:
    before = ["calc.go", "calc_test.go"]
    command = "go test -v -run TestMul . | grep -c PASS"
    assert may_need(command, ["calc_test.go"], before, ["TestMul"])
    assert not may_need(command, ["calc_test.go"], before, ["TestDiv"])


@pytest.mark.parametrize(
    "text",
    [
        'pytest_plugins = ["app.testing"]\n',
        "import os\n\npytest_plugins: list[str] = (\n    'other',\n    'app.testing',\n)\n",
        'pytest_plugins = "app.testing"\n',
    ],
)
def test_a_module_that_conftest_has_pytest_load_judges(text: str) -> None:
    called = replace(call("pytest"), loaded=find_plugins(text))
    judging = ("app/testing.py", "src/app/testing.py", "app/testing/__init__.py")
    assert [find_role(name, called) for name in (*judging, "app/other.py")] == [Role.CONFIG] * 3 + [None]


def test_a_conftest_that_loads_nothing_names_nothing() -> None:
    assert not find_plugins("# pytest_plugins = ['a']\nx = ['b']\n")
