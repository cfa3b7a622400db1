"""From a run's first word to its result: the document that `run --json` prints, and who is told of it."""

from __future__ import annotations

from typing import Any

from harness.domain.errors import HarnessError, as_expected
from harness.domain.halt import Stop
from harness.listeners.channels import Notifier
from harness.loop import run_and_record_error
from harness.records.journal import utc
from harness.reports.status import report_status
from harness.reports.view import read_view
from harness.run.preflight import announce
from harness.run.run import Run


def run_and_report(run: Run, notifier: Notifier, *, wanted: bool) -> tuple[Stop, dict[str, Any] | None]:
    """Run to the end and return why it ended, and the result where it is `wanted`; tells who asked to be told.

    An error that ends it in the middle is told as well, and raised again: nothing here changes the exit code.
    """
    try:
        announce(run)
        stop, _ = run_and_record_error(run)
    except Exception as error:
        notify_end(run, notifier, *_explain(error))
        raise
    if not wanted and not notifier.wanted:
        return stop, None
    run.heartbeat.phase("telling", silent=True, feature="", attempt=None)
    try:
        result = report_end(run, stop)
    except HarnessError:  # a spec that broke meanwhile
        if wanted:
            raise
        result = describe_end(run, stop)
    notify_end(run, notifier, f"{stop.halt.sentence} ({stop.because}); exit {stop.halt.code}", result)
    return stop, result


def notify_end(run: Run, notifier: Notifier, text: str, result: dict[str, Any]) -> None:
    """Tell who asked to be told of the end, with the result as `run --json` gives it."""
    if not notifier.wanted:
        return
    told = run.redactor.deep({"text": text, "result": result})
    project = {"project": str(run.paths.root), "run": run.id, "at": utc(run.clock())}
    failures = notifier.send({**told, "event": "finished", **project})
    run.tick()
    run.note_failures(failures + notifier.finish(run.redactor.deep(result), run.id))


def _explain(error: Exception) -> tuple[str, dict[str, Any]]:
    if (known := as_expected(error)) is not None:
        code, message, hint = known.exit_code, known.message, known.hint
    else:
        code, message, hint = 70, f"a bug in harness: {type(error).__name__}", "see the report in logs/"
    return f"{message}; exit {code}", {"error": message, "hint": hint, "code": code}


def report_end(run: Run, stop: Stop) -> dict[str, Any]:
    """Return the result of a run: why it ended, what to do, its figures, and where every feature stands."""
    return {**describe_end(run, stop), "features": report_status(read_view(run.config, run.specs.wanted))["features"]}


def describe_end(run: Run, stop: Stop) -> dict[str, Any]:
    """Return the result of a run without its features."""
    return {
        "halt": stop.halt.name,
        "code": stop.halt.code,
        "because": stop.because,
        "slug": stop.slug or None,
        "advice": stop.advice or stop.halt.advice,
        "resets_at": stop.resets_at,
        "run": run.id,
        "iterations": run.tally.iterations,
        "dollars": run.tally.dollars,
        "elapsed": run.clocks.elapsed,
    }
