"""What is obeyed is found where it is hidden: behind names, links, many folders, another disk, in what is compiled."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from helpers.marks import in_short, needs_bwrap
from helpers.world import FINISH

pytestmark = needs_bwrap


@pytest.fixture
def project(confined: Any) -> Any:
    confined.spec("hello")
    confined.repository()
    return confined


@pytest.mark.deep
def test_names_that_are_as_long_as_can_be_keep_nothing_from_being_set_aside(project: Any) -> None:
    name = f"{'a' * 251}.pth"
    project.agent(f"mkdir b c d; touch b/{name} c/{name}; echo evil > d/.envrc; {FINISH}")
    ran = project.go()
    assert (ran.code, project.has(f"c/{name}"), project.has("d/.envrc")) == (0, False, False), ran.text


@pytest.mark.deep
@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="needs another file system")
def test_what_cannot_be_renamed_to_another_disk_is_copied_there(project: Any, request: Any) -> None:
    disk = tempfile.mkdtemp(dir="/dev/shm")
    request.addfinalizer(partial(shutil.rmtree, disk))
    project.agent(f"git init -q d; echo evil > .envrc; ln -s / d/.vscode; {FINISH}")
    ran = project.go(logs_dir=disk)
    assert (ran.code, project.has("d/.git"), project.has(".envrc"), project.has("d/.vscode")) == (0, *[False] * 3)
    foreign = Path(disk, "attempts/hello/0001/foreign")
    assert (foreign / ".envrc.quarantined").read_text() == "evil\n"
    assert (foreign / ".git.quarantined/HEAD.quarantined").is_file()
    assert (foreign / ".vscode.quarantined").is_symlink()


@pytest.mark.deep
def test_what_is_hidden_behind_many_folders_is_not_taken_for_gone(project: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("harness.workspace.guard.FOLDERS", 900)
    file = project.root / "deep/er/still/.envrc"
    file.parent.mkdir(parents=True)
    file.write_text("mine\n")
    project.git("add", "-A")
    project.git("commit", "-qm", "mine")
    project.agent('[ -d f1 ] && rm -r f* || mkdir $(seq -f f%g 1000); note "made or removed folders, as asked"')
    ran = project.go(max_iterations="2", commit="never")
    assert (file.read_text(), "where direnv" in ran.text) == ("mine\n", False), ran.text
    assert "what lies in these is not looked at" in ran.text


@pytest.mark.deep
def test_a_large_file_that_is_obeyed_is_put_back(project: Any) -> None:
    file, text = project.root / "pkg/.idea/w.xml", "a line of it\n" * 20_000
    file.parent.mkdir(parents=True)
    file.write_text(text)
    project.git("add", "-A")
    project.git("commit", "-qm", "mine")
    project.agent(f"echo evil >> pkg/.idea/w.xml; {FINISH}")
    assert project.go().code == 0
    assert (file.read_text(), project.git("status", "--porcelain")) == (text, "")


@pytest.mark.deep
@pytest.mark.parametrize("way", in_short(["yarn", "link"], "link"))
def test_what_is_obeyed_behind_a_link_is_seen(project: Any, way: str) -> None:
    file = project.root / ".yarn/releases/yarn.cjs"
    if way == "yarn":
        file.parent.mkdir(parents=True)
        file.write_text("mine\n")
        project.git("add", "-A")
        project.git("commit", "-qm", "mine")
    project.agent(f"mv .yarn y || mkdir -p y/releases; ln -s y .yarn; echo evil > y/releases/yarn.cjs; {FINISH}")
    project.go(max_iterations="1")
    assert not (project.root / ".yarn").is_symlink()
    assert file.exists() is (way == "yarn") and (way == "link" or file.read_text() == "mine\n")


def test_what_is_obeyed_by_its_pattern_behind_a_link_is_seen(project: Any) -> None:
    project.agent(f"mkdir m; ln -s m mise; echo evil > m/config.local.toml; {FINISH}")
    project.go(max_iterations="1")
    assert not (project.root / "mise/config.local.toml").exists()


# --- Python that says one thing and does another --------------------------------------------------------------------

HIDDEN = """
import importlib.util, py_compile, sys
py_compile.compile("mod.py", cfile="good.pyc")
code = compile("print('evil')", "mod.py", "exec")
from importlib._bootstrap_external import _code_to_hash_pyc
import os
os.makedirs("__pycache__", exist_ok=True)
open(importlib.util.cache_from_source("mod.py"), "wb").write(_code_to_hash_pyc(code, b"x" * 8, False))
open("json.pyc", "wb").write(_code_to_hash_pyc(code, b"x" * 8, False))
os.remove("good.pyc"); os.remove("compile.py")
open("mod.abi3.so", "wb").write(b"evil")
"""


def test_a_person_s_python_runs_what_the_source_says(project: Any) -> None:
    (project.root / "mod.py").write_text("print('mine')\n")
    (project.root / ".gitignore").write_text("__pycache__/\n*.py[cod]\n*.so\n")
    project.git("add", "-A")
    project.git("commit", "-qm", "mine")
    project.agent(f"cat > compile.py <<'EOF'\n{HIDDEN}\nEOF\n{sys.executable} compile.py; {FINISH}")
    ran = project.go()
    said = subprocess.run([sys.executable, "-c", "import mod, json"], cwd=project.root, capture_output=True, check=True)
    assert (ran.code, said.stdout) == (0, b"mine\n"), ran.text
    assert not project.has("json.pyc") and not project.has("mod.abi3.so")


@pytest.mark.deep
def test_a_run_says_that_what_is_left_in_sandbox_write_is_not_looked_at(project: Any, tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    project.agent(FINISH)
    told = "what they leave in `sandbox_write` is not looked at"
    assert told in project.go(sandbox_write=[str(tmp_path / "shared")]).text
