"""Files that test runners load since an option or their configuration names them."""

from __future__ import annotations

import pytest

from harness.decide.calls import follow
from harness.decide.configured import find_configured, find_loaded, find_options, is_configuration, is_loaded
from harness.decide.judge_files import Role, find_role

NAMED = {
    "package.json": (
        '{"main": "./calc.js", "exports": {"require": "./calc.js"}, "jest": {"resolver": "./x.js", "moduleNameMapper":'
        ' {"^calc$": "<rootDir>/calc.js"}}}'
    ),
    "app/jest.config.js": "module.exports = { setupFilesAfterEnv: ['<rootDir>/x.js'], roots: ['./calc.js'] };",
    "jest.config.ts": 'export default {\n  setupFiles: [\n    path.resolve(__dirname, "x.js"),\n  ],\n};',
    "jest.config.mjs": 'import base from "./x.js";\nexport default base;',
    "jest.config.cjs": 'module.exports = { globalSetup: require.resolve("./x"), transform: {"\\\\.js$": "./t.js"} };',
    "vitest.config.ts": 'export default { test: { setupFiles: "./x.js", include: ["calc.js"] } };',
    "vitest.workspace.js": "export default { extends: './x.js' }",
    ".mocharc.json": '{"require": ["./x.js", "ts-node/register"], "spec": "calc.js"}',
    ".mocharc.yml": "require:\n  - ./x.js\n  - should\nspec: calc.js\n",
    "bunfig.toml": '[test]\npreload = ["./x.js"]\n',
    "phpunit.xml": '<phpunit bootstrap="./x.js" colors="true">',
    ".eslintrc.json": '{"extends": ["eslint:recommended", "./x.js"]}',
    "playwright.config.ts": "export default defineConfig({ globalSetup: require.resolve('./x.js') });",
}


@pytest.mark.parametrize(("name", "text"), NAMED.items(), ids=NAMED)
def test_what_configuration_names_is_loaded(name: str, text: str) -> None:
    assert is_configuration(name)
    found = find_configured(name, text)
    assert find_loaded(["x.js", "calc.js", "other/y.js"], found) == ["x.js"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pytest.ini", "[pytest]\naddopts = -q -p app.rules -p no:cacheprovider\n"),
        ("pyproject.toml", '[tool.pytest.ini_options]\naddopts = "-p app.rules"\n'),
        ("pyproject.toml", '[tool.pytest.ini_options]\naddopts = ["-q", "-p", "app.rules"]\n'),
        ("pyproject.toml", '[tool.mypy]\nplugins = ["app.rules"]\n'),
        ("mypy.ini", "[mypy]\nplugins = app.rules, pydantic.mypy\n"),
        (".pylintrc", "[MAIN]\nload-plugins=app.rules\n"),
        ("setup.cfg", "[tool:pytest]\naddopts =\n  -p app.rules\n"),
    ],
)
def test_modules_that_configuration_names_are_loaded(name: str, text: str) -> None:
    found = find_configured(name, text)
    assert find_loaded(["app/rules.py", "src/app/rules.py", "other/app/rules.py", "app/calc.py"], found) == [
        "app/rules.py",
        "src/app/rules.py",
    ]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("package.json", '{"config": "./app/rules.py", "exports": {"require": "./app/rules.py"}}'),
        ("pyproject.toml", '[tool.other]\nplugins = ["app.rules"]\nconfig = "./app/rules.py"\n'),
        ("setup.cfg", "[options]\nplugins = app.rules\n"),
        ("package.json", "no JSON"),
        ("pyproject.toml", "no TOML = ["),
    ],
)
def test_what_else_such_a_file_names_is_worked_on(name: str, text: str) -> None:
    assert not find_loaded(["app/rules.py"], find_configured(name, text))


@pytest.mark.parametrize(
    ("command", "named"),
    [
        ("mocha -r ./x.js test", "x.js"),
        ("node --test --import ./x.js", "x.js"),
        ("NODE_OPTIONS='--require ./x.js' npx vitest run", "x.js"),
        ("npx jest --config=$PWD/cfg/unit.js", "cfg/unit.js"),
        ("npx jest -c cfg/unit.js", "cfg/unit.js"),
        ("pytest -c qa.ini tests", "qa.ini"),
        ("PYTHONPATH=. pytest -q -p app.rules tests", "app/rules.py"),
        ("PYTEST_PLUGINS=app.rules python3 -m pytest", "app/rules.py"),
        ("ruff check --config cfg/ruff.toml .", "cfg/ruff.toml"),
        ("go test -overlay cfg/over.json ./...", "cfg/over.json"),
        ("go test -modfile=other.mod ./...", "other.mod"),
        ("tsc -p cfg/strict.json; tsx --require ./x.js a.ts", "x.js"),
    ],
)
def test_what_an_option_of_a_test_runner_names_is_loaded(command: str, named: str) -> None:
    assert find_role(named, follow([command], lambda _: "")) is Role.CONFIG
    assert find_role(named, follow(["npm test"], lambda _: f'{{"scripts": {{"test": "{command}"}}}}')) is Role.CONFIG
    assert find_role("src/calc.py", follow([command], lambda _: "")) is None


@pytest.mark.parametrize(
    "command",
    [
        "node -r ./x.js server.js",
        "python3 -m app --config x.js",
        'bash -c "x.js"',
        "cp -r ./x.js out && npx vite build",
    ],
)
def test_what_an_option_of_the_product_names_is_worked_on(command: str) -> None:
    assert not is_loaded("x.js", find_options(command))
