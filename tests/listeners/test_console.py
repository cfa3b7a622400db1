"""What a person sees while it runs."""

from __future__ import annotations

import json

from helpers.world import CLAIM, World

from harness.records.journal import read_journal


def test_quiet_shows_only_what_needs_a_person_and_run_log_has_it_all(world: World, harness) -> None:
    world.spec("a", checks="true")
    world.agent(CLAIM)
    world.config_file()
    loud, lines = harness("run", "--verbose"), world.log("run.log").splitlines()
    assert [line.split(" ", 1)[1] for line in lines] == [line.split(" ", 1)[1] for line in loud.err.splitlines()]
    harness("reset", "a")
    assert len(harness("run", "--quiet").err.splitlines()) < 4


def test_what_an_agent_says_reaches_no_terminal_with_its_control_sequences(world: World, harness) -> None:
    world.spec("a", checks="true")
    world.agent("printf '\\033]0;owned\\007\\033[31mred\\033[0m said\\n'; " + CLAIM)
    world.config_file()
    ran = harness("run", "--verbose")
    assert "red said" in ran.err
    assert "\x1b" not in ran.err + world.log("run.log")
    assert all("\x1b" not in json.dumps(event) for event in read_journal(world.root / "logs" / "journal.jsonl"))
