"""A project as a reader sees it, from the files alone: nothing is locked, mended or written."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from harness import files
from harness.config import Config
from harness.decide import closure, stand, what_next
from harness.domain import Feature, HaltRequest, Look, Record, Standing, State, Stop, Wait, Work
from harness.errors import UsageError
from harness.halts import read_halt
from harness.heartbeat import Beat, read_beat
from harness.journal import read_journal
from harness.lock import Holder, find_holder
from harness.receipt import Receipt, digest, parse_receipt
from harness.specs import open_shelf
from harness.state import History, fold_journal, read_markers

RECEIPT_LIMIT = 1 << 20  # bytes


@dataclass(frozen=True, slots=True)
class View:
    """What the files say at one moment."""

    config: Config
    look: Look
    history: History
    events: list[dict[str, Any]]
    warnings: tuple[str, ...]
    claimed: frozenset[str]  # a `.done` that is not checked yet
    holder: Holder | None  # who runs now
    beat: Beat | None = None  # its last sign of life
    receipts: dict[str, Receipt] = field(default_factory=dict)  # those read so far

    def record(self, slug: str) -> Record:
        """Return what the journal remembers about a feature."""
        return self.history.records.get(slug, Record())

    def stand(self, feature: Feature) -> Standing:
        """Say where a feature stands and why."""
        return stand(feature, self.look, self.config.settings.rules)

    def next(self) -> Work | Wait | Stop:
        """Say what a run would do first."""
        return what_next(self.look, self.config.settings.rules)

    @property
    def halt(self) -> HaltRequest | None:
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
        if receipt.kind != "by hand" and self.record(slug).marked not in ("", digest(text)):
            return Receipt("by hand", receipt.words)
        return receipt

    def is_stale(self, feature: Feature) -> bool:
        """Whether the spec changed since the feature was accepted."""
        receipt = self.receipt(feature.slug)
        return receipt is not None and bool(receipt.spec) and receipt.spec != feature.sha256


def read_view(config: Config, wanted: tuple[str, ...] = ()) -> View:
    """Read the project. Raises SpecError when there are no specs, JournalError when the journal is damaged."""
    reading = open_shelf(config).read()
    events = read_journal(config.paths.journal)
    history = fold_journal(events)
    markers = read_markers(config.paths)
    paths = config.paths
    holder = find_holder(paths.lock, paths.root)
    look = Look(
        features=closure(reading.features, wanted),
        markers=history.settle(markers),
        records=history.records,
        halt=read_halt(config.paths),
        spend=history.spend_at(time.time()),
        wait=_find_wait(history, holder, time.time()),
    )
    claimed, beat = markers.done & history.claims, read_beat(paths.heartbeat, holder)
    return View(config, look, history, events, reading.warnings, claimed, holder, beat)


def _find_wait(history: History, holder: Holder | None, now: float) -> Wait | None:
    """Return what the run that is on waits for."""
    waiting, until = history.waiting or {}, (history.waiting or {}).get("until")
    if holder is None or not holder.alive or not isinstance(until, int | float) or until <= now:
        return None
    return Wait(until - now, str(waiting.get("because", "")), float(until))


def name_state(view: View, feature: Feature) -> str:
    """Return the word that status shows: the state, and of a done feature how it came to be done."""
    state = view.stand(feature).state
    receipt = view.receipt(feature.slug)
    if view.holder is not None and view.holder.alive and view.record(feature.slug).began is not None:
        return "working"
    if feature.slug in view.claimed:
        return "claimed"
    if state is not State.DONE or receipt is None:
        return state
    if view.is_stale(feature):
        return "stale"
    return "done" if receipt.kind == "proven" else f"done ({receipt.kind})"
