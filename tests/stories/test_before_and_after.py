"""A receipt says what each check was before the work: what was green then shows nothing."""

from __future__ import annotations

import pytest
from helpers.marks import SANDBOXES
from helpers.world import CLAIM, World

from harness.domain.errors import ConfigError

BOTH = pytest.mark.parametrize("sandbox", SANDBOXES)


@BOTH
def test_a_receipt_says_which_checks_were_red_before_and_which_were_not(world: World, sandbox: str, harness) -> None:
    world.spec("a", checks=["test -f a.txt", "true"])
    world.repository()
    world.agent("echo a > a.txt; " + CLAIM)
    ran = world.run(sandbox=sandbox)
    assert ran.code == 0, ran.text
    receipt = world.log("a.done")
    assert "s (red before, green after): test -f a.txt" in receipt
    assert "s (green before and after): true" in receipt
    assert world.states() == {"a": "done"}


@BOTH
@pytest.mark.deep
def test_a_feature_none_of_whose_checks_was_red_before_is_done_but_not_shown(
    world: World, sandbox: str, harness
) -> None:
    world.spec("a", checks="true")
    world.repository()
    world.agent("echo a > a.txt; " + CLAIM)
    ran = world.run(sandbox=sandbox)
    assert "a: every check passes before the work: none can show that it was done" in ran.text
    assert world.states() == {"a": "done (not shown)"}
    because = harness("status", "--json").json["features"][0]["because"]
    assert "not shown: its checks passed before the work too" in because


def test_a_feature_that_nothing_could_show_is_left_where_that_is_wanted(world: World) -> None:
    world.spec("a", checks="true")
    world.spec("b", checks="test -f b.txt")
    world.agent("echo b > $slug.txt; " + CLAIM)
    ran = world.run(checks_must_fail_first="require")
    assert (ran.code, world.states()["b"], "attempts/a" in ran.text) == (1, "done", False), ran.text
    assert not (world.root / "logs/attempts/a").exists()
    assert "a: cannot be worked on: every check passes before the work" in ran.text


def test_a_check_that_cannot_run_is_told_before_a_token_is_spent(world: World) -> None:
    world.spec("a", checks=["no-such-program --version", {"run": "sleep 60", "timeout": "0.1s"}])
    world.agent(CLAIM)
    lines = world.run(stuck_limit=1).lines
    told = [number for number, line in enumerate(lines) if line.startswith("a: before the work, ")]
    begins = next(number for number, line in enumerate(lines) if "attempt 1 begins" in line)
    assert len(told) == 2 and max(told) < begins, lines
    assert "exit 127" in lines[told[0]] and "does it need something that is not installed?" in lines[told[0]]


@pytest.mark.deep
def test_checks_run_once_before_the_work_and_again_when_the_spec_changes(world: World) -> None:
    world.spec("a", checks=["echo x >> ../ran && false"])
    world.agent("note hello")
    world.run(max_iterations=2)
    assert (world.root.parent / "ran").read_text() == "x\n"
    world.run(max_iterations=1)
    assert (world.root.parent / "ran").read_text() == "x\n"


@BOTH
def test_a_check_of_the_project_that_was_red_before_is_named_to_the_person_and_to_the_agent(
    world: World, sandbox: str
) -> None:
    world.spec("a", checks="test -f a.txt")
    world.repository()
    world.agent("echo a > a.txt; echo b > lint.txt; " + CLAIM)
    ran = world.run(sandbox=sandbox, checks="test -f lint.txt")
    assert ran.code == 0, ran.text
    said = "before the work, `test -f lint.txt` of harness.yaml is red (exit 1): every claim waits until it is green"
    assert ran.lines.index(said) < next(n for n, line in enumerate(ran.lines) if "attempt 1 begins" in line)
    told = world.prompt("a", 1).partition("Red before any work on this feature")[2].partition("##")[0]
    assert "- `test -f lint.txt`" in told and "a.txt" not in told
    assert "(red before, green after): test -f lint.txt" in world.log("a.done")


@pytest.mark.deep
@BOTH
def test_a_run_that_refuses_a_red_baseline_begins_nothing(world: World, sandbox: str) -> None:
    world.spec("a", checks="test -f a.txt")
    world.repository()
    world.agent("echo a > a.txt; " + CLAIM)
    for _ in range(2):
        with pytest.raises(ConfigError, match="red before the work, and `baseline: refuse`: `test -f ok`: exit 1"):
            world.run(sandbox=sandbox, checks="test -f ok", baseline="refuse")
        assert not world.has("logs/attempts/a")
    (world.root / "ok").touch()
    world.git("add", "--all")
    world.git("commit", "-qm", "mended")
    assert world.run(sandbox=sandbox, checks="test -f ok", baseline="refuse").code == 0


def test_what_checks_said_before_the_work_is_known_in_the_next_run(world: World) -> None:
    world.spec("a", checks="test -f a.txt")
    world.repository()
    world.agent('echo x > a.txt; git add a.txt; git commit -qm "its own"; note "half"')
    world.settings["max_iterations"] = 1
    assert world.run(sandbox="none").code == 1
    world.agent(CLAIM)
    ran = world.run(sandbox="none")
    assert ran.code == 0 and "red before, green after" in world.log("a.done"), world.log("a.done")
