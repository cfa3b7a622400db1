"""The manual is right: its commands exist and work, its tables name what there is."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from helpers.waiting import PATIENCE

import harness
from harness.agents.prompt import find_template
from harness.cli.app import app
from harness.domain.halt import Halt
from harness.rehearsal.demo import find_command
from harness.settings.load import load_config
from harness.settings.options import OPTIONS, Settings
from harness.settings.setting import Group

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
COMMANDS = {command.name or command.callback.__name__ for command in app.registered_commands}


def readme_command(word: str) -> str:
    found = re.findall(r"^\$ (.*)$", README, re.MULTILINE)
    assert len(found) == 2, "the manual promises exactly two commands"
    return next(line for line in found if word in line)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    """`harness demo`, run once, in a folder with a space in its name."""
    folder = tmp_path_factory.mktemp("demo") / "with a space"
    words = [sys.executable, "-m", "harness", "demo", "--dir", str(folder)]
    return subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE, check=False)


@pytest.mark.deep
def test_the_first_command_of_the_manual_ends_in_the_demo_and_it_works(demo) -> None:
    *setup, command = readme_command("demo").split(" && ")
    assert setup == ["python3 -m venv .venv", ".venv/bin/pip install --quiet ."]
    assert command == ".venv/bin/harness demo"
    assert demo.returncode == 0, demo.stderr
    for line in ("Three features proven.", "harness why greet"):
        assert line in demo.stdout
    said = [re.sub(r"^\S+ |\(\d.*| in \S+ s", "", line) for line in demo.stderr.splitlines()]
    promised = [line for line in README.splitlines() if re.match(r"\d\d:\d\d:\d\d greet: ", line)]
    assert len(promised) == 6
    for line in promised:
        assert re.sub(r"^\S+ |\(\d.*", "", line) in said


@pytest.mark.deep
def test_the_closing_lines_of_the_demo_work_as_they_are_printed(demo) -> None:
    summary, look, *commands = demo.stdout.strip().splitlines()
    assert (look, len(commands)) == ("Look around:", 7)
    script = "set -e\n" + "\n".join(commands)
    environ = {**os.environ, "PATH": "/usr/bin:/bin", "GIT_PAGER": "cat"}
    said = subprocess.run(["sh", "-c", script], env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert said.returncode == 0, said.stderr
    assert "Harness-Feature: greet" in said.stdout and "greet is done: " in said.stdout
    assert summary in README


def test_the_demo_names_harness_by_its_path_where_path_does_not_lead_to_it(tmp_path: Path) -> None:
    own, other = tmp_path / "own bin" / "harness", tmp_path / "other" / "harness"
    for program in (own, other):
        program.parent.mkdir()
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
    assert find_command(str(own), {"PATH": str(own.parent)}) == "harness"
    assert find_command(str(own), {"PATH": str(other.parent)}) == f"'{own}'"
    assert find_command(str(tmp_path / "harness"), {"PATH": ""}) == f"{sys.executable} -m harness"


def test_the_second_command_of_the_manual_runs_these_tests() -> None:
    assert readme_command("pytest").endswith(".venv/bin/pip install --quiet --editable '.[dev]' && .venv/bin/pytest")


def test_every_command_is_in_the_manual_and_no_other() -> None:
    table = README.split("## Commands")[1].split("## Options")[0]
    cells = re.findall(r"^\| (`.*?`) \|", table, re.MULTILINE)
    named = {code.removeprefix("harness ").split()[0] for cell in cells for code in re.findall(r"`([^`]+)`", cell)}
    assert named == COMMANDS


def test_every_setting_is_in_the_manual() -> None:
    assert [name for name in OPTIONS if f"| `{name}`" not in README] == []


def test_the_tables_of_settings_are_those_that_the_settings_make() -> None:
    manual = runpy.run_path(str(ROOT / ".ci" / "manual.py"))
    assert manual["compose_manual"](README) == README, "write them anew: python .ci/manual.py"
    named = " ".join(names for _, names, _ in manual["PLACE"].findall(README)).split()
    assert sorted(named) == sorted(group.name.lower() for group in Group)


def test_the_defaults_in_the_manual_are_the_defaults() -> None:
    rows = re.findall(r"^\| `(\w+)`.*?\| `([^`|]+)` \|", README, re.MULTILINE)
    shown = {name: value for name, value in rows if name in OPTIONS}
    assert len(shown) > 10
    for name, value in shown.items():
        assert OPTIONS[name].kind.parse(value) == getattr(Settings(), name), name


@pytest.mark.parametrize("halt", list(Halt), ids=lambda halt: halt.name.lower())
def test_every_exit_code_is_in_the_manual(halt: Halt) -> None:
    assert re.search(rf"^\| {halt.code} \|", README, re.MULTILINE)


def test_the_picture_is_there_and_fetches_nothing() -> None:
    picture = (ROOT / re.search(r"!\[.*?\]\((.*?)\)", README)[1]).read_text("utf-8")
    assert "every feature asked for is done" in re.sub(r"<[^>]+>", "", picture).replace("&#160;", " ")
    assert set(re.findall(r"https?://[^\"')\s]*", picture)) <= {"http://www.w3.org/2000/svg"}


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_every_link_inside_the_manual_leads_somewhere(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    headings = re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}
    anchors |= set(re.findall(r'<a id="([^"]+)"></a>', text))
    links = re.findall(r"\]\(([^)\s]+)\)", text)
    assert [link for link in links if link.startswith("#") and link[1:] not in anchors] == []
    files = [link for link in links if not link.startswith(("#", "http"))]
    assert [name for name in files if not (ROOT / name.partition("#")[0]).exists()] == []


def test_the_settings_that_init_suggests_can_be_taken_as_they_are(tmp_path: Path) -> None:
    text = (ROOT / "templates" / "harness.yaml").read_text("utf-8")
    (tmp_path / "harness.yaml").write_text(re.sub(r"^# (?=\w+:| {2}- )", "", text, flags=re.MULTILINE), "utf-8")
    config = load_config(tmp_path, {}, {})
    set_there = {name for name, origin in config.origins.items() if origin == "harness.yaml"}
    assert set_there >= {"agent", "checks", "keep_going", "on_limit", "max_cost", "timeout", "env_pass"}


def test_the_table_of_folders_for_contributors_is_that_of_the_package() -> None:
    table = textwrap.dedent(re.split(r"\n\n(?=    folder )", str(harness.__doc__))[1]).strip()
    assert f"```text\n{table}\n```" in (ROOT / "CONTRIBUTING.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("variable", "setting"), re.findall(r"^\| `([A-Z_]+)(?:=\S+)?` \| `(\w+)", README, re.MULTILINE)
)
def test_the_migration_table_names_real_settings(variable: str, setting: str) -> None:
    assert setting in OPTIONS or setting in {"harness"}


def test_the_state_of_the_bash_loop_is_taken_over_as_it_is(world) -> None:
    body = "# Old\n\nDo it.\n"
    for slug in ("a", "b"):
        folder = world.root / "specs" / "features" / slug
        folder.mkdir(parents=True)
        (folder / "spec.md").write_text(body)
    logs = world.root / "logs" / "feature-runner"
    logs.mkdir(parents=True)
    (logs / "a.done").write_text("2025-01-01 all green\n")
    (logs / "b.log").write_text("an old note\n")
    (logs / "learnings.md").write_text("- an old lesson\n")
    world.settings |= {"specs_dir": "specs/features", "logs_dir": "logs/feature-runner"}
    world.agent('note "did $slug"; echo "finished" > "$done"')
    assert world.run().code == 0
    prompt = (logs / "attempts/b/0001/prompt.md").read_text()
    assert "| an old note" in prompt
    assert "| - an old lesson" in prompt
    assert (logs / "a.done").read_text() == "2025-01-01 all green\n"
    assert not (logs / "attempts" / "a").exists()
    config = load_config(world.root, world.settings, {})
    assert find_template(config.paths, "") == ROOT / "templates" / "prompt.md"


def test_every_function_that_contributors_are_sent_to_is_where_the_page_says() -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    sent = re.findall(r"`(\w+)` in `([\w/]+\.py)`", page)
    steps = re.findall(r"^\d+\. `(\w+)` ", page, re.MULTILINE)
    assert len(sent) > 3 and len(steps) > 3
    for name, file in [*sent, *((name, "*.py") for name in steps)]:
        there = "\n".join(path.read_text("utf-8") for path in (ROOT / "harness").rglob(Path(file).name))
        assert re.search(rf"^(def |class |){name}\b", there, re.MULTILINE), f"{name} is not in {file}"
