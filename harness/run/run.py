"""One run: what its main thread holds, and how it writes down and tells what it does."""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol, TypeVar

from harness.agents.from_settings import choose_from_settings
from harness.agents.prices import PriceBook
from harness.agents.start import AttemptLimits
from harness.agents.table import those_that_stop
from harness.decide.budget import expect
from harness.domain.agent import Agent
from harness.domain.errors import StorageError
from harness.domain.feature import Check, Feature
from harness.domain.listener import Failure, Messenger, Narrator, Tone
from harness.domain.money import Spend
from harness.domain.paths import Paths
from harness.domain.review import Review
from harness.domain.rules import Rules
from harness.domain.text import plain
from harness.records.events import ClockJumped, Event, NotifyFailed
from harness.records.heartbeat import Heartbeat
from harness.records.history import History
from harness.records.journal import Journal
from harness.records.links_out import remove_links
from harness.run.awake import Awake
from harness.run.failover import Failover
from harness.run.interrupts import GRACE, Ask, Interrupts
from harness.run.logs import KeptLogs
from harness.run.site import Site
from harness.run.specs import KeptSpecs
from harness.run.tally import Tally
from harness.settings.load import Config
from harness.settings.options import Settings
from harness.system import files
from harness.system.clocks import Clocks, say_jump
from harness.system.redact import Redactor
from harness.workspace.guards import Guards
from harness.workspace.held_links import find_held_links, save_links
from harness.workspace.in_place import InPlace
from harness.workspace.verdicts import Verdicts

MARKER_LIMIT = 1 << 20
LATE = 5.0  # seconds between TERM and KILL for an attempt when the time of the run is used up

_E = TypeVar("_E", bound=Event)


class Begun(Protocol):
    """An attempt in flight, as far as the desk needs to know it."""

    @property
    def feature(self) -> Feature:
        """What is worked on."""

    @property
    def number(self) -> int:
        """Which attempt at it this is."""

    @property
    def specs(self) -> tuple[Feature, ...]:
        """All specs, as they were read when it began."""


@dataclass(slots=True)
class Run:
    """The desk of a run's main thread, which alone decides and writes; opened by `open_run`."""

    config: Config
    site: Site  # where this process carries out orders
    journal: Journal
    history: History
    specs: KeptSpecs
    logs: KeptLogs
    interrupts: Interrupts
    workspace: InPlace  # the person's own checkout
    guard: Guards  # of that checkout
    template: Path
    clocks: Clocks
    prices: PriceBook
    heartbeat: Heartbeat
    awake: Awake
    messenger: Messenger[Event]
    failover: Failover
    tally: Tally
    verdicts: Verdicts = field(default_factory=Verdicts)  # of checks, on trees that were checked out clean
    began_at: float = field(default_factory=time.time)  # in epoch seconds, as the files on the disk have it
    begins: bool = True  # whether attempts begin; else only claims that were made before are checked
    working: bool = True  # whether agents work; else only checks run, which neither HALT nor a limit of time ends
    commits: bool = False  # whether proven features are committed
    why_no_commits: str = ""
    jobs: int = 1  # attempts that may be in flight at a time
    in_flight: dict[str, Begun] = field(default_factory=dict)  # the attempts that have begun and are not judged
    held_links: dict[str, str] = field(default_factory=dict)  # as they were before the attempts in flight
    markers: set[str] = field(default_factory=set)  # by name, those that harness knows to stand (see markers.py)

    @property
    def id(self) -> str:
        """The name of this run, in the journal and in the environment of all that it starts."""
        return self.site.run_id

    @property
    def settings(self) -> Settings:
        """The settings of this run."""
        return self.config.settings

    @property
    def paths(self) -> Paths:
        """The files of the project."""
        return self.config.paths

    @property
    def rules(self) -> Rules:
        """The limits that decisions are made by."""
        return self.config.settings.rules

    @property
    def chain(self) -> tuple[str, ...]:
        """The agents that stand in for one another at a limit, the first first."""
        return self.config.settings.chain

    @property
    def redactor(self) -> Redactor:
        """What takes the secrets out of all that is kept."""
        return self.site.redactor

    @property
    def narrator(self) -> Narrator:
        """Who shows the person what happens."""
        return self.site.narrator

    @property
    def out_of_time(self) -> bool:
        """Whether the time of this run is used up."""
        return bool(self.settings.max_time) and self.clocks.elapsed >= self.settings.max_time

    @property
    def must_rest(self) -> bool:
        """Whether nothing is to be begun yet: an attempt has just ended, or an outage is being waited out."""
        return bool(self.tally.tired and self.settings.pause) or self.failover.quiet_until > self.clocks.steady()

    @property
    def spend(self) -> Spend:
        """What was spent by now, in this run and in this month, and what is reserved for the attempts in flight."""
        month, stopping = self.history.spend_at(self.clock()), those_that_stop()
        spend = replace(month, run=self.tally.spent, asked=self.tally.agents_asked, stopping=stopping)
        reserved = sum(expect(spend, self.rules, attempt.feature).dollars for attempt in self.in_flight.values())
        return replace(spend, reserved=reserved) if reserved else spend

    def clock(self) -> float:
        """Return the time by the wall clock, in epoch seconds."""
        return self.clocks.wall()

    # --- what belongs to one feature ---

    def read_marker(self, slug: str) -> str:
        """Return the text of the feature's `.done`."""
        return files.read_text(self.paths.done(slug), MARKER_LIMIT)

    def agent_for(self, feature: Feature, attempt_limits: AttemptLimits | None = None) -> Agent:
        """Return the agent for a feature. Raises AgentError."""
        site, current = self.site, self.failover.turn.worker
        agent = choose_from_settings(self.config, feature, site.temporary, site.environ, attempt_limits, current)
        self.tally.agents_asked[feature.agent, feature.model] = (agent.name, agent.model)
        return agent

    def agent_named(self, name: str) -> Agent:
        """Return an agent of the chain. Raises AgentError when it cannot start."""
        return choose_from_settings(self.config, None, self.site.temporary, self.site.environ, None, name)

    def skip(self, feature: Feature, because: str) -> None:
        """Leave a feature that cannot be worked on, for the rest of this run or until its spec changes."""
        self.tally.unusable[feature.slug] = (feature.sha256, because)
        self.tell(f"{feature.slug}: cannot be worked on: {because}", Tone.BAD)

    def checks_for(self, feature: Feature) -> tuple[Check, ...]:
        """Return the feature's own checks, then the project's."""
        return self.settings.checks_with(self.specs.checks_of(feature))

    def reviews_for(self, feature: Feature) -> tuple[Review, ...]:
        """Return the feature's own questions to reviewers, then the project's."""
        return self.settings.reviews_with(self.specs.reviews_of(feature))

    # --- telling ---

    def write(self, event: _E) -> _E:
        """Write one event into the journal, fold it into the history, and give it back as it was written."""
        written = self.history.apply(self.journal.append(event))
        self.tally.untold.append(written)
        return written

    def inform_messenger(self) -> None:
        """Let people outside hear of what was written down since the last time; whatever fails changes nothing."""
        while self.tally.untold:
            self.note_failures(self.messenger.hear(self.tally.untold.pop(0)))

    def note_failures(self, failures: list[Failure]) -> None:
        """Say once for each channel that it failed to notify you, and write each time down."""
        for failure in failures:
            with suppress(StorageError):
                event = NotifyFailed(channel=failure.channel, told=failure.told, why=failure.why)
                self.history.apply(self.journal.append(event))
            self.tell_once(f"{failure.channel} failed to notify you: {failure.why}", Tone.NOTICE)

    def mend_logs(self) -> bool:
        """Put back what an agent took away of harness's own files in logs/; True when the journal was harmed."""
        self._put_folder_back()
        for link in remove_links(*self._folders_in_logs()):
            self.tell(f"a link stood in the place of `{self.paths.shown(link)}`: it is removed", Tone.BAD)
        prepare_logs(self.paths)
        if not self.journal.mend():
            return False
        self.tell("the journal was deleted, replaced or rewritten while it was in use; it has been restored", Tone.BAD)
        return True

    def _put_folder_back(self) -> None:
        """Move out of the way what an agent put in the place of logs/."""
        logs = self.paths.logs
        if files.is_dir(logs) and files.is_link(logs) == self.journal.in_linked_folder:
            return
        if os.path.lexists(logs):
            aside = files.move(logs, logs.with_name(f"{logs.name}.aside"))
            self.journal.mend()
            files.move(aside, self.paths.kept / logs.name)
            kept = self.paths.shown(self.paths.kept)
            self.tell(f"what stood in the place of `{self.paths.shown(logs)}` is in `{kept}` now", Tone.BAD)

    def note_links(self) -> None:
        """Note where links lead by which the next run finds specs, settings and harness itself."""
        settings = self.settings
        self.held_links = find_held_links(self.paths, self.template, settings.order_file, settings.script)
        save_links(self.held_links, self.paths.held_links)

    def _folders_in_logs(self) -> list[Path]:
        """Return the folders in logs/ where harness writes now, the outer ones first."""
        at_work = [
            folder
            for slug, begun in self.in_flight.items()
            for folder in (self.paths.attempts(slug), self.paths.attempt(slug, begun.number))
        ]
        return [self.paths.kept, self.paths.attempts(""), *at_work]

    def tell(self, line: str, tone: Tone = Tone.PLAIN) -> None:
        """Say one line to the person and into run.log."""
        line = self.redactor.text(" ".join(plain(line).split("\n")))
        self.journal.log(line)
        self.narrator.tell(line, tone)

    def tell_once(self, line: str, tone: Tone = Tone.PLAIN) -> None:
        """Say a line unless this run has said it already."""
        if line not in self.tally.told_lines:
            self.tally.told_lines.add(line)
            self.tell(line, tone)

    def tick(self) -> None:
        """Give a sign of life, and say what befell the machine; asked at each wake of what waits."""
        self.heartbeat.beat()
        self.watch_clock()
        if problem := self.awake.problem():
            self.tell(problem, Tone.NOTICE)

    def watch_clock(self) -> None:
        """Write down and say when the wall clock jumped: what is timed goes on by the other one."""
        if jump := self.clocks.find_jump():
            self.write(ClockJumped(seconds=round(jump, 3)))
            self.tell(say_jump(jump), Tone.NOTICE)

    def asked_to_stop(self) -> float | None:
        """Return the grace in seconds when what runs must end now.

        Asked in the main thread, it gives a sign of life too, and says that a HALT lets what runs finish.
        """
        mine = threading.current_thread() is threading.main_thread()
        if mine:
            self.tick()
        ask = self.interrupts.asked()
        if ask is Ask.FINISH and mine and self.in_flight:
            self.tell_once(
                "HALT seen: the current attempt may finish, then the run stops; `echo now > HALT` ends it at once",
                Tone.NOTICE,
            )
        if not self.working:
            return GRACE if ask is Ask.INTERRUPT else None
        if ask in (Ask.NOW, Ask.INTERRUPT):
            return GRACE
        return LATE if self.out_of_time else None


def prepare_logs(paths: Paths) -> None:
    """Make logs/ and what belongs into it on first use, so that nobody commits logs by accident."""
    if files.exists(paths.logs) and not files.is_dir(paths.logs):
        raise StorageError(f"`{paths.logs}` is not a folder", "move it away, or choose another with `logs_dir`")
    files.make_folder(paths.kept)
    ignore = paths.logs / ".gitignore"
    if not files.exists(ignore):
        files.write_atomic(ignore, "*\n!README.md\n")
