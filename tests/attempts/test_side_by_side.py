"""Two attempts in flight at a time: what one leaves, meets or asks is never taken for the other's."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from helpers.world import CLAIM, Listener, World

from harness.attempts.attempt import Attempt, Judged
from harness.attempts.begin import begin, prepare
from harness.attempts.keep import keep
from harness.attempts.order import Delivery
from harness.attempts.work import carry_out
from harness.run.look import look_around
from harness.run.open import open_run
from harness.run.preflight import announce
from harness.run.run import Run
from harness.settings.load import load_config
from harness.system.clocks import Clocks

LIMIT = {
    "type": "result",
    "is_error": True,
    "api_error": "usage_limit_reached",
    "api_error_status": 429,
    "result": "up",
}


class Desk:
    """The main thread in the hands of a test: it begins, works and keeps in the order that it wants."""

    def __init__(self, run: Run, listener: Listener) -> None:
        self.run, self.lines = run, listener.lines

    def begin(self, slug: str) -> Attempt:
        look = look_around(self.run)
        feature = next(one for one in look.features if one.slug == slug)
        prepared = prepare(self.run, feature)
        assert prepared is not None
        return begin(self.run, feature, prepared, "a test wants it")

    def work(self, *attempts: Attempt) -> list[Delivery]:
        """Let the agents work at the same time, each in a thread of its own, to their ends."""
        with ThreadPoolExecutor(len(attempts)) as executor:
            return list(executor.map(lambda one: carry_out(one.order, self.run.site), attempts))

    def keep(self, attempt: Attempt, delivery: Delivery) -> Judged:
        """Keep it to its end, with the checks of its claim."""
        kept = keep(self.run, attempt, delivery)
        return kept if isinstance(kept, Judged) else self.keep(kept, *self.work(kept))


@contextmanager
def desk(world: World, clocks: Clocks | None = None, **flags: Any) -> Iterator[Desk]:
    """A run of the world that nobody drives but the test."""
    listener, environ = Listener(), getattr(world, "environment", world.environ)
    config = load_config(world.root, {"pause": "0", **world.settings, **flags}, environ)
    with open_run(config, listener, environ=environ, clocks=clocks) as run:
        announce(run)
        yield Desk(run, listener)


def wait_for(path: Path) -> None:
    until = time.monotonic() + 20
    while not path.exists():
        assert time.monotonic() < until, f"{path.name} never came"
        time.sleep(0.01)


def two(world: World, code: str = CLAIM, **front: Any) -> None:
    """Two features, and an agent for both."""
    world.spec("a", **front)
    world.spec("b", **front)
    world.agent(code)


# --- markers ----------------------------------------------------------------------------------------------------------


def test_what_was_accepted_meanwhile_is_no_foreign_marker(world: World) -> None:
    two(world)
    with desk(world) as at:
        a, b = at.begin("a"), at.begin("b")
        of_a, of_b = at.work(a, b)
        assert at.keep(b, of_b).verdict.outcome == "done"
        receipt = world.log("b.done")
        assert at.keep(a, of_a).verdict.outcome == "done"
    assert world.log("b.done") == receipt
    assert world.events("foreign") == world.events("vanished") == []
    assert not (a.folder / "foreign").exists()


def test_the_claim_of_an_attempt_in_flight_is_left_to_it(world: World) -> None:
    two(world)
    with desk(world) as at:
        a, b = at.begin("a"), at.begin("b")
        of_a, of_b = at.work(a, b)
        at.keep(a, of_a)
        assert "finished b" in world.log("b.done")
        assert at.keep(b, of_b).verdict.outcome == "done"
    assert world.events("foreign") == []


def test_a_question_that_was_asked_meanwhile_is_no_foreign_marker(world: World) -> None:
    two(world, 'case $slug in b) echo "BLOCKED: which colour?" >> $log;; *) note worked;; esac')
    with desk(world) as at:
        a, b = at.begin("a"), at.begin("b")
        of_a, of_b = at.work(a, b)
        at.keep(b, of_b)
        at.keep(a, of_a)
    assert world.log("b.blocked") == "which colour?\n"
    assert world.events("foreign") == []


def test_a_forged_marker_is_quarantined_once_and_never_believed(world: World) -> None:
    two(world, 'note worked; [ $slug = a ] && echo forged > "$logs/c.done"; true')
    world.spec("c")
    with desk(world) as at:
        a, b = at.begin("a"), at.begin("b")
        of_a, of_b = at.work(a, b)
        assert "c" not in look_around(at.run).markers.done
        at.keep(a, of_a)
        at.keep(b, of_b)
    assert [(e["slug"], e["marker"]) for e in world.events("foreign")] == [("a", "c.done")]
    assert (a.folder / "foreign" / "c.done").read_text() == "forged\n"
    assert world.events("by_hand") == []


def test_a_receipt_that_an_agent_removes_stays_done_until_that_is_seen(world: World) -> None:
    two(world, 'note worked; rm -f "$logs/c.done"')
    world.spec("c")
    with desk(world) as at:
        (world.root / "logs" / "c.done").write_text("I did it\n")
        a, b = at.begin("a"), at.begin("b")
        of_a, of_b = at.work(a, b)
        assert "c" in look_around(at.run).markers.done
        at.keep(a, of_a)
        at.keep(b, of_b)
        assert "c" not in look_around(at.run).markers.done
    assert [(e["slug"], e["marker"]) for e in world.events("vanished")] == [("a", "c.done")]


def test_an_answer_is_taken_in_while_others_work_and_nothing_has_vanished(world: World) -> None:
    two(world, 'case $slug in b) echo "BLOCKED: which colour?" >> $log;; *) note worked;; esac')
    with desk(world) as at:
        b = at.begin("b")
        at.keep(b, *at.work(b))
        a = at.begin("a")
        (of_a,) = at.work(a)
        (world.root / "logs" / "b.answer").write_text("blue\n")
        look = look_around(at.run)
        assert "b" not in look.markers.blocked
        at.keep(a, of_a)
    assert [e["text"] for e in world.events("answered")] == ["blue"]
    assert world.events("vanished") == []
