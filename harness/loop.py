"""The loop: look, begin, work, keep. Decisions are in `decide`, effects in `attempts`; nothing here prints."""

from __future__ import annotations

from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import replace

from harness.attempts.attempt import Attempt, Judged
from harness.attempts.before import check_before
from harness.attempts.begin import begin, prepare
from harness.attempts.ending import look_back
from harness.attempts.intake import quarantine_after_error
from harness.attempts.keep import keep
from harness.attempts.pool import INLINE, Pool
from harness.attempts.recover import check_allowed, recover
from harness.attempts.renew import renew_or_reopen
from harness.attempts.retry import retry_commits
from harness.decide.next import stuck_limit_of, what_next
from harness.domain.errors import HarnessError, as_expected
from harness.domain.feature import Feature
from harness.domain.halt import Halt, Stop
from harness.domain.listener import Tone
from harness.domain.look import Look, Wait, Work
from harness.domain.verdict import Outcome
from harness.records.events import Halted, Parked, RunEnded
from harness.records.halt_file import WRITES_HALT, compose_halt, digest_halt, local_time
from harness.records.journal import utc
from harness.run.limits import meet_limit, wait_for_reset
from harness.run.look import look_around
from harness.run.outages import meet_failure, wait_out_fault
from harness.run.run import Run
from harness.run.spending import warn_of_budget
from harness.system import files


def run_loop(run: Run, executor: Executor = INLINE) -> tuple[Stop, Look]:
    """Keep up to `run.jobs` attempts in flight until every feature is done or a person is needed.

    Returns why it ended and the last look. `executor` carries out the orders; this thread alone decides and writes.
    """
    recover(run)
    with Pool(executor, run.interrupts.abandon) as pool:
        while True:
            look = look_around(run, keep_all(run, pool))
            if check_allowed(run) or renew_or_reopen(run) or retry_commits(run):
                continue
            match what_next(look, run.rules):
                case Stop() as stop if not pool:
                    return end_run(run, look_back(run, stop)), look
                case Wait() as wait if not pool:
                    wait_for_reset(run, wait)
                case Work() if run.must_rest:
                    rest(run, pool)
                case Work(feature, because) if len(pool) < run.jobs:
                    if check_before(run, feature) and (prepared := prepare(run, feature)) is not None:
                        pool.send(begin(run, feature, prepared, because), run.site)
                case _:
                    pool.wait(run.asked_to_stop)


def keep_all(run: Run, pool: Pool) -> list[Attempt]:
    """Keep what has come back by now, and return the attempts that are over; one that claims goes out to be checked."""
    over = []
    for attempt, delivery in pool.take_back():
        match keep(run, attempt, delivery):
            case Judged() as judged:
                count_attempt(run, judged)
                over.append(judged.attempt)
            case claim:
                pool.send(claim, run.site)
    return over


def rest(run: Run, pool: Pool) -> None:
    """Pause before the next attempt, or until an outage is waited out; what is in flight goes on, and is kept."""
    if pool and run.failover.quiet_until > run.clocks.steady():
        pool.wait(run.asked_to_stop)
    else:
        run.interrupts.wait(max(run.settings.pause * run.tally.tired, run.failover.quiet_until - run.clocks.steady()))
        run.tally.tired = False


def run_and_record_error(run: Run) -> tuple[Stop, Look]:
    """As run_loop, but an error that ends it midway (a full disk) is recorded if that is still possible."""
    try:
        return run_loop(run)
    except Exception as error:
        quarantine_after_error(run)
        if (known := as_expected(error)) is None:
            raise
        with suppress(HarnessError):
            because = f"{known.message}; {known.hint}"
            run.journal.log(f"end: {because}")
            code, nothing = known.exit_code, frozenset({"resets_at"})
            run.write(Halted(halt=Halt.CANNOT_START, code=code, because=because, left_out=nothing))
        if known is error:
            raise
        raise known from error


def count_attempt(run: Run, judged: Judged) -> None:
    """Count the attempt and see what it means for the run: another agent, a wait, its end."""
    feature, evidence, verdict = judged.attempt.feature, judged.evidence, judged.verdict
    run.tally.iterations += verdict.charged or verdict.outcome is Outcome.FAILED
    run.tally.spent = run.tally.spent.plus(evidence.reply.transcript.cost.dollars)
    run.narrator.cost(run.tally.dollars)
    warn_of_budget(run, feature)
    meet_failure(run, verdict, judged.attempt.folder)
    if evidence.limit is not None:
        meet_limit(run, judged.attempt.member, evidence.limit)
    elif verdict.outcome is not Outcome.FAULT:
        run.failover.forget_limits()
    run.tally.tired = verdict.outcome is not Outcome.FAULT or evidence.fault is None
    if run.tally.tired:
        run.failover.faults = 0
        skip_if_stuck(run, feature)
    elif evidence.fault is not None:
        wait_out_fault(run, evidence.fault.kind + ": " + evidence.fault.text)


def skip_if_stuck(run: Run, feature: Feature) -> None:
    """With --keep-going, skip a feature without progress for the rest of this run."""
    limit, streak = stuck_limit_of(feature, run.rules), run.history.of(feature.slug).attempts_without_progress
    if run.settings.keep_going and limit and streak >= limit:
        text = f"{feature.slug}: skipped after {streak} attempts in a row without progress"
        run.write(Parked(slug=feature.slug, streak=streak, text=text))
        run.tally.skipped.add(feature.slug)
        run.tell(text, Tone.BAD)
        run.inform_messenger()


def end_run(run: Run, stop: Stop) -> Stop:
    """Write down how the run ended, with a HALT file where a person must look before the next one."""
    halt, code, text = stop.halt, stop.halt.code, ""
    if wants_halt_file(run, stop) and run.interrupts.halt() is None:
        text = compose_halt(run.redactor.deep(stop), run=run.id[:8], at=utc(run.clock()))
        files.write_atomic(run.paths.halt, text)
    said = Halted(halt=halt, code=code, because=stop.because, slug=stop.slug, resets_at=stop.resets_at)
    run.write(replace(said, halt_file=digest_halt(text)))
    run.write(
        RunEnded(
            halt=halt,
            code=code,
            iterations=run.tally.iterations,
            dollars=run.tally.dollars,
            unknown_costs=run.tally.spent.unknown,
            tree=run.workspace.recent_snapshot().digest,
        )
    )
    tone = Tone.GOOD if stop.halt is Halt.ALL_DONE else Tone.BAD
    run.tell(f"end: {stop.halt.sentence} ({stop.because}); exit {stop.halt.code}", tone)
    if stop.resets_at is not None:
        run.tell(f"it resets at {local_time(stop.resets_at)}", tone)
    run.tell(f"next: {stop.advice or stop.halt.advice}")
    run.inform_messenger()
    return stop


def wants_halt_file(run: Run, stop: Stop) -> bool:
    """Whether this end of a run keeps the next one from starting until a person has looked."""
    if stop.halt not in WRITES_HALT:
        return False
    if (stop.halt in (Halt.BLOCKED, Halt.STUCK) or stop.slug) and run.settings.keep_going:
        return False
    return stop.halt is not Halt.BLOCKED or stop.slug in run.tally.blocked_in_this_run
