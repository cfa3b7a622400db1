"""The checks of a feature, before the work: which of them can show that it was done."""

from __future__ import annotations

from harness.attempts.recheck import plan_head, recheck
from harness.attempts.write_down import as_result
from harness.domain.errors import ConfigError
from harness.domain.feature import Feature
from harness.domain.listener import Tone
from harness.domain.text import one_line
from harness.domain.verdict import CheckRun
from harness.records.events import CheckedBefore
from harness.run.run import Run
from harness.workspace.checks import describe
from harness.workspace.left_out import find_left_out

NOT_RUN = (126, 127)  # how a shell ends when there is no such command, or none that can be run


def check_before(run: Run, feature: Feature) -> bool:
    """Run the feature's checks before its first attempt, and say what they can show; False where it is left.

    Again when its spec has changed, if the work that was done meanwhile does not get in the way.
    """
    _refuse_red_baseline(run, feature)
    record, checks = run.history.of(feature.slug), run.checks_for(feature)
    wanted = run.settings.checks_must_fail_first
    if wanted == "off" or not checks or record.baseline == feature.sha256:
        return True
    plan = plan_head(run) if run.commits else None
    if run.in_flight or (plan is None and record.attempts):
        return True
    found = recheck(run, feature.slug, checks, plan)
    if found.stopped or run.tally.moved is not None:
        return run.tally.moved is None
    results = tuple(map(as_result, found.runs))
    run.write(CheckedBefore(slug=feature.slug, spec=feature.sha256, clean=found.clean, checks=results))
    red = [one for one in found.runs if not one.green]
    if found.clean and red and find_left_out(run.workspace.top, run.workspace.ignored(), 0.0):
        _tell_what_needs_more(run, feature, {one.command for one in red})
    shared = {one.command for one in run.settings.checks_besides(run.specs.checks_of(feature))}
    for one in red:
        if one.command in shared and not _cannot_run(one):
            said = f"`{one_line(one.command, 60)}` of harness.yaml is red (exit {one.code})"
            run.tell_once(f"before the work, {said}: every claim waits until it is green", Tone.NOTICE)
    for one in filter(_cannot_run, red):
        said = "does it need something that is not installed?" if one.code in NOT_RUN else "is it meant to?"
        run.tell(
            f"{feature.slug}: before the work, `{one_line(one.command, 60)}`: {describe(one)}; {said}", Tone.NOTICE
        )
    if red:
        return True
    said = "every check passes before the work: none can show that it was done"
    if wanted == "require":
        run.skip(feature, f"{said} (`checks_must_fail_first: require`)")
        return False
    run.tell(f"{feature.slug}: {said}", Tone.NOTICE)
    return True


def _refuse_red_baseline(run: Run, feature: Feature) -> None:
    """Raise ConfigError where the project's own checks are red and that is refused; looked at once in a run."""
    checks = run.settings.checks
    if run.settings.baseline != "refuse" or run.tally.knows_baseline or not checks or run.in_flight:
        return
    run.tally.knows_baseline = True
    plan = plan_head(run) if run.commits else None
    if plan is None and any(record.attempts for record in run.history.histories.values()):
        run.tell("`baseline: refuse` refuses nothing here: work has begun in this tree", Tone.NOTICE)
        return
    found = recheck(run, feature.slug, checks, plan)
    if red := [one for one in found.runs if not one.green and not one.stopped]:
        names = "; ".join(f"`{one_line(one.command, 60)}`: {describe(one)}" for one in red)
        hint = "mend that first, or begin all the same with `baseline: accept`"
        raise ConfigError(f"red before the work, and `baseline: refuse`: {names}", hint)


def _tell_what_needs_more(run: Run, feature: Feature, red: set[str]) -> None:
    """Say which of the checks that are red in a clean checkout pass in the working tree."""
    checks = [check for check in run.checks_for(feature) if check.command in red]
    for one in recheck(run, feature.slug, checks, None).runs:
        if one.green:
            said = f"`{one_line(one.command, 60)}` passes in the working tree and not in a clean checkout"
            hint = "it needs what git does not hold: `workspace_include` brings that, or `prove: tree`"
            run.tell_once(f"{feature.slug}: before the work, {said}; {hint}", Tone.NOTICE)


def _cannot_run(one: CheckRun) -> bool:
    """Whether a check is red for a reason that may have nothing to do with the feature."""
    return one.code in NOT_RUN or one.code is None or one.timed_out
