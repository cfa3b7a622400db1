"""The checks of a feature, before the work: which of them can show that it was done."""

from __future__ import annotations

from harness.attempts.recheck import Rechecked, plan_head, recheck
from harness.attempts.work import NO_CHANGE
from harness.attempts.write_down import as_result
from harness.decide.evidence import ALREADY_GREEN, Mending, find_weak_runs
from harness.domain.errors import ConfigError
from harness.domain.feature import Feature
from harness.domain.listener import Tone
from harness.domain.text import one_line
from harness.domain.verdict import CheckRun
from harness.records.events import CheckedBefore
from harness.run.checkouts import find_mending
from harness.run.run import Run
from harness.workspace.clean_checkout import CheckoutPlan
from harness.workspace.left_out import find_left_out


def check_before(run: Run, feature: Feature) -> bool:
    """Run the feature's checks before its first attempt, and say what they can show; False where it is left.

    Again when its spec has changed, if the work that was done meanwhile does not get in the way.
    """
    _refuse_red_baseline(run, feature)
    record, checks = run.history.of(feature.slug), run.checks_for(feature)
    wanted = run.settings.checks_must_fail_first
    known = record.baseline == feature.sha256 and (record.open_attempts > 0 or record.baseline_run == run.id)
    if wanted == "off" or not checks or known:
        return True
    plan = plan_head(run) if run.commits else None
    if run.in_flight or (plan is None and record.attempts):
        return True
    found = recheck(run, feature.slug, checks, plan)
    if found.stopped or run.tally.moved is not None:
        return False
    results = tuple(map(as_result, found.runs))
    run.write(CheckedBefore(slug=feature.slug, spec=feature.sha256, clean=found.clean, checks=results))
    weak = tuple(find_weak_runs(found.runs, *_look_in_tree(run, feature, plan, found)))
    red = [one for one in found.runs if not one.green]
    shared = {one.command for one in run.settings.checks_besides(run.specs.checks_of(feature))}
    for one in red:
        if one.command in shared and one.ran:
            said = f"`{one_line(one.command, 60)}` of harness.yaml is red (exit {one.code})"
            run.tell_once(f"before the work, {said}: every claim waits until it is green", Tone.NOTICE)
        elif one.command == NO_CHANGE:
            run.tell_once(f"before the work, {one.tail}: no claim is green until then", Tone.NOTICE)
    for weakness in weak:
        if weakness.rule != ALREADY_GREEN:
            run.tell_once(f"{feature.slug}: before the work, {weakness.says}; {weakness.hint}", Tone.NOTICE)
        elif wanted == "require":
            run.skip(feature, f"{weakness.says} (`checks_must_fail_first: require`)")
            return False
        else:
            run.tell(f"{feature.slug}: {weakness.says}", Tone.NOTICE)
    return True


def _refuse_red_baseline(run: Run, feature: Feature) -> None:
    """Raise ConfigError where the project's own checks are red and that is refused; looked at once in a run."""
    checks = run.settings.commands
    if run.settings.baseline != "refuse" or run.tally.knows_baseline or not checks or run.in_flight:
        return
    run.tally.knows_baseline = True
    plan = plan_head(run) if run.commits else None
    if plan is None and any(record.attempts for record in run.history.histories.values()):
        run.tell("`baseline: refuse` refuses nothing here: work has begun in this tree", Tone.NOTICE)
        return
    found = recheck(run, feature.slug, checks, plan)
    if red := [one for one in found.runs if not one.green and not one.stopped]:
        names = "; ".join(f"`{one_line(one.command, 60)}`: {one.ending}" for one in red)
        hint = "mend that first, or begin all the same with `baseline: accept`"
        raise ConfigError(f"red before the work, and `baseline: refuse`: {names}", hint)


def _look_in_tree(
    run: Run, feature: Feature, plan: CheckoutPlan | None, found: Rechecked
) -> tuple[dict[str, CheckRun], Mending]:
    """Return how the checks that are red in a clean checkout end in the working tree, and what could mend that."""
    checks = [one for one, ran in zip(run.checks_for(feature), found.runs, strict=False) if not ran.green]
    if plan is None or not found.clean or not checks:
        return {}, Mending()
    mending = find_mending(run.config, run.workspace, plan)
    if not plan.setup and not find_left_out(run.workspace.top, run.workspace.ignored(), 0.0):
        return {}, mending
    run.tell_once("what is red in a clean checkout runs in the working tree, too, to see what it lacks there")
    return {one.command: one for one in recheck(run, feature.slug, checks, None).runs}, mending
