"""Checks that agents do not see, outside of any attempt, and what a person and an agent are told of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from harness.attempts.recheck import Rechecked, recheck
from harness.domain.feature import Feature
from harness.domain.text import counted
from harness.domain.verdict import CheckRun
from harness.run.run import Run
from harness.workspace.clean_checkout import CheckoutPlan
from harness.workspace.held_out import if_there, place_of

HIDDEN = "harness: checks that are held out"


def recheck_feature(run: Run, feature: Feature, plan: CheckoutPlan | None, *, anew: bool = False) -> Rechecked:
    """Return how all checks of a done feature ended in one place, those that agents do not see among them."""
    found = recheck(run, feature.slug, run.checks_for(feature), plan, anew=anew)
    return add_held_out(run, feature, plan, found, anew=anew)


def add_held_out(
    run: Run, feature: Feature, plan: CheckoutPlan | None, found: Rechecked, *, anew: bool = False
) -> Rechecked:
    """Return how the checks of a done feature ended, and those that agents do not see, which run where the others pass.

    Of these there is one run, a red check of harness's own, where one is red.
    """
    if not feature.held_out or found.stopped or not found.runs or not all(one.green for one in found.runs):
        return found
    place, held_out = plan if found.clean else None, if_there(place_of(feature.path))
    runs = recheck(run, feature.slug, feature.held_out, place, anew=anew, held_out=held_out).runs
    return replace(found, runs=(*found.runs, *blame_held_out(run, runs)))


def blame_held_out(run: Run, runs: Sequence[CheckRun]) -> tuple[CheckRun, ...]:
    """Return a red check of harness's own where one that agents do not know is red; they are told no more."""
    red = [one for one in runs if not one.green]
    if not red:
        return ()
    if stopped := [one for one in red if one.stopped]:
        return (replace(stopped[0], command=HIDDEN, tail=""),)
    said = f"{len(red)} of {counted(len(runs), 'check')} that you cannot see failed"
    if run.settings.held_out_output == "show":
        said = "\n\n".join([said, *(f"$ {one.command}\n[{one.ending}]\n{one.tail}" for one in red)])
    return (CheckRun(HIDDEN, 1, round(sum(one.seconds for one in red), 3), said),)
