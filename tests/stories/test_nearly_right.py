"""What people and agents name or word nearly right is not taken for what they meant, and they are told."""

from __future__ import annotations

import pytest
from helpers.marks import needs_bwrap
from helpers.world import CLAIM, NOTE, World


@pytest.mark.parametrize("sandbox", ["none", pytest.param("bwrap", marks=[needs_bwrap, pytest.mark.deep])])
def test_a_claim_under_a_name_that_is_nearly_right_is_none_and_the_agent_is_told(world: World, sandbox: str) -> None:
    world.spec("a", checks="true")
    world.agent(f'note "{NOTE}"; if [ "$HARNESS_ATTEMPT" = 1 ]; then touch "$logs/a.DONE.txt"; else {CLAIM}; fi')
    world.run(sandbox=sandbox)
    assert world.outcomes() == ["progressed", "done"]
    assert "`a.DONE.txt` in logs/ is not read: the name is `a.done`" in world.prompt("a", 2)


def test_a_question_that_is_worded_nearly_right_asks_nobody_and_the_agent_is_told(world: World) -> None:
    world.spec("a")
    world.agent(f'note tried; if [ "$attempt" = 1 ]; then echo "Blocked: which port?" >> "$log"; else {CLAIM}; fi')
    ran = world.run()
    told = "`Blocked: which port?` asks nobody: a question starts a line with `BLOCKED:`"
    assert world.outcomes() == ["progressed", "done"]
    assert (f"a: {told}" in ran.lines, told in world.prompt("a", 2)) == (True, True)


def test_halt_and_an_answer_under_names_that_are_nearly_right_are_told_once(world: World) -> None:
    world.spec("a")
    world.spec("b")
    (world.root / "halt").touch()
    world.agent('if [ "$slug" = a ]; then echo "BLOCKED: which port?" >> "$log"; else ' + CLAIM + "; fi")
    world.run(keep_going=True)
    (world.root / "logs" / "a.answer.txt").write_text("8080")
    lines = world.run(keep_going=True).lines
    assert lines.count("`halt` is not read: `touch HALT` stops a run") == 1
    assert lines.count("`a.answer.txt` in logs/ is not read: the name is `a.answer`") == 1
