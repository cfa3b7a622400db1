"""A message goes out by a small program, and a dead network changes nothing."""

from __future__ import annotations

import pytest
from fakes.hook import Hook
from helpers.world import ASK, CLAIM, World

from harness.listeners import channels as notify


@pytest.mark.parametrize(
    ("answers", "tries", "why"),
    [
        pytest.param((500, 204), 2, None, id="heals", marks=pytest.mark.deep),
        pytest.param((500, 503, 500), 3, "it answered 500", id="stays broken"),
        pytest.param((404,), 1, "it answered 404", id="is wrong", marks=pytest.mark.deep),
        pytest.param((302,), 1, "it answered 302", id="redirects", marks=pytest.mark.deep),
    ],
)
def test_a_webhook_that_fails_is_tried_again_told_once_and_changes_nothing(
    world: World, harness, answers: tuple[int, ...], tries: int, why: str | None
) -> None:
    world.spec("a", checks="true")
    world.agent(CLAIM)
    with Hook(*answers) as hook:
        world.config_file(webhook=hook.url)
        ran = harness("run")
    assert (ran.code, len(hook.heard)) == (0, tries)
    assert [e["why"] for e in world.events("notify_failed")] == ([why] if why else [])
    assert ran.err.count("webhook failed to notify you") == bool(why)
    assert "T0KEN" not in ran.err + world.log("journal.jsonl") + world.log("run.log")


def test_channels_without_apprise_are_told_with_the_command_that_mends_it(world: World, monkeypatch) -> None:
    monkeypatch.setattr(notify.importlib.util, "find_spec", lambda name: None)
    world.spec("a")
    world.agent(ASK)
    ran = world.run(notify=["ntfy://topic"])
    assert [line for line in ran.lines if "apprise" in line] == [notify.MISSING]
    assert (ran.code, world.events("notify_failed")) == (4, [])


@pytest.mark.deep
def test_each_channel_of_people_is_told_by_apprise(world: World) -> None:
    pytest.importorskip("apprise")
    world.spec("a")
    world.agent(ASK)
    with Hook() as hook:
        ran = world.run(notify=[hook.url.replace("http://", "json://"), "wrong://T0KEN"])
    assert ran.code == 4
    first = hook.heard[0]
    assert first["title"].startswith("harness: blocked in ")
    assert first["message"].startswith("a is blocked: which client?")
    assert {(e["channel"], e["why"]) for e in world.events("notify_failed")} == {
        ("wrong", "apprise does not know such an address")
    }
    assert "T0KEN" not in ran.text
