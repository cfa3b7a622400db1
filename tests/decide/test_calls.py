"""What checks call, through the scripts and the build files that they lead to."""

from __future__ import annotations

import pytest

from harness.decide.calls import Called, find_captured, follow, may_lead
from harness.decide.judge_files import Role, find_role

VERIFY = 'test "$(sh greet.sh Ada)" = "Hello, Ada"\n'
JUDGING = "scripts/verify.sh"


def call(command: str, files: dict[str, str]) -> Called:
    return follow([command], lambda name: files.get(name, ""), lambda: list(files))


LED = {
    "make": ("make test", {"Makefile": "test:\n\tsh $(CURDIR)/scripts/verify.sh\n"}),
    "make, by a variable": ("make test", {"Makefile": "ROOT := .\ntest:\n\tsh $(ROOT)/scripts/verify.sh\n"}),
    "make in a folder": (
        "make",
        {"Makefile": "t:\n\t$(MAKE) -C sub\n", "sub/Makefile": "t:\n\tsh ../scripts/verify.sh"},
    ),
    "npm": ("npm test", {"package.json": '{"scripts": {"test": "sh $INIT_CWD/scripts/verify.sh"}}'}),
    "just": ("just test", {"JUSTFILE": "", "justfile": "test:\n  sh {{justfile_directory()}}/scripts/verify.sh\n"}),
    "a module of just": ("just ci test", {"justfile": "mod ci\n", "ci.just": "test:\n  sh scripts/verify.sh\n"}),
    "a script": ("sh run.sh", {"run.sh": 'here=$(cd "$(dirname "$0")" && pwd)\n. "$here/scripts/verify.sh"\n'}),
    "a script in a folder": ("sh x/run", {"x/run": "sh inner.sh", "x/inner.sh": "sh ../scripts/verify.sh\n"}),
    "a script by a variable": ("sh $X/run.sh", {"deep/in/run.sh": "sh scripts/verify.sh\n"}),
    "files by a pattern": ("make", {"Makefile": "include mk/*.mk\n", "mk/a.mk": "t:\n\tsh scripts/verify.sh\n"}),
    "deno": ("deno task t", {"deno.json": '{"tasks": {"t": "sh scripts/verify.sh"}}'}),
    "composer": ("composer t", {"composer.json": '{"scripts": {"t": "sh scripts/verify.sh"}}'}),
}


@pytest.mark.parametrize(("command", "files"), LED.values(), ids=LED)
def test_a_script_judges_however_it_is_led_to(command: str, files: dict[str, str]) -> None:
    called = call(command, files | {JUDGING: VERIFY, "greet.sh": 'echo "Hello $1"\n'})
    assert find_role(JUDGING, called) is Role.SCRIPT
    assert find_role("greet.sh", called) is None


@pytest.mark.parametrize(
    "script",
    [
        "sh greet.sh Ada | grep -q Hello",
        "sh greet.sh Ada | while read -r one; do true; done",
        "out=`sh greet.sh Ada`",
        "sh greet.sh Ada > out.txt; diff out.txt expected.txt",
        "shellcheck greet.sh *.sh",
        "run sh greet.sh Ada",
        "[ -x greet.sh ] && chmod +x greet.sh",
        '. ./greet.sh\ntest "$(greet Ada)" = Hello',
    ],
)
def test_a_script_that_is_what_is_tested_judges_nothing(script: str) -> None:
    files = {"test.sh": f"{script}\n", "greet.sh": 'greet() {\n  echo "Hello $1"\n}\n'}
    assert find_role("greet.sh", call("sh test.sh", files)) is None


@pytest.mark.parametrize(
    "script",
    [
        "sh inner.sh",
        "./inner.sh -q || exit 1",
        "set -e; exec bash -eu inner.sh 2>&1",
        'bash -c "sh inner.sh"',
        "if sh inner.sh; then true; fi",
        'A=1 timeout 60 "$SHELL" "$here/inner.sh" > /dev/null',
        "for one in inner.sh other.sh; do sh $one; done",
        ". ./inner.sh\nassert_equal 1 1",
    ],
)
def test_a_script_that_another_runs_judges(script: str) -> None:
    files = {"test.sh": f"{script}\n", "inner.sh": "assert_equal() {\n  true\n}\n"}
    assert find_role("inner.sh", call("sh test.sh", files)) is Role.SCRIPT


PRODUCT = {
    "beside its test": ("sh test.sh", {"test.sh": VERIFY}, "greet.sh"),
    "called by a test by its exit code": ("bash tests/run.sh", {"tests/run.sh": "sh src/greet.sh Ada"}, "src/greet.sh"),
    "sourced by a test": ("sh greet_test.sh", {"greet_test.sh": ". ./greet.sh"}, "greet.sh"),
    "what a target is made of": ("make test", {"Makefile": "out: build.sh\n\tsh build.sh\ntest: out\n"}, "build.sh"),
    "another script of npm": (
        "npm test",
        {
            "package.json": '{"scripts": {"deploy": "sh deploy.sh", "test": "node test.js"}}',
            "test.js": 'exec("sh deploy.sh")',
        },
        "deploy.sh",
    ),
    "another target": ("make test", {"Makefile": "test:\n\tpytest\ndeploy:\n\tsh deploy.sh\n"}, "deploy.sh"),
    "also looked at by a linter": (
        "make",
        {"Makefile": "t:\n\tsh -n *.sh\n\ttest $$(cd x && sh a.sh) = 1\n"},
        "x/a.sh",
    ),
    "called by code": ("python3 test_x.py", {"test_x.py": 'run(["sh", "install.sh"])'}, "install.sh"),
    "a tool within the product": ("python3 -m app.tools.convert x | grep X", {}, "app/tools/convert.py"),
}


@pytest.mark.parametrize(("command", "files", "product"), PRODUCT.values(), ids=PRODUCT)
def test_what_tests_call_is_worked_on(command: str, files: dict[str, str], product: str) -> None:
    assert find_role(product, call(command, files | {product: "echo\n"})) is None


def test_scripts_of_packages_within_a_package_are_followed() -> None:
    files = {
        "package.json": '{"workspaces": ["pkg/*"], "scripts": {"test": "npm test --workspaces"}}',
        "pkg/a/package.json": '{"scripts": {"test": "node checks/run.js"}}',
        "pkg/a/checks/run.js": "require('../ci/verify.js')",
        "other/package.json": '{"scripts": {"test": "node lint.js"}}',
    }
    called = call("npm test", files)
    assert find_role("pkg/a/ci/verify.js", called) is Role.SCRIPT
    assert find_role("other/lint.js", called) is None


def test_a_target_that_a_script_of_another_asks_for_is_followed() -> None:
    files = {
        "Makefile": "test:\n\tsh ci.sh\nunit:\n\tsh inner.sh\ndeploy:\n\tsh deploy.sh\n.PHONY: deploy\n",
        "ci.sh": "make unit\n",
        "inner.sh": "true\n",
        "deploy.sh": "true\n",
    }
    called = call("make test", files)
    assert [find_role(name, called) for name in ("inner.sh", "deploy.sh")] == [Role.SCRIPT, None]


INCLUDED = {
    "-include settings.env": ("make", "Makefile", "settings.env"),
    "sinclude $(TOP)/rules": ("make", "GNUmakefile", "rules"),
    "include mk/*.inc": ("make", "mk/../Makefile", "mk/a.inc"),
    "import 'recipes'": ("just", "justfile", "recipes"),
    "import? 'more.txt'": ("just", ".justfile", "more.txt"),
    "mod ci": ("just", "justfile", "ci/mod.just"),
    "mod ci 'build/ci.txt'": ("just", "justfile", "build/ci.txt"),
    "includes:\n  ci: ./ci/tasks.yml\n": ("task", "Taskfile.yml", "ci/tasks.yml"),
}


@pytest.mark.parametrize(("text", "place"), INCLUDED.items(), ids=[repr(one) for one in INCLUDED])
def test_what_a_build_file_is_made_of_judges(text: str, place: tuple[str, str, str]) -> None:
    tool, file, included = place
    files = {file.replace("mk/../", ""): text, included: "x\n"}
    assert find_role(included, call(f"{tool} test", files)) is Role.SCRIPT
    assert find_role(included, call("ninja test", files)) is None


@pytest.mark.parametrize(
    ("tool", "names"),
    [
        ("tox", "tox.toml"),
        ("just", "JUSTFILE JustFile .JUSTFILE"),
        ("poe", "poe_tasks.toml poe_tasks.yaml poe_tasks.json"),
        ("hatch", "hatch.toml"),
        ("pixi", "pixi.toml"),
        ("bun", "bunfig.toml"),
        ("deno", "deno.json deno.jsonc"),
        ("task", "Taskfile.dist.yml taskfile.yaml"),
        ("rake", "rakefile Rakefile.rb"),
        ("composer", "composer.json"),
    ],
)
def test_a_program_finds_what_it_runs_in_a_file_of_a_known_name(tool: str, names: str) -> None:
    for name in names.split():
        assert may_lead(name, [tool, "test"]), name
        assert may_lead(f"deep/{name}", [tool]), name
        assert not may_lead(name, ["ninja"]), name
        assert find_role(name, call(f"{tool} test", {})) is Role.SCRIPT, name


def test_a_long_script_is_read_in_time_that_grows_with_it() -> None:
    lines = "sh " * 600 + "\n"
    files = {"x.sh": lines * 200, "y.sh": " " * 1_000_000}
    assert "x.sh" in call("sh x.sh y.sh", files).words


def test_what_a_command_reads_of_another_is_told_from_what_it_runs() -> None:
    assert find_captured("sh a.sh | tee b | grep c && d $(sh e.sh)") >= {"a.sh", "e.sh"} - {"a.sh"}
    assert find_captured("sh a.sh 2>&1 | grep x; sh b.sh | tail") & {"a.sh", "b.sh"} == {"a.sh"}
    assert find_captured("sh a.sh > x 2> y; sh b.sh 2> z; sh c.sh > /dev/null", redirected=True) & {
        "a.sh",
        "b.sh",
        "c.sh",
    } == {"a.sh"}
