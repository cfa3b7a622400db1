"""What an attempt left on disk: notes, markers, logs that were cut, markers of others."""

from __future__ import annotations

import pytest
from helpers.world import CLAIM, World


def test_markers_for_other_features_are_set_aside(world: World) -> None:
    world.spec("a", checks="true")
    world.spec("b", checks="false")
    world.agent('echo forged > "$logs/b.done"; ' + CLAIM)
    ran = world.run(max_iterations=1)
    assert ran.code == 1
    assert not world.has("logs/b.done")
    assert world.has("logs/attempts/a/0001/foreign/b.done")
    assert "`b.done` appeared during the attempt and is quarantined" in ran.text


@pytest.mark.deep
def test_a_log_that_was_cut_is_restored_and_the_agent_s_words_are_kept(world: World) -> None:
    world.spec("a")
    world.agent(
        'if [ "$attempt" = 1 ]; then note first; else echo "rewritten by the agent, longer than before" > "$log"; fi'
    )
    world.run(max_iterations=2)
    assert world.log("a.log").startswith("first, and this makes")
    assert world.log("a.log").endswith("rewritten by the agent, longer than before\n")
    assert [e["file"] for e in world.events("tampered")] == ["a.log"]


def test_a_deleted_log_is_restored(world: World) -> None:
    world.spec("a")
    world.agent('if [ "$attempt" = 1 ]; then note first; else rm "$log"; fi')
    world.run(max_iterations=2)
    assert world.log("a.log").startswith("first, and this makes")


def test_an_agent_that_cleans_the_repository_takes_no_history_and_no_receipt_with_it(world: World) -> None:
    world.spec("a", checks="true")
    world.spec("b", checks="test -f b.txt")
    world.repository()
    world.agent(f'if [ "$slug" = b ]; then git clean -fdxq; mkdir -p "$logs"; fi; {CLAIM}')
    ran = world.run(max_iterations=2)
    assert ran.code == 1
    assert world.states() == {"a": "done (not shown)", "b": "ready"}
    assert world.outcomes() == ["done", "unconfirmed"]
    assert "`a.done` was deleted during the attempt and has been restored" in ran.text


def test_a_line_added_to_the_journal_is_taken_out_again(world: World) -> None:
    world.spec("a", checks="true")
    world.agent('echo junk >> "$logs/journal.jsonl"; ' + CLAIM)
    assert world.run().code == 0
    assert world.states() == {"a": "done (not shown)"}


def test_what_another_feature_cut_off_a_log_is_put_back(world: World) -> None:
    world.spec("a")
    world.spec("b")
    world.agent(
        f'case "$slug$attempt" in a1) note "first of a"; touch "{world.root}/specs/order.txt";'
        f' printf "b\\na\\n" > "{world.root}/specs/order.txt";;'
        ' b1) : > "$logs/a.log"; ' + CLAIM + ";; *) " + CLAIM + ";; esac"
    )
    ran = world.run()
    assert ran.code == 0
    assert world.log("a.log").startswith("first of a")
    assert "a: its log was cut or rewritten since its last attempt" in ran.text
