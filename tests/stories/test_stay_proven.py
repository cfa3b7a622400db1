"""What is done stays proven: a later feature that breaks it is sent back, and what else breaks it is not hidden."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from helpers.marks import SANDBOXES, in_short, needs_bwrap
from helpers.world import CLAIM, World

BOTH = pytest.mark.parametrize("sandbox", SANDBOXES)
BREAKS = 'test $slug = a || rm -f a.txt; case "$prompt" in *"this attempt broke it"*) echo a > a.txt;; esac; '
BREAKS += "echo x > $slug.txt; " + CLAIM


@BOTH
def test_a_feature_that_breaks_an_earlier_one_is_sent_back_before_it_lands(world: World, sandbox: str) -> None:
    world.spec("a", checks="test -f a.txt")
    world.spec("b", checks="test -f b.txt")
    world.repository()
    world.agent(BREAKS)
    ran = world.run(sandbox=sandbox)
    assert ran.code == 0, ran.text
    assert "b: unconfirmed: claimed done, but `test -f a.txt` failed" in ran.text
    assert "(a check of `a`, which was done before: this attempt broke it)" in world.log("attempts/b/0002/prompt.md")
    assert world.git("ls-files", "a.txt", "b.txt").splitlines() == ["a.txt", "b.txt"]
    assert world.states() == {"a": "done", "b": "done"}


@pytest.mark.deep
@BOTH
def test_what_is_found_broken_at_the_end_is_regressed_and_the_next_run_takes_it_up(
    world: World, sandbox: str, harness
) -> None:
    world.spec("a", checks="test $(cat number) -lt 2")
    world.spec("b", checks="test -f b.txt")
    (world.root / "number").write_text("3\n")
    world.repository()
    world.agent('case $slug in a) echo 1 > number;; b) echo 2 > "num""ber"; echo x > b.txt;; esac; ' + CLAIM)
    world.settings["stuck_limit"] = 2
    ran = world.run("a", sandbox=sandbox)
    assert ran.code == 0, ran.text
    (world.root / "number").write_text("5\n")
    world.git("commit", "-qam", "a person's")
    world.agent("echo x > $slug.txt; " + CLAIM)
    ran = world.run(sandbox=sandbox)
    assert (ran.code, world.states()) == (1, {"a": "regressed", "b": "done"}), ran.text
    assert "a: regressed: it was done, and does not hold any more: `test $(cat number) -lt 2`: exit 1" in ran.text
    assert harness("why", "a").out.startswith("a  regressed") or "regressed" in harness("why", "a").out
    world.agent("echo 1 > number; " + CLAIM)
    ran = world.run(sandbox=sandbox)
    assert (ran.code, world.states()) == (0, {"a": "done", "b": "done"}), ran.text
    assert "2 features, 0 to do, 1 to check again; " in ran.text
    assert "a: worked on again" in ran.text


@pytest.fixture
def counting(confined: Any) -> Any:
    """A project with two done features; `count.sh` notes outside that the checks of `a` ran."""
    (confined.root.parent / "shared").mkdir()
    (confined.root.parent / "shared/ran").touch()
    confined.settings |= {"sandbox_write": "../shared"}
    (confined.root / ".gitignore").write_text("node_modules/\n")
    (confined.root / "node_modules/tool").mkdir(parents=True)
    (confined.root / "node_modules/tool/it").write_text("exit 0")
    confined.spec("a", checks="echo ran >> ../shared/ran && sh node_modules/tool/it && test -f a.txt")
    confined.spec("b", checks="test -f b.txt")
    confined.repository()
    confined.agent("echo x > $slug.txt; " + CLAIM)
    assert confined.go().code == 0
    return confined


@needs_bwrap
@pytest.mark.deep
def test_a_known_commit_is_not_checked_again(counting: Any) -> None:
    before = (counting.root.parent / "shared/ran").read_text()
    ran = counting.go()
    assert (ran.code, (counting.root.parent / "shared/ran").read_text()) == (0, before), ran.text
    assert "checking again" not in ran.text


def change_what_is_installed(world: Any) -> None:
    (world.root / "node_modules/tool/it").write_text("exit 1")


def commit_the_same_tree(world: Any) -> None:
    world.git("commit", "-q", "--allow-empty", "-m", "a person's")


def let_time_pass(world: Any) -> None:
    for file in (world.root.parent / "home/.cache/harness/checkouts").glob("*.verdicts"):
        lines = map(json.loads, file.read_text().splitlines())
        file.write_text("".join(json.dumps(line | {"at": line["at"] - 2 * 3600}) + "\n" for line in lines))


CHANGES = {"installed": change_what_is_installed, "commit": commit_the_same_tree, "time": let_time_pass}


@pytest.mark.deep
@needs_bwrap
@pytest.mark.parametrize("change", in_short(CHANGES, "installed"))
def test_what_a_verdict_rests_on_has_changed_and_it_is_not_believed(counting: Any, change: Any) -> None:
    before = (counting.root.parent / "shared/ran").read_text()
    change(counting)
    ran = counting.go(stuck_limit=1)
    assert (counting.root.parent / "shared/ran").read_text() != before, ran.text
    assert (ran.code == 0) == (change is not change_what_is_installed), ran.text


def test_verify_that_finds_a_red_check_is_remembered_and_worked_on(world: World, harness) -> None:
    world.spec("a", checks="test -f a.txt")
    world.agent("echo x > $slug.txt; " + CLAIM)
    assert world.run().code == 0
    (world.root / "a.txt").unlink()
    assert harness("verify").code == 1
    assert world.states() == {"a": "regressed"}
    ran = world.run()
    assert (ran.code, world.states()) == (0, {"a": "done"}), ran.text


@pytest.mark.deep
def test_checks_that_build_on_one_another_run_together_and_apart_from_those_of_other_features(confined: Any) -> None:
    for slug in ("a", "b"):
        confined.spec(slug, checks=["mkdir built && echo x > built/it", f"test -f built/it && test -f {slug}.txt"])
    confined.repository()
    confined.agent("echo x > $slug.txt; " + CLAIM)
    ran = confined.go()
    assert (ran.code, confined.states()) == (0, {"a": "done", "b": "done"}), ran.text
    (confined.root / "mine.txt").write_text("x")
    confined.git("add", "mine.txt")
    confined.git("commit", "-qm", "a person's")
    ran = confined.go()
    assert (ran.code, "checking again that 2 done features" in ran.text) == (0, True), ran.text


@pytest.mark.deep
def test_what_verify_found_red_is_run_anew_and_not_believed_from_a_known_tree(confined: Any) -> None:
    confined.spec("a", checks="test -f node_modules/tool/it && test -f a.txt")
    (confined.root / ".gitignore").write_text("node_modules/\n")
    (confined.root / "node_modules/tool").mkdir(parents=True)
    (confined.root / "node_modules/tool/it").write_text("x")
    confined.repository()
    confined.agent("echo x > $slug.txt; " + CLAIM)
    confined.config_file(sandbox="bwrap")
    assert confined.go().code == 0
    (confined.root / "node_modules/tool/it").unlink()
    assert confined.command("verify", HOME=confined.environment["HOME"], HARNESS_SANDBOX="").returncode == 1
    ran = confined.go(stuck_limit=1)
    assert (ran.code, "its receipt stands" in ran.text) == (5, False), ran.text


@pytest.mark.deep
def test_what_goes_from_the_tree_between_two_runs_is_no_exit_0(world: World) -> None:
    world.spec("a", checks="test -f a.txt")
    world.repository()
    world.agent("echo x > $slug.txt; " + CLAIM)
    assert world.run().code == 0
    world.git("rm", "-q", "a.txt")
    world.git("commit", "-qm", "a person's")
    ran = world.run()
    assert (ran.code, world.states()) == (1, {"a": "regressed"}), ran.text


@pytest.mark.deep
def test_a_last_commit_that_cannot_be_checked_out_is_no_exit_0(confined: Any, tmp_path: Path) -> None:
    confined.spec("a", checks="test -f a.txt")
    confined.repository()
    confined.agent("echo x > $slug.txt; " + CLAIM)
    assert confined.go().code == 0
    confined.git("rm", "-q", "a.txt")
    confined.git("commit", "-qm", "a person's")
    (confined.root / "a.txt").write_text("x")
    shutil.rmtree(tmp_path / "home/.cache/harness")
    (tmp_path / "home/.cache/harness").write_text("in the way")
    ran = confined.go()
    assert (ran.code, ran.halt.name) == (1, "NOT_CHECKED"), ran.text
    said = confined.command("verify", "--fresh", HOME=confined.environment["HOME"], HARNESS_SANDBOX="bwrap")
    assert said.returncode == 0, said.stdout  # its own commit holds: a fresh checkout lies elsewhere


@pytest.mark.deep
def test_a_long_recheck_says_how_far_it_has_come(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.attempts.earlier.TELL_EVERY", 0.0)
    for slug in "abc":
        world.spec(slug, checks=["true", f"test -f {slug}.txt"])
    world.agent("echo x > $slug.txt; " + CLAIM)
    lines = world.run().lines
    first = lines.index("checking again that 2 done features still hold: 4 checks")
    assert lines[first + 1] == "checking again: 2 of 4 checks"


@pytest.mark.deep
@needs_bwrap
def test_a_commit_that_comes_in_while_all_is_checked_again_is_checked_too(confined: Any) -> None:
    confined.spec(
        "a", checks="test ! -e bad && test -f a.txt && if test -e b.txt; then touch shared/at-it; sleep 1; fi"
    )
    confined.spec("b", checks="test -f b.txt")
    (confined.root / ".gitignore").write_text("shared/\n")
    (confined.root / "shared").mkdir()
    confined.repository()
    confined.agent("echo x > $slug.txt; " + CLAIM)
    person = Thread(target=lambda: _commit_bad_once_checked(confined))
    person.start()
    ran = confined.go(workspace_include="shared")
    person.join()
    assert (ran.code, confined.states()) == (1, {"a": "regressed", "b": "done"}), ran.text


def _commit_bad_once_checked(world: Any) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until and not (world.root / "shared/at-it").exists():
        time.sleep(0.02)
    (world.root / "bad").write_text("")
    world.git("add", "bad")
    world.git("commit", "-qm", "a person's")


@pytest.mark.deep
def test_a_spec_of_a_done_feature_that_changes_under_way_is_no_exit_0(world: World) -> None:
    world.spec("a", checks="test -f a.txt")
    world.spec("b", checks="test -f b.txt")
    world.repository()
    world.agent("echo x > $slug.txt; test $slug = a || sed -i s/a.txt/a2.txt/ specs/a/spec.md; " + CLAIM)
    ran = world.run()
    assert (ran.code, ran.halt.name, world.states()) == (1, "STALE", {"a": "stale", "b": "done"}), ran.text


def test_a_run_that_is_to_stop_before_all_were_checked_again_does_not_say_that_all_is_done(world: World) -> None:
    world.spec("a", checks="test -f a.txt; if ls | grep -q '^b'; then echo now > HALT; sleep 600; fi")
    world.spec("b", checks="test -f b.txt")
    world.repository()
    world.agent("echo x > $slug.txt; " + CLAIM)
    ran = world.run()
    assert (ran.code, "every feature asked for is done" in ran.text) == (3, False), ran.text
    assert "done features were to be checked again, and the run was to stop before all were" in ran.text


ASKED_TO_END = {
    "HALT": ("touch HALT", 3, "; not checked again: 1 done feature)"),
    "now": ("echo now > HALT; sleep 600", 3, "; not checked again: 1 done feature)"),
    "time": ("touch late; sleep 600", 1, "; done features were to be checked again, and the run was to stop"),
}


@pytest.mark.parametrize("how", in_short(ASKED_TO_END, "HALT"))
def test_an_end_with_work_left_says_that_done_features_were_not_checked_again(world: World, how: Any) -> None:
    stops, code, said = how
    for slug in "abc":
        world.spec(slug, checks=f"test -f {slug}.txt")
    world.repository()
    world.agent(f"echo x > $slug.txt; test $slug = a || {{ {stops}; }}; " + CLAIM)
    late = world.root / "late"
    ran = world.run(max_time="1h", clocks={"steady": lambda: time.monotonic() + 7200 * late.exists()})
    end = next(line for line in ran.lines if line.startswith("end: "))
    assert (ran.code, said in end, "checking again" in ran.text) == (code, True, False), ran.text


@pytest.mark.deep
def test_an_end_with_work_left_says_nothing_of_features_that_were_just_checked(confined: Any) -> None:
    for slug in "ab":
        confined.spec(slug, checks=f"test -f {slug}.txt")
    confined.repository()
    confined.agent("echo x > $slug.txt; touch HALT; " + CLAIM)
    (confined.root / ".gitignore").write_text("HALT\n")
    ran = confined.go()
    assert (ran.code, "checked again" in ran.text) == (3, False), ran.text


def test_what_was_accepted_last_in_the_tree_is_checked_again_after_other_work(world: World) -> None:
    world.spec("a", checks="test -f a.txt && ! ls | grep -q rest")
    world.spec("b", checks="false")
    world.repository()
    world.settings |= {"commit": "never", "max_iterations": 2}
    world.agent('case $slug in a) echo x > a.txt;; b) echo x > "re""st";; esac; ' + CLAIM)
    ran = world.run()
    assert "a: regressed" in ran.text
    assert world.states()["a"] == "regressed"
