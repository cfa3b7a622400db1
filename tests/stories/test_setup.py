"""A clean checkout is set up by commands of the person: once, kept, and never to the harm of an honest claim."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.world import CLAIM


def setups(confined: Any) -> list[str]:
    """Each run of a setup, by what it wrote into the folder that it may write besides."""
    return (confined.root.parent / "shared/ran").read_text().splitlines()


SHARED = "; agents write ../shared, which it sees"


@pytest.fixture
def installed(confined: Any) -> Any:
    """A project whose checks need what `install.sh` makes in an ignored folder; it notes each time that it runs."""
    (confined.root.parent / "shared").mkdir()
    (confined.root.parent / "shared/ran").touch()
    (confined.root / ".gitignore").write_text("node_modules/\n")
    (confined.root / "package.json").write_text("{}\n")
    (confined.root / "install.sh").write_text(
        "echo ran >> ../shared/ran; mkdir -p node_modules/tool; cp package.json node_modules/tool/\n"
    )
    confined.settings |= {"workspace_setup": "sh install.sh", "sandbox_write": "../shared"}
    confined.agent("echo x > $slug.txt; " + CLAIM)
    return confined


NEEDS = "cmp package.json node_modules/tool/package.json && "


@pytest.mark.deep
def test_a_setup_runs_before_the_checks_and_the_receipt_names_it(installed: Any) -> None:
    installed.spec("a", checks=NEEDS + "test -f a.txt")
    installed.spec("b", checks=NEEDS + "test -f b.txt")
    installed.repository()
    ran = installed.go()
    assert ran.code == 0, ran.text
    assert "in clean checkouts set up by `sh install.sh`" in ran.text
    assert "setting a clean checkout up: `sh install.sh`" in ran.lines
    said = f"checked: in a clean checkout of the commit, set up by `sh install.sh`{SHARED}\n"
    assert said in installed.log("a.done")
    assert not installed.has("node_modules")
    trees = len({"begin", "with a", "with b"})
    assert len(setups(installed)) == trees


@pytest.mark.deep
def test_what_is_installed_in_the_project_is_not_brought_where_a_setup_makes_it(installed: Any) -> None:
    installed.spec("a", checks=NEEDS + "test ! -e node_modules/old && grep -q 1 .env && test -f a.txt")
    (installed.root / ".gitignore").write_text("node_modules/\n.env\n")
    installed.repository()
    (installed.root / "node_modules").mkdir()
    (installed.root / "node_modules/old").write_text("x")
    (installed.root / ".env").write_text("ONE=1\n")
    ran = installed.go()
    assert ran.code == 0, ran.text
    assert f"set up by `sh install.sh`, with the project's .env{SHARED}\n" in installed.log("a.done")
    assert [path.name for path in (installed.root / "node_modules").iterdir()] == ["old"]


@pytest.mark.deep
def test_what_a_check_leaves_or_changes_of_a_setup_is_gone_at_the_next(installed: Any) -> None:
    leaves = "test ! -e node_modules/cache && mkdir node_modules/cache && echo y > left.txt; "
    installed.spec("a", checks=[leaves + "echo forged >> node_modules/tool/package.json", "test -f a.txt"])
    installed.spec("b", checks=[NEEDS + "test ! -e node_modules/cache && test ! -e left.txt && test -f b.txt"])
    installed.repository()
    ran = installed.go()
    assert (ran.code, installed.states()) == (0, {"a": "done", "b": "done"}), ran.text
    assert "in a clean checkout" in installed.log("b.done")


@pytest.mark.deep
def test_a_setup_that_fails_is_told_and_makes_no_claim_red(installed: Any) -> None:
    installed.spec("a", checks="test -f a.txt")
    installed.repository()
    ran = installed.go(workspace_setup="echo no network >&2; exit 3")
    assert (ran.code, installed.states()) == (0, {"a": "done"}), ran.text
    said = "setup failed: `echo no network >&2; exit 3` (exit 3): no network"
    assert f"a: {said}; the checks run in the working tree" in ran.text
    assert f"checked: in the working tree ({said})" in installed.log("a.done")


@pytest.mark.deep
def test_work_that_breaks_the_setup_is_red_and_the_agent_is_told(installed: Any) -> None:
    installed.spec("a", checks="test -f a.txt")
    installed.repository()
    breaks = 'case "$prompt" in *"cannot stat"*) git checkout -q install.sh;; *) echo "cp none ." >> install.sh;; esac'
    installed.agent(breaks + "; echo x > a.txt; " + CLAIM)
    ran = installed.go()
    assert ran.code == 0, ran.text
    assert "a: unconfirmed: claimed done, but `workspace_setup: sh install.sh` failed" in ran.text
    assert installed.outcomes() == ["unconfirmed", "done"]


@pytest.mark.deep
def test_a_setup_that_changes_files_of_the_commit_is_told_and_proves_no_commit(installed: Any) -> None:
    installed.spec("a", checks="test -f a.txt")
    installed.repository()
    ran = installed.go(workspace_setup="echo changed >> package.json")
    assert ran.code == 0, ran.text
    said = "setup failed: `echo changed >> package.json`: it changes what is committed: package.json"
    assert f"checked: in the working tree ({said})" in installed.log("a.done")


def test_without_a_clean_checkout_nothing_is_set_up_and_the_run_says_so(world: Any) -> None:
    world.spec("a", checks="test -f a.txt")
    world.agent("echo x > a.txt; " + CLAIM)
    ran = world.run(workspace_setup="touch set-up")
    assert ran.code == 0, ran.text
    assert "`workspace_setup` is not run: claims are checked in the working tree" in ran.text
    assert not world.has("set-up")


@pytest.mark.deep
def test_settings_that_an_agent_writes_set_nothing_up(installed: Any) -> None:
    installed.spec("a", checks="test -f a.txt")
    installed.config_file()
    installed.repository()
    installed.agent("echo 'workspace_setup: touch /tmp/x' >> harness.yaml || true; echo x > a.txt; " + CLAIM)
    ran = installed.go()
    assert f"set up by `sh install.sh`{SHARED}\n" in installed.log("a.done"), ran.text


@pytest.mark.deep
def test_a_setup_and_checks_write_no_file_that_is_a_persons(installed: Any) -> None:
    installed.spec("a", checks="test -f a.txt && grep -q MINE .env && echo check > .env")
    (installed.root / ".gitignore").write_text(".env\n")
    (installed.root / ".env.example").write_text("EXAMPLE=1\n")
    installed.repository()
    (installed.root / ".env").write_text("MINE=1\n")
    ran = installed.go(workspace_setup="cp .env.example .env")
    assert (ran.code, (installed.root / ".env").read_text()) == (0, "MINE=1\n"), ran.text
    assert "checked: in a clean checkout" in installed.log("a.done")
