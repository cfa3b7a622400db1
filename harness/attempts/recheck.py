"""Checks outside of any attempt: on a commit, clean where that can be, and not twice on the same tree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from harness.attempts.moves import CHECKS, Mover, watch_head
from harness.attempts.quarantined import restore_links, tell_env_files, tell_found
from harness.attempts.work import HELD_OUT, red_for_changed
from harness.domain.feature import Check
from harness.domain.listener import Tone
from harness.domain.text import one_line
from harness.domain.verdict import CheckRun, find_flaky
from harness.records.env_files import note_standing
from harness.records.events import Verified
from harness.run.checkouts import plan_for
from harness.run.run import Run
from harness.workspace.checks import Checker
from harness.workspace.clean_checkout import CheckoutError, CheckoutPlan, SetupFailed
from harness.workspace.quarantine import quarantine


@dataclass(frozen=True, slots=True)
class Rechecked:
    """How checks ended, in their order: `clean` in a checkout, or in the working tree; without those after a stop."""

    runs: tuple[CheckRun, ...]
    clean: bool = False
    because: str = ""  # why not in a checkout, where there was to be one
    commit: str = ""  # that the checks saw, "" where the working tree was none
    tree: str = ""  # of a working tree that was no commit: its digest and the last commit, as it was before they ran
    brought: tuple[str, ...] = ()  # into it, from the project
    set_up_by: tuple[str, ...] = ()  # the commands of its setup

    @property
    def where(self) -> str:
        """What the checks began to run on, as a receipt names it."""
        return f"commit: {self.commit}" if self.commit else f"tree: {self.tree}"

    @property
    def stopped(self) -> bool:
        """Whether they were stopped before the last one ended."""
        return any(one.stopped for one in self.runs)


def plan_head(run: Run) -> CheckoutPlan | None:
    """Return the checkout of the commit that the branch is at; None for the working tree."""
    if run.site.checkout is None or (head := run.workspace.commits.candidate_at_head()) is None:
        return None
    return plan_for(run, head)


def recheck(
    run: Run,
    slug: str,
    checks: Sequence[Check],
    plan: CheckoutPlan | None,
    *,
    anew: bool = False,
    held_out: Path | None = None,
) -> Rechecked:
    """Run checks one after another in a clean checkout of their own; without a plan, in the working tree.

    If their end on that tree is known they are not run, unless they are to run `anew`. They end when the run is to stop
    at once; a HALT that lets an attempt finish lets them finish, too. The folder `held_out` is shown to them alone.
    """
    if plan is None or run.site.checkout is None:
        return _recheck_in_tree(run, slug, checks, held_out)
    plan = replace(plan, held=(*plan.held, held_out)) if held_out is not None else plan
    clean = Rechecked(
        (),
        clean=True,
        commit=plan.candidate.commit,
        brought=plan.names_of_brought(run.workspace.top),
        set_up_by=plan.set_up_by,
    )
    if not anew and (ended := run.verdicts.find(plan, checks)) is not None:
        return replace(clean, runs=ended)
    known = run.verdicts.find_on_same_files(plan, checks)
    if plan.setup and not run.site.checkout.is_set_up:
        run.tell_once(f"setting a clean checkout up: {', '.join(f'`{one_line(it, 60)}`' for it in plan.set_up_by)}")
    try:
        runs = find_flaky(_run(run, slug, checks, plan, known, held_out), known)
    except SetupFailed as failed:
        if failed.run.stopped:
            return Rechecked((failed.run,))
        run.tell(f"{slug}: {failed}; the checks run in the working tree", Tone.BAD)
        return replace(_recheck_in_tree(run, slug, checks, held_out), because=str(failed))
    except CheckoutError as error:
        return replace(_recheck_in_tree(run, slug, checks, held_out), because=one_line(str(error), 200))
    if changed := run.site.checkout.find_changed():
        runs = (*runs, red_for_changed(changed, checks, plan.candidate.names))
    run.verdicts.remember(plan, checks, runs)
    return replace(clean, runs=runs)


def _recheck_in_tree(run: Run, slug: str, checks: Sequence[Check], held_out: Path | None) -> Rechecked:
    snapshot = run.workspace.snapshot()
    commit = snapshot.head if snapshot.clean else ""
    tree = "" if commit else f"{snapshot.digest} at commit {snapshot.head or 'none'}"
    proven_at = run.history.of(slug).proven_at
    was_green = [CheckRun(one.command, 0, 0.0) for one in checks if commit and commit == proven_at]
    return Rechecked(_run(run, slug, checks, None, was_green, held_out), commit=commit, tree=tree)


def write_verified(run: Run, slug: str, commit: str, runs: Sequence[CheckRun]) -> tuple[str, ...]:
    """Write down how the checks of a done feature ended on a commit, "" for none; tell and return those that flip."""
    record, red = run.history.of(slug), [one.command for one in runs if not one.green]
    passed = [one.command for one in runs if one.green and commit and commit == record.regressed_at]
    flaky = [f"{one.command}: {one.flaky}, then {one.ending}" for one in runs if one.flaky]
    flaky += [f"{one}: failed, then passed, on the same commit" for one in record.regressed if one in passed]
    for said in flaky:
        run.tell(f"{slug}: flaky: {one_line(said, 160)}", Tone.NOTICE)
    run.write(Verified(slug=slug, green=not red, failing=tuple(red), commit=commit, flaky=tuple(flaky)))
    return tuple(flaky)


def can_set_up_head(run: Run, slug: str) -> bool:
    """Whether a clean checkout of the commit that the branch is at can be made and set up."""
    try:
        return (plan := plan_head(run)) is not None and _run(run, slug, (), plan) == ()
    except CheckoutError:
        return False


def _run(
    run: Run,
    slug: str,
    checks: Sequence[Check],
    plan: CheckoutPlan | None,
    known: Sequence[CheckRun] = (),
    held_out: Path | None = None,
) -> tuple[CheckRun, ...]:
    """Run checks; what they leave in the project that programs obey is set aside. Raises CheckoutError for a plan."""
    site, root, number = run.site, run.paths.root, run.history.of(slug).attempts
    watched = plan is None and not run.in_flight
    if watched:
        run.workspace.heads.note()
    if not run.in_flight:
        note_standing(run.paths)
        run.note_links()
    appeared = partial(tell_found, run, slug, number, "during the checks")
    with quarantine(run.paths, run.paths.kept, site.find_absent(root), run.guard, appeared):
        try:
            checkout = None if plan is None else site.check_out(plan, root, slug)
            checker = Checker(
                site.supervisor,
                root if checkout is None else checkout.place_of(root),
                site.check_environment(),
                run.settings.check_timeout,
                confine=partial(
                    site.confine_check, checkout=checkout if checkout and checkout.shown else None, held_out=held_out
                ),
                asked_to_stop=run.asked_to_stop,
                began=lambda command: run.narrator.began(
                    slug, f"{slug} · check {one_line(command, 60) if held_out is None else HELD_OUT}"
                ),
                were_green={one.command for one in known if one.green},
                retries=run.settings.check_retries,
            )
            return checker.run(checks)
        finally:
            run.narrator.ended(slug)
            tell_env_files(run, slug)
            restore_links(run, slug, number, "during the checks", run.paths.kept)
            run.workspace.forget()
            if watched:
                watch_head(run, Mover(slug, number, CHECKS))
