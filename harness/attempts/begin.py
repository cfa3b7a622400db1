"""An attempt begins: it gets its agent and its prompt, then its number on disk, before anybody works."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from harness.agents.choose import prepare_prompt
from harness.agents.prompt import Prompt
from harness.attempts.attempt import Attempt
from harness.attempts.order import Order
from harness.attempts.park import give_back
from harness.attempts.quarantined import quarantine_marker
from harness.attempts.snapshots import keep_found
from harness.domain.agent import Agent
from harness.domain.errors import AgentError, ConfigError, SpecError
from harness.domain.feature import Feature
from harness.domain.listener import Tone
from harness.records.env_files import note_standing
from harness.records.events import AttemptBegan, Tampered
from harness.records.notes import Mark
from harness.run.brief import compose
from harness.run.limits import pick_agent_in_turn
from harness.run.markers import read_names
from harness.run.run import Run
from harness.run.spending import limits_for
from harness.system import files
from harness.system.command import Bounds
from harness.workspace.held_out import place_of
from harness.workspace.private_logs import PRIVATE_LOGS, prepare_private_logs
from harness.workspace.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Prepared:
    """Who is to work on a feature, and what they are told."""

    agent: Agent
    member: str  # of the chain, "" where the spec names an agent
    prompt: Prompt


def prepare(run: Run, feature: Feature) -> Prepared | None:
    """Return the agent and its prompt; None when there is none: the feature is then skipped, and the others go on."""
    pick_agent_in_turn(run)
    member = run.failover.turn.worker if feature.agent is None else ""
    try:
        agent, prompt = run.agent_for(feature, limits_for(run, feature)), compose(run, feature)
        return Prepared(agent, member, replace(prompt, text=prepare_prompt(agent, prompt.text)))
    except (AgentError, ConfigError, SpecError) as error:
        run.skip(feature, f"{error.message}; {error.hint}")
        return None


def begin(run: Run, feature: Feature, prepared: Prepared, because: str) -> Attempt:
    """Number the attempt on disk and in the journal before the agent starts: a crash counts as an attempt."""
    agent, workspace = prepared.agent, run.workspace
    number, folder = _make_folder(run, feature.slug)
    sandbox = run.site.sandbox_for(agent)
    absent = run.site.find_absent(run.paths.root, agent)  # before git is asked, which may run what is there
    if not run.in_flight:
        run.guard.remember_anew()
        run.guard.save(run.paths.obeyed)
        note_standing(run.paths)
        run.note_links()
        workspace.keep_index()
        workspace.heads.note()
    log, learnings = _mark_log(run, feature.slug), run.logs.learnings_end
    if learnings is None or not run.in_flight:  # else somebody may be writing there
        learnings = run.logs.mark_learnings()
    give_back(run, feature.slug)
    before = workspace.snapshot() if run.in_flight else workspace.recent_snapshot()
    attempt = Attempt(
        feature=feature,
        order=make_order(run, feature, number, prepared, workspace, before.head),
        member=prepared.member,
        specs=run.specs.last,
        workspace=workspace,
        log=log,
        learnings=learnings,
        before=before,
        since=keep_found(run, feature.slug, number, before),
        absent=absent,
    )
    if not run.in_flight:
        run.markers = read_names(run.paths)
    if sandbox is not None and sandbox.has_private_logs:
        prepare_private_logs(folder, run.paths, feature.slug)
    run.write(
        AttemptBegan(
            slug=feature.slug,
            attempt=number,
            because=because,
            spec=feature.sha256,
            agent=agent.name,
            model=agent.model,
            sections={section.name: section.digest for section in prepared.prompt.sections},
            log=log,
            learnings=learnings,
            tree=before.digest,
            head=workspace.heads.last.commit,
            branch=workspace.heads.last.branch,
            since=attempt.since,
            confined=sandbox is not None,
            absent=absent,
        )
    )
    if run.in_flight and os.path.lexists(done := run.paths.done(feature.slug)):  # by somebody else who is at work
        quarantine_marker(run, attempt, done.name, "was there before the attempt began, and is quarantined")
    run.in_flight[feature.slug] = attempt
    run.tell(f"{feature.slug}: attempt {number} begins ({because})")
    run.heartbeat.phase("working", feature=feature.slug, attempt=number, tree=before.digest)
    return attempt


def make_order(run: Run, feature: Feature, number: int, prepared: Prepared, workspace: Workspace, base: str) -> Order:
    """Return what goes out for an attempt, by the settings of the run and the wishes of the spec."""
    settings, folder = run.settings, run.paths.attempt(feature.slug, number)
    timeout = settings.timeout if feature.timeout is None else feature.timeout
    return Order(
        slug=feature.slug,
        number=number,
        folder=folder,
        root=workspace.root,
        base=base,
        agent=prepared.agent,
        prompt=prepared.prompt.text,
        bounds=Bounds(timeout=timeout, idle_timeout=settings.idle_timeout),
        private_logs=folder / PRIVATE_LOGS,
        checks=run.checks_for(feature),
        held_out=feature.held_out,
        held_out_folder=place_of(feature.path),
        check_timeout=settings.check_timeout,
        check_retries=settings.check_retries,
        may_change=feature.may_change,
    )


def _mark_log(run: Run, slug: str) -> Mark:
    """Say where the log ends; what another feature's attempt cut off it since our last look is put back first."""
    book, seen = run.logs.notes(slug), run.logs.ends.get(slug)
    if seen is not None and book.take_note(seen).tampered:
        run.write(Tampered(slug=slug, attempt=run.history.of(slug).attempts, file=f"{slug}.log"))
        run.tell(f"{slug}: its log was cut or rewritten since its last attempt: the old text is restored", Tone.BAD)
    return book.mark()


def _make_folder(run: Run, slug: str) -> tuple[int, Path]:
    """Make the folder of the next attempt: the highest number in journal and folders, plus one."""
    parent = run.paths.attempts(slug)
    files.make_folder(parent)
    with files.storage(parent, "list"):
        used = [int(name) for name in os.listdir(parent) if name.isdecimal()]  # noqa: PTH208
    number = max([run.history.of(slug).attempts, *used]) + 1
    folder = run.paths.attempt(slug, number)
    with files.storage(folder, "make the folder"):
        folder.mkdir()  # not synced: the journal's `attempt_began` is, before the agent starts
    return number, folder
