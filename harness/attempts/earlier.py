"""Features that are done stay proven: their checks run again where a later one could have touched what they need."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from harness.attempts.attempt import Attempt, Gathered
from harness.attempts.order import EarlierCheck
from harness.attempts.recheck import plan_head, recheck
from harness.attempts.write_down import names_to_commit
from harness.domain.feature import Check, Feature
from harness.domain.halt import Halt, Stop
from harness.domain.listener import Tone
from harness.domain.text import counted, one_line
from harness.domain.verdict import CheckRun
from harness.records.events import Verified
from harness.run.run import Run
from harness.workspace.checks import describe
from harness.workspace.clean_checkout import CheckoutPlan

_ENDS_AT_ONCE = (Halt.INTERRUPTED, Halt.MOVED, Halt.PAUSED)
_LONG_ENOUGH = 3  # letters of a name that is looked for in a command


def find_touched(run: Run, attempt: Attempt, found: Gathered) -> tuple[EarlierCheck, ...]:
    """Return the checks of done features that what would be committed may have to do with.

    By the files that those features changed themselves, and by the names that their checks mention.
    """
    own = {check.command for check in attempt.order.checks}
    names, touched = names_to_commit(run, attempt, found), list[EarlierCheck]()
    for feature in proven_features(run):
        landed = run.history.of(feature.slug).landed
        if feature.slug == attempt.slug:
            continue
        for check in run.checks_for(feature):
            is_new = check.command not in own and (landed & names or mentions(check, names))
            in_tree = run.history.of(feature.slug).in_tree
            touched += [EarlierCheck(feature.slug, check, in_tree)] if is_new else []
            own |= {check.command} if is_new else set()
    return tuple(touched)


def mentions(check: Check, names: Collection[str]) -> bool:
    """Return whether a command names one of the files, or a folder that it lies in."""
    parts = {part for name in names for part in name.split("/") if len(part) >= _LONG_ENOUGH}
    return any(part in check.command for part in parts)


def proven_features(run: Run) -> Iterator[Feature]:
    """Yield the features that harness accepted by their checks, as their specs are now."""
    for feature in run.specs.last:
        record = run.history.of(feature.slug)
        if feature.slug in run.history.known and record.accepted_spec == feature.sha256 and not feature.problem:
            yield feature


def blame(run: Run, attempt: Attempt, runs: Iterable[CheckRun]) -> tuple[CheckRun, ...]:
    """Return the red checks of done features that were green before the attempt; the others are written down.

    In the working tree nobody can look at what was before: there the attempt is to blame.
    """
    red = [one for one in runs if not one.green and not one.stopped]
    checks = {each.check.command: each.check for each in attempt.order.earlier if not each.in_tree}
    clean = [one for one in red if one.command in checks]
    plan = plan_head(run) if clean and attempt.order.plan is not None else None
    if plan is None:
        return tuple(red)
    before = recheck(run, attempt.slug, [checks[one.command] for one in clean], plan)
    was_red = {one.command for one in before.runs if not one.green}
    for one in clean:
        if one.command in was_red:
            tell_regressed(run, one.of, (one,))
    return tuple(one for one in red if one.command not in was_red)


def check_all_proven(run: Run, stop: Stop) -> Stop:
    """Run the checks of all done features on what the run ends with; returns how it ends then.

    Where they were proven in a clean checkout, on the commit, and only where its tree is not known; the others where a
    feature was accepted after them.
    """
    features = list(proven_features(run))
    if stop.halt in _ENDS_AT_ONCE or run.asked_to_stop() is not None:
        return stop
    plan = plan_head(run) if features else None
    on_commit = [one for one in features if plan is not None and not run.history.of(one.slug).in_tree]
    rest = [one for one in features if one not in on_commit and one.slug != (run.tally.accepted or [""])[-1]]
    _check_all(run, on_commit, plan)
    _check_all(run, rest if run.tally.accepted else [], None)
    return stop_for_regressed(run, stop)


def _check_all(run: Run, features: Collection[Feature], plan: CheckoutPlan | None) -> None:
    checks = list(dict.fromkeys(check for feature in features for check in run.checks_for(feature)))
    unknown = [check for check in checks if plan is None or run.verdicts.find(plan, check) is None]
    if unknown:
        names = counted(len(features), "done feature")
        run.tell(f"checking again that {names} still hold: {counted(len(unknown), 'check')}")
    found = recheck(run, "all", checks, plan)
    red = {one.command: one for one in found.runs if not one.green and not one.stopped}
    for feature in features:
        own = run.checks_for(feature)
        if mine := tuple(red[check.command] for check in own if check.command in red):
            tell_regressed(run, feature.slug, mine)
        elif run.history.of(feature.slug).regressed and not found.stopped:
            run.write(Verified(slug=feature.slug, green=True))


def tell_regressed(run: Run, slug: str, runs: Iterable[CheckRun]) -> None:
    """Write down and say that a done feature does not hold any more."""
    runs = tuple(runs)
    if not run.history.of(slug).regressed:
        run.write(Verified(slug=slug, green=False, failing=tuple(one.command for one in runs)))
    names = "; ".join(f"`{one_line(one.command, 60)}`: {describe(one)}" for one in runs)
    run.tell(f"{slug}: regressed: it was done, and does not hold any more: {names}", Tone.BAD)


def stop_for_regressed(run: Run, stop: Stop) -> Stop:
    """Return another end than that all is done, where a feature that was asked for has regressed."""
    wanted = run.specs.among_wanted(run.specs.last)
    regressed = [feature.slug for feature in wanted if run.history.is_regressed(feature)]
    if stop.halt is not Halt.ALL_DONE or not regressed:
        return stop
    more = f" and {len(regressed) - 1} more" if regressed[1:] else ""
    return Stop(Halt.REGRESSED, f"{regressed[0]}{more}", regressed[0])
