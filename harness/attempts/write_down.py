"""What an attempt came to, written down: for the journal, for the next prompt, for the person."""

from __future__ import annotations

import json
from dataclasses import replace

from harness.agents.prompt import OBSERVED_LIMIT
from harness.attempts.attempt import Attempt, Gathered, Judged
from harness.decide.assumed import find_assumed
from harness.domain.gist import digest_gist
from harness.domain.listener import Tone
from harness.domain.reply import Ended, Reply
from harness.domain.tests_ran import count_tests
from harness.domain.text import counted, cut_middle, one_line, printable
from harness.domain.units import format_dollars, format_duration
from harness.domain.verdict import CheckRun, Outcome
from harness.records.event_fields import describe_event
from harness.records.events import AttemptEnded, Blocked, CheckResult
from harness.run.run import Run
from harness.system import files
from harness.workspace.checks import digest_failures, report_failures

JOURNALLED_FILES = 1000  # changed files that the journal names
SHOWN_FILES = 20  # changed files named in the line harness writes for a silent agent


def with_cost(ended: AttemptEnded, run: Run, attempt: Attempt, reply: Reply) -> AttemptEnded:
    """Return the event with what it says about money: which agent, how much, for which tokens, known from where."""
    said, model = reply.transcript, reply.transcript.model or attempt.agent.model
    return replace(
        ended,
        agent=attempt.agent.name,
        agent_version=said.agent_version,
        model=model,
        dollars=said.cost.dollars,
        cost_source=said.cost.source,
        prices=run.prices.source_of(model) if said.cost.source == "derived" else "",
        usage=said.usage,
        prefix=dict(said.prefix),
    )


def as_result(one: CheckRun) -> CheckResult:
    """Return a check as the journal says it."""
    return CheckResult(one.command, one.code, round(one.seconds, 3), one.timed_out, count_tests(one.tail), one.flaky)


def write_outcome(run: Run, ended: AttemptEnded) -> None:
    """Copy how an attempt ended into its folder, for readers; not synced, the journal has it."""
    target = run.paths.attempt(ended.slug, ended.attempt) / "outcome.json"
    files.write_atomic(target, json.dumps(describe_event(ended), indent=1, default=str) + "\n", sync=False)


def names_to_commit(run: Run, attempt: Attempt, found: Gathered) -> frozenset[str]:
    """Return the files that belong to the feature: what its attempts changed, each from its begin to its claim.

    Where an attempt changed more than the journal names, it is all that no other feature is at work on.
    """
    record = run.history.of(attempt.slug)
    own = record.changed | set(found.changed)
    others = run.history.open_work_besides(attempt.slug)
    also = found.after.files.keys() - others if record.changed_more else ()
    return frozenset(name for name in found.after.files if name in own or name in also)


def find_names_of_work(run: Run, attempt: Attempt, found: Gathered) -> set[str]:
    """Return every file that the work on a feature changed: to commit, committed by its agents, or as it was again."""
    record = run.history.of(attempt.slug)
    return {*names_to_commit(run, attempt, found), *found.changed, *found.committed, *record.changed}


def ask(run: Run, asked: Blocked) -> None:
    """Put a question where a person finds it, and write it down."""
    blocked = run.paths.blocked(asked.slug)
    files.write_atomic(blocked, asked.question + "\n")
    run.markers.add(blocked.name)
    run.write(asked)


def line_for_silent_agent(attempt: Attempt, found: Gathered) -> str:
    """Return the memory that harness leaves for an agent that changed files and wrote no note."""
    names = ", ".join(map(printable, found.changed[:SHOWN_FILES]))
    more = f" and {len(found.changed) - SHOWN_FILES} more" if len(found.changed) > SHOWN_FILES else ""
    return f"[harness] attempt {attempt.number} wrote no note; it changed {names}{more}\n"


def describe_end(run: Run, judged: Judged) -> AttemptEnded:
    """Return what the journal says about an attempt at its end."""
    attempt, found, evidence, verdict = judged.attempt, judged.found, judged.evidence, judged.verdict
    came = found.reply.exit
    ended = AttemptEnded(
        slug=attempt.slug,
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
        failing=digest_failures(judged.checks),
        note=digest_gist(found.note.text),
        checks=tuple(map(as_result, judged.checks)),
        observed=compose_observed(judged),
        remarks=tuple(found.remarks),
        assumed=find_assumed(found.note.text),
        findings=judged.judgement.findings,
        ended=came.ended,
        exit=came.code,
        limit=evidence.limit,
        seconds=round(came.seconds, 3),
        strays=came.strays,
    )
    return with_cost(ended, run, attempt, found.reply)


def compose_observed(judged: Judged) -> str:
    """Return what the next prompt says about this attempt; "" when there is nothing to say."""
    reply, verdict, found = judged.found.reply, judged.verdict, judged.found
    parts = []
    if failures := report_failures(judged.checks):
        parts.append(f"The last attempt claimed to be done, but a check failed:\n\n{failures}")
    elif verdict.outcome is Outcome.UNCONFIRMED:
        parts.append(f"The last attempt {verdict.reason}.")
    if reply.exit.ended in (Ended.TIMED_OUT, Ended.IDLE):
        parts.append(f"The last attempt was ended after {format_duration(reply.exit.seconds)}: {verdict.reason}.")
    elif verdict.outcome in (Outcome.FAILED, Outcome.STALLED):
        parts.append(f"The last attempt {verdict.outcome}: {verdict.reason}.")
    parts += [f"The last attempt: {remark}." for remark in found.remarks]
    return cut_middle("\n\n".join(parts), OBSERVED_LIMIT)


_TONES = {Outcome.DONE: Tone.GOOD, Outcome.PROGRESSED: Tone.PLAIN}


def tell_outcome(run: Run, judged: Judged) -> None:
    """Tell the person the verdict, in one line, and each remark in one more."""
    slug, found, verdict, reply = judged.attempt.slug, judged.found, judged.verdict, judged.found.reply
    facts = [format_duration(round(reply.exit.seconds, 2))]
    if reply.transcript.cost.dollars:
        facts.append(format_dollars(reply.transcript.cost.dollars))
    facts.append(f"{counted(len(found.changed), 'file')} changed" if found.changed else "no file changed")
    tone = _TONES.get(verdict.outcome, Tone.NOTICE)
    run.tell(f"{slug}: {verdict.outcome}: {verdict.reason} ({', '.join(facts)})", tone)
    for remark in found.remarks:
        run.tell(f"{slug}: {remark}", Tone.NOTICE)
    if findings := judged.judgement.findings:
        more = f", and {counted(len(findings) - 1, 'more finding')}" if findings[1:] else ""
        run.tell(f"{slug}: look at {findings[0]}{more}", Tone.NOTICE)
    for assumed in find_assumed(found.note.text):
        run.tell(f"{slug}: assumed: {assumed}", Tone.NOTICE)
    for one in judged.checks:
        if one.flaky:
            said = f"`{one_line(one.command, 60)}` is flaky: on the same files {one.flaky}, then {one.ending}"
            run.tell(f"{one.of or slug}: {said}", Tone.NOTICE)
