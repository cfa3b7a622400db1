"""What a killed run left half done: found in the journal, finished or put away at the next start, and told."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from harness.agents.failures import diagnose
from harness.agents.prompt import Prompt
from harness.agents.stream import StreamReader
from harness.agents.table import all_agents
from harness.attempts.accept import write_marker
from harness.attempts.attempt import Attempt, Judged
from harness.attempts.begin import Prepared, make_order
from harness.attempts.keep import CLAIM, keep
from harness.attempts.moves import KILLING
from harness.attempts.order import Delivery
from harness.attempts.park import bring_back, finish_clearing, wait_again
from harness.attempts.snapshots import name_kept
from harness.attempts.work import carry_out
from harness.attempts.write_down import with_cost, write_outcome
from harness.decide.proof import say_names
from harness.domain.agent import Agent
from harness.domain.errors import AgentError
from harness.domain.feature import Feature
from harness.domain.listener import Tone
from harness.domain.reply import Cost, Ended, Exit, Limit, Reply, Usage
from harness.domain.text import is_object_id
from harness.domain.verdict import Claim, Outcome
from harness.records.events import Accepted, AttemptBegan, AttemptEnded
from harness.records.journal import moment_of
from harness.records.lessons import redact_file
from harness.records.transcripts import open_transcript
from harness.run.limits import restore_limits
from harness.run.markers import read_names
from harness.run.run import Run
from harness.run.spending import price
from harness.system import files
from harness.workspace.heads import Head
from harness.workspace.private_logs import has_claim
from harness.workspace.quarantine import find_recorded
from harness.workspace.workspace import Snapshot

LINE_LIMIT = 8 << 20  # bytes of a line that are understood
# What nobody was there to see of an attempt whose run died after its receipt stood, and what its stream says of it.
_JUDGED = ("note_bytes", "changed", "changed_files", "failing", "checks", "observed", "remarks")
UNSEEN = frozenset((*_JUDGED, "ended", "exit", "seconds", "strays"))
COST = frozenset(("agent", "agent_version", "model", "dollars", "cost_source", "prices", "usage", "prefix", "limit"))


def recover(run: Run) -> None:
    """Finish what a killed run left half done, and say what was found and what was decided."""
    _mend_copy(run, run.history.last_ended)
    if run.workspace.has_git and (said := run.workspace.commits.put_back_uncommitted()):
        run.tell(f"the last run was ended while hooks ran: {said}", Tone.NOTICE)
    run.markers = _expected_markers(run)
    for slug, record in list(run.history.histories.items()):
        if (accepted := run.history.unmarked.get(slug)) is not None:
            _roll_forward(run, accepted)
        if record.claim_pending and record.allowed and not record.unfinished:
            run.tally.allowed.add(slug)
        elif record.unfinished or record.claim_pending:
            _finish(run, slug, run.history.unfinished.get(slug))
        elif record.is_landing:
            wait_again(run, slug)
    finish_clearing(run)
    name_kept(run)
    restore_limits(run)


def check_allowed(run: Run) -> bool:
    """Check again each claim whose files a person allowed; returns whether there was one."""
    if run.in_flight or run.tally.moved is not None or run.asked_to_stop() is not None:
        return False
    allowed = sorted(run.tally.allowed)
    run.tally.allowed.clear()
    for slug in allowed:
        record, done = run.history.of(slug), run.paths.done(slug)
        kept = run.paths.attempt(slug, record.attempts) / CLAIM
        has_claim = files.exists(done) or files.exists(kept)
        if record.claim_pending and has_claim and bring_back(run, slug):
            if not files.exists(done):
                files.move(kept, done)
            run.markers.add(done.name)
            _finish(run, slug, None)
            wait_again(run, slug)
    return bool(allowed)


def _expected_markers(run: Run) -> set[str]:
    """Return the names of the markers that stood when the run was killed, as far as one knows.

    A `.done` that the journal does not know is a claim, of an attempt that was cut off or not checked to its end.
    """
    found = {name for name in read_names(run.paths) if name.endswith(".blocked")}
    claims = {run.paths.done(slug) for slug in run.history.claims}
    found |= {claim.name for claim in claims if os.path.lexists(claim)}
    return found | {f"{slug}.done" for slug in run.history.known}


def _mend_copy(run: Run, ended: AttemptEnded | None) -> None:
    """The journal knows how the last attempt ended; its outcome.json may be missing."""
    if ended is None:
        return
    folder = run.paths.attempt(ended.slug, ended.attempt)
    if files.is_dir(folder) and not files.exists(folder / "outcome.json"):
        files.remove_temporaries(folder)
        write_outcome(run, ended)


def _roll_forward(run: Run, accepted: Accepted) -> None:
    """The checks had passed, only the marker is missing."""
    write_marker(run, accepted.slug, accepted.receipt)
    run.tell(f"resuming: {accepted.slug} was accepted, its receipt is written now", Tone.NOTICE)


def _finish(run: Run, slug: str, began: AttemptBegan | None) -> None:
    """Judge an attempt that was cut off: keep its note, and check its claim if it made one."""
    record = run.history.of(slug)
    if began is not None:
        _redact_foreign(run, run.paths.attempt(slug, began.attempt) / "foreign")
    if record.marker_sha256 and began is not None:
        files.remove_temporaries(run.paths.attempt(slug, began.attempt))
        stands = AttemptEnded(
            slug=slug,
            attempt=began.attempt,
            outcome=Outcome.DONE,
            reason="its receipt stands",
            progress=True,
            charged=True,
            claim=Claim.CONFIRMED,
            tree=run.workspace.snapshot().digest,
            left_out=UNSEEN | COST,
        )
        write_outcome(run, run.write(_reread_facts(run, stands, began)))
        return
    feature = run.specs.find(slug)
    if feature is None or feature.problem:
        return
    if began is not None and is_object_id(began.head):
        run.workspace.commits.finish(slug, began.attempt, began.head)
    attempt = _rebuild(run, feature, began)
    claimed = files.exists(run.paths.done(slug)) or has_claim(attempt.folder, slug)
    what = "its claim is checked now" if claimed else "its note is kept"
    why = "may land" if record.parked else "changed what judges it, and may do so"
    why = "was cut off" if began is not None or not record.allowed else why
    run.tell(f"resuming: {slug}: attempt {attempt.number} {why}; {what}", Tone.NOTICE)
    reply = run.redactor.deep(_reread(attempt, began, claimed=claimed))
    if began is None:  # its attempt has ended in the journal, and its cost is counted
        reply = replace(reply, transcript=replace(reply.transcript, cost=Cost(0.0, "reported"), usage=Usage()))
    keep_at_once(
        run,
        replace(
            attempt,
            crashed=began is not None,
            again=began is None and bool(record.allowed),
            ended_at=_ended_at(run, attempt),
        ),
        reply,
    )


def keep_at_once(run: Run, attempt: Attempt, reply: Reply) -> Judged:
    """Keep what came of an attempt in one go: the checks of its claim are run here."""
    kept = keep(run, attempt, Delivery(reply))
    while isinstance(kept, Attempt):
        kept = keep(run, kept, carry_out(kept.order, run.site))
    return kept


def _redact_foreign(run: Run, folder: Path) -> None:
    """Take the secrets out of what the start of this run put into quarantine."""
    for name in sorted(os.listdir(folder)) if files.is_dir(folder) else ():  # noqa: PTH208
        redact_file(folder / name, run.redactor)


def _reread_facts(run: Run, stands: AttemptEnded, began: AttemptBegan) -> AttemptEnded:
    """Add the cost, and the limit, of an attempt that was accepted and whose run died before they were told."""
    feature = run.specs.find(stands.slug)
    try:
        attempt = None if feature is None else _rebuild(run, feature, began)
    except AgentError:  # its agent is gone, and nobody needs it any more
        attempt = None
    if attempt is None:
        return stands
    reply = _reread(attempt, began, claimed=True)
    met = diagnose(reply, attempt.agent, _ended_at(run, attempt))
    limit = met if isinstance(met, Limit) else None
    stands = with_cost(stands, run, attempt, price(reply, attempt.agent, run.prices))
    return replace(stands, limit=limit, left_out=UNSEEN)


def _ended_at(run: Run, attempt: Attempt) -> float:
    """Return when the attempt last said a word, in epoch seconds: a reset told in words counts from there."""
    return files.modified_at(attempt.folder / "stream.jsonl") or run.clock()


def _reread(attempt: Attempt, began: AttemptBegan | None, *, claimed: bool) -> Reply:
    """Return what the agent had said by then: its stream is on disk, how it ended is not."""
    reader = StreamReader(attempt.agent.dialect)
    stream = attempt.folder / "stream.jsonl"
    if (file := open_transcript(stream)) is not None:
        with files.storage(stream, "read"), file:
            while line := file.readline(LINE_LIMIT):
                reader.feed(line)
    came_to_its_end = claimed or reader.finished()
    begun = moment_of(began.at) if began else None
    lasted = max(0.0, (files.modified_at(stream) or 0.0) - begun) if begun is not None else 0.0
    ended = Exit(Ended.EXITED, 0, lasted) if came_to_its_end else Exit(Ended.STOPPED, seconds=lasted)
    return Reply(ended, reader.transcript(ended))


def _rebuild(run: Run, feature: Feature, began: AttemptBegan | None) -> Attempt:
    """Return the attempt as it stood when it began, from the journal; without that, as of now."""
    number = run.history.of(feature.slug).attempts
    log, learnings = (began.log, began.learnings) if began else (None, None)
    folder = run.paths.attempt(feature.slug, number)
    files.make_folder(folder)
    files.remove_temporaries(folder)
    agent, member = _agent_of(run, feature, began)
    heads = run.workspace.heads
    heads.note()
    if began is not None and is_object_id(began.head):
        heads.last = Head(began.head, began.branch)
    before = _tree_before(run, feature.slug, began)
    prepared = Prepared(agent, member, Prompt("", ()))
    return Attempt(
        feature=feature,
        order=make_order(run, feature, number, prepared, run.workspace, before.head),
        member=member,
        specs=run.specs.last,
        workspace=run.workspace,
        log=log or run.logs.notes(feature.slug).mark(),
        learnings=learnings or run.logs.learnings.mark(),
        before=before,
        since=began.since if began else "",
        absent=find_recorded(run.paths.root, began.absent, all_agents().guarded) if began else (),
    )


def _tree_before(run: Run, slug: str, began: AttemptBegan | None) -> Snapshot:
    """Return the tree as it stood, as far as one knows: what is uncommitted now, and no other feature's, is new.

    What changed after the run was killed is a person's.
    """
    now = run.workspace.snapshot()
    if began is None or began.tree == now.digest:
        return now
    others, later = run.history.open_work_besides(slug), _changed_later(run, now)
    if later:
        run.tell(f"{slug}: changed after the run was killed, and no part of it: {say_names(later)}", Tone.NOTICE)
    return replace(now, files={name: now.files[name] for name in now.files if name in others or name in later})


def _changed_later(run: Run, now: Snapshot) -> list[str]:
    """Return the names of files that changed after the last run was killed."""
    if (died := run.history.died_at) is None:
        return []
    top, found = run.workspace.top if run.workspace.has_git else run.paths.root, list[str]()
    for name in sorted(now.files):
        with suppress(OSError):
            if (top / name).lstat().st_ctime > died + KILLING:
                found.append(name)
    return found


def _agent_of(run: Run, feature: Feature, began: AttemptBegan | None) -> tuple[Agent, str]:
    """Return who made the attempt, who need not be next, and as which of the chain. Raises AgentError."""
    name = began.agent if began else ""
    if name in run.chain and feature.agent is None:
        with suppress(AgentError):
            return run.agent_named(name), name
    return run.agent_for(feature), run.failover.turn.worker if feature.agent is None else ""
