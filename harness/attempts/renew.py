"""A receipt that may not hold any more: the checks as they are now decide, before any agent works."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from harness.attempts.accept import say_where, write_marker
from harness.attempts.held_out import add_held_out, recheck_feature
from harness.attempts.recheck import Rechecked, plan_head, recheck, write_verified
from harness.domain.feature import Feature
from harness.domain.listener import Tone
from harness.domain.look import UNKNOWN
from harness.domain.text import counted, one_line
from harness.domain.verdict import CheckedIn, CheckRun
from harness.records.events import Accepted, Reopened
from harness.records.journal import utc
from harness.records.receipt import Proof, digest, parse_receipt, read_before, renew_receipt
from harness.run.criteria import say_criteria
from harness.run.run import Run
from harness.system import files
from harness.workspace.checks import report_failures
from harness.workspace.clean_checkout import CheckoutPlan

CHANGED, FAILED = "its spec changed since it was accepted", "it was accepted, and a check of it failed since"
NOT_KNOWN = "the journal does not know its receipt"
REFUSED_RED = "git refused to commit it at first"
COMMITTED = "it was committed afterwards"
MOVED_ON = "the commit that its receipt named is not in what is checked out any more"


def renew_or_reopen(run: Run) -> bool:
    """Renew or reopen each feature that is stale or has regressed; returns whether there was one.

    What a person accepted or marked stays as they said. While a HALT stands, or an agent works, nothing is run.
    """
    waits = run.in_flight or run.tally.moved is not None
    if waits or run.asked_to_stop() is not None or run.interrupts.halt() is not None:
        return False
    taken_up, history = False, run.history
    for feature in run.specs.among_wanted(run.specs.last):
        is_stale, unknown = history.is_stale(feature), history.of(feature.slug).accepted_spec == UNKNOWN
        because = NOT_KNOWN if is_stale and unknown else CHANGED if is_stale else ""
        because = because or (FAILED if history.is_regressed(feature) else "")
        if not because or feature.problem or not files.exists(run.paths.done(feature.slug)):
            continue
        checks = run.checks_for(feature)
        run.tell(f"{feature.slug}: {because}; running {counted(len(checks), 'check')}")
        if is_stale:
            found = recheck_stale(run, feature)
        else:
            plan = None if history.of(feature.slug).in_tree else plan_head(run)
            found = recheck_feature(run, feature, plan, anew=True)
        if found.stopped or run.tally.moved is not None:
            return taken_up
        if not found.runs or not all(one.green for one in found.runs):
            reopen(run, feature, found.runs, because)
        elif is_stale:
            renew(run, feature, found, because)
        else:
            write_verified(run, feature.slug, found.commit, found.runs)
            run.tell(f"{feature.slug}: every check is green: its receipt stands", Tone.GOOD)
        taken_up = True
    return taken_up


def recheck_stale(run: Run, feature: Feature) -> Rechecked:
    """Run the checks of a stale receipt in a clean checkout of the last commit.

    If that is red and its receipt is about the working tree, they run there as before.
    """
    plan = plan_head(run)
    found = _recheck(run, feature, plan)
    in_tree = run.history.of(feature.slug).in_tree
    if plan is None or found.stopped or not in_tree or all(one.green for one in found.runs):
        return found
    return replace(_recheck(run, feature, None), because="as before: in a clean checkout its checks do not pass")


def _recheck(run: Run, feature: Feature, plan: CheckoutPlan | None) -> Rechecked:
    """Run the checks where their end is not known, and those that agents do not see in any case."""
    found = recheck(run, feature.slug, run.checks_for(feature), plan)
    return add_held_out(run, feature, plan, found, anew=True)


def renew(run: Run, feature: Feature, found: Rechecked, why: str) -> None:
    """Write a new receipt for the spec as it is now, and for what its checks, which are green, began to run on."""
    slug = feature.slug
    old = run.journal.last_receipt(slug) or run.read_marker(slug)
    checks = tuple(replace(one, command=run.redactor.text(one.command)) for one in found.runs)
    because = "" if found.clean else found.because or run.site.no_checkout or "there is no commit"
    checked_in = CheckedIn(found.clean, because, found.brought, found.set_up_by, run.settings.sandbox_write)
    before = read_before(old, [one.command for one in checks])
    lacks = "" if found.clean else parse_receipt(old).lacks  # what the commit did not hold it holds no more now
    criteria = tuple(map(run.redactor.text, say_criteria(run, feature, found.runs, before)))
    checked = run.redactor.text(say_where(checked_in, ())) + lacks
    proof = Proof(feature.sha256, found.where, checks, checked, before, criteria=criteria)
    text = renew_receipt(old, proof, why=why, at=utc(run.clock()))
    run.write(Accepted(slug=slug, attempt=parse_receipt(old).attempt, sha256=digest(text), receipt=text))
    write_marker(run, slug, text)
    run.tell(f"{slug}: {why}, and every check is green: its receipt is renewed", Tone.GOOD)


def reopen(run: Run, feature: Feature, runs: Sequence[CheckRun], why: str) -> None:
    """Put the receipt aside: the feature is worked on again."""
    slug, done = feature.slug, run.paths.done(feature.slug)
    red = [one for one in runs if not one.green]
    names = "; ".join(f"`{one_line(one.command, 60)}`: {one.ending}" for one in red)
    because = (
        f"{why}, and {names or 'no check can tell whether it still holds'}" if why == CHANGED else f"{why}: {names}"
    )
    said = f"It was done once. Since then {because}.\n\n{report_failures(runs)}".rstrip()
    aside = files.move(done, run.paths.attempts(slug) / done.name)
    run.markers.discard(done.name)
    run.write(Reopened(slug=slug, because=because, observed=said))
    run.tell(f"{slug}: worked on again: {because} (its receipt is now `{run.paths.shown(aside)}`)", Tone.BAD)
