"""Questions: asked by an agent, answered by a person, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.world import CLAIM, World


def test_an_old_question_in_the_log_blocks_nothing(world: World) -> None:
    world.spec("a")
    (world.root / "logs").mkdir()
    (world.root / "logs" / "a.log").write_text("BLOCKED: which port?\n")
    world.agent('if [ "$attempt" = 1 ]; then note "going on"; else ' + CLAIM + "; fi")
    assert world.run().code == 0
    assert world.outcomes() == ["progressed", "done"]


@pytest.mark.parametrize("dialect", ["text", "claude"])
def test_a_question_that_is_only_said_on_stdout_blocks_nothing(world: World, dialect: str) -> None:
    world.spec("a", "BLOCKED: this line stands in the spec, and the agent echoes its prompt.")
    world.agent('printf "%s\\n" "$prompt" "BLOCKED: said aloud"; echo "BLOCKED: said aloud" >&2; ' + CLAIM)
    assert world.run(dialect=dialect).code == 0
    assert not world.has("logs/a.blocked")


@pytest.mark.parametrize("line", ["BLOCKED: which port?", "- BLOCKED: which port?", "**BLOCKED:** which port?"])
def test_a_question_is_understood_as_people_write_it(world: World, line: str) -> None:
    world.spec("a")
    world.agent(f'echo "{line}" >> "$log"')
    assert world.run().code == 4
    assert world.log("a.blocked") == "which port?\n"


def test_a_question_reaches_a_person_whatever_an_env_file_holds(world: World) -> None:
    world.spec("a")
    (world.root / ".env").write_text('A_KEY="BLOCKED:"\nB_KEY="BLOCKED: which key"\nC_KEY=hunter2-hunter2\n')
    world.agent('echo "BLOCKED: which key, hunter2-hunter2?" >> $log')
    assert (world.run().code, world.log("a.blocked")) == (4, "which key, [redacted C_KEY]?\n")


@pytest.mark.deep
def test_a_feature_that_is_proven_in_the_same_attempt_is_not_blocked(world: World) -> None:
    world.spec("a", checks="true")
    world.agent('echo "BLOCKED: which port?" >> "$log"; ' + CLAIM)
    assert world.run().code == 0
    assert not world.has("logs/a.blocked")


@pytest.mark.deep
def test_removing_the_blocked_marker_by_hand_arms_the_feature_again(world: World) -> None:
    world.spec("a")
    world.agent('if [ "$attempt" = 1 ]; then echo "BLOCKED: which port?" >> "$log"; else ' + CLAIM + "; fi")
    assert world.run().code == 4
    (world.root / "logs" / "a.blocked").unlink()
    (world.root / "HALT").unlink()
    assert world.run().code == 0


def test_a_question_blocks_halts_and_its_answer_reaches_the_next_prompt(world: World, harness) -> None:
    world.spec("a")
    world.agent(
        'if grep -q "use port 8080" "$log"; then ' + CLAIM + '; else echo "**BLOCKED: which port?**" >> "$log"; fi'
    )
    assert world.run().code == 4
    assert world.log("a.blocked") == "which port?\n"
    assert "harness answer a" in (world.root / "HALT").read_text()
    assert harness("answer", "a", "use port 8080").code == 0
    assert not world.has("HALT")
    assert world.run().code == 0
    assert "A person answered your question:" in world.prompt("a", 2)


def test_an_old_question_lets_the_others_go_on_and_then_ends_with_4(world: World) -> None:
    world.spec("a")
    world.spec("b")
    world.agent('if [ "$slug" = a ]; then echo "BLOCKED: who?" >> "$log"; else ' + CLAIM + "; fi")
    world.run()
    (world.root / "HALT").unlink()
    ran = world.run()
    assert (ran.code, ran.stop.slug) == (4, "a")
    assert world.has("logs/b.done")
    assert not world.has("HALT")


def test_an_agent_cannot_answer_its_own_question(world: World) -> None:
    world.spec("a")
    world.agent('echo "BLOCKED: may I?" >> "$log"; echo "yes, you may" > "$logs/a.answer"')
    assert world.run().code == 4
    assert world.events("answered") == []
    assert world.has("logs/attempts/a/0001/foreign/a.answer")


def test_what_attempts_assumed_stands_in_the_receipt_in_status_and_in_why(world: World, harness: Any) -> None:
    world.spec("a", checks="test -f a.txt")
    world.agent(f'note "ASSUMED: $attempt is enough"; [ $attempt = 1 ] || {{ echo x > a.txt; {CLAIM}; }}')
    ran = world.run()
    assert "a: assumed: 1 is enough" in ran.text
    receipt = world.log("a.done").splitlines()
    assert [line[:20] for line in receipt if line.startswith("assumed: ")] == [
        "assumed: 1 is enough",
        "assumed: 2 is enough",
    ]
    assert "assumes 2 things" in harness("status", "--json").out
    assert "assumed: 1 is enough" in harness("why", "a").out
