"""What happened that people outside want to hear at once: a question, a limit, silence, no progress."""

from __future__ import annotations

from harness.domain import Ended, Evidence, Feature, Halt, LimitKind, Outcome, Stop, Verdict
from harness.run import Run
from harness.units import format_duration


def tell_of_attempt(run: Run, slug: str, attempt: int, evidence: Evidence, verdict: Verdict) -> None:
    """Tell of a question, a limit, or an agent that fell silent, once the attempt is written down."""
    about = {"slug": slug, "attempt": attempt}
    if verdict.outcome is Outcome.BLOCKED and evidence.question is not None:
        text = f'{slug} is blocked: {evidence.question}\nanswer it with `harness answer {slug} "text"`'
        run.notify("blocked", text, **about, question=evidence.question)
    if evidence.limit is not None and evidence.limit.kind is not LimitKind.REFUSED:
        limit = evidence.limit
        run.notify("limit", f"{limit.kind}: {limit.text}", **about, kind=limit.kind, resets_at=limit.resets_at)
    if evidence.reply.exit.ended is Ended.IDLE:
        idle = format_duration(run.settings.idle_timeout)
        run.notify("silent", f"{slug}: attempt {attempt} printed nothing for {idle} and was ended", **about)


def tell_of_parked(run: Run, feature: Feature, streak: int) -> None:
    """Tell of a feature that is set aside without progress while the run goes on."""
    text = f"{feature.slug}: set aside after {streak} attempts in a row without progress"
    run.notify("stuck", text, slug=feature.slug, streak=streak)


def tell_of_end(run: Run, stop: Stop) -> None:
    """Tell of a run that ends stuck, or of an outage that lasted too long; `finished` follows with the result."""
    if stop.halt is Halt.STUCK and stop.slug not in run.parked:
        run.notify("stuck", f"{stop.halt.sentence}: {stop.because}", slug=stop.slug or None)
    if stop.halt is Halt.QUOTA and run.faults:
        run.notify("limit", f"{stop.halt.sentence}: {stop.because}", kind="outage", resets_at=stop.resets_at)
