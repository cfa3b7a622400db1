"""Keep what came of an attempt: its note, its claim and the checks on it, the verdict, the receipt."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from harness.agents.failures import diagnose
from harness.attempts.accept import accept
from harness.attempts.begin import Attempt
from harness.attempts.intake import Finding, gather, quarantine_appeared
from harness.attempts.write_down import (
    JOURNALLED_FILES,
    as_result,
    compose_observed,
    line_for_silent_agent,
    names_to_commit,
    tell_outcome,
    with_cost,
    write_outcome,
)
from harness.decide.blocked import find_blocked
from harness.decide.judge import judge, judge_claim
from harness.domain.reply import Ended, Fault, Limit, Reply
from harness.domain.text import counted, one_line
from harness.domain.verdict import CheckRun, Claim, Evidence, Outcome, Verdict
from harness.records.events import AttemptEnded, Blocked
from harness.records.lessons import redact_file
from harness.run.run import Run
from harness.run.spending import price
from harness.system import files
from harness.workspace.checks import digest_failures, run_checks


def keep(
    run: Run, attempt: Attempt, reply: Reply, *, crashed: bool = False, ended_at: float | None = None
) -> tuple[Verdict, Evidence]:
    """Keep what came of an attempt: note, claim, checks, verdict, receipt; written down before it is told.

    `crashed` says that the run it belonged to was killed: it then counts as an attempt, though never as a stall.
    `ended_at` is when it ended, in epoch seconds; None for just now.
    """
    run.heartbeat.phase("keeping", feature=attempt.feature.slug, attempt=attempt.number)
    reply = price(reply, attempt.agent, run.prices)
    harmed = run.mend_logs()
    found = gather(run, attempt, reply, harmed=harmed)
    checks, claim = _check_claim(run, attempt, reply, found)
    found.remarks += [] if run.site.sandbox is None else run.site.sandbox.take_refused()
    met = diagnose(reply, attempt.agent, run.clock() if ended_at is None else ended_at)
    limit, fault = (met if isinstance(met, Limit) else None), (met if isinstance(met, Fault) else None)
    evidence = replace(_weigh(run, attempt, reply, found, checks, claim), limit=limit, fault=fault, crashed=crashed)
    verdict = judge(evidence)
    _act(run, attempt, reply, found, checks, evidence, verdict)
    run.inform_messenger()
    run.logs.pack(attempt.feature.slug, newest=attempt.number, keep=run.settings.keep_transcripts)
    return verdict, evidence


def _check_claim(run: Run, attempt: Attempt, reply: Reply, found: Finding) -> tuple[tuple[CheckRun, ...], Claim]:
    """Run the checks where the agent claims to be done, and say what the claim is worth."""
    feature = attempt.feature
    checks = run.checks_for(feature)
    stopped = reply.exit.ended is Ended.STOPPED
    runs: tuple[CheckRun, ...] = ()
    if found.claimed and checks and not stopped:
        run.heartbeat.phase("checking")
        run.tell(f"{feature.slug}: claims to be done; {counted(len(checks), 'check')} will tell")
        try:
            runs = run_checks(
                checks,
                supervisor=run.site.supervisor,
                cwd=run.paths.root,
                environ=run.site.check_environment(),
                confine=partial(run.site.confine_check, agent=attempt.agent),
                timeout=run.settings.check_timeout,
                log=attempt.folder / "checks.log",
                asked_to_stop=run.asked_to_stop,
                began=lambda command: run.narrator.began(f"{feature.slug} · check {one_line(command, 60)}"),
            )
        finally:
            run.narrator.ended()
            run.workspace.forget()
            run.heartbeat.phase("keeping")
            quarantine_appeared(run, attempt, "during the checks")
        stopped = any(one.stopped for one in runs)
    green = bool(runs) and all(one.green for one in runs)
    claim = judge_claim(
        claimed=found.claimed, words=found.words, checks=len(checks), green=green, stopped=stopped, reply=reply
    )
    return runs, claim


def _weigh(
    run: Run, attempt: Attempt, reply: Reply, found: Finding, checks: tuple[CheckRun, ...], claim: Claim
) -> Evidence:
    feature, record = attempt.feature, run.history.of(attempt.feature.slug)
    stuck_bytes = run.settings.stuck_bytes if feature.stuck_bytes is None else feature.stuck_bytes
    return Evidence(
        reply=reply,
        claim=claim,
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
    found: Finding,
    checks: tuple[CheckRun, ...],
    evidence: Evidence,
    verdict: Verdict,
) -> None:
    """Do what the verdict asks for, and write it down."""
    feature = attempt.feature
    if verdict.outcome is Outcome.DONE:
        accept(run, attempt, found.words, checks, reply, names_to_commit(run, attempt, found))
        quarantine_appeared(run, attempt, "during the commit")  # its hooks may be an agent's
    elif found.claimed and evidence.claim is not Claim.PENDING:
        redact_file(files.move(run.paths.done(feature.slug), attempt.folder / "claim.done"), run.redactor)
    if verdict.outcome is Outcome.BLOCKED and evidence.question is not None:
        files.write_atomic(run.paths.blocked(feature.slug), evidence.question + "\n")
        run.write(Blocked(slug=feature.slug, attempt=attempt.number, question=evidence.question))
        run.tally.fresh_blocks.add(feature.slug)
    if found.changed and found.note.size == 0 and verdict.outcome is not Outcome.DONE:
        run.logs.notes(feature.slug).add(line_for_silent_agent(attempt, found))
    observed = compose_observed(reply, checks, verdict, found)
    ended = AttemptEnded(
        slug=feature.slug,
        attempt=attempt.number,
        outcome=verdict.outcome,
        reason=verdict.reason,
        progress=verdict.progress,
        charged=verdict.charged,
        claim=evidence.claim,
        note_bytes=found.note.size,
        changed=found.changed[:JOURNALLED_FILES],
        changed_files=len(found.changed),
        tree=found.after.digest,
        failing=digest_failures(checks),
        checks=tuple(map(as_result, checks)),
        observed=observed,
        remarks=tuple(found.remarks),
        ended=reply.exit.ended,
        exit=reply.exit.code,
        limit=evidence.limit,
        seconds=round(reply.exit.seconds, 3),
        strays=reply.exit.strays,
    )
    write_outcome(run, run.write(with_cost(ended, run, attempt, reply)))
    run.logs.remember_end(feature.slug)
    run.just_ended = (feature.slug, attempt.number)
    tell_outcome(run, attempt, reply, verdict, found)
