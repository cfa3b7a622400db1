"""The suite itself can be relied on: what belongs together meets one worker, and nobody's git is needed or obeyed."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from helpers.files import REPOSITORY

TESTS = Path(__file__).parent
CLOCKS = {"time.perf_counter", "time.monotonic"}  # a busy machine takes its time
GROUP = """
import os, pytest
@pytest.mark.xdist_group("together")
@pytest.mark.parametrize("number", range(6))
def test_one(number):
    with open("workers", "a") as file:
        print(os.environ["PYTEST_XDIST_WORKER"], file=file)
"""


def run_pytest(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run pytest in a process and a folder of its own, with xdist as its only plugin."""
    line = [sys.executable, "-m", "pytest", "-q", "--rootdir", str(folder), "-p", "xdist.plugin", *words]
    environ = {"PATH": "/usr/bin:/bin", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(line, cwd=folder, env=environ, capture_output=True, text=True, check=False)


@pytest.mark.deep
def test_a_group_of_tests_meets_one_worker(tmp_path: Path) -> None:
    (tmp_path / "test_group.py").write_text(GROUP)
    ran = run_pytest(tmp_path, "-n2", "--dist", "loadgroup")
    assert ran.returncode == 0, ran.stdout
    workers = (tmp_path / "workers").read_text().split()
    assert (len(workers), len(set(workers))) == (6, 1)


GITCONFIG = """
[user]
    name = somebody else
    useConfigOnly = true
[commit]
    gpgSign = true
[gpg]
    program = /bin/false
[core]
    hooksPath = /nonexistent
[init]
    templateDir = /nonexistent
"""
OF_GIT = (
    "-k", "merge or one_commit or inside_this_one", "tests/attempts/test_accept.py", "tests/workspace/test_git.py",
)  # fmt: skip


@pytest.mark.deep
@pytest.mark.parametrize("config", ["", GITCONFIG], ids=["none", "somebody's"])
def test_commits_are_made_whatever_the_home_says_about_git(tmp_path: Path, config: str) -> None:
    (tmp_path / ".gitconfig").write_text(config)
    environ = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider", *OF_GIT],
        cwd=REPOSITORY, env={**environ, "HOME": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout


def test_every_tier_is_run_by_ci_and_every_law_at_full_length() -> None:
    told = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["tool"]["pytest"]["ini_options"]
    deselected = set(re.findall(r"not (\w+)", told["addopts"]))
    assert {line.partition(":")[0] for line in told["markers"]} == deselected | {"e2e"}
    line = re.search(r"--hypothesis-profile deep -m '(.+)'", (REPOSITORY / ".ci/run").read_text("utf-8"))
    assert line and set(line[1].split(" or ")) == deselected | {"hypothesis"}


def test_nothing_is_asserted_about_how_long_it_took() -> None:
    found = []
    for path in TESTS.rglob("test_*.py"):
        text = path.read_text("utf-8")
        for node in ast.walk(ast.parse(text)) if any(clock in text for clock in CLOCKS) else ():
            if isinstance(node, ast.Assert) and CLOCKS & {ast.unparse(one) for one in ast.walk(node)}:
                found.append(f"{path.name}:{node.lineno}")
    assert found == []
