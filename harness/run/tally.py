"""What a run counts, and what it has said and skipped so far."""

from __future__ import annotations

from dataclasses import dataclass, field

from harness.domain.halt import Stop
from harness.domain.money import Sum, Who
from harness.records.events import Event


@dataclass(slots=True)
class Tally:
    """What one run has come to, from its start to its end; the main thread alone writes in it."""

    iterations: int = 0  # attempts that count
    accepted: list[str] = field(default_factory=list)  # features, the last one last
    tired: bool = False  # an attempt has ended, and neither a pause nor a wait has followed it
    spent: Sum = field(default_factory=Sum)
    agents_asked: dict[tuple[str | None, str | None], Who] = field(default_factory=dict)  # by a spec's agent, model
    warned: set[tuple[str, str]] = field(default_factory=set)  # lines of money of which this run has warned
    closed_reviewers: dict[str, tuple[float | None, str]] = field(
        default_factory=dict
    )  # by agent: until when nobody is asked (epoch seconds, None: in this run), and the limit that it met
    told_lines: set[str] = field(default_factory=set)  # that are said once
    untold: list[Event] = field(default_factory=list)  # events that the messenger has not heard of
    skipped: set[str] = field(default_factory=set)  # features skipped for no progress, with --keep-going
    unusable: dict[str, tuple[str, str]] = field(
        default_factory=dict
    )  # slug -> hash of the spec, and why it is skipped
    knows_baseline: bool = False  # whether `baseline: refuse` has been seen to
    allowed: set[str] = field(default_factory=set)  # features whose claim waits since a person allowed what judges it
    left_in_tree: set[str] = field(default_factory=set)  # features whose parked work could not be taken out of the tree
    moved: Stop | None = None  # an agent left git where harness cannot commit, and there is no way back
    blocked_in_this_run: set[str] = field(default_factory=set)  # features that asked their question in this run

    @property
    def dollars(self) -> float | None:
        """What the run has cost; None while nothing is known."""
        return self.spent.dollars if self.spent.known else None
