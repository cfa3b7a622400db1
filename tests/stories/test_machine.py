"""The loop as a state machine: whatever people, agents and crashes do in whatever order, some things never happen."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from fakes.stage import CALL, Stage, put_on_stage
from helpers.laws import examples
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from harness.cli.interventions import accept_feature, answer_question, reset_feature
from harness.domain.errors import HarnessError
from harness.records.journal import read_journal
from harness.records.receipt import parse_receipt
from harness.reports.view import read_view
from harness.settings.load import load_config

SLUGS = ("a", "b", "c")
ACTS = st.sampled_from(
    ["note", "build note", "build note claim", "note claim", "silent", "block note", "forge note", "cut note", "fault",
     "limit", "limit build note claim", "fail", "fail note", "note die", "build claim die", "die", "block claim note"]
)  # fmt: skip
CAP = 1.0  # dollars a run


class Night(RuleBasedStateMachine):
    """A project in the hands of a person, agents and crashes."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        fast = Path("/dev/shm")
        self.folder = Path(tempfile.mkdtemp(prefix="machine-", dir=fast if fast.is_dir() else None))
        self.stage = Stage(self.folder, settings={"max_cost": CAP, "expected_cost": CALL, "script": "script.yaml"})
        (self.folder / "script.yaml").write_text("features: {}\n")
        put_on_stage(self.stage, self.patch)
        self.by_hand: dict[str, str] = {}  # what a person wrote into a marker
        self.receipts: dict[str, str] = {}  # what harness wrote, until a person removes it
        self.attempts: dict[str, int] = {}
        self.spent = 0.0

    def teardown(self) -> None:
        self.patch.undo()
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- what people do ---

    @initialize()
    def write_specs(self) -> None:
        self.stage.spec("a")
        self.stage.spec("b")
        self.stage.spec("c", after=("a",))

    @rule(slug=st.sampled_from(SLUGS), text=st.sampled_from(["Build it well.", "Build it again.", ""]))
    def edit_spec(self, slug: str, text: str) -> None:
        self.stage.spec(slug, text or "Build it.", after=("a",) if slug == "c" else ())

    @rule(now=st.booleans())
    def halt(self, now: bool) -> None:
        (self.folder / "HALT").write_text("now\n" if now else "")

    @rule()
    def resume(self) -> None:
        (self.folder / "HALT").unlink(missing_ok=True)

    @rule(slug=st.sampled_from(SLUGS))
    def answer(self, slug: str) -> None:
        self._decide(lambda config: answer_question(config, slug, "do it this way"))

    @rule(slug=st.sampled_from(SLUGS))
    def accept(self, slug: str) -> None:
        self._forget(slug)
        self._decide(lambda config: accept_feature(config, slug, "seen by a person"))
        self._remember_markers()

    @rule(slug=st.sampled_from(SLUGS))
    def reset(self, slug: str) -> None:
        if self._view().record(slug).unfinished:
            self.stage.closed.clear()  # what a cut-off attempt had met is forgotten with it
        self._decide(lambda config: reset_feature(config, slug))
        self._forget(slug)

    @rule(slug=st.sampled_from(SLUGS))
    def mark_by_hand(self, slug: str) -> None:
        done = self._done(slug)
        cut_off = any(record.unfinished for record in self._view().history.histories.values())
        if (
            not done.exists() and not cut_off
        ):  # what appears in an attempt's time, also a dead one's, is no person's word
            done.parent.mkdir(exist_ok=True)
            done.write_text(f"I say so, at {self.stage.now}\n")
            self.by_hand[slug] = done.read_text()

    @rule(slug=st.sampled_from(SLUGS))
    def take_marker_away(self, slug: str) -> None:
        self._done(slug).unlink(missing_ok=True)
        self._forget(slug)

    # --- what happens ---

    @rule(
        acts=st.lists(ACTS, min_size=1, max_size=6),
        die_at=st.integers(0, 30),
        on_limit=st.sampled_from(["halt", "wait"]),
        agents=st.sampled_from([[], ["command", "scripted"]]),
    )
    def run(self, acts: list[str], die_at: int, on_limit: str, agents: list[str]) -> None:
        self.stage.settings |= {"on_limit": on_limit, "agents": agents}
        before, calls = self._spent(), len(self.stage.calls)
        stale = self._stale()
        holds = {slug for slug in stale if (self.folder / "built" / slug).exists()}  # its check would be green
        done = ({*self.by_hand, *self.receipts} - stale) | holds
        self.stage.run(acts, die_at if die_at > 10 else 0)
        called = [slug for _, slug in self.stage.calls[calls:]]
        assert not done & set(called), f"worked on {done & set(called)} although it was done"
        for slug in stale:  # it was renewed, or worked on again
            self.receipts.pop(slug)
        assert self._spent() - before <= CAP + CALL + 1e-9
        assert self.stage.jobs > 1 or not self.stage.too_early, (
            "called before a reset"
        )  # who is in flight is not stopped
        self._remember_markers()

    # --- what never happens ---

    @invariant()
    def the_journal_reads_and_its_numbers_never_fall(self) -> None:
        if not (self.folder / "logs" / "journal.jsonl").exists():
            return
        events = read_journal(self.folder / "logs" / "journal.jsonl")
        assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
        used: set[tuple[str, int]] = set()
        for event in events:
            if event["event"] == "attempt_began":
                key = (event["slug"], event["attempt"])
                assert key not in used, f"attempt {key} began twice"
                used.add(key)
        for slug, number in used:
            self.attempts[slug] = max(self.attempts.get(slug, 0), number)
        view = self._view()
        for slug, number in self.attempts.items():
            assert view.record(slug).attempts >= number
        assert self._spent() >= self.spent - 1e-9
        self.spent = self._spent()

    @invariant()
    def no_feature_is_lost(self) -> None:
        if (self.folder / "specs").exists():
            assert {feature.slug for feature in self._view().look.features} == set(SLUGS)

    @invariant()
    def a_persons_marker_stands_as_it_was_written(self) -> None:
        for slug, text in self.by_hand.items():
            assert self._done(slug).read_text() == text

    @invariant()
    def a_receipt_stands_and_is_true(self) -> None:
        for slug, text in self.receipts.items():
            assert self._done(slug).read_text() == text
            assert (self.folder / "built" / slug).exists() or parse_receipt(text).kind == "accepted"

    # --- looking ---

    def _decide(self, decision: Any) -> None:
        try:
            decision(load_config(self.folder, {}, {}))
        except HarnessError:
            pass  # nothing was asked, or it is done already: said, and nothing changed

    def _view(self) -> Any:
        return read_view(load_config(self.folder, {}, {}))

    def _stale(self) -> set[str]:
        """Which receipts were given for another text of the spec."""
        view = self._view()
        return {one.slug for one in view.look.features if one.slug in self.receipts and view.history.is_stale(one)}

    def _spent(self) -> float:
        return self._view().history.spend_at(self.stage.now).month.dollars if (self.folder / "specs").exists() else 0.0

    def _done(self, slug: str) -> Path:
        return self.folder / "logs" / f"{slug}.done"

    def _forget(self, slug: str) -> None:
        self.by_hand.pop(slug, None)
        self.receipts.pop(slug, None)

    def _remember_markers(self) -> None:
        """Learn which receipts stand: an unchecked claim is none."""
        view = self._view()
        for slug in SLUGS:
            done = self._done(slug)
            known = done.exists() and slug not in {*self.by_hand, *view.history.claims, *view.history.unmarked}
            if known and parse_receipt(done.read_text()).kind != "by hand":
                self.receipts.setdefault(slug, done.read_text())


class NightsOfTwo(Night):
    """The same with two attempts in flight."""

    def __init__(self) -> None:
        super().__init__()
        self.stage.jobs = 2


class LongNights(Night):
    """The same, two thousand steps of it."""


def order(nights: int, steps: int) -> settings:
    """So many nights of so many steps each."""
    return settings(examples(nights), stateful_step_count=steps, suppress_health_check=list(HealthCheck))


Night.TestCase.settings, LongNights.TestCase.settings = order(30, 25), order(40, 50)
NightsOfTwo.TestCase.settings = order(30, 25)
TestANightInAnyOrder = Night.TestCase
TestANightWithTwoInFlight = NightsOfTwo.TestCase
TestManyNights = pytest.mark.slow(LongNights.TestCase)
