"""Two attempts in flight at a time: what one leaves, meets or asks is never taken for the other's."""

from __future__ import annotations

import json
import os
import pickle
import re
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from fakes.outside import inside
from helpers.rules import rules_with
from helpers.waiting import until
from helpers.world import BUBBLEWRAP, CLAIM, Listener, World
from rich.console import Console

from harness.attempts.attempt import Attempt, Judged
from harness.attempts.begin import begin, prepare
from harness.attempts.keep import keep
from harness.attempts.order import Delivery
from harness.attempts.work import carry_out
from harness.decide.budget import line_for, over
from harness.decide.next import what_next
from harness.domain.errors import StorageError
from harness.domain.feature import Feature
from harness.domain.halt import Stop
from harness.domain.look import Look, Markers, Work
from harness.domain.money import Spend, Sum
from harness.listeners.console import Terminal
from harness.loop import count_attempt, run_loop
from harness.records.heartbeat import SOON, Heartbeat
from harness.run.look import look_around
from harness.run.open import open_run
from harness.run.preflight import announce
from harness.run.run import Run
from harness.sandbox.network.broker import Broker
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
    until(path.exists, f"{path.name} never came")


def two(world: World, code: str = CLAIM, **front: Any) -> None:
    """Two features, and an agent for both."""
    world.spec("a", **front)
    world.spec("b", **front)
    world.agent(code)


# --- markers ----------------------------------------------------------------------------------------------------------


@pytest.mark.deep
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


@pytest.mark.deep
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


@pytest.mark.deep
def test_a_marker_that_was_forged_before_an_attempt_began_is_no_claim_of_it(world: World) -> None:
    two(world, 'note worked; [ $slug = a ] && echo forged > "$logs/b.done"; true')
    with desk(world) as at:
        a = at.begin("a")
        (of_a,) = at.work(a)
        b = at.begin("b")
        (of_b,) = at.work(b)
        assert [at.keep(b, of_b).verdict.outcome, at.keep(a, of_a).verdict.outcome] == ["progressed", "progressed"]
    assert [(e["slug"], e["marker"]) for e in world.events("foreign")] == [("b", "b.done")]


@pytest.mark.deep
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


@pytest.mark.deep
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


@pytest.mark.deep
def test_checks_that_are_weakened_under_way_do_not_count_for_what_begins_meanwhile(world: World) -> None:
    two(world, 'note worked; [ $slug = a ] && printf -- "---\\nchecks: [echo]\\n---\\n# b\\n" > specs/b/spec.md; true')
    world.spec("b", checks=["test -e built"])
    with desk(world) as at:
        a = at.begin("a")
        (of_a,) = at.work(a)
        b = at.begin("b")
        assert [one.command for one in b.order.checks] == ["test -e built"]
        at.keep(a, of_a)
        look_around(at.run, [a])
        look_around(at.run)
    assert [(e["slug"], e["during"]) for e in world.events("spec_changed")] == [("b", "a")]
    assert "b: this run goes on with the checks it had; start again to use the new" in at.lines


# --- the sandbox ------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not BUBBLEWRAP, reason="BUBBLEWRAP IS NOT INSTALLED")
@pytest.mark.deep
def test_a_new_home_is_not_made_of_a_living_attempt_s(confined: World) -> None:
    wait = 'touch "$HOME/mine" begun-a; until [ -e over-b ]; do sleep 0.01; done; [ -e "$HOME/mine" ] && note "whole"'
    two(confined, f"case $slug in a) {wait};; b) note worked; touch over-b;; esac")
    with desk(confined) as at, ThreadPoolExecutor() as executor:
        a, b = at.begin("a"), at.begin("b")
        of_a = executor.submit(carry_out, a.order, at.run.site)
        wait_for(confined.root / "begun-a")
        (of_b,) = at.work(b)
        judged = at.keep(b, of_b), at.keep(a, of_a.result())
        left = [one.name for one in at.run.site.temporary.iterdir() if one.name.startswith("scratch")]
    assert [one.verdict.outcome for one in judged] == ["progressed", "progressed"]
    assert "whole" in judged[1].found.note.text
    assert len(left) <= 1, "what an attempt left in its home goes with it"


@pytest.mark.deep
def test_each_attempt_has_a_temporary_folder_of_its_own(world: World, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    claude = tmp_path / "bin" / "claude"
    claude.write_text('#!/bin/sh\n[ "$1" = --version ] || cat >/dev/null\necho "$CLAUDE_CODE_TMPDIR"\n')
    claude.chmod(0o755)
    world.environment = {**world.environ, "PATH": f"{claude.parent}:{os.environ['PATH']}"}
    two(world)
    with desk(world, agent="claude", command=[]) as at:
        a, b = at.begin("a"), at.begin("b")
        at.work(a, b)
        told = [Path((one.folder / "stream.jsonl").read_text().strip()) for one in (a, b)]
        assert [path.is_dir() and path.is_relative_to(at.run.site.temporary) for path in told] == [True, True]
        assert told[0] != told[1]


# --- limits and stops -------------------------------------------------------------------------------------------------


def test_a_limit_closes_the_agent_that_met_it(world: World) -> None:
    two(world, f"echo '{json.dumps(LIMIT)}'")
    (world.root / "script.yaml").write_text("features: {}\n")
    with desk(world, dialect="claude", agents=["command", "scripted"], script="script.yaml") as at:
        a, b = at.begin("a"), at.begin("b")
        of_a, of_b = at.work(a, b)
        count_attempt(at.run, at.keep(a, of_a))
        assert (at.run.failover.turn.worker, [*at.run.failover.turn.closed_until]) == ("scripted", ["command"])
        count_attempt(at.run, at.keep(b, of_b))
        assert (at.run.failover.turn.worker, [*at.run.failover.turn.closed_until]) == ("scripted", ["command"])
        assert at.run.failover.turn.stop is None


def test_who_works_asks_whether_to_stop_and_leaves_the_telling_to_the_main_thread(world: World) -> None:
    ahead = [0.0]
    two(world)
    with desk(world, Clocks(lambda: time.time() + ahead[0])) as at:
        at.begin("a")
        ahead[0] = 3600.0
        (world.root / "HALT").touch()
        before = len(at.lines), len(at.run.journal.events)
        beat = (world.root / "logs" / "heartbeat.json").read_text()
        at.run.heartbeat.phase("working")
        time.sleep(0.15)  # a beat is due
        said: list[float | None] = []
        asks = threading.Thread(target=lambda: said.append(at.run.site.stop()))
        asks.start()
        asks.join()
        assert (said, len(at.lines)) == ([None], before[0])
        assert world.events("clock_jumped") == []
        assert (world.root / "logs" / "heartbeat.json").read_text() == beat
        assert at.run.site.stop() is None
        assert [line.split(":")[0] for line in at.lines[before[0] :]] == [
            "the clock jumped ahead by 1h",
            "HALT seen",
        ]
        (world.root / "HALT").write_text("now\n")
        asks = threading.Thread(target=lambda: said.append(at.run.site.stop()))
        asks.start()
        asks.join()
        assert said == [None, 1.0]


def test_nobody_waits_for_the_checks_of_another(world: World) -> None:
    two(world)
    world.spec("a", checks=["until [ -e go ]; do sleep 0.01; done"])
    with desk(world) as at:
        a, b = at.begin("a"), at.begin("b")
        of_a, of_b = at.work(a, b)
        claim = keep(at.run, a, of_a)
        assert isinstance(claim, Attempt)
        assert at.keep(b, of_b).verdict.outcome == "done"
        (world.root / "go").touch()
        assert at.keep(claim, *at.work(claim)).verdict.outcome == "done"
    assert [e["slug"] for e in world.events("attempt_ended")] == ["b", "a"]


# --- one for each -----------------------------------------------------------------------------------------------------


def test_what_changed_is_seen_from_where_each_attempt_began(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.workspace.in_place.FRESH", 60.0)
    two(world, 'note worked; touch "made-by-$slug"')
    world.repository()
    with desk(world) as at:
        a = at.begin("a")
        at.work(a)
        b = at.begin("b")
        assert "made-by-a" in b.before.files
        assert "made-by-a" not in a.before.files


@pytest.mark.deep
def test_a_lesson_is_taken_in_once(world: World) -> None:
    secret = "lesson-of-$slug"
    two(world, f'note worked; echo "- {secret}" >> $learnings')
    with desk(world) as at:
        a, b = at.begin("a"), at.begin("b")
        of_a, of_b = at.work(a, b)
        at.keep(a, of_a)
        at.keep(b, of_b)
    assert sorted(world.log("learnings.md").split()) == ["-", "-", "lesson-of-a", "lesson-of-b"]
    assert world.events("tampered") == []


def test_all_lessons_of_both_are_kept(confined: World) -> None:
    two(confined, 'note worked; for n in 1 2 3 4 5 6 7 8 9 10 11 12; do echo "- $slug $n" >> $learnings; done')
    with desk(confined) as at:
        a, b = at.begin("a"), at.begin("b")
        of_a, of_b = at.work(a, b)
        remarks = at.keep(a, of_a).found.remarks + at.keep(b, of_b).found.remarks
    assert (len(confined.log("learnings.md").splitlines()), remarks) == (24, [])


def test_hosts_that_were_refused_are_told_of_the_attempt_that_asked_for_them(tmp_path: Path) -> None:
    broker = Broker([], tmp_path / "network.txt", {})
    for attempt in ("a#1", "b#1", ""):
        with inside(broker.open_channel("check", attempt=attempt)) as connect, connect() as client:
            client.sendall(f"CONNECT {attempt[:1] or 'nobody'}.example:443 HTTP/1.1\r\n\r\n".encode())
            assert b"403" in client.recv(4096)
    told = [" ".join(broker.take_refused(attempt)) for attempt in ("b#1", "a#1", "a#1")]
    assert [re.findall(r"(\w+)\.example", words) for words in told] == [["nobody", "b"], ["a"], []]


def test_the_live_status_tells_who_spoke_last_and_how_many_more_are_at_work() -> None:
    screen = Terminal(console=Console(width=100))

    def shown() -> str:
        return re.sub(r"\d+s", "0s", screen._status().plain)

    screen.began("a#1", "a · attempt 1")
    screen.says("a#1", "reading")
    assert shown() == "▸ a · attempt 1 · 0s · reading"
    screen.began("b#1", "b · attempt 1")
    assert shown() == "▸ b · attempt 1 (and 1 more) · 0s · …"
    screen.says("a#1", "writing")
    assert shown() == "▸ a · attempt 1 (and 1 more) · 0s · writing"
    screen.ended("a#1")
    screen.says("a#1", "late")
    assert shown() == "▸ b · attempt 1 · 0s · …"
    screen.ended("b#1")
    assert shown() == ""


def test_a_sign_of_life_says_who_is_still_at_work(tmp_path: Path) -> None:
    heart = Heartbeat(tmp_path / "heartbeat.json", {"pid": 1}, time.time)

    def said() -> tuple[str, str, int]:
        time.sleep(SOON + 0.01)
        heart.beat()
        beat = json.loads((tmp_path / "heartbeat.json").read_text())
        return beat["phase"], beat["feature"], beat["attempt"]

    heart.phase("working", feature="a", attempt=3)
    heart.phase("working", feature="b", attempt=1)
    heart.phase("keeping", feature="b", attempt=1)
    assert said() == ("keeping", "b", 1)
    heart.over("b")
    assert said() == ("working", "a", 3)


# --- what next --------------------------------------------------------------------------------------------------------


def feature(slug: str, **given: Any) -> Feature:
    return Feature(slug, Path(slug), **given)


def test_a_feature_in_flight_is_not_begun_again() -> None:
    look = Look((feature("a"), feature("b"), feature("c", depends_on=("a",))), Markers(), {})
    one, both = replace(look, in_flight=frozenset("a")), replace(look, in_flight=frozenset("ab"))
    assert what_next(look, rules_with()) == Work(feature("a"), "not begun; next in order")
    assert what_next(one, rules_with()) == Work(feature("b"), "not begun; next in order")
    assert isinstance(what_next(both, rules_with()), Stop), "nothing more to begin"


def test_no_more_is_begun_than_the_iterations_that_are_left() -> None:
    look = Look((feature("a"), feature("b")), Markers(), {}, iterations=1, in_flight=frozenset("a"))
    assert isinstance(what_next(look, rules_with(max_iterations=3)), Work)
    assert isinstance(what_next(look, rules_with(max_iterations=2)), Stop)


def test_money_is_reserved_for_what_is_in_flight() -> None:
    rules = rules_with(max_cost=2.0, monthly_budget=100.0, expected_cost=0.5)
    spend = Spend(run=Sum(0.9, 2), month=Sum(0.9, 2), reserved=0.5)
    assert over(spend, rules, feature("b")) is None
    assert line_for(feature("b"), Sum(), spend, rules) == pytest.approx(0.6)
    more = replace(spend, reserved=1.0)
    assert over(more, rules, feature("c")) is not None
    assert over(more, rules, None) is None, "what is reserved is not spent"


def test_a_run_reserves_what_each_attempt_in_flight_is_expected_to_cost(world: World) -> None:
    two(world)
    with desk(world, max_cost=5, expected_cost="0.75", dialect="claude") as at:
        assert at.run.spend.reserved == 0
        at.begin("a")
        at.begin("b")
        look = look_around(at.run)
        assert (look.in_flight, look.spend.reserved) == ({"a", "b"}, 1.5)


# --- the loop ---------------------------------------------------------------------------------------------------------

MEET = 'touch "at-$slug"; until [ -e at-a ] && [ -e at-b ]; do sleep 0.01; done; '


def drive(world: World, jobs: int = 2, **flags: Any) -> Stop:
    """Run the real loop with its orders carried out in threads."""
    with desk(world, max_iterations=9, timeout="20s", **flags) as at, ThreadPoolExecutor(jobs) as executor:
        at.run.jobs = jobs
        return run_loop(at.run, executor)[0]


def test_two_attempts_are_in_flight_at_a_time(world: World) -> None:
    two(world, MEET + CLAIM, checks=["sleep 0.1"])
    world.spec("c", depends_on=["a", "b"])
    stop = drive(world)
    assert (stop.halt.code, world.outcomes()) == (0, ["done", "done", "done"])
    assert [e["event"] for e in world.events("attempt_began")] == ["attempt_began"] * 3
    assert world.events("foreign") == world.events("vanished") == world.events("by_hand") == []


def test_what_is_in_flight_may_finish_when_a_question_is_asked(world: World) -> None:
    two(
        world,
        MEET + 'case $slug in a) echo "BLOCKED: which?" >> $log;; b) sleep 0.5; note done; echo ok > $done;; esac',
    )
    world.spec("c")
    stop = drive(world)
    assert (stop.halt.code, stop.slug, world.outcomes()) == (4, "a", ["blocked", "done"])


def test_now_ends_all_that_is_in_flight(world: World) -> None:
    two(world, MEET + 'echo now > "$logs/HALT"; sleep 1000')
    stop = drive(world)
    assert (stop.halt.code, world.outcomes()) == (3, ["interrupted", "interrupted"])


def test_a_run_does_not_spend_beyond_its_line_by_two_at_a_time(world: World) -> None:
    two(world, "echo '" + json.dumps({"type": "result", "total_cost_usd": 0.5, "result": "done"}) + "'; note done")
    stop = drive(world, max_cost="1.2", expected_cost="0.5", dialect="claude")
    assert (stop.halt.code, len(world.outcomes())) == (7, 2)


@pytest.mark.deep
def test_what_is_in_flight_is_kept_while_an_outage_is_waited_out(world: World) -> None:
    down = json.dumps({"type": "result", "is_error": True, "api_error_status": 529, "result": "overloaded"})
    fails = f"[ -e been ] || {{ touch been; echo '{down}'; exit 1; }}"
    two(world, MEET + f"case $slug in a) {fails};; b) sleep 0.5;; esac; " + CLAIM)
    assert drive(world, dialect="claude", fault_backoff="2s").halt.code == 0
    began, (waiting,) = world.events("attempt_began"), world.events("waiting")
    ended = {e["outcome"]: datetime.fromisoformat(e["at"]) for e in world.events("attempt_ended")[:2]}
    waited_from = datetime.fromisoformat(waiting["at"])
    assert ended["done"] < datetime.fromisoformat(began[2]["at"])
    assert (datetime.fromisoformat(began[2]["at"]) - waited_from).total_seconds() >= waiting["seconds"] - 0.1


@pytest.mark.deep
def test_an_error_of_the_run_ends_what_is_in_flight(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    two(world, MEET + "[ $slug = a ] || sleep 1000")

    def fail(*given: object) -> None:
        raise StorageError("the disk is gone")

    monkeypatch.setattr("harness.loop.count_attempt", fail)
    with pytest.raises(StorageError, match="the disk is gone"):
        drive(world)


def test_an_order_can_travel(world: World) -> None:
    two(world)
    with desk(world) as at:
        order = at.begin("a").order
        assert pickle.loads(pickle.dumps(order)) == order
