"""A claim, its checks and the verdict, through whole attempts."""

from __future__ import annotations

import pytest
from helpers.world import CLAIM, World


def test_a_claim_whose_checks_fail_is_unconfirmed(world: World) -> None:
    world.spec("a", checks="grep -q good a.txt")
    world.agent('if [ "$attempt" = 1 ]; then echo bad > a.txt; else echo good > a.txt; fi; ' + CLAIM)
    assert world.run().code == 0
    assert world.outcomes() == ["unconfirmed", "done"]
    assert "grep -q good a.txt" in world.prompt("a", 2)
    assert world.has("logs/attempts/a/0001/claim.done")


def test_a_claim_without_checks_is_accepted_and_called_unverified(world: World) -> None:
    world.spec("a")
    world.agent(CLAIM)
    assert world.run().code == 0
    assert world.states() == {"a": "done (unverified)"}


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        pytest.param('echo "finished" > "$done"; exit 3', "unconfirmed", id="an agent that failed"),
        pytest.param(': > "$done"', "unconfirmed", id="an empty marker"),
        pytest.param('mkdir "$done"', "unconfirmed", id="a folder as the marker", marks=pytest.mark.deep),
        pytest.param('ln -s /etc/hostname "$done"', "unconfirmed", id="a link as the marker"),
    ],
)
def test_a_hollow_claim_without_checks_is_withdrawn(world: World, code: str, outcome: str) -> None:
    world.spec("a")
    world.agent(code)
    assert world.run(max_iterations=1).code == 1
    assert world.outcomes() == [outcome]
    assert not world.has("logs/a.done")


def test_a_spec_that_changed_during_an_attempt_is_told_and_the_checks_are_those_of_its_beginning(world: World) -> None:
    path = world.spec("a", checks="false")
    world.agent(f'printf "# a\\n\\nEasier now.\\n" > "{path}"; ' + CLAIM)
    ran = world.run(max_iterations=1)
    assert world.outcomes() == ["unconfirmed"]
    assert "a: `specs/a/spec.md` changed during the attempt; if that was not you" in ran.text


def test_an_agent_that_weakens_the_checks_proves_nothing_with_them(world: World) -> None:
    for slug in ("a", "b"):
        world.spec(slug, checks=f"test -f {slug}.txt")
    world.agent('sed -i "s/test -f .*txt/test -d ./" specs/*/spec.md; ' + CLAIM)
    ran = world.run(max_iterations=4, stuck_limit=2, keep_going=True)
    assert "done" not in world.outcomes()
    assert "a: this run goes on with the checks it had" in ran.text
    assert "b: this run goes on with the checks it had" in ran.text
