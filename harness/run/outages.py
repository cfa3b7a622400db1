"""What somebody else's outage, and an agent that fails at once, mean for the run: a wait, each longer, or the end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from harness.decide.backoff import after_failures, after_fault
from harness.domain.halt import Stop
from harness.domain.listener import Tone
from harness.domain.look import Wait
from harness.domain.units import format_duration
from harness.domain.verdict import Outcome, Verdict
from harness.records.events import Waiting
from harness.run.run import Run


def wait_out_fault(run: Run, because: str) -> None:
    """Wait after somebody else's outage, each time longer; one that lasts too long ends the run.

    While other attempts are in flight, nothing more is begun for as long, and they are kept meanwhile.
    """
    outage = run.failover.count_fault(run.clocks.steady())
    match after_fault(run.failover.faults, outage, run.rules, run.clocks.jitter(), because):
        case Stop() as stop:
            run.failover.stop(stop)
        case Wait(seconds):
            until = round(run.clock() + seconds, 3)
            run.write(Waiting(seconds=round(seconds, 3), until=until, because=because))
            run.tell(
                f"waiting {format_duration(round(seconds, 1))}: {because}; the attempt does not count", Tone.NOTICE
            )
            if run.in_flight:
                run.failover.quiet_until = run.clocks.steady() + seconds
                return
            run.heartbeat.phase("waiting")
            run.interrupts.wait(seconds)
            run.watch_clock()


def meet_failure(run: Run, verdict: Verdict, folder: Path) -> None:
    """Count failures at once and without a token, which count against no feature; alike in a row, they end the run.

    `folder` is that of the attempt: what its agent printed lies there.
    """
    if verdict.outcome is not Outcome.FAILED or verdict.charged:
        run.failover.failures.clear()
        return
    run.failover.failures.append(verdict.reason)
    stop = after_failures(run.failover.failures, run.rules)
    if stop is not None:
        printed = run.paths.shown(folder)
        advice = f"try the agent by hand: what it printed is in `{printed}` (stream.jsonl, stderr.log)"
        if run.site.sandbox is not None:
            advice += "; a file that it misses inside the sandbox can be let in with `sandbox_read`"
        run.failover.stop(replace(stop, advice=advice))
