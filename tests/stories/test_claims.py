"""A marker is a claim and no fact, whoever wrote it."""

from __future__ import annotations

import pytest
from helpers.waiting import Leash, kill
from helpers.world import CLAIM, World


@pytest.mark.parametrize(
    ("check", "agent", "timeout"),
    [
        pytest.param("grep -q good a.txt", "echo bad > a.txt", "", id="with red tests"),
        pytest.param("sh tests.sh", "rm tests.sh", "", id="after the tests were deleted"),
        pytest.param("", "", "0.5s", id="from an agent that ran out of time"),
    ],
)
def test_a_marker_proves_nothing(world: World, check: str, agent: str, timeout: str) -> None:
    world.spec("a", **({"checks": check} if check else {}), **({"timeout": timeout} if timeout else {}))
    (world.root / "tests.sh").write_text("true\n")
    world.agent(f"{agent}\n{CLAIM}" + ("; sleep 60" if timeout else ""))
    assert world.run(max_iterations=1).code == 1
    assert world.outcomes() == ["unconfirmed"]
    assert not world.has("logs/a.done")


def test_a_marker_that_a_killed_run_left_is_a_claim_and_no_fact(world: World, leash: Leash, start) -> None:
    world.spec("a", checks="false")
    world.agent(f"{CLAIM}; {leash.code} sleep 600")
    world.config_file()
    run = start("run")
    leash.read()
    kill(run)
    assert leash.read() == b""
    assert world.states() == {"a": "claimed"}
    world.agent("true")
    assert world.run(max_iterations=1).code == 1
    assert (world.outcomes()[0], world.has("logs/a.done")) == ("unconfirmed", False)


def test_a_person_s_marker_is_honoured_and_called_by_hand(world: World) -> None:
    world.spec("a")
    (world.root / "logs").mkdir()
    (world.root / "logs" / "a.done").write_text("I did it\n")
    assert world.run().code == 0
    assert world.states() == {"a": "done (by hand)"}
    assert world.log("a.done") == "I did it\n"


def test_a_receipt_that_a_person_removed_means_do_it_again(world: World) -> None:
    world.spec("a", checks="true")
    world.agent(CLAIM)
    world.run()
    (world.root / "logs" / "a.done").unlink()
    assert world.run().code == 0
    assert world.outcomes() == ["done", "done"]


def test_a_spec_that_is_accepted_and_then_edited_is_stale(world: World) -> None:
    world.spec("a", checks="true")
    world.agent(CLAIM)
    world.run()
    world.spec("a", "Do it better.", checks="true")
    assert world.states() == {"a": "stale"}
