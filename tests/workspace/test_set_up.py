"""What a setup made stays in a clean checkout while nobody touches it and what it depends on is the same."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.domain.feature import Check
from harness.domain.verdict import CheckRun
from harness.system import untrusted
from harness.workspace.clean_checkout import Checkout, CheckoutPlan, CleanCheckout, Repository
from harness.workspace.workspace import Candidate


class Project:
    """A repository, a clean checkout of it, and a setup that counts how often it ran."""

    def __init__(self, place: Path) -> None:
        self.top, self.ran = place / "project", 0
        self.top.mkdir()
        self.git("init", "-q")
        (self.top / "package-lock.json").write_text('{"packages": {}}')
        self.checkout = CleanCheckout(
            place / "checkout", Repository(self.top, self.top / ".git/objects"), {"PATH": os.environ["PATH"]}
        )

    def git(self, *words: str) -> str:
        who = ("-c", "user.name=a", "-c", "user.email=a@b.invalid")
        return subprocess.run(["git", *who, *words], cwd=self.top, capture_output=True, text=True, check=True).stdout

    def check_out(self, command: str, **changed: str) -> Path:
        for name, text in changed.items():
            (self.top / name.replace("_", ".")).write_text(text)
        self.git("add", "-A")
        self.git("commit", "-qm", "x", "--allow-empty")
        commit, tree = self.git("rev-parse", "HEAD", "HEAD^{tree}").split()
        plan = CheckoutPlan(Candidate(commit, tree, commit), setup=(Check(command),))
        return self.checkout.check_out(plan, self.set_up).folder

    def set_up(self, checkout: Checkout, commands: tuple[Check, ...]) -> tuple[CheckRun, ...]:
        self.ran += 1
        (checkout.folder / "node_modules/x/.git").mkdir(parents=True)
        (checkout.folder / "node_modules/x/tool").write_text("whole")
        (checkout.folder / "node_modules/link").symlink_to("/nowhere")
        return tuple(CheckRun(one.command, 0, 0.0) for one in commands)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    yield Project(tmp_path)


def test_an_install_by_lock_files_runs_again_when_one_is_new_and_no_sooner(project: Project) -> None:
    folder = project.check_out("npm ci", package_json="{}", a_py="1")
    assert (folder / "package.json").read_text() == "{}"
    (folder / "left").mkdir()
    (folder / "node_modules/x/cache").write_text("left by a check")
    project.check_out("npm ci", a_py="2")
    assert (project.ran, (folder / "a.py").read_text()) == (1, "2")
    assert (folder / "node_modules/x/tool").read_text() == "whole"
    assert not (folder / "left").exists() and not (folder / "node_modules/x/cache").exists()
    project.check_out("npm ci", package_json='{"name": "b"}')
    assert project.ran == 2
    project.check_out("npm ci", package_json='{"scripts": {"prepare": "tsc"}}')
    project.check_out("npm ci", a_py="3")
    assert project.ran == 4


def test_an_install_that_builds_the_project_runs_again_for_each_tree(project: Project) -> None:
    project.check_out("npm ci", package_json="{}", binding_gyp="{}", add_c="1")
    project.check_out("npm ci", add_c="2")
    assert project.ran == 2


def test_an_install_by_a_manifest_that_lies_elsewhere_runs_again_for_each_tree(project: Project) -> None:
    (project.top / "package.json").symlink_to("other.json")
    project.check_out("npm ci", other_json="{}")
    project.check_out("npm ci", other_json='{"name": "b"}')
    assert project.ran == 2


def test_files_are_no_newer_than_others_because_a_commit_changed_them(project: Project) -> None:
    files = {f"m{number}_txt": "1" for number in range(200)}
    folder = project.check_out("", **files, a_gen="1", z_src="1")
    first = (folder / "a.gen").stat().st_mtime_ns
    project.check_out("", a_gen="2")
    generated, source = ((folder / name).stat().st_mtime_ns for name in ("a.gen", "z.src"))
    assert first < generated < source


def test_a_folder_and_a_submodule_are_as_old_as_in_a_clone(project: Project, tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    subprocess.run(["git", "init", "-q", inner], check=True)
    (inner / "z").write_text("1")
    project.git("-C", str(inner), "add", "z")
    project.git("-C", str(inner), "commit", "-qm", "z")
    project.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(inner), "inner")
    (project.top / "sub").mkdir()
    (project.top / "sub/x").write_text("1")
    folder = project.check_out("", z_src="1")
    (folder / "sub/left").write_text("by a check")
    project.check_out("", z_src="2")
    names = ("z.src", "inner/z", "sub/x", "sub")
    source, in_submodule, within, around = ((folder / name).stat().st_mtime_ns for name in names)
    assert source < in_submodule and around == within
    assert project.checkout.find_changed() == ()


def test_what_a_kept_setup_made_is_newer_than_all_files(project: Project) -> None:
    folder = project.check_out("npm ci", package_json="{}", a_py="1")
    project.check_out("npm ci", a_py="2")
    tool = (folder / "node_modules/x/tool").stat().st_mtime_ns
    assert project.ran == 1
    assert all((folder / name).stat().st_mtime_ns < tool for name in ("package-lock.json", "a.py"))


def test_any_other_setup_runs_again_for_each_tree(project: Project) -> None:
    project.check_out("make", package_json="{}")
    project.check_out("make")
    assert project.ran == 1
    project.check_out("make", a_py="2")
    assert project.ran == 2


def forge(tool: Path) -> None:
    times = (tool.stat().st_atime_ns, tool.stat().st_mtime_ns)
    tool.write_text("forge")
    os.utime(tool, ns=times)


@pytest.mark.parametrize("harm", [forge, Path.unlink, lambda tool: tool.chmod(0o755)], ids=["forged", "gone", "mode"])
def test_what_somebody_touched_is_made_anew(project: Project, harm: Callable[[Path], None]) -> None:
    folder = project.check_out("npm ci", package_json="{}")
    harm(folder / "node_modules/x/tool")
    project.check_out("npm ci")
    assert (project.ran, (folder / "node_modules/x/tool").read_text()) == (2, "whole")


def test_nothing_is_written_through_a_link_that_a_check_left_as_the_repository(
    project: Project, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "config").write_text("precious")
    folder = project.check_out("npm ci", package_json="{}")
    untrusted.remove_tree(folder / ".git")
    (folder / ".git").symlink_to(other)
    project.check_out("npm ci", a_py="1")
    assert {path.name: path.read_text() for path in other.iterdir()} == {"config": "precious"}
