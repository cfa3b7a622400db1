"""What is known about each feature: markers on disk, and the journal folded into records."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from harness.domain.feature import Feature
from harness.domain.gist import digest_gist
from harness.domain.halt import Halt
from harness.domain.look import UNKNOWN, FeatureHistory, Markers
from harness.domain.money import Spend, Sum, Who
from harness.domain.paths import Paths
from harness.domain.reply import Limit
from harness.domain.text import is_object_id
from harness.domain.verdict import Claim, Outcome
from harness.records.events import (
    Accepted,
    Allowed,
    Answered,
    AttemptBegan,
    AttemptEnded,
    Blocked,
    CheckedBefore,
    Cleaned,
    Committed,
    Event,
    FeatureReset,
    Halted,
    HeadMoved,
    Marked,
    MarkedByHand,
    Parked,
    Renamed,
    Reopened,
    Restored,
    Reviewed,
    RunBegan,
    RunEnded,
    TreeLeft,
    Verified,
    Waiting,
)
from harness.records.receipt import parse_receipt
from harness.system import files

RECENT_COSTS = 200  # attempts whose cost says what the next may cost
_E = TypeVar("_E", bound=Event)


@dataclass(slots=True)
class History:
    """The journal, folded: a record per feature, and what the last run left behind."""

    histories: dict[str, FeatureHistory] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)  # features whose `.done` the journal knows
    claims: set[str] = field(default_factory=set)  # features whose `.done`, if there is one, is not checked yet
    last_run: str = ""
    run_open: bool = False  # the last run has no `run_ended`: it was killed
    began: RunBegan | None = None  # the beginning of the last run
    ended: Halted | None = None  # why it ended
    died_at: float | None = None  # when a run that was killed ended, in epoch seconds, where that is known
    committed: dict[str, str] = field(default_factory=dict)  # the commits of the last run, each with its feature
    last_sign: str = ""  # when it wrote its last event
    commits: bool = False  # the last run made commits
    confined: bool = False  # some run had a sandbox
    unconfined: set[str] = field(default_factory=set)  # agents that have worked without one
    last_ended: AttemptEnded | None = None  # the last attempt that was judged
    months: dict[str, Sum] = field(default_factory=dict)  # what was spent in 2026-11 (UTC), all runs together
    costs: deque[tuple[Who, float]] = field(default_factory=lambda: deque(maxlen=RECENT_COSTS))  # of known attempts
    waiting: Waiting | None = None  # the last wait that no attempt and no end has followed
    limited: dict[str, AttemptEnded] = field(default_factory=dict)  # agent -> its attempt that a limit ended, in a
    # run without an end: its next one would meet that limit again
    unfinished: dict[str, AttemptBegan] = field(default_factory=dict)  # slug -> the attempt that has not ended
    unmarked: dict[str, Accepted] = field(default_factory=dict)  # slug -> its receipt, which has no marker yet
    kept: dict[str, str] = field(default_factory=dict)  # SLUG/NUMBER -> what is kept of an attempt of the last run
    left: Mapping[str, str] = field(default_factory=dict)  # what the last run left in the tree for git to be put right
    tree: str = ""  # fingerprint of the working tree when harness last looked
    halt_file: str = ""  # digest of the last HALT that harness wrote

    def of(self, slug: str) -> FeatureHistory:
        """Return the record of a feature, an empty one for a new feature."""
        if (known := self.histories.get(slug)) is None:
            known = self.histories[slug] = FeatureHistory()
        return known

    def without_unchecked_claims(self, markers: Markers) -> Markers:
        """Return the markers without the claims that are not checked yet: a claim is not a fact."""
        return replace(markers, done=markers.done - self.claims)

    def spend_at(self, moment: float) -> Spend:
        """Return what was spent in the month of a moment (epoch seconds), all runs together."""
        month = datetime.fromtimestamp(moment, UTC).strftime("%Y-%m")
        return Spend(month=self.months.get(month, Sum()), month_name=month, costs=tuple(self.costs))

    def apply(self, event: _E) -> _E:
        """Fold one event in, and give it back. Events that nobody here knows change nothing."""
        if (fold := _FOLDS.get(type(event))) is not None:
            fold(self, event)
        if event.run == self.last_run:
            self.last_sign = event.at
        return event

    def is_stale(self, feature: Feature) -> bool:
        """Return whether harness accepted the feature by another text of its spec."""
        accepted = self.of(feature.slug).accepted_spec
        return feature.slug in self.known and accepted not in ("", feature.sha256)

    def is_regressed(self, feature: Feature) -> bool:
        """Return whether harness accepted the feature, and a check of it has failed since."""
        return feature.slug in self.known and bool(self.of(feature.slug).regressed)

    def open_work_besides(self, slug: str, *, apart: Collection[str] = ()) -> set[str]:
        """Return the files that other features, but for those `apart`, changed and that are not accepted yet."""
        others = (one for other, one in self.histories.items() if other != slug and other not in apart)
        return {name for one in others for name in one.changed}

    def on_branches(self) -> set[str]:
        """Return the features whose work waits for `harness land` on a branch of its own."""
        return {slug for slug, one in self.histories.items() if one.question and one.parked_commit}

    def limits_met(self) -> Iterator[tuple[str, str, Limit]]:
        """Yield the agents that met a limit in a run without an end, with the feature worked on and the limit."""
        for agent, ended in self.limited.items():
            if ended.limit is not None:
                yield agent, ended.slug, ended.limit


def fold_journal(events: Iterable[Event]) -> History:
    """Return the history that the events tell."""
    history = History()
    for event in events:
        history.apply(event)
    return history


def _run_began(history: History, event: RunBegan) -> None:
    if not history.run_open:
        history.kept.clear()
    history.last_run, history.run_open = event.run, True
    history.began, history.ended = event, None
    history.committed.clear()
    history.left = {}
    history.commits = event.commits
    history.confined |= event.confined


def _run_ended(history: History, event: RunEnded) -> None:
    history.run_open, history.waiting = False, None
    history.limited.clear()
    history.tree = history.tree if event.tree is None else event.tree


def _tree_left(history: History, event: TreeLeft) -> None:
    history.left = event.files


def _attempt_began(history: History, event: AttemptBegan) -> None:
    record = history.of(event.slug)
    _work_again(record)
    record.attempts, record.parked = max(record.attempts, event.attempt), ""
    record.unfinished, record.claim_pending, history.waiting = True, False, None
    history.confined |= event.confined
    history.unconfined |= set() if event.confined else {event.agent}
    history.unfinished[event.slug] = event
    history.claims.add(event.slug)
    _forget_marker(history, event)


def _attempt_ended(history: History, event: AttemptEnded) -> None:
    record = history.of(event.slug)
    began, history.last_ended, record.unfinished = history.unfinished.pop(event.slug, None), event, False
    record.outcome, record.reason = event.outcome or "", event.reason
    record.observed, record.failing = event.observed, event.failing
    record.note = event.note or record.note
    if event.kept:
        history.kept[f"{event.slug}/{event.attempt}"] = event.kept
    record.tree = history.tree = event.tree
    done = event.outcome is Outcome.DONE
    changed = record.changed.union(event.changed)
    record.open_attempts = 0 if done else record.open_attempts + 1
    record.assumed = () if done else tuple(dict.fromkeys((*record.assumed, *event.assumed)))
    if done:
        record.own_since, record.allowed, record.rounds = "", {}, {}
    record.changed, record.landed = (set(), record.landed | changed) if done else (changed, record.landed)
    record.changed_more = not done and (record.changed_more or event.changed_files > len(event.changed))
    record.charged += event.charged
    record.faults += event.outcome is Outcome.FAULT
    if event.progress:
        record.attempts_without_progress = 0
    elif event.charged and event.outcome is not Outcome.INTERRUPTED:
        record.attempts_without_progress += 1
    if event.charged:
        record.answer = ""
    record.claim_pending = event.claim is Claim.PENDING
    if not record.claim_pending:
        history.claims.discard(event.slug)
    agent = (began or event).agent
    if event.limit is not None:
        history.limited[agent] = event
    elif event.outcome is not Outcome.FAULT:
        history.limited.pop(agent, None)
    record.seconds += event.seconds
    _spent(history, record, event, began)


def _reviewed(history: History, event: Reviewed) -> None:
    record, month = history.of(event.slug), event.at[:7]
    record.review_folders.add((event.attempt, event.number))
    if not event.problem:
        record.reviews[event.key] = event.comments
    for one in event.blocked:
        record.rounds[one] = record.rounds.get(one, 0) + 1
    if event.asked:
        record.spent = record.spent.plus(event.dollars)
        history.months[month] = history.months.get(month, Sum()).plus(event.dollars)


def _spent(history: History, record: FeatureHistory, event: AttemptEnded, began: AttemptBegan | None) -> None:
    """Add up what an attempt cost: for good, a reset does not make it cheaper."""
    month = spent_at(event, began)[:7]
    record.spent = record.spent.plus(event.dollars)
    history.months[month] = history.months.get(month, Sum()).plus(event.dollars)
    if event.dollars is not None and began is not None:
        history.costs.append(((began.agent, began.model), event.dollars))


def spent_at(ended: AttemptEnded, began: AttemptBegan | None) -> str:
    """Return when an attempt spent its money: as it ended; one that died with its run, as it began."""
    return began.at if began is not None and began.run != ended.run else ended.at


def _waiting(history: History, event: Waiting) -> None:
    history.waiting = event


def _accepted(history: History, event: Accepted) -> None:
    receipt = parse_receipt(event.receipt)
    record = history.of(event.slug)
    record.accepted_spec = receipt.spec if receipt.kind in ("proven", "unverified") else ""
    record.in_tree, record.refused = receipt.in_tree, receipt.refused
    record.proven_at = receipt.commit if is_object_id(receipt.commit) and not receipt.in_tree else ""
    history.unmarked[event.slug] = event
    if receipt.kind == "accepted":
        _leave_to_commit(record)


def _marked(history: History, event: Marked | MarkedByHand) -> None:
    record = history.of(event.slug)
    record.claim_pending, record.marker_sha256, record.regressed = False, event.sha256, ()
    record.flaky, record.parked = (), ""
    if isinstance(event, MarkedByHand):
        record.accepted_spec = UNKNOWN if event.receipt else ""
        _leave_to_commit(record)
    history.unmarked.pop(event.slug, None)
    history.known.add(event.slug)
    history.claims.discard(event.slug)


def _leave_to_commit(record: FeatureHistory) -> None:
    """A person accepted the feature as it is: what its attempts changed is its work now."""
    record.to_commit |= record.changed
    record.landed |= record.changed
    record.changed, record.changed_more, record.open_attempts = set(), False, 0


def _work_again(record: FeatureHistory) -> None:
    record.changed |= record.to_commit
    record.to_commit = set()


def _forget_marker(history: History, event: AttemptBegan) -> None:
    history.of(event.slug).marker_sha256 = ""
    history.known.discard(event.slug)


def _committed(history: History, event: Committed) -> None:
    if not is_object_id(event.commit):
        return
    record = history.of(event.slug)
    record.to_commit = set()
    record.commits.append(("", event.commit))
    if event.run == history.last_run:
        history.committed[event.commit] = event.slug


def _head_moved(history: History, event: HeadMoved) -> None:
    if event.what == "committed" and is_object_id(event.since) and is_object_id(event.commit):
        record = history.of(event.slug)
        record.commits.append((event.since, event.commit))
        record.own_since = record.own_since or event.since


def _blocked(history: History, event: Blocked) -> None:
    record = history.of(event.slug)
    record.question, record.judging, record.parked = event.question, dict(event.judging), event.parked


def _answered(history: History, event: Answered) -> None:
    record = history.of(event.slug)
    record.answered.update(map(digest_gist, (record.question, *record.question.split("\n"))))
    record.answer, record.question, record.attempts_without_progress = event.text, "", 0


def _allowed(history: History, event: Allowed) -> None:
    record = history.of(event.slug)
    record.allowed |= event.files
    record.judging = {name: what for name, what in record.judging.items() if name not in event.files}
    record.claim_pending = not record.judging
    if record.claim_pending:
        history.claims.add(event.slug)


def _reset(history: History, event: FeatureReset) -> None:
    old = history.of(event.slug)
    history.histories[event.slug] = FeatureHistory(
        attempts=old.attempts,
        faults=old.faults,
        spent=old.spent,
        seconds=old.seconds,
        commits=old.commits,
        open_attempts=old.open_attempts,
        own_since=old.own_since,
    )
    history.unfinished.pop(event.slug, None)
    history.unmarked.pop(event.slug, None)
    history.known.discard(event.slug)
    history.claims.discard(event.slug)


def _reopened(history: History, event: Reopened) -> None:
    record = history.of(event.slug)
    record.marker_sha256, record.observed, record.attempts_without_progress = "", event.observed, 0
    record.regressed, record.refused = (), False
    _work_again(record)
    if event.commit:
        record.outcome, record.reason, record.commits = "", event.because, []
    history.known.discard(event.slug)


def _checked_before(history: History, event: CheckedBefore) -> None:
    record = history.of(event.slug)
    record.baseline, record.baseline_run = event.spec, event.run
    record.tests_before = {one.command: one.tests for one in event.checks if one.tests is not None}
    record.before = {one.command: one.exit == 0 and not one.timed_out for one in event.checks}
    record.could_not_run = {one.command for one in event.checks if one.exit in (None, 126, 127)}
    record.pass_when_clean = {command for command, green in record.before.items() if green and event.clean}


def _verified(history: History, event: Verified) -> None:
    record = history.of(event.slug)
    accepted = event.slug in history.known and bool(record.accepted_spec)
    record.regressed = () if event.green or not accepted else event.failing or ("a check",)
    record.regressed_at = "" if event.green or not accepted else event.commit
    record.flaky = tuple(dict.fromkeys((*record.flaky, *event.flaky)))


def _renamed(history: History, event: Renamed) -> None:
    old, new = history.histories.pop(event.was, FeatureHistory()), history.of(event.slug)
    new.commits[:0] = old.commits
    new.landed, new.in_tree, new.refused = old.landed, old.in_tree, old.refused
    new.tests_before, new.could_not_run = old.tests_before, old.could_not_run
    new.baseline, new.before, new.pass_when_clean = old.baseline, old.before, old.pass_when_clean
    new.attempts, new.faults = max(old.attempts, new.attempts), old.faults + new.faults
    new.spent, new.seconds = old.spent if new.spent == Sum() else new.spent, old.seconds + new.seconds
    for kept in (history.known, history.claims):
        kept.discard(event.was)


def _cleaned(history: History, event: Cleaned) -> None:
    for name in event.attempts:
        history.kept.pop(name, None)


def _restored(history: History, event: Restored) -> None:
    history.of(event.slug).changed.update(event.files)


def _halted(history: History, event: Halted) -> None:
    if event.run == history.last_run:
        history.ended = event
    history.halt_file = event.halt_file or history.halt_file
    if event.halt is Halt.STUCK and event.slug:
        history.of(event.slug).attempts_without_progress = 0


def _parked(history: History, event: Parked) -> None:
    history.of(event.slug).attempts_without_progress = 0


_FOLDS: dict[type[Event], Callable[[History, Any], None]] = {
    RunBegan: _run_began,
    RunEnded: _run_ended,
    TreeLeft: _tree_left,
    AttemptBegan: _attempt_began,
    AttemptEnded: _attempt_ended,
    Waiting: _waiting,
    Accepted: _accepted,
    Marked: _marked,
    MarkedByHand: _marked,
    Committed: _committed,
    HeadMoved: _head_moved,
    Blocked: _blocked,
    Answered: _answered,
    Allowed: _allowed,
    FeatureReset: _reset,
    Reopened: _reopened,
    CheckedBefore: _checked_before,
    Reviewed: _reviewed,
    Verified: _verified,
    Renamed: _renamed,
    Restored: _restored,
    Cleaned: _cleaned,
    Halted: _halted,
    Parked: _parked,
}


# --- markers ------------------------------------------------------------------------------------------------------


def read_markers(paths: Paths) -> Markers:
    """Return which markers stand in logs/, from one listing of the folder."""
    done, blocked, answered = set(), set(), set()
    with files.storage(paths.logs, "list"):
        try:
            names = os.listdir(paths.logs)  # noqa: PTH208 - names alone are all we need, 10,000 of them
        except FileNotFoundError:
            return Markers()
    for name in names:
        stem, _, kind = name.rpartition(".")
        if kind == "done":
            done.add(stem)
        elif kind == "blocked":
            blocked.add(stem)
        elif kind == "answer":
            answered.add(stem)
    return Markers(frozenset(done - {""}), frozenset(blocked - {""}), frozenset(answered - {""}))
