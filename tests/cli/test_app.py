"""The command line itself: help, completion, and what it imports."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from helpers.marks import in_short
from helpers.stages import GOOD, proven
from helpers.world import World

from harness import __version__

SCRIPT = Path(sys.executable).with_name("harness")
COMMANDS = (
    "run", "dry-run", "demo", "verify", "init", "new", "lint", "status", "why", "log", "config", "doctor",
    "answer", "accept", "reset", "halt", "resume",
)  # fmt: skip


# --- the command line itself --------------------------------------------------------------------------------------


def test_the_version_is_told_by_the_module_and_by_the_script(world: World) -> None:
    told = subprocess.run([SCRIPT, "--version"], cwd=world.root, capture_output=True, text=True, check=True).stdout
    assert told == world.command("--version", fresh=True).stdout == f"harness {__version__}\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_every_command_says_what_it_does_with_an_example(harness, command: str) -> None:
    ran = harness(command, "--help")
    assert (ran.code, ran.err) == (0, "")
    assert f"harness {command}" in ran.out.partition("Options:")[2]


def test_the_help_lists_every_command_and_the_exit_codes(harness) -> None:
    ran = harness("--help")
    assert [command for command in COMMANDS if f"\n  {command} " not in ran.out] == []
    assert "Exit codes: 0 all done, 1 limit reached, 2 cannot start" in ran.out
    assert harness().out == ran.out


def test_a_completion_script_can_be_shown(world: World) -> None:
    ran = subprocess.run(
        ["bash", "-c", f'"{SCRIPT}" --show-completion; exit $?'],
        cwd=world.root, env=world.environ | {"SHELL": "/bin/bash"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "_HARNESS_COMPLETE=complete_bash" in ran.stdout


@pytest.mark.deep
def test_bash_completes_commands_and_options(world: World) -> None:
    def complete(words: str) -> list[str]:
        environ = {"_HARNESS_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
        ran = subprocess.run([SCRIPT], cwd=world.root, env=world.environ | environ, capture_output=True, text=True)
        return ran.stdout.split()

    assert complete("harness sta") == ["status"]
    assert "--keep-going" in complete("harness run --k")


@pytest.mark.parametrize("words", in_short(["--help", "status", "cost"], "status"))
def test_who_only_looks_imports_nothing_heavy(world: World, words: str) -> None:
    world.spec("a")
    code = (
        "import sys; from harness.cli.funnel import start; code = start(sys.argv[1:]);"
        "print([name for name in ('anthropic', 'genai_prices', 'watchfiles', 'jinja2') if name in sys.modules], code)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, words], cwd=world.root, env=world.environ, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert ran.stdout.splitlines()[-1] == "[] 0"


@pytest.mark.deep
def test_a_text_needs_no_pydantic_to_become_a_text(world: World) -> None:
    world.spec("a")
    code = (
        "import sys; from harness.cli.funnel import start; start(['lint', '--specs-dir', 'specs', '--json']);"
        "print('pydantic' in sys.modules)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=world.root, env=world.environ, capture_output=True, text=True
    )
    assert ran.stdout.splitlines()[-1] == "False"


def test_a_command_finds_the_project_from_a_folder_within(world: World, harness, monkeypatch) -> None:
    proven(world, "a")
    (world.root / "src" / "deep").mkdir(parents=True)
    monkeypatch.chdir(world.root / "src" / "deep")
    assert harness("status", "--json").json["done"] == 1


# --- init, new, lint ----------------------------------------------------------------------------------------------


def test_lint_is_0_for_a_good_spec_and_1_with_file_and_line_for_a_bad_one(world: World, harness) -> None:
    world.spec("good", GOOD, checks="sh test.sh")
    assert harness("lint").code == 0
    world.spec("bad", "No criteria here.")
    ran = harness("lint")
    assert ran.code == 1
    assert "specs/bad/spec.md:1: error: there are no acceptance criteria [no-criteria]\n    hint: add" in ran.out
    assert ran.out.splitlines()[-1].startswith("2 specs: 1 error")


def test_lint_tells_what_is_not_read(world: World, harness) -> None:
    world.spec("good", GOOD, checks="sh test.sh")
    (world.root / "specs" / "login.md").write_text(GOOD)
    ran = harness("lint")
    assert "warning: specs/login.md is not read: a feature has its own folder, as in specs/login/spec.md" in ran.out


def test_lint_tells_every_broken_spec_in_one_go(world: World, harness) -> None:
    world.spec("a", GOOD, depends_on="nosuch")
    world.spec("b", GOOD, nosuch=1)
    found = harness("lint", "--json").json["findings"]
    assert {one["slug"] for one in found if one["level"] == "error"} == {"a", "b"}
