"""One attempt: begin it on disk, then let the agent work. What comes of it is kept in `keep`."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from harness.agents.choose import prepare_prompt
from harness.agents.prompt import Prompt
from harness.agents.table import all_agents
from harness.domain.agent import Agent
from harness.domain.errors import AgentError, ConfigError, SpecError
from harness.domain.feature import Feature
from harness.domain.listener import Tone
from harness.records.events import AttemptBegan, Tampered
from harness.records.history import read_markers
from harness.records.notes import Mark
from harness.run.brief import compose
from harness.run.limits import pick_agent_in_turn
from harness.run.run import Run
from harness.run.spending import limits_for
from harness.system import files
from harness.workspace.in_place import Snapshot
from harness.workspace.private_logs import prepare_private_logs
from harness.workspace.quarantine import find_absent


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt that has begun: its number is on disk, and what stood where is remembered."""

    feature: Feature
    number: int
    folder: Path
    agent: Agent
    log: Mark
    learnings: Mark
    before: Snapshot
    markers: frozenset[str]  # the .done and .blocked files that stood in logs/
    absent: tuple[str, ...] = ()  # what a confined agent could make, and would be obeyed outside the sandbox


def prepare(run: Run, feature: Feature) -> tuple[Agent, Prompt] | None:
    """Return the agent and its prompt; None when there is none: the feature is then set aside, and the others go on."""
    pick_agent_in_turn(run)
    try:
        agent, prompt = run.agent_for(feature, limits_for(run, feature)), compose(run, feature)
        return agent, replace(prompt, text=prepare_prompt(agent, prompt.text))
    except (AgentError, ConfigError, SpecError) as error:
        run.skip(feature, f"{error.message}; {error.hint}")
        return None


def begin(run: Run, feature: Feature, agent: Agent, prompt: Prompt, because: str) -> Attempt:
    """Number the attempt on disk and in the journal before the agent starts: a crash counts as an attempt."""
    number, folder = _make_folder(run, feature.slug)
    sandbox = run.site.sandbox_for(agent)
    # Before git is asked, which may run what is there.
    absent = () if sandbox is None else find_absent(run.paths.root, all_agents().guarded)
    attempt = Attempt(
        feature=feature,
        number=number,
        folder=folder,
        agent=agent,
        log=_mark_log(run, feature.slug),
        learnings=run.logs.learnings.mark(),
        before=run.workspace.recent_snapshot(),
        markers=marker_names(run),
        absent=absent,
    )
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
            sections={section.name: section.digest for section in prompt.sections},
            log=attempt.log,
            learnings=attempt.learnings,
            tree=attempt.before.digest,
            confined=sandbox is not None,
            absent=attempt.absent,
        )
    )
    run.tell(f"{feature.slug}: attempt {number} begins ({because})")
    return attempt


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


def marker_names(run: Run) -> frozenset[str]:
    """Return the names of the `.done` and `.blocked` files that stand in logs/."""
    markers = read_markers(run.paths)
    return frozenset({f"{slug}.done" for slug in markers.done} | {f"{slug}.blocked" for slug in markers.blocked})
