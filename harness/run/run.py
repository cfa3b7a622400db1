"""One run: everything it holds, how it looks at the project, and how it tells what it does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from harness.agents.choose import environment_of
from harness.agents.from_settings import choose_for
from harness.agents.prices import PriceBook
from harness.agents.start import AttemptLimits
from harness.agents.table import those_that_stop
from harness.decide.next import closure
from harness.domain.agent import Agent
from harness.domain.errors import SpecError, StorageError
from harness.domain.feature import Check, Feature
from harness.domain.listener import Failure, Messenger, Narrator, Tone
from harness.domain.look import Look, Rules, Spend, Stop, Sum, Wait, Who
from harness.domain.paths import Paths
from harness.domain.text import plain
from harness.records.events import Answered, ClockJumped, Event, MarkedByHand, NotifyFailed, SpecChanged
from harness.records.halt_file import remove_halt
from harness.records.heartbeat import Heartbeat
from harness.records.history import History, read_markers
from harness.records.journal import Journal
from harness.records.notes import Mark, Notes
from harness.records.receipt import digest
from harness.run.awake import Awake
from harness.run.interrupts import GRACE, Ask, Interrupts
from harness.sandbox.sandbox import Sandbox
from harness.settings.load import Config
from harness.settings.options import Settings
from harness.specs.shelf import SpecShelf
from harness.specs.spec_file import read_spec_text
from harness.system import files
from harness.system.clocks import Clocks, say_jump
from harness.system.command import Command
from harness.system.environment import clean_environment
from harness.system.process import Supervisor
from harness.system.redact import Redactor
from harness.workspace.in_place import InPlace

ANSWER_LIMIT = 64 * 1024  # bytes
MARKER_LIMIT = 1 << 20

_E = TypeVar("_E", bound=Event)


@dataclass(slots=True)
class Run:
    """The parts of a run and what it counts; opened by `open_run`."""

    id: str
    config: Config
    journal: Journal
    history: History
    shelf: SpecShelf
    interrupts: Interrupts
    supervisor: Supervisor
    workspace: InPlace
    narrator: Narrator
    environ: Mapping[str, str]
    temporary: Path
    template: Path
    wanted: tuple[str, ...]
    clock: Callable[[], float]
    monotonic: Callable[[], float]
    random: Callable[[], float]
    began: float
    prices: PriceBook
    redactor: Redactor
    heartbeat: Heartbeat
    awake: Awake
    messenger: Messenger[Event]
    clocks: Clocks
    sandbox: Sandbox | None = None  # the sandbox; None where nothing is confined
    unconfined: str = ""  # why
    outside: dict[str, str] = field(default_factory=dict)  # agents that cannot start in the sandbox, and why
    commits: bool = False
    iterations: int = 0
    faults: int = 0  # in a row
    first_fault: float = 0.0
    spent: Sum = field(default_factory=Sum)
    warned: set[tuple[str, str]] = field(default_factory=set)  # lines of money of which this run has warned
    agents_asked: dict[tuple[str | None, str | None], Who] = field(default_factory=dict)  # by a spec's agent, model
    worker: str = ""  # the agent of the chain that works now
    closed_until: dict[str, float | None] = field(default_factory=dict)  # an agent that met a limit -> when it opens
    limits: int = 0  # in a row
    failures: list[str] = field(default_factory=list)  # at once and without a token, in a row: what was said
    wait: Wait | None = None
    pending_stop: Stop | None = None
    parked: set[str] = field(default_factory=set)
    fresh_blocks: set[str] = field(default_factory=set)
    told_lines: set[str] = field(default_factory=set)
    unusable: dict[str, tuple[str, str]] = field(default_factory=dict)  # slug -> hash of the spec, and why
    frozen: dict[str, tuple[Check, ...]] = field(default_factory=dict)  # checks that changed under an agent's hands
    just_ended: tuple[str, int] | None = None  # slug and number of an attempt that no look has followed yet
    last_specs: tuple[Feature, ...] = ()  # the specs at the last look
    marks: dict[str, Mark] = field(default_factory=dict)  # where each log ended when harness last looked
    packed_up_to: dict[str, int] = field(default_factory=dict)  # a feature's transcripts, by attempt
    spec_texts: dict[str, str] = field(default_factory=dict)  # of the specs worked on in this run
    untold: list[Event] = field(default_factory=list)  # events that the messenger has not heard of

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
    def elapsed(self) -> float:
        """Seconds since the run began."""
        return self.monotonic() - self.began

    @property
    def out_of_time(self) -> bool:
        """Whether the time of this run is used up."""
        return bool(self.settings.max_time) and self.elapsed >= self.settings.max_time

    @property
    def dollars(self) -> float | None:
        """What this run has cost; None while nothing is known."""
        return self.spent.dollars if self.spent.known else None

    @property
    def spend(self) -> Spend:
        """What was spent by now, in this run and in this month."""
        spend, stopping = self.history.spend_at(self.clock()), those_that_stop()
        return replace(spend, run=self.spent, asked=self.agents_asked, stopping=stopping)

    # --- looking ---

    def look(self) -> Look:
        """Read specs, markers and HALT from disk; take in answers and markers that a person left meanwhile."""
        reading = self.shelf.reread()
        for warning in reading.warnings:
            self.tell_once(warning, Tone.NOTICE)
        if self.just_ended is not None and reading.features is not self.last_specs:
            self._watch_specs(reading.features, *self.just_ended)
        self.just_ended, self.last_specs = None, reading.features
        markers = self.history.settled(read_markers(self.paths))
        features = closure(reading.features, self.wanted)
        if self.unusable:
            features = tuple(map(self._mark_unusable, features))
        if markers.answered:
            self._take_answers(markers.answered, markers.blocked)
            markers = self.history.settled(read_markers(self.paths))
        for slug in sorted(markers.done - self.history.known):
            self._note_marker_by_hand(slug)
        return Look(
            features=features,
            markers=markers,
            histories=self.history.histories,
            halt=self.interrupts.halt(),
            interrupted=self.interrupts.interrupted,
            pending_stop=self.pending_stop,
            wait=self.wait,
            iterations=self.iterations,
            elapsed=self.elapsed,
            parked=frozenset(self.parked),
            fresh_blocks=frozenset(self.fresh_blocks),
            spend=self.spend,
        )

    def _watch_specs(self, features: tuple[Feature, ...], slug: str, attempt: int) -> None:
        """Say which specs changed during an attempt, and keep the checks they had: an agent must not weaken its proof.

        A person may edit a spec at any time; what was changed under an agent's hands counts from the next run on.
        """
        now = {feature.slug: feature for feature in features}
        for was in self.last_specs:
            feature = now.get(was.slug)
            if feature is not None and feature.sha256 == was.sha256:
                continue
            self.write(SpecChanged(slug=was.slug, attempt=attempt, during=slug, was=was.sha256))
            what = self.paths.shown(was.path)
            self.tell(
                f"{slug}: `{what}` changed during the attempt; if that was not you, see `git diff {what}`", Tone.BAD
            )
            if feature is None or feature.checks != was.checks:
                self.frozen.setdefault(was.slug, was.checks)
                self.tell(f"{was.slug}: this run goes on with the checks it had; start again to use the new", Tone.BAD)

    def _mark_unusable(self, feature: Feature) -> Feature:
        sha256, because = self.unusable.get(feature.slug, ("", ""))
        return replace(feature, problem=because) if because and sha256 == feature.sha256 else feature

    def _take_answers(self, slugs: frozenset[str], blocked: frozenset[str]) -> None:
        for slug in sorted(slugs):
            if not files.is_plain(self.paths.answer(slug)):
                files.move(self.paths.answer(slug), self.paths.kept / f"{slug}.answer.strange")
                continue
            text = plain(files.read_text(self.paths.answer(slug), ANSWER_LIMIT)).strip()
            if not text:
                continue  # a shell that redirects shows an empty file first; it is read again at the next look
            if slug not in blocked and not self.history.of(slug).question:
                files.move(self.paths.answer(slug), self.paths.kept / f"{slug}.answer")
                self.tell(f"{slug}: an answer came, but nobody had asked; it is set aside", Tone.NOTICE)
                continue
            text = self.redactor.text(text)
            self.write(Answered(slug=slug, text=text))
            self.notes(slug).add(f"## A person answered\n\n{text}\n")
            self.fresh_blocks.discard(slug)
            files.remove(self.paths.blocked(slug))
            files.remove(self.paths.answer(slug))
            remove_halt(self.paths, about=slug)
            self.tell(f"{slug}: an answer came, it is taken up again", Tone.GOOD)

    def _note_marker_by_hand(self, slug: str) -> None:
        self.write(MarkedByHand(slug=slug, sha256=digest(self.read_marker(slug))))
        self.tell(f"{slug}: a person set `.done`, it counts as done", Tone.NOTICE)

    # --- what belongs to one feature ---

    def read_marker(self, slug: str) -> str:
        """Return the text of the feature's `.done`."""
        return files.read_text(self.paths.done(slug), MARKER_LIMIT)

    def agent_for(self, feature: Feature, attempt_limits: AttemptLimits | None = None) -> Agent:
        """Return the agent for a feature. Raises AgentError."""
        agent = choose_for(self.config, feature, self.temporary, self.environ, attempt_limits, self.worker)
        self.agents_asked[feature.agent, feature.model] = (agent.name, agent.model)
        return agent

    def agent_named(self, name: str) -> Agent:
        """Return an agent of the chain. Raises AgentError when it cannot start."""
        return choose_for(self.config, None, self.temporary, self.environ, None, name)

    def environment_for(self, agent: Agent) -> dict[str, str]:
        """Return the environment that an agent gets in this run."""
        return environment_of(agent, self.environ, self.settings.env_pass, self.id)

    def skip(self, feature: Feature, because: str) -> None:
        """Leave a feature that cannot be worked on, for the rest of this run or until its spec changes."""
        self.unusable[feature.slug] = (feature.sha256, because)
        self.tell(f"{feature.slug}: cannot be worked on: {because}", Tone.BAD)

    def spec_text(self, feature: Feature) -> str:
        """Return the text of the spec; one that broke in mid-run as it was read last. Raises SpecError without one."""
        try:
            text = read_spec_text(feature)
        except SpecError:
            if feature.slug not in self.spec_texts:
                raise
            return self.spec_texts[feature.slug]
        if text.strip() or feature.slug not in self.spec_texts:
            self.spec_texts[feature.slug] = text
        return self.spec_texts[feature.slug]

    def checks_for(self, feature: Feature) -> tuple[Check, ...]:
        """Return the feature's own checks, then the project's."""
        return self.settings.checks_with(self.frozen.get(feature.slug, feature.checks))

    def check_environment(self) -> dict[str, str]:
        """Return the environment that checks run in."""
        return {**clean_environment(self.environ, self.settings.env_pass), "HARNESS_RUN_ID": self.id}

    def sandbox_for(self, agent: Agent) -> Sandbox | None:
        """Return the sandbox that the agent works in; None where it is unconfined."""
        return None if agent.name in self.outside else self.sandbox

    def confine_check(self, command: Command, agent: Agent | None = None) -> Command:
        """Return a check's command, inside the sandbox where there is one and the agent whose claim it checks is."""
        sandbox = self.sandbox if agent is None else self.sandbox_for(agent)
        return command if sandbox is None else sandbox.confine(command, agent=None)

    def notes(self, slug: str) -> Notes:
        """Return the feature's log."""
        return Notes(self.paths.log(slug), self.paths.kept)

    @property
    def learnings(self) -> Notes:
        """The lessons across features."""
        return Notes(self.paths.learnings, self.paths.kept)

    # --- telling ---

    def write(self, event: _E) -> _E:
        """Write one event into the journal, fold it into the history, and give it back as it was written."""
        written = self.history.apply(self.journal.append(event))
        self.untold.append(written)
        return written

    def inform_messenger(self) -> None:
        """Let people outside hear of what was written down since the last time; whatever fails changes nothing."""
        while self.untold:
            self.note_failures(self.messenger.hear(self.untold.pop(0)))

    def note_failures(self, failures: list[Failure]) -> None:
        """Say once for each channel that it could not be told, and write each time down."""
        for failure in failures:
            with suppress(StorageError):
                event = NotifyFailed(channel=failure.channel, told=failure.told, why=failure.why)
                self.history.apply(self.journal.append(event))
            self.tell_once(f"{failure.channel} could not be told: {failure.why}", Tone.NOTICE)

    def mend_logs(self) -> bool:
        """Put back what an agent took away of harness's own files in logs/; True when the journal was harmed."""
        prepare_logs(self.paths)
        if not self.journal.mend():
            return False
        self.tell("the journal was deleted, replaced or cut while it was in use; it is restored", Tone.BAD)
        return True

    def tell(self, line: str, tone: Tone = Tone.PLAIN) -> None:
        """Say one line to the person and into run.log."""
        line = self.redactor.text(" ".join(plain(line).split("\n")))
        self.journal.log(line)
        self.narrator.tell(line, tone)

    def tell_once(self, line: str, tone: Tone = Tone.PLAIN) -> None:
        """Say a line unless this run has said it already."""
        if line not in self.told_lines:
            self.told_lines.add(line)
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
        """Return the grace in seconds when what runs must end now; say at once when a HALT lets it finish."""
        self.tick()
        ask = self.interrupts.asked()
        if ask is Ask.FINISH:
            self.tell_once(
                "HALT seen: the attempt in flight may finish, then the run stops; `echo now > HALT` ends it at once",
                Tone.NOTICE,
            )
        elif ask is not None:
            return GRACE
        if self.out_of_time:
            return 5.0
        return None


def prepare_logs(paths: Paths) -> None:
    """Make logs/ and what belongs into it on first use, so that nobody commits logs by accident."""
    if paths.logs.exists() and not paths.logs.is_dir():
        raise StorageError(f"`{paths.logs}` is not a folder", "move it away, or choose another with `logs_dir`")
    files.make_folder(paths.kept)
    ignore = paths.logs / ".gitignore"
    if not ignore.exists():
        files.write_atomic(ignore, "*\n!README.md\n")
