"""A project as a reader sees it, from the files alone: nothing is locked, mended or written."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from harness.decide.backoff import Turn, meet_limit, retry_time
from harness.decide.next import standing_of, what_next, with_dependencies
from harness.domain.errors import AgentError, UsageError
from harness.domain.feature import Feature
from harness.domain.halt import HaltFile, Stop
from harness.domain.look import FeatureHistory, Look, Standing, State, Wait, Work
from harness.domain.reply import Limit
from harness.records.events import AttemptBegan, Event
from harness.records.halt_file import local_time, read_halt
from harness.records.heartbeat import Beat, read_beat
from harness.records.history import History, fold_journal, read_markers
from harness.records.journal import read_events
from harness.records.receipt import Receipt, digest, parse_receipt
from harness.records.run_lock import Holder, find_holder
from harness.settings.load import Config
from harness.specs.shelf import open_specs_folder
from harness.system import files

RECEIPT_LIMIT = 1 << 20  # bytes


@dataclass(frozen=True, slots=True)
class LimitInForce:
    """A limit that an agent met in a run that was killed, and that holds still; `until` in epoch seconds."""

    agent: str
    slug: str
    limit: Limit
    until: float

    def __str__(self) -> str:
        """Return the sentence about it."""
        return f"{self.agent} met a limit that holds until {local_time(self.until)}"


@dataclass(frozen=True, slots=True)
class View:
    """What the files say at one moment."""

    config: Config
    look: Look
    history: History
    events: list[Event]
    warnings: tuple[str, ...]
    claimed: frozenset[str]  # a `.done` that is not checked yet
    holder: Holder | None  # who runs now
    beat: Beat | None = None  # its last sign of life
    run: str = ""  # the run that is on, "" where none is or it has not begun yet
    limits: tuple[LimitInForce, ...] = ()  # what the next run takes up
    receipts: dict[str, Receipt] = field(default_factory=dict)  # those read so far

    def record(self, slug: str) -> FeatureHistory:
        """Return what the journal remembers about a feature."""
        return self.history.histories.get(slug, FeatureHistory())

    def standing_of(self, feature: Feature) -> Standing:
        """Say where a feature stands and why: also that an attempt is on, or that a limit keeps it from beginning."""
        standing = standing_of(feature, self.look, self.config.settings.rules)
        began = self.attempt_on(feature.slug)
        if began is not None and standing.state is not State.DONE:
            return replace(standing, because=f"attempt {began.attempt} is on since {say_time(began.at)}")
        if standing.state is State.READY and self.limits and not self.has_stand_in:
            return replace(standing, because="; ".join(map(str, self.limits)))
        return standing

    def next(self) -> Work | Wait | Stop:
        """Say what a run would do first; of a run that is on, what it is at."""
        features = self.look.features
        again = {one.slug for one in features if self.is_stale(one) or self.history.is_regressed(one)}
        markers = replace(self.look.markers, done=self.look.markers.done - again)
        decision = what_next(replace(self.look, markers=markers), self.config.settings.rules)
        if isinstance(decision, Work) and decision.feature.slug in again:
            why = "its spec changed since" if self.is_stale(decision.feature) else "a check of it failed since"
            decision = replace(decision, because=f"it was accepted, and {why}")
        on = next((one for one in self.look.features if self.attempt_on(one.slug) is not None), None)
        return Work(on, self.standing_of(on).because) if on is not None and isinstance(decision, Work) else decision

    @property
    def alive(self) -> bool:
        """Whether somebody works on the project now."""
        return self.holder is not None and self.holder.alive

    @property
    def has_stand_in(self) -> bool:
        """Whether the next run goes on in spite of the limits: another agent stands in."""
        return self.look.pending_stop is None and self.look.wait is None

    def attempt_on(self, slug: str) -> AttemptBegan | None:
        """Return how the attempt began that is on at a feature now; one of a killed run was cut off."""
        began = self.history.unfinished.get(slug)
        return began if began is not None and self.run and began.run == self.run else None

    @property
    def halt(self) -> HaltFile | None:
        """The HALT that is present."""
        return self.look.halt

    def feature(self, slug: str) -> Feature:
        """Return the feature of that name. Raises UsageError."""
        for feature in self.look.features:
            if feature.slug == slug:
                return feature
        known = ", ".join(feature.slug for feature in self.look.features[:20])
        raise UsageError(f"there is no feature `{slug}`", f"the features are {known}")

    def receipt(self, slug: str) -> Receipt | None:
        """Return the feature's marker, read; one that harness did not write as it stands is by hand."""
        if slug not in self.look.markers.done:
            return None
        if slug not in self.receipts:
            self.receipts[slug] = self._read_receipt(slug)
        return self.receipts[slug]

    def _read_receipt(self, slug: str) -> Receipt:
        text = files.read_text(self.config.paths.done(slug), RECEIPT_LIMIT)
        receipt = parse_receipt(text)
        if receipt.kind != "by hand" and self.record(slug).marker_sha256 not in ("", digest(text)):
            return Receipt("by hand", receipt.words)
        return receipt

    def is_stale(self, feature: Feature) -> bool:
        """Whether the spec changed since the feature was accepted."""
        receipt = self.receipt(feature.slug)
        return receipt is not None and bool(receipt.spec) and receipt.spec != feature.sha256


def read_view(config: Config, wanted: tuple[str, ...] = ()) -> View:
    """Read the project. Raises SpecError when there are no specs, JournalError when the journal is damaged."""
    reading, paths, now = open_specs_folder(config).read(), config.paths, time.time()
    holder = find_holder(paths.lock, paths.root)  # before the journal: a run that ends meanwhile was not killed
    events = read_events(paths.journal)
    history = fold_journal(events)
    markers = read_markers(paths)
    alive = holder is not None and holder.alive
    met = () if alive else _find_limits(history, {feature.slug for feature in reading.features}, now)
    ahead = _predict_wait(met, reading.features, config, now)
    look = Look(
        features=with_dependencies(reading.features, wanted),
        markers=history.without_unchecked_claims(markers),
        histories=history.histories,
        halt=read_halt(paths),
        spend=history.spend_at(now),
        pending_stop=ahead.stop,
        wait=ahead.wait or _find_wait(history, holder, now),
    )
    return View(
        config,
        look,
        history,
        events,
        reading.warnings,
        claimed=markers.done & history.claims,
        holder=holder,
        beat=read_beat(paths.heartbeat, holder),
        run=_find_run(history, holder),
        limits=met,
    )


def _find_run(history: History, holder: Holder | None) -> str:
    """Return the run that holds the lock, "" when none does; one that was killed does not, whoever has it now."""
    if holder is None or not holder.alive or not history.run_open or history.ended is not None:
        return ""
    pid = history.began.pid if history.began is not None else None
    return history.last_run if holder.pid in (0, pid) else ""  # 0: its name cannot be read


def _find_wait(history: History, holder: Holder | None, now: float) -> Wait | None:
    """Return what the run that is on waits for."""
    waiting = history.waiting
    if holder is None or not holder.alive or waiting is None or waiting.until <= now:
        return None
    return Wait(waiting.until - now, waiting.because, float(waiting.until))


def _find_limits(history: History, slugs: Collection[str], now: float) -> tuple[LimitInForce, ...]:
    """Return the limits that a killed run had met and that hold still: the next run begins with them."""
    return tuple(
        LimitInForce(agent, slug, limit, until)
        for agent, slug, limit in history.limits_met()
        if slug in slugs and (until := retry_time(limit, now, 0.0)) is not None
    )


def _predict_wait(limits: Sequence[LimitInForce], features: Sequence[Feature], config: Config, now: float) -> Turn:
    """Return what those limits mean for the next run, as it will decide when it takes them up."""
    own = {feature.slug for feature in features if feature.agent is not None}
    rules, chain = config.settings.rules, config.settings.chain
    turn = Turn(chain, chain[0])
    for met in limits:
        if met.slug in own:
            turn = meet_limit(turn, met.limit, met.until, rules, now, None)
        else:
            turn = meet_limit(turn.passed_to(met.agent), met.limit, met.until, rules, now, partial(_can_start, config))
    return turn


def _can_start(config: Config, name: str) -> bool:
    """Whether an agent of the chain could be started here and now."""
    from harness.agents.from_settings import choose_from_settings  # needed after a limit alone, and slow to import

    try:
        choose_from_settings(config, None, config.paths.root, os.environ, None, name)
    except AgentError:
        return False
    return True


def say_time(at: str) -> str:
    """Return the time of an event as a person's clock shows it."""
    try:
        return local_time(datetime.fromisoformat(at).timestamp())
    except ValueError:
        return at


def name_state(view: View, feature: Feature) -> str:
    """Return the word that status shows: the state, and of a done feature how it came to be done."""
    state = view.standing_of(feature).state
    receipt = view.receipt(feature.slug)
    if view.attempt_on(feature.slug) is not None:
        return "working"
    if feature.slug in view.claimed:
        return "claimed"
    if state is not State.DONE or receipt is None:
        return state
    if view.is_stale(feature):
        return "stale"
    if view.history.is_regressed(feature):
        return "regressed"
    if receipt.kind == "proven":
        return "done" if receipt.shown else "done (not shown)"
    return f"done ({receipt.kind})"
