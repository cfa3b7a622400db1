"""Whatever the environment and the folders of the starter hold, a run works, or says in a sentence what is wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.marks import SANDBOXES, in_short
from helpers.world import CLAIM, World

CLEAN = "set aside: {}; what git works on is found by the current folder alone"


@pytest.fixture
def project(world: World) -> World:
    """One feature, whose agent and whose check tell what git they found."""
    world.spec("a", checks="test -f ä.txt")
    world.agent('touch ä.txt; env | grep -E "^(GIT_DIR|GIT_INDEX_FILE|TMPDIR)=" > "$logs/env.txt"; ' + CLAIM)
    world.config_file(env_pass=["GIT_*"])
    world.repository()
    return world


def is_committed(world: World) -> bool:
    """Whether the work is in the project's commit, and nothing else lies about."""
    return (world.git("log", "-1", "--format=%s"), world.git("status", "--short")) == ("a: finished a", "")


@pytest.mark.parametrize(
    "named",
    in_short(
        [
            "GIT_DIR",
            "GIT_DIR GIT_INDEX_FILE GIT_WORK_TREE",
            "GIT_INDEX_FILE",
            "GIT_COMMON_DIR",
            "GIT_OBJECT_DIRECTORY",
            "GIT_NAMESPACE",
            "GIT_CEILING_DIRECTORIES",
            "GIT_ICASE_PATHSPECS",
            "GIT_TRACE GIT_TRACE2_EVENT",
            "GIT_EXTERNAL_DIFF",
        ],
        "GIT_DIR GIT_INDEX_FILE GIT_WORK_TREE",
    ),
)
def test_variables_that_steer_git_lead_no_commit_elsewhere(project: World, tmp_path: Path, named: str) -> None:
    names = named.split()
    other = tmp_path / "other"
    subprocess.run(["git", "init", "-q", other], check=True)
    before = sorted(other.rglob("*"))
    values = {"GIT_DIR": ".git", "GIT_CEILING_DIRECTORIES": str(project.root)}
    ran = project.command("run", **{name: str(other / values.get(name, name.lower())) for name in names})
    listed = " and ".join(", ".join(f"`{name}`" for name in sorted(names)).rsplit(", ", 1))
    assert (ran.returncode, ran.stderr.splitlines()[0]) == (0, f"note: {CLEAN.format(listed)}"), ran.stderr
    assert is_committed(project) and sorted(other.rglob("*")) == before
    assert "GIT_" not in project.log("env.txt")


@pytest.mark.deep
def test_run_by_an_alias_or_a_hook_of_git_a_run_commits_to_its_own_project(project: World, tmp_path: Path) -> None:
    line = f"!GIT_DIR={tmp_path}/nowhere {sys.executable} -m harness run"
    ran = subprocess.run(
        ["git", "-c", f"alias.night={line}", "night"], cwd=project.root, env=project.environ, check=False
    )
    assert ran.returncode == 0 and is_committed(project)


@pytest.mark.parametrize(
    ("folder", "why"),
    [
        ("{}/tmp", "leads into the project"),
        pytest.param("{}/.git", "leads into the project", marks=pytest.mark.deep),
        pytest.param("{}/logs", "leads into the project", marks=pytest.mark.deep),
        pytest.param("tmp", "is not a full path", marks=pytest.mark.deep),
        pytest.param("/nonexistent", "is no folder that you can write", marks=pytest.mark.deep),
    ],
)
@pytest.mark.parametrize("name", in_short(["TMPDIR", "TMP"], "TMPDIR"))
@pytest.mark.deep
def test_a_temporary_folder_that_cannot_serve_is_set_aside(project: World, name: str, folder: str, why: str) -> None:
    (project.root / "tmp").mkdir()
    ran = project.command("run", fresh=True, **{name: folder.format(project.root)})
    assert (ran.returncode, ran.stderr.splitlines()[0]) == (0, f"note: `{name}` is set aside: it {why}"), ran.stderr
    assert is_committed(project) and not list((project.root / "tmp").iterdir())
    assert str(project.root) not in project.log("env.txt")


def test_without_any_temporary_folder_nothing_begins(project: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(project.root))
    monkeypatch.setattr("harness.run.temporary._PLACES", ())
    with pytest.raises(Exception, match="no folder for temporary files outside the project"):
        project.run()


@pytest.mark.parametrize(
    "environ",
    [
        pytest.param({"LC_ALL": "C", "PYTHONUTF8": "0"}, marks=pytest.mark.deep),
        {"LC_ALL": "xx_YY.ISO-8859-1", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"},
        pytest.param({"PYTHONINSPECT": "1"}, marks=pytest.mark.deep),
        pytest.param({"PYTHONOPTIMIZE": "2", "PYTHONWARNINGS": "error"}, marks=pytest.mark.deep),
    ],
    ids=lambda environ: " ".join(environ),
)
def test_a_run_works_with_any_locale_and_python(project: World, environ: dict[str, str]) -> None:
    ran = project.command("run", **environ)
    assert (ran.returncode, "Traceback" in ran.stderr) == (0, False), ran.stderr
    assert is_committed(project)


@pytest.mark.parametrize("words", in_short(["run", "status --json", "--version"], "run"))
def test_in_a_folder_that_is_gone_every_command_says_so(tmp_path: Path, words: str) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    line = f'rmdir "{gone}"; "{sys.executable}" -m harness {words}'
    ran = subprocess.run(["sh", "-c", line], cwd=gone, env=os.environ, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (2, "error: the current folder is gone\nhint: `cd` to your project\n")


@pytest.mark.parametrize("name", in_short(["with space", "-dash", "a:b", "[a]*", 'q"$x', "back\\slash", "Ünï"], 'q"$x'))
@pytest.mark.parametrize("sandbox", SANDBOXES)
def test_a_project_may_have_any_name(project: World, name: str, sandbox: str) -> None:
    project.agent(
        'touch ä.txt; echo "a note that is long enough to count" >> logs/a.log; echo finished a > logs/a.done'
    )
    project.root = project.root.rename(project.root.parent / name)
    assert project.command("run", HARNESS_SANDBOX=sandbox).returncode == 0
    assert is_committed(project)


@pytest.mark.parametrize(
    "name", in_short({"two lines": b"line\nend", "bytes": b"b\xfftes", "controls": b"\x1b[31m"}, "bytes")
)
def test_a_project_whose_name_no_prompt_can_hold_is_refused(project: World, name: bytes) -> None:
    project.root = project.root.rename(project.root.parent / os.fsdecode(name))
    ran = project.command("run", fresh=True)
    assert (ran.returncode, "is not one line of UTF-8: agents could not be told their files" in ran.stderr) == (2, True)
