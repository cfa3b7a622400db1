"""What "proven at COMMIT" means: a clone of that commit passes the checks, wherever they would pass besides."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from helpers.marks import SANDBOXES, in_short
from helpers.world import CLAIM, FINISH, World

from harness.workspace.places import find_place, hold_place


def passes_in_a_clone(root: Path, commit: str, check: str, place: Path) -> bool:
    """Whether a check passes in a fresh clone, at a commit."""
    subprocess.run(["git", "clone", "-q", "--no-local", root, place], check=True)
    subprocess.run(["git", "-C", place, "checkout", "-q", commit], check=True)
    return subprocess.run(["sh", "-c", check], cwd=place, check=False).returncode == 0


def commit_of(world: Any, slug: str) -> str:
    receipt = (world.root / f"logs/{slug}.done").read_text()
    return next(line.removeprefix("commit: ") for line in receipt.splitlines() if line.startswith("commit: "))


def receipt_of(world: Any, slug: str) -> str:
    return (world.root / f"logs/{slug}.done").read_text()


def test_a_claim_is_checked_in_a_clean_checkout_of_the_commit_that_lands(confined: Any, tmp_path: Path) -> None:
    confined.spec("a", checks=["test -f a.txt", 'test -z "$(git status --porcelain)"', "test ! -e made-by-check"])
    confined.repository()
    confined.agent("echo a > a.txt; " + CLAIM)
    ran = confined.go()
    assert ran.code == 0, ran.text
    assert "checked: in a clean checkout of the commit" in receipt_of(confined, "a")
    assert commit_of(confined, "a") == confined.git("rev-parse", "HEAD")
    assert passes_in_a_clone(confined.root, commit_of(confined, "a"), "test -f a.txt", tmp_path / "clone")


def test_work_in_a_file_that_git_ignores_is_not_proven_and_the_agent_is_told(confined: Any, tmp_path: Path) -> None:
    (confined.root / ".gitignore").write_text("lib/\n")
    confined.spec("a", checks="test -f lib/auth.py || test -f auth.py")
    confined.repository()
    confined.agent(
        'case "$prompt" in *"lib/auth.py (ignored by git)"*) echo a > auth.py;; '
        "*) mkdir -p lib; echo a > lib/auth.py;; esac; " + CLAIM
    )
    ran = confined.go()
    assert ran.code == 0, ran.text
    assert "not in a clean checkout of what would be committed; the commit would not hold lib/auth.py" in ran.text
    assert passes_in_a_clone(confined.root, commit_of(confined, "a"), "test -f auth.py", tmp_path / "clone")


BOTH = pytest.mark.parametrize("sandbox", SANDBOXES)


@BOTH
@pytest.mark.deep
def test_what_a_check_writes_lands_in_no_commit(world: World, sandbox: str) -> None:
    world.spec("a", checks="echo r > report.txt && test -f a.txt")
    world.spec("b", checks="echo r > report2.txt && test -f b.txt")
    world.repository()
    world.agent("echo x > $slug.txt; " + CLAIM)
    ran = world.run(sandbox=sandbox)
    assert ran.code == 0, ran.text
    assert world.git("ls-files").splitlines() == ["a.txt", "b.txt", "specs/a/spec.md", "specs/b/spec.md"]
    assert sandbox == "none" or world.git("status", "--porcelain") == ""


@BOTH
def test_a_check_that_changes_what_is_committed_proves_nothing(world: World, sandbox: str) -> None:
    world.spec("a", checks=["sed -i s/x/y/ a.txt", "grep -q y a.txt"])
    world.repository()
    world.agent("echo x > a.txt; " + CLAIM)
    ran = world.run(sandbox=sandbox, stuck_limit=1)
    assert ran.code == 5, ran.text
    assert "changed by a check: a.txt" in next(iter(world.events("attempt_ended")))["observed"]


@pytest.mark.deep
@BOTH
def test_a_check_that_changes_what_the_agent_committed_proves_nothing(world: World, sandbox: str) -> None:
    world.spec("a", checks=["sed -i s/x/y/ a.txt", "grep -q y a.txt"])
    world.repository()
    world.agent("echo x > a.txt; git add a.txt; git commit -qm own; " + CLAIM)
    ran = world.run(sandbox=sandbox, max_iterations=1)
    assert ran.code == 1, ran.text
    assert "changed by a check: a.txt" in next(iter(world.events("attempt_ended")))["observed"]


@BOTH
@pytest.mark.deep
def test_a_formatter_says_so_and_the_other_checks_follow_it(world: World, sandbox: str) -> None:
    world.spec("a", checks=[{"run": "sed -i s/x/y/ a.txt", "fix": True}, "grep -q y a.txt"])
    world.repository()
    world.agent("echo x > a.txt; " + CLAIM)
    ran = world.run(sandbox=sandbox)
    assert (ran.code, world.git("show", "HEAD:a.txt"), world.git("status", "--porcelain")) == (0, "y", ""), ran.text


def test_what_is_installed_in_the_project_is_there_in_a_clean_checkout(confined: Any) -> None:
    (confined.root / ".gitignore").write_text("node_modules/\n.env\n")
    confined.spec("a", checks="test -f node_modules/tool && grep -q 1 .env && test -f a.txt")
    confined.repository()
    (confined.root / "node_modules").mkdir()
    (confined.root / "node_modules/tool").write_text("x")
    (confined.root / ".env").write_text("ONE=1\n")
    confined.agent("echo a > a.txt; " + CLAIM)
    ran = confined.go()
    assert ran.code == 0, ran.text
    assert "checked: in a clean checkout of the commit, with the project's .env, node_modules" in receipt_of(
        confined, "a"
    )


@pytest.mark.deep
def test_a_check_that_needs_what_git_does_not_hold_is_run_in_the_working_tree_and_the_receipt_says_so(
    confined: Any,
) -> None:
    (confined.root / ".gitignore").write_text("data/\n")
    confined.spec("a", checks=["test -f data/big && test -f a.txt", "test -f data/big"])
    confined.repository()
    (confined.root / "data").mkdir()
    (confined.root / "data/big").write_text("x")
    confined.agent("echo a > a.txt; " + CLAIM)
    ran = confined.go()
    assert ran.code == 0, ran.text
    assert "a: before the work, `test -f data/big` passes in the working tree and not in a clean checkout" in ran.text
    said = "checked: in the working tree (`test -f data/big && test -f a.txt`, `test -f data/big` pass there"
    assert said in receipt_of(confined, "a")
    confined.spec("b", checks="test -f data/big && test -f b.txt")
    confined.agent("echo a > b.txt; " + CLAIM)
    ran = confined.go(workspace_include="data")
    assert "checked: in a clean checkout of the commit, with the project's data" in receipt_of(confined, "b"), ran.text


def add_submodule(world: Any, tmp_path: Path) -> None:
    """Give the project a submodule vendor/x, and that one of its own, each with a file."""
    allowed = ("-c", "protocol.file.allow=always", "submodule", "--quiet")
    for name in ("inner", "outer"):
        made = tmp_path / name
        subprocess.run(["git", "init", "-q", made], check=True)
        (made / f"{name}.py").write_text("")
        git = ["git", "-C", made, "-c", "user.name=a", "-c", "user.email=a@b.invalid"]
        if name == "outer":
            subprocess.run([*git, *allowed, "add", tmp_path / "inner", "in"], check=True)
        subprocess.run([*git, "add", "."], check=True)
        subprocess.run([*git, "commit", "-q", "-m", "x"], check=True)
    world.repository()
    world.git(*allowed, "add", str(tmp_path / "outer"), "vendor/x")
    world.git(*allowed, "update", "--init", "--recursive")
    world.git("commit", "-qm", "submodule")


@pytest.mark.deep
def test_a_change_within_a_submodule_is_told_as_what_the_commit_does_not_hold(confined: Any, tmp_path: Path) -> None:
    confined.spec("a", checks="test -f vendor/x/new.py")
    add_submodule(confined, tmp_path)
    confined.agent("echo x > vendor/x/new.py; " + CLAIM)
    ran = confined.go(max_iterations=1)
    assert (ran.code, confined.outcomes()) == (1, ["unconfirmed"]), ran.text
    assert "the commit would not hold vendor/x/new.py (in a submodule)" in ran.text


@pytest.mark.deep
def test_submodules_are_in_a_clean_checkout_too(confined: Any, tmp_path: Path) -> None:
    confined.spec("a", checks='ls vendor/x/outer.py vendor/x/in/inner.py a.txt && test -z "$(git status --porcelain)"')
    add_submodule(confined, tmp_path)
    confined.agent("echo x > a.txt; " + CLAIM)
    ran = confined.go()
    assert (ran.code, "checked: in a clean checkout of the commit" in receipt_of(confined, "a")) == (0, True), ran.text


@pytest.mark.deep
def test_a_check_that_changes_a_file_of_a_submodule_proves_nothing(confined: Any, tmp_path: Path) -> None:
    confined.spec("a", checks="echo 1 >> vendor/x/in/inner.py; test -f a.txt")
    add_submodule(confined, tmp_path)
    confined.agent("echo x > a.txt; " + CLAIM)
    ran = confined.go(stuck_limit=1)
    assert ran.code == 5, ran.text
    assert "changed by a check: vendor/x/in/inner.py" in next(iter(confined.events("attempt_ended")))["observed"]


@pytest.mark.deep
def test_what_a_check_left_in_a_submodule_is_gone_at_the_next_one(confined: Any, tmp_path: Path) -> None:
    confined.spec("a", checks="test -f a.txt && ! test -e vendor/x/left && ! test -e vendor/x/in/left")
    confined.spec(
        "b", checks="test -f b.txt && ! test -e vendor/x/left && ! test -e vendor/x/in/left; touch vendor/x/left"
    )
    add_submodule(confined, tmp_path)
    confined.agent("echo x > $slug.txt; " + CLAIM)
    assert confined.go().code == 0
    confined.spec("c", checks="test -f c.txt && ! test -e vendor/x/left && rm -r vendor && ln -s /tmp vendor")
    assert confined.go(stuck_limit=1, max_iterations=1).code != 0
    confined.spec("c", checks="test -f c.txt && test -f vendor/x/in/inner.py")
    assert confined.go().code == 0


@pytest.mark.deep
@pytest.mark.parametrize("code", ["rm -rf .git/modules/vendor/x/objects/??", "rm -rf .git/modules/vendor/x/objects"])
def test_a_submodule_whose_objects_are_missing_is_a_reason_for_the_working_tree(
    confined: Any, tmp_path: Path, code: str
) -> None:
    confined.spec("a", checks="test -f vendor/x/outer.py && test -f a.txt")
    add_submodule(confined, tmp_path)
    subprocess.run(["sh", "-c", code], cwd=confined.root, check=True)
    confined.agent("echo x > a.txt; " + CLAIM)
    ran = confined.go()
    assert ran.code in (0, 1), ran.text
    assert "checked: in the working tree (there is no clean checkout: the" in receipt_of(confined, "a"), ran.text


@pytest.mark.deep
def test_a_submodule_that_the_project_has_not_checked_out_is_empty_as_in_a_clone(confined: Any, tmp_path: Path) -> None:
    confined.spec("a", checks="test -f a.txt && ! test -e vendor/x/outer.py")
    add_submodule(confined, tmp_path)
    confined.git("submodule", "--quiet", "deinit", "-f", "vendor/x")
    shutil.rmtree(confined.root / ".git/modules")
    confined.agent("echo x > a.txt; " + CLAIM)
    ran = confined.go()
    assert (ran.code, "checked: in a clean checkout of the commit" in receipt_of(confined, "a")) == (0, True), ran.text


@pytest.mark.deep
@pytest.mark.parametrize(
    "name", in_short([".", ".git", ".git/hooks", "sub/../.git", "logs", "specs", "HALT"], "sub/../.git")
)
def test_neither_git_nor_what_is_of_harness_is_brought_into_a_checkout(confined: Any, name: str) -> None:
    plant = "for one in .git/hooks/pre-commit logs/b.done specs/b/spec.md HALT; do"
    plant += " (mkdir -p $(dirname $one) && echo evil > $one) || true; done"
    confined.spec("a", checks=[f"{plant}; test -f made.txt"])
    (confined.root / "sub").mkdir()
    (confined.root / "sub/file").write_text("")
    confined.repository()
    confined.agent(FINISH)
    confined.go(max_iterations=1, workspace_include=[name])
    planted = (".git/hooks/pre-commit", "logs/b.done", "specs/b/spec.md", "HALT")
    assert [one for one in planted if confined.has(one)] == []


@pytest.mark.deep
def test_what_is_read_only_to_agents_is_so_where_it_is_brought_into_a_checkout(confined: Any) -> None:
    (confined.root / ".vscode").mkdir()
    (confined.root / ".vscode/tasks.json").write_text("{}")
    (confined.root / ".gitignore").write_text(".vscode\n")
    confined.spec("a", checks=["(echo evil > .vscode/tasks.json || true); test -f .vscode/tasks.json"])
    confined.repository()
    confined.agent(FINISH)
    ran = confined.go(max_iterations=1, workspace_include=[".vscode"])
    assert ((confined.root / ".vscode/tasks.json").read_text(), confined.events("foreign")) == ("{}", []), ran.text


@pytest.mark.deep
def test_where_agents_may_write_no_checkout_is_kept(confined: Any, tmp_path: Path) -> None:
    cache = tmp_path / "home/.cache"
    cache.mkdir()
    confined.spec("a", checks="test -f a.txt")
    confined.repository()
    confined.agent("echo a > a.txt; " + CLAIM)
    ran = confined.go(sandbox_write=[str(cache)])
    assert (ran.code, "checked: in a clean checkout" in receipt_of(confined, "a")) == (0, True), ran.text
    assert list(cache.iterdir()) == []
    confined.spec("b", checks="test -f b.txt")
    confined.agent("echo a > b.txt; " + CLAIM)
    assert confined.go().code == 0
    assert [one.name for one in cache.iterdir()] == ["harness"]


@pytest.mark.deep
def test_a_script_beside_a_spec_counts_as_the_commit_holds_it(confined: Any) -> None:
    confined.spec("a", checks="sh specs/a/test.sh")
    confined.repository()
    (confined.root / "specs/a/test.sh").write_text("test -f a.txt")
    confined.git("reset", "-q")
    confined.agent("echo a > a.txt; " + CLAIM)
    ran = confined.go(commit="done")
    assert "checked: in a clean checkout" not in receipt_of(confined, "a"), ran.text


@pytest.mark.deep
def test_what_an_earlier_attempt_left_in_an_ignored_file_is_missed_by_a_later_claim_too(confined: Any) -> None:
    (confined.root / ".gitignore").write_text("lib/\n")
    confined.spec("a", checks="test -f lib/auth.py")
    confined.repository()
    confined.agent("test -e lib || { mkdir lib; echo a > lib/auth.py; }; " + CLAIM)
    ran = confined.go(stuck_limit=2)
    assert (ran.code, (confined.root / "logs/a.done").exists()) == (5, False), ran.text


@pytest.mark.deep
def test_with_prove_commit_nothing_is_accepted_that_no_checkout_has_passed(confined: Any, tmp_path: Path) -> None:
    (confined.root / ".gitignore").write_text("data/\n")
    confined.spec("a", checks="test -f data/big && test -f a.txt")
    confined.repository()
    (confined.root / "data").mkdir()
    (confined.root / "data/big").write_text("x")
    confined.agent("echo a > a.txt; " + CLAIM)
    assert confined.go(prove="commit", stuck_limit=1).code == 5
    (tmp_path / "home/.cache").mkdir(exist_ok=True)
    shutil.rmtree(tmp_path / "home/.cache")
    (tmp_path / "home/.cache").write_text("a file")
    (confined.root / "HALT").unlink()
    ran = confined.go(prove="commit", stuck_limit=1, workspace_include="data")
    assert ran.code == 5, ran.text
    assert "claims are checked in a clean checkout" in confined.events("attempt_ended")[-1]["reason"]


@pytest.mark.deep
def test_a_repository_that_a_check_makes_is_gone_at_the_next_one(confined: Any) -> None:
    confined.spec("a", checks="git init -q src && test -f src/a.txt")
    confined.spec("b", checks="test ! -e src/.git && test -f src/b.txt && git add -n src/b.txt")
    (confined.root / "src").mkdir()
    (confined.root / "src/kept").write_text("x")
    confined.repository()
    confined.agent("echo a > src/$slug.txt; " + CLAIM)
    ran = confined.go()
    assert (ran.code, confined.states()) == (0, {"a": "done", "b": "done"}), ran.text


@pytest.mark.deep
def test_verify_fresh_of_an_old_commit_says_nothing_of_the_last_one(confined: Any) -> None:
    confined.spec("a", checks="test -f a.txt")
    confined.repository()
    confined.agent("echo a > a.txt; " + CLAIM)
    confined.config_file(sandbox="bwrap")
    confined.git("add", "harness.yaml")
    confined.git("commit", "-qm", "settings")
    assert confined.go().code == 0
    confined.git("rm", "-q", "a.txt")
    confined.git("commit", "-qm", "a person's")
    around = {"HOME": confined.environment["HOME"], "HARNESS_SANDBOX": ""}
    assert confined.command("verify", **around).returncode == 1
    assert confined.command("verify", "--fresh", **around).returncode == 0
    assert confined.states() == {"a": "regressed"}


@pytest.mark.deep
def test_two_runs_that_share_a_cache_do_not_share_a_checkout(confined: Any, tmp_path: Path) -> None:
    confined.spec("a", checks="test -f a.txt")
    confined.repository()
    confined.agent("echo a > a.txt; " + CLAIM)
    place = find_place(confined.root, confined.environment)
    assert place is not None
    other = hold_place(place, confined.root)
    ran = confined.go()
    assert (ran.code, "checked: in a clean checkout" in receipt_of(confined, "a")) == (0, True), ran.text
    assert "another run uses the clean checkout of this project" in ran.text
    assert [one.name for one in place.lock.parent.iterdir()] == [place.lock.name]
    os.close(other or 0)
    assert "another run" not in confined.go().text
    assert place.hold() is not None  # the run has let it go


@pytest.mark.deep
def test_a_run_takes_away_the_checkouts_of_projects_that_are_gone(confined: Any, tmp_path: Path) -> None:
    confined.spec("a", checks="test -f a.txt")
    confined.repository()
    confined.agent("echo a > a.txt; " + CLAIM)
    gone = find_place(tmp_path / "gone", confined.environment)
    assert gone is not None
    os.close(hold_place(gone, tmp_path / "gone") or 0)
    gone.folder.mkdir()
    assert confined.go().code == 0
    assert gone.folder.exists() is gone.lock.exists() is False


@pytest.mark.deep
def test_verify_renews_a_stale_receipt_by_a_clean_checkout_or_says_why_not(confined: Any) -> None:
    confined.spec("a", checks="test -f a.txt")
    (confined.root / ".gitignore").write_text("lib\n")
    confined.config_file(sandbox="bwrap")
    confined.repository()
    confined.agent("echo a > a.txt; " + CLAIM)
    assert confined.go().code == 0
    (confined.root / "lib").write_text("")
    confined.spec("a", checks="test -f a.txt && test -f lib")
    around = {"HOME": confined.environment["HOME"]}
    said = confined.command("verify", **around, HARNESS_SANDBOX="bwrap")
    assert "in a clean checkout of the last commit" in said.stderr, said.stderr
    assert (said.returncode, confined.states()) == (1, {"a": "stale"})
    assert confined.command("verify", **around, HARNESS_SANDBOX="none").returncode == 0
    assert "checked: in the working tree (without bubblewrap" in receipt_of(confined, "a")


@BOTH
@pytest.mark.deep
def test_a_renewed_receipt_names_what_its_checks_ran_on_and_no_commit_that_came_meanwhile(
    world: World, start: Any, sandbox: str
) -> None:
    began, go = world.root.parent / "began", world.root.parent / "go"
    waits = f"if test -p {began}; then echo > {began}; cat {go}; fi; grep -q x a.txt"
    world.spec("a", checks=waits)
    (world.root / ".gitignore").write_text("/logs/\n")
    world.settings["sandbox_read"] = [str(world.root.parent)]
    world.config_file(sandbox=sandbox)
    world.repository()
    world.agent("echo x > a.txt; " + CLAIM)
    assert world.run(sandbox=sandbox).code == 0
    world.spec("a", "Do it well.", checks=waits)
    world.git("commit", "-qam", "a is to be well done")
    seen = world.git("rev-parse", "HEAD")
    os.mkfifo(began)
    os.mkfifo(go)

    verifying = start("verify", HARNESS_SANDBOX=sandbox)
    began.read_text()
    (world.root / "a.txt").write_text("x, and more\n")
    world.git("commit", "-qam", "broken")
    go.write_text("")
    verifying.communicate()
    assert commit_of(world, "a") == seen


@pytest.mark.deep
def test_a_receipt_about_the_tree_is_renewed_by_a_clean_checkout_once_that_can_be(confined: Any) -> None:
    confined.spec("a", checks="test -f a.txt")
    confined.repository()
    confined.agent("echo a > a.txt; " + CLAIM)
    assert confined.go(prove="tree").code == 0
    assert "checked: in the working tree" in receipt_of(confined, "a")
    confined.spec("a", "Do it, and more.", checks="test -f a.txt")
    assert confined.go().code == 0
    assert "checked: in a clean checkout of the commit" in receipt_of(confined, "a")


IGNORED = "/kept\n.cache\n*.log\n__pycache__\n"
MADE: dict[str, Any] = {
    "a log": ("echo 1 > x.log", "test -f x.log", "x.log (ignored by git)"),
    "a cache": ("mkdir .cache; echo 1 > .cache/x", "test -f .cache/x", ".cache/x (ignored by git)"),
    "an empty folder": ("mkdir data", "test -d data", "data/ (an empty folder)"),
    "a mode": ("echo >> run.sh; chmod +x run.sh", "./run.sh", "run.sh (its mode, which git does not hold)"),
    "a mode for the owner alone": (
        "chmod 600 run.sh",
        'test "$(stat -c %a run.sh)" = 600',
        "run.sh (its mode, which git does not hold)",
    ),
    "a time": (
        "touch -d 2001-02-03 run.sh",
        'test "$(stat -c %Y run.sh)" -lt 1000000000',
        "run.sh (its time of change, which git does not hold)",
    ),
    "a folder for the owner alone": (
        "mkdir -m 700 keys; echo k > keys/k",
        'test "$(stat -c %a keys)" = 700',
        "keys/ (its mode, which git does not hold)",
    ),
    "a cache, besides what was there": ("mkdir .cache; echo 1 > .cache/x", "test -f .cache/x && test -f kept/x", "x ("),
}


@pytest.mark.deep
@pytest.mark.parametrize("case", in_short(MADE, "a cache, besides what was there"))
def test_what_only_the_work_made_and_no_commit_holds_makes_no_claim_green(
    confined: Any, case: tuple[str, str, str]
) -> None:
    code, check, said = case
    (confined.root / ".gitignore").write_text(IGNORED)
    (confined.root / "run.sh").write_text("#!/bin/sh\n")
    (confined.root / "kept").mkdir()
    (confined.root / "kept/x").write_text("")
    confined.spec("a", checks=f"{check} && test -f a.txt")
    confined.repository()
    confined.git("config", "core.filemode", "false")
    confined.agent(f"echo a > a.txt; {code}; {CLAIM}")
    ran = confined.go(max_iterations=1)
    assert (ran.code, confined.outcomes()) == (1, ["unconfirmed"]), ran.text
    assert said in ran.text.partition("the commit would not hold ")[2], ran.text


NEEDED: dict[str, Any] = {
    "what was there": ("test -f kept/x", "lacks kept (ignored by git))"),
    "a branch": (
        "git rev-parse -q --verify refs/heads/trunk",
        "lacks something else: a branch or a setting of git, or a file that git is told not to look at)",
    ),
    "a time": ('test "$(stat -c %Y old.sh)" -lt 1000000000', "lacks the times of change that files have there)"),
}


@pytest.mark.parametrize("case", in_short(NEEDED, "what was there"))
@pytest.mark.deep
def test_caches_that_the_work_left_keep_no_claim_from_what_the_checkout_lacks(
    confined: Any, case: tuple[str, str]
) -> None:
    check, said = case
    (confined.root / ".gitignore").write_text(IGNORED)
    if check.endswith("x"):
        (confined.root / "kept").mkdir()
        (confined.root / "kept/x").write_text("")
    (confined.root / "old.sh").write_text("")
    confined.spec("a", checks=f"{check} && test -f a.txt")
    confined.repository()
    confined.git("branch", "-M", "trunk")
    os.utime(confined.root / "old.sh", (980_000_000, 980_000_000))
    time.sleep(0.02)  # the clock of files is coarse
    confined.agent("echo a > a.txt; mkdir .cache; echo 1 > .cache/x; " + CLAIM)
    ran = confined.go()
    assert ran.code == 0, ran.text
    assert said in receipt_of(confined, "a")


@pytest.mark.deep
def test_a_clean_checkout_has_the_tags(confined: Any) -> None:
    confined.spec("a", checks="git describe --tags && git rev-parse v/2 && test -f a.txt")
    confined.repository()
    confined.git("tag", "v1")
    confined.git("tag", "-a", "-m", "two", "v/2")
    confined.agent("echo a > a.txt; " + CLAIM)
    assert confined.go().code == 0
    assert "checked: in a clean checkout of the commit" in receipt_of(confined, "a")


@pytest.mark.deep
def test_a_file_that_attributes_change_is_as_in_a_clone(confined: Any, tmp_path: Path) -> None:
    check = 'test "$(wc -c < f.txt)" = 2'
    confined.spec("a", checks=[check, "test -f a.txt"])
    (confined.root / "f.txt").write_text("x\n")
    confined.repository()
    confined.agent(
        "if [ $HARNESS_ATTEMPT = 1 ]; then echo 'f.txt eol=crlf' > .gitattributes; else rm .gitattributes; fi; "
        "echo a > a.txt; " + CLAIM
    )
    ran = confined.go(stuck_limit=4)
    assert ran.code == 0, ran.text
    assert confined.outcomes() == ["unconfirmed", "done"], ran.text
    assert passes_in_a_clone(confined.root, commit_of(confined, "a"), check, tmp_path / "clone")


LEFT = {
    "the mode of a folder": ("chmod 700 data", 'test "$(stat -c %a data)" = 700'),
    "the mode of the top": ("chmod 700 .", 'test "$(stat -c %a .)" = 700'),
    "attributes": ("echo '* eol=crlf' > data/.gitattributes", 'test "$(wc -c < data/f)" = 3'),
    "an empty folder": ("mkdir data/empty", "test -d data/empty"),
    "a closed folder": ("mkdir data/closed && touch data/closed/x && chmod 000 data/closed", "test -e data/closed"),
    "the mode of a file": ("chmod 600 data/f", 'test "$(stat -c %a data/f)" = 600'),
}


@pytest.mark.deep
@pytest.mark.parametrize("leaves, rests_on", LEFT.values(), ids=LEFT)
def test_nothing_that_a_check_left_makes_the_next_one_green(confined: Any, leaves: str, rests_on: str) -> None:
    confined.spec("a", checks=f"{leaves}; test -f a.txt")
    confined.spec("b", checks=f"test -f b.txt && {rests_on}")
    (confined.root / "data").mkdir()
    (confined.root / "data/f").write_text("x\n")
    confined.repository()
    confined.agent('echo x > $slug.txt; if [ $slug = b ]; then echo "y" > data/f; fi; ' + CLAIM)
    ran = confined.go(stuck_limit=1)
    assert (ran.code, confined.states()["a"], confined.has("logs/b.done")) == (5, "done", False), ran.text


@pytest.mark.deep
def test_a_folder_that_an_agent_makes_a_link_is_committed(world: World) -> None:
    world.spec("a", checks="test -h lib && test -f lib/x")
    (world.root / "lib").mkdir()
    (world.root / "lib/x").write_text("1")
    world.repository()
    world.agent(f"mkdir src; mv lib/x src/x; rmdir lib; ln -s src lib; {CLAIM}")
    ran = world.run()
    assert (ran.code, world.git("ls-files", "lib", "src")) == (0, "lib\nsrc/x"), ran.text
    assert world.git("status", "--porcelain", "--", "lib", "src") == ""


@pytest.mark.deep
@pytest.mark.parametrize("name", ["harness-index", "harness-index.lock"])
def test_a_folder_where_harness_keeps_an_index_of_its_own_stops_no_commit(world: World, name: str) -> None:
    world.spec("a", checks="test -f a.txt")
    world.repository()
    world.agent(f"mkdir -p .git/{name}/x; echo a > a.txt; {CLAIM}")
    ran = world.run()
    assert (ran.code, world.git("show", "--format=", "--name-only", "HEAD")) == (0, "a.txt"), ran.text


def test_nothing_that_a_check_left_is_obeyed_in_the_cache_afterwards(confined: Any, tmp_path: Path) -> None:
    plants = "touch .envrc && git config core.fsmonitor ./evil; echo sh evil > tracked"
    confined.spec("a", checks=f"test -f a.txt && {plants}; git checkout -q tracked || echo x > tracked")
    (confined.root / "tracked").write_text("x\n")
    confined.repository()
    confined.agent("echo x > a.txt; " + CLAIM)
    confined.go(stuck_limit=1)
    (tree,) = (tmp_path / "home/.cache/harness/checkouts").glob("*/tree")
    assert sorted(path.name for path in tree.iterdir()) == ["a.txt", "specs", "tracked"]
    assert (tree / "tracked").read_text() == "x\n"
