"""Whatever a command started ends with it."""

from __future__ import annotations

import asyncio

import pytest
from helpers.api_tools import PATIENCE, alive, opened, outcomes
from helpers.marks import in_short

SOON = 0.5  # seconds after which a command is ended that never would; enough for its first words


@pytest.mark.parametrize(
    "command",
    in_short(
        {
            "sleep": "echo before; sleep 1000",
            "stopped": "echo before; kill -STOP $$",
            "other sessions": "echo before; (setsid sleep 1000 &); setsid sh -c 'sleep 1000 & sleep 1000'",
            "job control": "echo before; set -m; sleep 1000 & sleep 1000 | sleep 1000",
            "exec": "echo before; exec sleep 1000",
            "busy": "echo before; while :; do :; done",
            "many": "echo before; f() { sleep 1000 & [ $1 = 0 ] || { f $(($1-1)) & f $(($1-1)); }; wait; }; f 4",
        },
        "stopped",
        "other sessions",
    ),
)
def test_a_timeout_ends_all_that_was_started_and_keeps_the_output(place, command):
    async def story():
        async with opened(place) as shell:
            outcome = await shell.run(command, SOON)
            return outcome, alive(place)

    outcome, left = asyncio.run(story())
    said = outcome.text.replace("Terminated\n", "")  # a shell's own word, where its child dies before it does
    assert (said, outcome.timed_out, outcome.ended, outcome.code) == ("before\n", True, True, None)
    assert left == set()


def test_a_command_deaf_to_term_is_killed(place):
    (outcome,) = outcomes(place, "trap '' TERM; echo before; sleep 1000; sleep 1000", timeout=SOON)
    assert (outcome.text, outcome.timed_out) == ("before\n", True)


def test_closing_brings_a_running_command_back(place):
    async def story():
        async with opened(place) as shell:
            task = asyncio.create_task(shell.run("touch begun; sleep 1000", PATIENCE))
            while not (place / "begun").exists():
                await asyncio.sleep(0.01)
            await shell.close()
            with pytest.raises(RuntimeError):
                await shell.run("true", PATIENCE)
            return await task

    assert asyncio.run(story()).ended
