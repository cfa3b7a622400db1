"""An attempt, from its begin until it is judged, as the main thread holds it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.attempts.order import Asked, Order
from harness.decide.judge_files import Judgement, Judging
from harness.decide.proof import Settled
from harness.domain.agent import Agent
from harness.domain.feature import Feature
from harness.domain.reply import Reply
from harness.domain.review import Comment, Review
from harness.domain.verdict import CheckRun, Evidence, Verdict
from harness.records.notes import Mark, Note
from harness.workspace.workspace import Snapshot, Workspace


@dataclass(slots=True)
class Gathered:
    """What an attempt left when its agent had ended, gathered before anything is checked or judged."""

    reply: Reply
    note: Note
    changed: tuple[str, ...]
    after: Snapshot
    words: str  # of the claim
    claimed: bool
    remarks: list[str]
    judging: tuple[Judging, ...] = ()  # files it changed that judge its claim
    committed: tuple[str, ...] = ()  # files that its agent committed by itself


@dataclass(frozen=True, slots=True)
class Planned:
    """A question about a claim: what it is known by, and what goes out; or why nothing does."""

    review: Review
    number: int = 0  # of its folder
    key: str = ""
    tree: str = ""
    agent: Agent | None = None
    asked: Asked | None = None
    known: tuple[Comment, ...] | None = None  # the same question was answered about the same tree
    problem: str = ""
    places: Mapping[str, Sequence[range]] = field(default_factory=dict)  # lines of the diff
    shown: str = ""  # how much of the diff the reviewer is shown, where that is not all


@dataclass(frozen=True, slots=True)
class Weighed:
    """What the checks of a claim came to, before anybody reviews it."""

    settled: Settled
    checks: tuple[CheckRun, ...]
    judgement: Judgement


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt that has begun: its number is on disk, and what stood where is remembered."""

    feature: Feature
    order: Order  # what is out for it, or was last
    member: str  # of the chain that its agent is, "" where the spec names one
    specs: tuple[Feature, ...]  # all of them, as they were read when it began
    workspace: Workspace
    log: Mark
    learnings: Mark
    before: Snapshot
    since: str = ""  # a commit of the tree as it was before
    absent: tuple[str, ...] = ()  # what a confined agent could make, and would be obeyed outside the sandbox
    crashed: bool = False  # the run that it belonged to was killed
    again: bool = False  # it was judged before: only its claim is checked, once more
    ended_at: float | None = None  # epoch seconds, None for just now
    found: Gathered | None = None  # None while its agent works
    weighed: Weighed | None = None  # None until its checks were run, where its claim is reviewed
    planned: tuple[Planned, ...] = ()  # questions to reviewers

    @property
    def slug(self) -> str:
        """The feature's."""
        return self.order.slug

    @property
    def number(self) -> int:
        """Counted within the feature, never used again."""
        return self.order.number

    @property
    def folder(self) -> Path:
        """Where all that belongs to it is kept."""
        return self.order.folder

    @property
    def agent(self) -> Agent:
        """Who works on it."""
        return self.order.agent


@dataclass(frozen=True, slots=True)
class Judged:
    """An attempt with all that is known of it, and the verdict."""

    attempt: Attempt
    found: Gathered
    checks: tuple[CheckRun, ...]
    evidence: Evidence
    verdict: Verdict
    judgement: Judgement = field(default_factory=Judgement)
    reviewed: tuple[str, ...] = ()  # what reviewers said, line by line
