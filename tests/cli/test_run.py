"""`harness run --json`: the end on stdout, the events on stderr."""

from __future__ import annotations

from helpers.world import CLAIM, World


def test_run_with_json_tells_the_end_on_stdout_and_the_events_on_stderr(world: World, harness) -> None:
    world.spec("a", checks="true")
    world.agent(CLAIM)
    world.config_file()
    ran = harness("run", "--json")
    end = ran.json
    assert (ran.code, end["halt"], end["code"], end["iterations"]) == (0, "ALL_DONE", 0, 1)
    assert [(row["slug"], row["state"]) for row in end["features"]] == [("a", "done (not shown)")]
    assert "a: attempt 1 begins" in ran.err
