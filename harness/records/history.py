"""What is known about each feature: markers on disk, and the journal folded into records."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from harness.domain.look import FeatureHistory, Markers, Spend, Sum, Who
from harness.domain.paths import Paths
from harness.domain.reply import Limit, LimitKind
from harness.system import files

REMEMBERED = 200  # attempts whose cost says what the next may cost


@dataclass(slots=True)
class History:
    """The journal, folded: a record per feature, and what the last run left behind."""

    histories: dict[str, FeatureHistory] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)  # features whose `.done` the journal knows
    claims: set[str] = field(default_factory=set)  # features whose `.done`, if there is one, is not checked yet
    last_run: str = ""
    run_open: bool = False  # the last run has no `run_ended`: it was killed
    began: dict[str, Any] | None = None  # the `run_began` of the last run
    ended: dict[str, Any] | None = None  # its `halted`: why it ended
    last_sign: str = ""  # when it wrote its last event
    commits: bool = False  # the last run made commits
    last_ended: dict[str, Any] | None = None  # the last attempt that was judged
    months: dict[str, Sum] = field(default_factory=dict)  # what was spent in 2026-11 (UTC), all runs together
    costs: deque[tuple[Who, float]] = field(default_factory=lambda: deque(maxlen=REMEMBERED))  # of known attempts
    waiting: dict[str, Any] | None = None  # the last `waiting` that no attempt and no end has followed
    limited: dict[str, dict[str, Any]] = field(default_factory=dict)  # agent -> its attempt that a limit ended, in a
    # run without an end: its next one would meet that limit again
    tree: str = ""  # fingerprint of the working tree when harness last looked

    def of(self, slug: str) -> FeatureHistory:
        """Return the record of a feature, an empty one for a new feature."""
        return self.histories.setdefault(slug, FeatureHistory())

    def settled(self, markers: Markers) -> Markers:
        """Return the markers without the claims that are not checked yet: a claim is not a fact."""
        return replace(markers, done=markers.done - self.claims)

    def spend_at(self, moment: float) -> Spend:
        """Return what was spent in the month of a moment (epoch seconds), all runs together."""
        month = datetime.fromtimestamp(moment, UTC).strftime("%Y-%m")
        return Spend(month=self.months.get(month, Sum()), month_name=month, costs=tuple(self.costs))

    def apply(self, event: dict[str, Any]) -> dict[str, Any]:
        """Fold one event in, and give it back. Events that nobody here knows change nothing."""
        if (fold := _FOLDS.get(str(event.get("event")))) is not None:
            fold(self, event)
        if event.get("run") == self.last_run:
            self.last_sign = str(event.get("at", ""))
        return event

    def open_work_besides(self, slug: str) -> set[str]:
        """Return the files that other features changed and that are not accepted yet."""
        return {name for other, one in self.histories.items() if other != slug for name in one.changed}

    def limits_met(self) -> Iterator[tuple[str, str, Limit]]:
        """Yield the agents that met a limit in a run without an end, with the feature worked on and the limit."""
        for agent, ended in self.limited.items():
            yield agent, str(ended["slug"]), Limit(**{**ended["limit"], "kind": LimitKind(ended["limit"]["kind"])})


def fold_journal(events: Iterable[dict[str, Any]]) -> History:
    """Return the history that the events tell."""
    history = History()
    for event in events:
        history.apply(event)
    return history


def _run_began(history: History, event: dict[str, Any]) -> None:
    history.last_run, history.run_open = str(event.get("run", "")), True
    history.began, history.ended = event, None
    history.commits = bool(event.get("commits"))


def _run_ended(history: History, event: dict[str, Any]) -> None:
    history.run_open, history.waiting = False, None
    history.limited.clear()
    history.tree = str(event.get("tree", history.tree))


def _attempt_began(history: History, event: dict[str, Any]) -> None:
    record = history.of(event["slug"])
    record.attempts = max(record.attempts, int(event["attempt"]))
    record.began, record.claim_pending, history.waiting = event, False, None
    history.claims.add(event["slug"])
    _forget_marker(history, event)


def _attempt_ended(history: History, event: dict[str, Any]) -> None:
    record = history.of(event["slug"])
    began, history.last_ended, record.began = record.began, event, None
    record.outcome, record.reason = str(event.get("outcome", "")), str(event.get("reason", ""))
    record.observed, record.failing = str(event.get("observed", "")), str(event.get("failing", ""))
    record.tree = history.tree = str(event.get("tree", ""))
    record.changed = set() if event.get("outcome") == "done" else record.changed | set(event.get("changed") or ())
    record.charged += bool(event.get("charged"))
    record.faults += event.get("outcome") == "fault"
    if event.get("progress"):
        record.streak = 0
    elif event.get("charged") and event.get("outcome") != "interrupted":
        record.streak += 1
    if event.get("charged"):
        record.answer = ""
    record.claim_pending = event.get("claim") == "pending"
    if not record.claim_pending:
        history.claims.discard(event["slug"])
    agent = str((began or event).get("agent", ""))
    if event.get("limit"):
        history.limited[agent] = event
    elif event.get("outcome") != "fault":
        history.limited.pop(agent, None)
    record.seconds += float(event.get("seconds") or 0)
    _spent(history, record, event, began)


def _spent(history: History, record: FeatureHistory, event: dict[str, Any], began: dict[str, Any] | None) -> None:
    """Add up what an attempt cost: for good, a reset does not make it cheaper."""
    told = event.get("dollars")
    dollars = float(told) if isinstance(told, int | float) else None
    month = spent_at(event, began)[:7]
    record.spent = record.spent.plus(dollars)
    history.months[month] = history.months.get(month, Sum()).plus(dollars)
    if dollars is not None and began is not None:
        history.costs.append(((str(began.get("agent", "")), str(began.get("model", ""))), dollars))


def spent_at(ended: dict[str, Any], began: dict[str, Any] | None) -> str:
    """Return when an attempt spent its money: as it ended; one that died with its run, as it began."""
    cut_off = began is not None and began.get("run") != ended.get("run")
    return str((began if began is not None and cut_off else ended).get("at", ""))


def _waiting(history: History, event: dict[str, Any]) -> None:
    history.waiting = event


def _accepted(history: History, event: dict[str, Any]) -> None:
    history.of(event["slug"]).accepted = event


def _marked(history: History, event: dict[str, Any]) -> None:
    record = history.of(event["slug"])
    record.accepted, record.claim_pending, record.marked = None, False, str(event.get("sha256", ""))
    history.known.add(event["slug"])
    history.claims.discard(event["slug"])


def _forget_marker(history: History, event: dict[str, Any]) -> None:
    history.of(event["slug"]).marked = ""
    history.known.discard(event["slug"])


def _blocked(history: History, event: dict[str, Any]) -> None:
    history.of(event["slug"]).question = str(event.get("question", ""))


def _answered(history: History, event: dict[str, Any]) -> None:
    record = history.of(event["slug"])
    record.answer, record.question, record.streak = str(event.get("text", "")), "", 0


def _reset(history: History, event: dict[str, Any]) -> None:
    old = history.of(event["slug"])
    history.histories[event["slug"]] = FeatureHistory(
        attempts=old.attempts, faults=old.faults, spent=old.spent, seconds=old.seconds
    )
    history.known.discard(event["slug"])
    history.claims.discard(event["slug"])


def _halted(history: History, event: dict[str, Any]) -> None:
    if event.get("run", "") == history.last_run:
        history.ended = event
    _tripped(history, event)


def _tripped(history: History, event: dict[str, Any]) -> None:
    if event.get("halt", "STUCK") == "STUCK" and event.get("slug"):
        history.of(event["slug"]).streak = 0


_FOLDS: dict[str, Callable[[History, dict[str, Any]], None]] = {
    "run_began": _run_began,
    "run_ended": _run_ended,
    "attempt_began": _attempt_began,
    "attempt_ended": _attempt_ended,
    "waiting": _waiting,
    "accepted": _accepted,
    "marked": _marked,
    "by_hand": _marked,
    "blocked": _blocked,
    "answered": _answered,
    "reset": _reset,
    "halted": _halted,
    "parked": _tripped,
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
