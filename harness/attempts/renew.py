"""A receipt whose spec changed since it was given: the checks as they are now decide, before any agent works."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from harness.attempts.accept import write_marker
from harness.attempts.quarantined import tell_found
from harness.domain.feature import Feature
from harness.domain.listener import Tone
from harness.domain.text import counted, one_line
from harness.domain.verdict import CheckRun
from harness.records.events import Accepted, Reopened
from harness.records.journal import utc
from harness.records.receipt import Proof, digest, parse_receipt, renew_receipt
from harness.run.run import Run
from harness.system import files
from harness.workspace.checks import Checker, describe, report_failures
from harness.workspace.quarantine import quarantine


def renew_stale(run: Run) -> bool:
    """Renew or reopen each feature whose spec changed since harness accepted it; returns whether there was one.

    What a person accepted or marked stays as they said. While a HALT stands, or an agent works, nothing is run.
    """
    if run.in_flight or run.asked_to_stop() is not None or run.interrupts.halt() is not None:
        return False
    taken_up = False
    for feature in filter(run.history.is_stale, run.specs.among_wanted(run.specs.last)):
        if feature.problem or not run.paths.done(feature.slug).exists():
            continue
        checks = counted(len(run.checks_for(feature)), "check")
        run.tell(f"{feature.slug}: its spec changed since it was accepted; running {checks}")
        runs = check_again(run, feature)
        if any(one.stopped for one in runs):
            return taken_up
        if runs and all(one.green for one in runs):
            renew(run, feature, runs)
        else:
            reopen(run, feature, runs)
        taken_up = True
    return taken_up


def check_again(run: Run, feature: Feature) -> tuple[CheckRun, ...]:
    """Run a feature's checks outside of any attempt; what they leave that programs obey is set aside.

    Ctrl-C ends them. HALT does not: it pauses work, and this is none.
    """
    site, slug = run.site, feature.slug
    checker = Checker(
        site.supervisor,
        run.paths.root,
        site.check_environment(),
        run.settings.check_timeout,
        confine=site.confine_check,
        asked_to_stop=lambda: 1.0 if run.interrupts.interrupted else None,
        began=lambda command: run.narrator.began(slug, f"{slug} · check {one_line(command, 60)}"),
    )
    appeared = partial(tell_found, run, slug, run.history.of(slug).attempts, "during the checks")
    with quarantine(run.paths, run.paths.kept, site.find_absent(run.paths.root), run.guard, appeared):
        try:
            return checker.run(run.checks_for(feature))
        finally:
            run.narrator.ended(slug)


def renew(run: Run, feature: Feature, runs: Sequence[CheckRun]) -> None:
    """Write a new receipt for the spec as it is now; its checks are green."""
    run.workspace.forget()
    snapshot, slug = run.workspace.snapshot(), feature.slug
    where = (
        f"commit: {snapshot.head}" if snapshot.clean else f"tree: {snapshot.digest} at commit {snapshot.head or 'none'}"
    )
    old, checks = run.journal.last_receipt(slug), [replace(one, command=run.redactor.text(one.command)) for one in runs]
    proof = Proof(feature.sha256, where, tuple(checks), "in the working tree")
    text = renew_receipt(old, proof, at=utc(run.clock()))
    run.write(Accepted(slug=slug, attempt=parse_receipt(old).attempt, sha256=digest(text), receipt=text))
    write_marker(run, slug, text)
    run.tell(f"{slug}: every check is green: its receipt is renewed for the spec as it is now", Tone.GOOD)


def reopen(run: Run, feature: Feature, runs: Sequence[CheckRun]) -> None:
    """Put the receipt aside: the feature is worked on again."""
    slug, done = feature.slug, run.paths.done(feature.slug)
    red = [one for one in runs if not one.green]
    names = "; ".join(f"`{one_line(one.command, 60)}`: {describe(one)}" for one in red)
    because = f"its spec changed since it was accepted, and {names or 'no check can tell whether it still holds'}"
    said = f"It was done once. Since then {because}.\n\n{report_failures(runs)}".rstrip()
    aside = files.move(done, run.paths.attempts(slug) / done.name)
    run.markers.discard(done.name)
    run.write(Reopened(slug=slug, because=because, observed=said))
    run.tell(f"{slug}: worked on again: {because} (its receipt is now `{run.paths.shown(aside)}`)", Tone.BAD)
