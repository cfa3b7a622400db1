"""`harness verify`: run the checks of accepted features again, and say which no longer hold."""

from __future__ import annotations

from functools import partial
from typing import Any

from harness.attempts.quarantined import tell_found
from harness.domain.feature import Feature
from harness.domain.listener import Tone
from harness.domain.text import one_line
from harness.records.events import Verified
from harness.records.receipt import parse_receipt
from harness.run.look import look_around
from harness.run.run import Run
from harness.workspace.checks import Checker, describe
from harness.workspace.quarantine import quarantine


def verify(run: Run) -> dict[str, Any]:
    """Check every accepted feature of the run again; its receipt stays as it is, the journal keeps the result."""
    rows = []
    look = look_around(run)
    done = look.markers.done
    for feature in look.features:
        if run.interrupts.interrupted:
            break
        if feature.slug in done:
            rows.append(_verify_one(run, feature))
        elif feature.slug in run.specs.wanted:
            because = "`" + feature.slug + "` has no receipt"
            rows.append({"slug": feature.slug, "result": "not accepted", "because": because, "checks": []})
    return {"features": rows, "drifted": sum(row["result"] in ("drifted", "stale", "not accepted") for row in rows)}


def _verify_one(run: Run, feature: Feature) -> dict[str, Any]:
    receipt = parse_receipt(run.read_marker(feature.slug))
    checks = run.checks_for(feature)
    if not checks:
        return {"slug": feature.slug, "result": "unverified", "because": "it has no checks", "checks": []}
    site, attempts = run.site, run.history.of(feature.slug).attempts
    checker = Checker(
        site.supervisor,
        run.paths.root,
        site.check_environment(),
        run.settings.check_timeout,
        confine=site.confine_check,
        asked_to_stop=lambda: 1.0 if run.interrupts.interrupted else None,  # HALT pauses work, and this is none
    )
    appeared = partial(tell_found, run, feature.slug, attempts, "during the checks")
    with quarantine(run.paths, run.paths.kept, site.find_absent(run.paths.root), run.guard, appeared):
        run.narrator.began(feature.slug, f"{feature.slug} · verify")
        try:
            runs = checker.run(checks)
        finally:
            run.narrator.ended(feature.slug)
    if any(one.stopped for one in runs):
        return {"slug": feature.slug, "result": "interrupted", "because": "stopped before it ended", "checks": []}
    red = [one for one in runs if not one.green]
    run.write(Verified(slug=feature.slug, green=not red, failing=tuple(one.command for one in red)))
    stale = bool(receipt.spec) and receipt.spec != feature.sha256
    result = "drifted" if red else "stale" if stale else "proven"
    because = "; ".join(f"`{one_line(one.command, 60)}`: {describe(one)}" for one in red) or (
        "every check is green, but the spec changed since it was accepted" if stale else "every check is green"
    )
    run.tell(f"{feature.slug}: {result}: {because}", Tone.BAD if red else Tone.PLAIN)
    ran = [{"command": one.command, "exit": one.code, "seconds": round(one.seconds, 3)} for one in runs]
    return {"slug": feature.slug, "result": result, "because": because, "checks": ran}
