"""What counts as progress, and what a run does without any."""

from __future__ import annotations

import pytest
from helpers.world import World


@pytest.mark.parametrize(
    ("note", "code"), [pytest.param(32, 5, id="32 bytes are silence"), pytest.param(33, 1, id="33 bytes are a note")]
)
def test_only_what_the_agent_wrote_into_its_log_counts_as_progress(world: World, note: int, code: int) -> None:
    world.spec("a")
    world.agent(f'seq 1000; seq 1000 >&2; head -c {note} /dev/zero | tr "\\0" x >> "$log"')
    assert world.run(max_iterations=3).code == code
    assert {event["note_bytes"] for event in world.events("attempt_ended")} == {note}


@pytest.mark.deep
def test_work_on_harness_s_own_files_and_on_ignored_ones_is_no_progress(world: World) -> None:
    world.spec("a")
    (world.root / ".gitignore").write_text("build/\n")
    world.repository()
    world.agent('mkdir -p build; for file in build/x "$logs/x" "$learnings"; do echo "$attempt" >> "$file"; done')
    assert world.run().code == 5
    assert world.outcomes() == ["stalled"] * 3


def test_attempts_without_progress_are_counted_across_restarts(world: World) -> None:
    world.spec("a")
    world.agent("true")
    assert [world.run(max_iterations=1).code for _ in range(3)] == [1, 1, 5]


@pytest.mark.deep
def test_what_was_spent_is_added_up_across_restarts(world: World, harness) -> None:
    world.spec("a")
    result = '{"type":"result","subtype":"success","is_error":false,"result":"ok","total_cost_usd":0.25}'
    world.agent(f"note \"attempt $attempt\"; echo '{result}'")
    world.run(max_iterations=1, dialect="claude")
    world.run(max_iterations=1, dialect="claude")
    row = harness("status", "--json").json["features"][0]
    assert (row["attempts"], row["dollars"]) == (2, 0.5)


def test_silence_trips_the_breaker_and_halt_says_why(world: World) -> None:
    world.spec("a")
    world.agent("echo chatter on stdout does not count as progress")
    ran = world.run()
    assert (ran.code, world.outcomes()) == (5, ["stalled"] * 3)
    assert "a: 3 attempts in a row without progress" in (world.root / "HALT").read_text()
    assert world.run().code == 3


@pytest.mark.deep
def test_removing_halt_gives_a_stuck_feature_fresh_attempts(world: World) -> None:
    world.spec("a")
    world.agent("true")
    world.run()
    (world.root / "HALT").unlink()
    assert world.run().code == 5
    assert len(world.outcomes()) == 6


@pytest.mark.deep
def test_a_breaker_that_trips_at_the_last_iteration_is_stuck_not_limit(world: World) -> None:
    world.spec("a")
    world.agent("true")
    assert world.run(max_iterations=3).code == 5


def test_changing_files_without_a_note_is_progress_and_leaves_a_memory(world: World) -> None:
    world.spec("a")
    world.agent('echo "$attempt" > work.txt')
    assert world.run(max_iterations=2).code == 1
    assert world.outcomes() == ["progressed", "progressed"]
    assert "[harness] attempt 1 wrote no note; it changed work.txt" in world.prompt("a", 2)


@pytest.mark.deep
def test_max_attempts_ends_endless_noted_work_until_a_reset(world: World, harness) -> None:
    world.spec("a")
    world.agent('note "more work $attempt"')
    assert world.run(max_attempts=2).code == 5
    (world.root / "HALT").unlink()
    assert world.run(max_attempts=2).code == 5
    assert len(world.outcomes()) == 2
    (world.root / "HALT").unlink()
    assert harness("reset", "a").code == 0
    assert world.run(max_attempts=2).code == 5
    assert len(world.outcomes()) == 4


def test_the_same_failure_again_and_again_is_no_progress_whatever_is_written(world: World) -> None:
    world.spec("a", checks='echo "took $RANDOM.5 s"; date; test -f never.txt')
    world.agent(
        'note "attempt at $(date +%N), with another idea each time"; date +%N > "idea-$$.txt"; echo ok > "$done"'
    )
    assert world.run().code == 5
    assert world.outcomes() == ["unconfirmed"] * 4


@pytest.mark.deep
def test_a_touch_and_the_same_bytes_again_change_nothing(world: World) -> None:
    world.spec("a")
    world.repository()
    world.agent('echo same > file.txt; touch file.txt; note "wrote the file as it has to be"')
    assert world.run().code == 5
    assert world.outcomes() == ["progressed", "stalled", "stalled", "stalled"]


@pytest.mark.deep
def test_an_answered_question_that_is_only_written_again_is_not_asked_again(world: World, harness) -> None:
    world.spec("a", checks="test -f made.txt")
    world.agent('echo "BLOCKED: which colour?" >> "$log"')
    assert world.run().code == 4
    harness("answer", "a", "green")
    newest_first = 'old=$(cat "$log"); { echo "it is green now, and the file is made"; echo "$old"; } > "$log"'
    world.agent(f'touch made.txt; {newest_first}; echo ok > "$done"')
    assert world.run().code == 0
    assert world.outcomes() == ["blocked", "done"]
