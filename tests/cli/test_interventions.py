"""What a person decides by command: answer, accept, reset, halt, resume."""

from __future__ import annotations

import pytest
from helpers.stages import blocked, proven
from helpers.waiting import PATIENCE
from helpers.world import CLAIM, World


def test_answer_removes_the_halt_that_harness_wrote_for_the_question_and_no_other(world: World, harness) -> None:
    blocked(world)
    (world.root / "HALT").write_text("a person paused it\n")
    ran = harness("answer", "a", "8080")
    assert ran.code == 0
    assert (world.root / "HALT").read_text() == "a person paused it\n"
    assert world.states() == {"a": "ready"}
    assert harness("resume").code == 0
    world.agent('grep -q 8080 "$log" && { ' + CLAIM + "; }")
    assert world.run().code == 0


@pytest.mark.deep
def test_answer_reaches_a_run_that_is_on(world: World, harness, start) -> None:
    world.spec("a")
    world.spec("b")
    world.agent(
        'case "$slug$attempt" in\n'
        'a1) echo "BLOCKED: which port?" >> "$log" ;;\n'
        'b1) while [ ! -e "$logs/a.answer" ]; do sleep 0.02; done; ' + CLAIM + " ;;\n"
        '*) grep -q 8080 "$log" && { ' + CLAIM + "; } ;;\nesac"
    )
    world.config_file(keep_going=True)
    run = start("run")
    assert any("b: attempt 1 begins" in line for line in run.stderr)
    assert harness("answer", "a", "8080").out == "answered: the active run will work on it again\n"
    assert run.wait(PATIENCE) == 0
    assert world.outcomes("a") == ["blocked", "done"]


def test_accept_makes_a_feature_done_and_says_that_a_person_did(world: World, harness) -> None:
    blocked(world)
    ran = harness("accept", "a", "checked by hand on staging")
    assert (ran.code, ran.out) == (0, "`a` counts as done, accepted by a person\n")
    assert world.log("a.done").splitlines()[0] == "checked by hand on staging"
    assert (world.states(), world.has("logs/a.blocked")) == ({"a": "done (accepted)"}, False)
    assert world.run().code == 0
    assert world.log("a.done").splitlines()[0] == "checked by hand on staging"


def test_reset_begins_a_feature_anew_and_keeps_log_attempts_and_numbers(world: World, harness) -> None:
    proven(world, "a")
    ran = harness("reset", "a")
    assert (ran.code, world.states()) == (0, {"a": "ready"})
    assert ran.out.startswith("`a` starts over, 1 marker moved to logs/.kept; its log, attempts and commits stay")
    assert "did a" in world.log("a.log")
    assert world.run().code == 0
    assert sorted(path.name for path in (world.root / "logs/attempts/a").iterdir()) == ["0001", "0002"]


def test_halt_pauses_and_resume_goes_on(world: World, harness) -> None:
    world.spec("a", checks="true")
    world.agent(CLAIM)
    world.config_file()
    assert (harness("halt").code, world.has("HALT")) == (0, True)
    assert harness("run").code == 3
    assert harness("resume").out == "removed HALT; go on with `harness run`\n"
    assert harness("resume").out == "no HALT file is present; start with `harness run`\n"
    assert harness("run").code == 0


def test_halt_now_says_now_and_keeps_the_word_of_a_person(world: World, harness) -> None:
    world.spec("a")
    (world.root / "HALT").write_text("because I said so\n")
    harness("halt")
    assert (world.root / "HALT").read_text() == "because I said so\n"
    harness("halt", "--now")
    assert (world.root / "HALT").read_text().split()[0] == "now"


def test_resume_removes_halt_in_the_logs_folder_too(world: World, harness) -> None:
    world.spec("a")
    (world.root / "logs").mkdir()
    (world.root / "logs" / "HALT").touch()
    (world.root / "HALT").touch()
    assert harness("resume").code == 0
    assert (world.has("HALT"), world.has("logs/HALT")) == (False, False)
