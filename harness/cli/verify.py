"""`harness verify`: run the checks of accepted features again, and say which no longer hold."""

from __future__ import annotations

from typing import Any

from harness.attempts.recheck import recheck
from harness.attempts.renew import CHANGED, renew
from harness.domain.feature import Feature
from harness.domain.listener import Tone
from harness.domain.text import one_line
from harness.records.events import Verified
from harness.run.look import look_around
from harness.run.run import Run
from harness.workspace.checks import describe


def verify(run: Run) -> dict[str, Any]:
    """Check every accepted feature of the run again; its receipt stays as it is, the journal keeps the result."""
    rows = []
    look = look_around(run)
    done = look.markers.done
    for feature in look.features:
        if run.interrupts.interrupted:
            break
        if feature.slug in done or run.history.is_stale(feature):
            rows.append(_verify_one(run, feature))
        elif feature.slug in run.specs.wanted:
            because = "`" + feature.slug + "` has no receipt"
            rows.append({"slug": feature.slug, "result": "not accepted", "because": because, "checks": []})
    return {"features": rows, "drifted": sum(row["result"] in ("drifted", "not accepted") for row in rows)}


def _verify_one(run: Run, feature: Feature) -> dict[str, Any]:
    if not run.checks_for(feature):
        return {"slug": feature.slug, "result": "unverified", "because": "it has no checks", "checks": []}
    found = recheck(run, feature.slug, run.checks_for(feature), None)
    if found.stopped:
        return {"slug": feature.slug, "result": "interrupted", "because": "stopped before it ended", "checks": []}
    red = [one for one in found.runs if not one.green]
    run.write(Verified(slug=feature.slug, green=not red, failing=tuple(one.command for one in red)))
    stale = run.history.is_stale(feature)
    if stale and not red:
        renew(run, feature, found, CHANGED)
    result = "drifted" if red else "proven"
    because = "; ".join(f"`{one_line(one.command, 60)}`: {describe(one)}" for one in red) or (
        "every check is green: its receipt is renewed for the spec as it is now" if stale else "every check is green"
    )
    run.tell(f"{feature.slug}: {result}: {because}", Tone.BAD if red else Tone.PLAIN)
    ran = [{"command": one.command, "exit": one.code, "seconds": round(one.seconds, 3)} for one in found.runs]
    return {"slug": feature.slug, "result": result, "because": because, "checks": ran}
