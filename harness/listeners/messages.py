"""What happened that people outside want to hear: at once a question, a limit, silence, no progress; and the end."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from harness.domain.errors import StorageError
from harness.domain.listener import Tone
from harness.domain.look import Ended, Evidence, Feature, Halt, LimitKind, Outcome, Stop, Verdict
from harness.domain.units import format_duration
from harness.listeners.channels import Failure
from harness.records.journal import utc
from harness.run.run import Run


def notify(run: Run, event: str, text: str, **about: Any) -> None:  # noqa: ANN401
    """Tell who asked to be told of what happens in the middle; whatever fails changes nothing."""
    if run.notifier.listens:
        _note_failures(run, run.notifier.send(_compose(run, event, text, about)), event)


def notify_end(run: Run, text: str, result: dict[str, Any]) -> None:
    """Tell who asked to be told of the end, with the result as `run --json` gives it."""
    failures = run.notifier.send(_compose(run, "finished", text, {"result": result}))
    run.tick()
    _note_failures(run, failures + run.notifier.finish(run.redactor.deep(result), run.id), "finished")


def _compose(run: Run, event: str, text: str, about: Mapping[str, Any]) -> dict[str, Any]:
    project = {"project": str(run.paths.root), "run": run.id, "at": utc(run.clock())}
    return {**run.redactor.deep({"text": text, **about}), "event": event, **project}


def _note_failures(run: Run, failures: list[Failure], event: str) -> None:
    """Say once for each channel that it could not be told, and write each time down."""
    for failure in failures:
        with suppress(StorageError):
            run.record("notify_failed", channel=failure.channel, told=event, why=failure.why)
        run.tell_once(f"{failure.channel} could not be told: {failure.why}", Tone.NOTICE)


def tell_of_attempt(run: Run, slug: str, attempt: int, evidence: Evidence, verdict: Verdict) -> None:
    """Tell of a question, a limit, or an agent that fell silent, once the attempt is written down."""
    about = {"slug": slug, "attempt": attempt}
    if verdict.outcome is Outcome.BLOCKED and evidence.question is not None:
        text = f'{slug} is blocked: {evidence.question}\nanswer it with `harness answer {slug} "text"`'
        notify(run, "blocked", text, **about, question=evidence.question)
    if evidence.limit is not None and evidence.limit.kind is not LimitKind.REFUSED:
        limit = evidence.limit
        notify(run, "limit", f"{limit.kind}: {limit.text}", **about, kind=limit.kind, resets_at=limit.resets_at)
    if evidence.reply.exit.ended is Ended.IDLE:
        idle = format_duration(run.settings.idle_timeout)
        notify(run, "silent", f"{slug}: attempt {attempt} printed nothing for {idle} and was ended", **about)


def tell_of_parked(run: Run, feature: Feature, streak: int, text: str) -> None:
    """Tell of a feature that is set aside without progress while the run goes on; `text` as the run told it."""
    notify(run, "stuck", text, slug=feature.slug, streak=streak)


def tell_of_end(run: Run, stop: Stop) -> None:
    """Tell of a run that ends stuck, or of an outage that lasted too long; `finished` follows with the result."""
    if stop.halt is Halt.STUCK and stop.slug not in run.parked:
        notify(run, "stuck", f"{stop.halt.sentence}: {stop.because}", slug=stop.slug or None)
    if stop.halt is Halt.QUOTA and run.faults:
        notify(run, "limit", f"{stop.halt.sentence}: {stop.because}", kind="outage", resets_at=stop.resets_at)
