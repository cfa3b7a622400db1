"""Keep what came of an attempt: its note, its claim and the checks on it, the verdict, the receipt."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from harness.agents.failures import find_fault, find_limit, find_remarks
from harness.agents.prompt import OBSERVED_LIMIT
from harness.attempts.accept import accept, write_marker
from harness.attempts.begin import Attempt, marker_names
from harness.attempts.quarantined import set_appeared_aside, tell_aside
from harness.decide.blocked import find_blocked
from harness.decide.next import judge, judge_claim
from harness.domain.listener import Tone
from harness.domain.reply import Ended, Limit, Reply
from harness.domain.text import counted, cut_middle, one_line, plain
from harness.domain.units import format_dollars, format_duration
from harness.domain.verdict import CheckRun, Claim, Evidence, Outcome, Verdict
from harness.records.lessons import mend_learnings, redact_file, redact_log
from harness.records.notes import Note
from harness.records.transcripts import pack_old
from harness.run.run import Run
from harness.run.spending import price
from harness.system import files
from harness.workspace.checks import digest_failures, report_failures, run_checks
from harness.workspace.in_place import Snapshot, changed_files
from harness.workspace.private_logs import import_cell

WORDS_LIMIT = 4096  # bytes of a claim that are read
JOURNALLED_FILES = 1000  # changed files that the journal names
SHOWN_FILES = 20  # changed files named in the line harness writes for a silent agent


@dataclass(slots=True)
class _Finding:
    """What an attempt left on disk, gathered before it is judged."""

    note: Note
    changed: tuple[str, ...]
    after: Snapshot
    words: str  # of the claim
    claimed: bool
    remarks: list[str]


def keep(
    run: Run, attempt: Attempt, reply: Reply, *, crashed: bool = False, ended_at: float | None = None
) -> tuple[Verdict, Evidence]:
    """Keep what came of an attempt: note, claim, checks, verdict, receipt; written down before it is told.

    `crashed` says that the run it belonged to was killed: it then counts as an attempt, though never as a stall.
    `ended_at` is when it ended, in epoch seconds; None for just now.
    """
    run.heart.phase("keeping", feature=attempt.feature.slug, attempt=attempt.number)
    reply = price(reply, attempt.agent, run.prices)
    harmed = run.mend_logs()
    found = _gather(run, attempt, reply, harmed=harmed)
    checks, claim = _check_claim(run, attempt, reply, found)
    found.remarks += [] if run.cage is None else run.cage.take_refused()
    limit = find_limit(reply, attempt.agent.dialect, run.clock() if ended_at is None else ended_at)
    evidence = replace(_weigh(run, attempt, reply, found, checks, claim), limit=limit, crashed=crashed)
    verdict = judge(evidence)
    _act(run, attempt, reply, found, checks, evidence, verdict)
    run.inform_messenger()
    pack_transcripts(run, attempt)
    return verdict, evidence


def pack_transcripts(run: Run, attempt: Attempt) -> None:
    """Compress what older attempts at the feature printed, a few files at a time."""
    slug, done = attempt.feature.slug, run.packed.get(attempt.feature.slug, 0)
    run.packed[slug] = pack_old(run.paths, slug, newest=attempt.number, keep=run.settings.keep_transcripts, packed=done)


def _gather(run: Run, attempt: Attempt, reply: Reply, *, harmed: bool) -> _Finding:
    slug = attempt.feature.slug
    remarks = _take_over(run, attempt)
    note, lessons = run.logbook(slug).take_note(attempt.log), run.learnings.take_note(attempt.learnings)
    remarks += [*find_remarks(reply), *mend_learnings(run.learnings, lessons, run.redactor)]
    remarks += redact_log(run.logbook(slug), note, run.redactor)
    note = replace(note, text=run.redactor.text(note.text))
    for name, taken in ((f"{slug}.log", note), ("learnings.md", lessons)):
        if taken.tampered:
            back = "the old text is restored" if taken.restored else "what was there is lost, the shadow of it too"
            remarks.append(f"it had cut or rewritten {name}: {back}, what it wrote is kept")
            run.record("tampered", slug=slug, attempt=attempt.number, file=name)
    _set_foreign_aside(run, attempt, harmed=harmed)
    done = run.paths.done(slug)
    claimed = done.exists() or done.is_symlink()
    after = run.workspace.snapshot()
    moved = attempt.before.head != after.head
    if attempt.before.head and not after.head:
        remarks.append("git no longer answers here: what it worked on cannot be committed")
    changed = changed_files(attempt.before, after) or (("(a commit)",) if moved else ())
    words = run.redactor.text(_read_claim(done)) if claimed else ""
    return _Finding(note, changed, after, words, claimed, remarks)


def _take_over(run: Run, attempt: Attempt) -> list[str]:
    """Import what a confined agent wrote where it sees logs/, and set aside what would be obeyed outside; remarks."""
    slug, remarks = attempt.feature.slug, list[str]()
    imported = import_cell(attempt.folder, run.paths, slug, attempt.log, attempt.learnings)
    for name in imported.rewritten:
        remarks.append(f"it had cut or rewritten {name}: the old text is restored, what it wrote is kept")
        run.record("tampered", slug=slug, attempt=attempt.number, file=name)
    remarks += [f"it added more to {name} than is taken over: the rest is left out" for name in imported.cut]
    for name in imported.set_aside:
        redact_file(attempt.folder / "foreign" / name, run.redactor)
        tell_aside(run, slug, attempt.number, attempt.folder, name, f"`{name}` was left in logs/")
    _set_appeared_aside(run, attempt, "during the attempt")
    return remarks


def _set_appeared_aside(run: Run, attempt: Attempt, when: str) -> None:
    set_appeared_aside(run, attempt.feature.slug, attempt.number, attempt.folder, attempt.absent, when)


def _read_claim(done: Path) -> str:
    """Return the words of a claim; a folder, a link or a device in its place has none."""
    if done.is_symlink() or not done.is_file():
        return ""
    return plain(files.read_text(done, WORDS_LIMIT)).strip()


def _set_foreign_aside(run: Run, attempt: Attempt, *, harmed: bool) -> None:
    """Move markers that appeared for other features into the attempt's folder: they are nobody's claim.

    A marker that vanished may be a person's wish to do it again; where the journal went too, it was an agent that
    cleaned the folder (`git clean -fdx`), and the receipts are put back.
    """
    own = {f"{attempt.feature.slug}.done"}
    now = marker_names(run)
    for name in sorted(now - attempt.markers - own):
        slug, kind = name.rsplit(".", 1)
        redact_file(files.move(run.paths.logs / name, attempt.folder / "foreign" / name), run.redactor)
        run.record("foreign", slug=attempt.feature.slug, attempt=attempt.number, marker=name)
        hint = f'; if you set it, say `harness accept {slug} "why"`' if kind == "done" else ""
        run.tell(f"{attempt.feature.slug}: `{name}` appeared during the attempt and is set aside{hint}", Tone.BAD)
    answer = run.paths.answer(attempt.feature.slug)
    if answer.exists() and f"{attempt.feature.slug}.blocked" not in attempt.markers:
        redact_file(files.move(answer, attempt.folder / "foreign" / answer.name), run.redactor)
        run.record("foreign", slug=attempt.feature.slug, attempt=attempt.number, marker=answer.name)
        run.tell(f"{attempt.feature.slug}: `{answer.name}` appeared before anything was asked: set aside", Tone.BAD)
    for name in sorted(attempt.markers - now):
        slug, kind = name.rsplit(".", 1)
        run.record("vanished", slug=attempt.feature.slug, attempt=attempt.number, marker=name)
        if harmed and kind == "done" and (receipt := run.journal.last_receipt(slug)):
            write_marker(run, slug, receipt)
            run.tell(f"{attempt.feature.slug}: `{name}` was wiped during the attempt and is put back", Tone.BAD)
        else:
            run.tell(f"{attempt.feature.slug}: `{name}` vanished during the attempt", Tone.BAD)


def _check_claim(run: Run, attempt: Attempt, reply: Reply, found: _Finding) -> tuple[tuple[CheckRun, ...], Claim]:
    """Run the checks where the agent claims to be done, and say what the claim is worth."""
    feature = attempt.feature
    checks = run.checks_for(feature)
    stopped = reply.exit.ended is Ended.STOPPED
    runs: tuple[CheckRun, ...] = ()
    if found.claimed and checks and not stopped:
        run.heart.phase("checking")
        run.tell(f"{feature.slug}: claims to be done; {counted(len(checks), 'check')} will tell")
        try:
            runs = run_checks(
                checks,
                supervisor=run.supervisor,
                cwd=run.paths.root,
                environ=run.check_environment(),
                confine=partial(run.confine_check, agent=attempt.agent),
                timeout=run.settings.check_timeout,
                log=attempt.folder / "checks.log",
                asked_to_stop=run.asked_to_stop,
                began=lambda command: run.narrator.began(f"{feature.slug} · check {one_line(command, 60)}"),
            )
        finally:
            run.narrator.ended()
            run.workspace.forget()
            run.heart.phase("keeping")
            _set_appeared_aside(run, attempt, "during the checks")
        stopped = any(one.stopped for one in runs)
    green = bool(runs) and all(one.green for one in runs)
    claim = judge_claim(
        claimed=found.claimed, words=found.words, checks=len(checks), green=green, stopped=stopped, reply=reply
    )
    return runs, claim


def _weigh(
    run: Run, attempt: Attempt, reply: Reply, found: _Finding, checks: tuple[CheckRun, ...], claim: Claim
) -> Evidence:
    feature, record = attempt.feature, run.history.record(attempt.feature.slug)
    stuck_bytes = run.settings.stuck_bytes if feature.stuck_bytes is None else feature.stuck_bytes
    return Evidence(
        reply=reply,
        claim=claim,
        fault=find_fault(reply, attempt.agent.dialect),
        question=find_blocked(found.note.text),
        note_bytes=found.note.size,
        changed=bool(found.changed),
        same_failure=record.failing == digest_failures(checks) and record.tree == found.after.digest,
        failing=tuple(one.command for one in checks if not one.green),
        stuck_bytes=stuck_bytes,
    )


def _act(
    run: Run,
    attempt: Attempt,
    reply: Reply,
    found: _Finding,
    checks: tuple[CheckRun, ...],
    evidence: Evidence,
    verdict: Verdict,
) -> None:
    """Do what the verdict asks for, and write it down."""
    feature = attempt.feature
    if verdict.outcome is Outcome.DONE:
        accept(run, attempt, found.words, checks, reply, _names_to_commit(run, attempt, found))
        _set_appeared_aside(run, attempt, "during the commit")  # its hooks may be an agent's
    elif found.claimed and evidence.claim is not Claim.PENDING:
        redact_file(files.move(run.paths.done(feature.slug), attempt.folder / "claim.done"), run.redactor)
    if verdict.outcome is Outcome.BLOCKED and evidence.question is not None:
        files.write_atomic(run.paths.blocked(feature.slug), evidence.question + "\n")
        run.record("blocked", slug=feature.slug, attempt=attempt.number, question=evidence.question)
        run.fresh_blocks.add(feature.slug)
    if found.changed and found.note.size == 0 and verdict.outcome is not Outcome.DONE:
        run.logbook(feature.slug).add(_line_for_silent_agent(attempt, found))
    observed = _observe(reply, checks, verdict, found)
    ended = run.record(
        "attempt_ended",
        slug=feature.slug,
        attempt=attempt.number,
        outcome=verdict.outcome,
        reason=verdict.reason,
        progress=verdict.progress,
        charged=verdict.charged,
        claim=evidence.claim,
        note_bytes=found.note.size,
        changed=list(found.changed[:JOURNALLED_FILES]),
        changed_files=len(found.changed),
        tree=found.after.digest,
        failing=digest_failures(checks),
        checks=[_describe_check(one) for one in checks],
        observed=observed,
        remarks=found.remarks,
        ended=reply.exit.ended,
        exit=reply.exit.code,
        limit=describe_limit(evidence.limit),
        seconds=round(reply.exit.seconds, 3),
        strays=reply.exit.strays,
        **describe_cost(run, attempt, reply),
    )
    write_outcome(run, ended)
    run.marks[feature.slug] = run.logbook(feature.slug).mark()
    run.just_ended = (feature.slug, attempt.number)
    _tell_outcome(run, attempt, reply, verdict, found)


def describe_cost(run: Run, attempt: Attempt, reply: Reply) -> dict[str, Any]:
    """Return what the journal says about money: who was paid, how much, for which tokens, and how one knows."""
    said, model = reply.transcript, reply.transcript.model or attempt.agent.model
    return {
        "agent": attempt.agent.name,
        "agent_version": said.agent_version,
        "model": model,
        "dollars": said.cost.dollars,
        "cost_source": said.cost.source,
        "prices": run.prices.source_of(model) if said.cost.source == "derived" else "",
        "usage": asdict(said.usage),
        "prefix": dict(said.prefix),
    }


def describe_limit(limit: Limit | None) -> dict[str, Any] | None:
    """Return a limit as the journal says it."""
    return None if limit is None else asdict(limit)


def _describe_check(one: CheckRun) -> dict[str, Any]:
    return {"command": one.command, "exit": one.code, "seconds": round(one.seconds, 3), "timed_out": one.timed_out}


def write_outcome(run: Run, ended: dict[str, Any]) -> None:
    """Copy an `attempt_ended` into the attempt's folder, for readers; not synced, the journal has it."""
    target = run.paths.attempt(ended["slug"], ended["attempt"]) / "outcome.json"
    files.write_atomic(target, json.dumps(ended, indent=1, default=str) + "\n", sync=False)


def _names_to_commit(run: Run, attempt: Attempt, found: _Finding) -> frozenset[str]:
    """Return the files that belong to the feature: what stood there before the checks ran, less others' open work."""
    own = run.history.record(attempt.feature.slug).changed | set(found.changed)
    others = run.history.open_work_besides(attempt.feature.slug)
    return frozenset(name for name in found.after.files if name in own or name not in others)


def _line_for_silent_agent(attempt: Attempt, found: _Finding) -> str:
    """Return the memory that harness leaves for an agent that changed files and wrote no note."""
    names = ", ".join(found.changed[:SHOWN_FILES])
    more = f" and {len(found.changed) - SHOWN_FILES} more" if len(found.changed) > SHOWN_FILES else ""
    return f"[harness] attempt {attempt.number} wrote no note; it changed {names}{more}\n"


def _observe(reply: Reply, checks: tuple[CheckRun, ...], verdict: Verdict, found: _Finding) -> str:
    """Return what the next prompt says about this attempt; "" when there is nothing to say."""
    parts = []
    if failures := report_failures(checks):
        parts.append(f"The last attempt claimed to be done, and the checks said no:\n\n{failures}")
    elif verdict.outcome is Outcome.UNCONFIRMED:
        parts.append(f"The last attempt {verdict.reason}.")
    if reply.exit.ended in (Ended.TIMED_OUT, Ended.IDLE):
        parts.append(f"The last attempt was ended after {format_duration(reply.exit.seconds)}: {verdict.reason}.")
    elif verdict.outcome in (Outcome.FAILED, Outcome.STALLED):
        parts.append(f"The last attempt {verdict.outcome}: {verdict.reason}.")
    parts += [f"The last attempt: {remark}." for remark in found.remarks]
    return cut_middle("\n\n".join(parts), OBSERVED_LIMIT)


_TONES = {Outcome.DONE: Tone.GOOD, Outcome.PROGRESSED: Tone.PLAIN}


def _tell_outcome(run: Run, attempt: Attempt, reply: Reply, verdict: Verdict, found: _Finding) -> None:
    facts = [format_duration(round(reply.exit.seconds, 2))]
    if reply.transcript.cost.dollars:
        facts.append(format_dollars(reply.transcript.cost.dollars))
    facts.append(f"{counted(len(found.changed), 'file')} changed" if found.changed else "no file changed")
    tone = _TONES.get(verdict.outcome, Tone.NOTICE)
    run.tell(f"{attempt.feature.slug}: {verdict.outcome}: {verdict.reason} ({', '.join(facts)})", tone)
    for remark in found.remarks:
        run.tell(f"{attempt.feature.slug}: {remark}", Tone.NOTICE)
