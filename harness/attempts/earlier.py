"""Features that are done stay proven: their checks run again where a later one could have touched what they need."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace

from harness.attempts.attempt import Attempt, Gathered
from harness.attempts.held_out import add_held_out, recheck_feature
from harness.attempts.order import Earlier
from harness.attempts.recheck import plan_head, recheck, write_verified
from harness.attempts.renew import MOVED_ON, renew
from harness.attempts.write_down import names_to_commit
from harness.domain.feature import Check, Feature
from harness.domain.halt import Halt, Stop
from harness.domain.listener import Tone
from harness.domain.text import counted, one_line
from harness.domain.verdict import CheckRun
from harness.records.receipt import parse_receipt
from harness.run.interrupts import Ask
from harness.run.run import Run
from harness.workspace.clean_checkout import CheckoutPlan

_ENDS_AT_ONCE = (Halt.INTERRUPTED, Halt.MOVED, Halt.PAUSED)
CUT_SHORT = "done features were to be checked again, and the run was to stop before all were"
MOST_LOOKS = 3  # at a branch that moves on
TELL_EVERY = 10.0  # seconds between two words about how far a long recheck has come
_LONG_ENOUGH = 3  # letters of a name that is looked for in a command


def find_touched(run: Run, attempt: Attempt, found: Gathered) -> tuple[Earlier, ...]:
    """Return the checks of done features that what would be committed may have to do with.

    By the files that those features changed themselves, and by the names that their checks mention.
    """
    names, touched = names_to_commit(run, attempt, found), dict[tuple[Check, ...], Earlier]()
    for feature in proven_features(run):
        record, checks = run.history.of(feature.slug), run.checks_for(feature)
        is_touched = landed_or_mentioned(record.landed, checks, names)
        if feature.slug != attempt.slug and is_touched and checks != attempt.order.checks:
            touched.setdefault(checks, Earlier(feature.slug, checks, record.in_tree))
    return tuple(touched.values())


def landed_or_mentioned(landed: Collection[str], checks: Iterable[Check], names: Collection[str]) -> bool:
    """Return whether some of the names are among those that landed, or in a check."""
    return not set(landed).isdisjoint(names) or any(mentions(check, names) for check in checks)


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


def blame(run: Run, attempt: Attempt, runs: Sequence[CheckRun]) -> tuple[CheckRun, ...]:
    """Return the red checks of done features that were green before the attempt; the others are written down.

    In the working tree nobody can look at what was before: there the attempt is to blame.
    """
    found = [one for one in runs if one.stopped]
    for earlier in attempt.order.earlier:
        red = [one for one in runs if one.of == earlier.slug and not one.green and not one.stopped]
        plan = plan_head(run) if red and not earlier.in_tree and attempt.order.plan is not None else None
        was_red = set[str]()
        if plan is not None:
            was_red = {one.command for one in recheck(run, earlier.slug, earlier.checks, plan).runs if not one.green}
        if old := [one for one in red if one.command in was_red]:
            tell_regressed(run, earlier.slug, "" if plan is None else plan.candidate.commit, old)
        found += [one for one in red if one.command not in was_red]
    return tuple(found)


def check_all_proven(run: Run, stop: Stop) -> Stop:
    """Run the checks of all done features on what the run ends with; returns how it ends then.

    Where they were proven in a clean checkout, on the commit, and only where its tree is not known; the others where a
    feature was accepted after them. An end with work left says which were not.
    """
    features = list(proven_features(run))
    if stop.halt in _ENDS_AT_ONCE:
        left = len(_find_unchecked(run, features))
        return _add_reason(stop, f"not checked again: {counted(left, 'done feature')}" if left else "")
    plan = plan_head(run) if features else None
    in_tree = [one for one in features if run.history.of(one.slug).in_tree and run.settings.prove != "commit"]
    on_commit = [one for one in features if plan is not None and one not in in_tree]
    rest = [one for one in features if one not in on_commit and not _was_just_checked(run, one)]
    because = _check_on_head(run, on_commit, plan) or _check_all(run, rest, None)
    if because == CUT_SHORT:
        return _stop_for_cut_short(run, stop)
    if because and stop.halt is Halt.ALL_DONE:
        return Stop(Halt.NOT_CHECKED, because)
    stop = _add_reason(stop, f"done features were not checked again: {because}" if because else "")
    if not because:
        _renew_lost(run, on_commit)
    return _stop_for_stale(run, stop_for_regressed(run, stop))


def _find_unchecked(run: Run, features: Iterable[Feature]) -> list[Feature]:
    """Return the done features whose checks did not run on what the run ends with, when they were accepted."""
    head = run.workspace.heads.look().commit
    elsewhere = (one for one in features if not head or run.history.of(one.slug).proven_at != head)
    return [one for one in elsewhere if not _was_just_checked(run, one)]


def _add_reason(stop: Stop, more: str) -> Stop:
    return replace(stop, because="; ".join(filter(None, (stop.because, more))))


def _stop_for_cut_short(run: Run, stop: Stop) -> Stop:
    """Return another end than that all is done, where the run is to stop before it is known that all still holds."""
    if stop.halt is not Halt.ALL_DONE:
        return _add_reason(stop, CUT_SHORT)
    match run.interrupts.asked():
        case Ask.INTERRUPT:
            return Stop(Halt.INTERRUPTED, CUT_SHORT)
        case None:
            return Stop(Halt.LIMIT_REACHED, f"{CUT_SHORT} (`max_time`)")
    return Stop(Halt.PAUSED, CUT_SHORT)


def _renew_lost(run: Run, features: Sequence[Feature]) -> None:
    """Renew the receipts that name a commit which somebody took off the branch, and whose checks pass without it."""
    named = {one.slug: run.history.of(one.slug).proven_at for one in features}
    lost = run.workspace.heads.find_lost([commit for commit in named.values() if commit], "")
    for feature in [one for one in features if named[one.slug] in lost]:
        found = recheck_feature(run, feature, plan_head(run))
        if found.clean and all(one.green for one in found.runs):
            renew(run, feature, found, MOVED_ON)


def _stop_for_stale(run: Run, stop: Stop) -> Stop:
    """Return another end than that all is done, where a spec is not what its feature was accepted by any more."""
    if stop.halt is not Halt.ALL_DONE:
        return stop
    run.specs.reread()
    stale = [one.slug for one in run.specs.among_wanted(run.specs.on_disk) if run.history.is_stale(one)]
    return Stop.over(Halt.STALE, stale) if stale else stop


def _was_just_checked(run: Run, feature: Feature) -> bool:
    """Whether it is what the run accepted last, and nobody has worked or committed since."""
    last = run.history.last_ended
    if run.tally.accepted[-1:] != [feature.slug] or last is None or last.slug != feature.slug:
        return False
    head = run.workspace.heads.look().commit
    return not run.commits or not head or parse_receipt(run.journal.last_receipt(feature.slug)).commit == head


def _check_on_head(run: Run, features: Collection[Feature], plan: CheckoutPlan | None) -> str:
    """Run the checks of features on the last commit, and again where another came meanwhile, of a person perhaps.

    Returns why that could not be, "" where it could.
    """
    for _ in range(MOST_LOOKS):
        if because := _check_all(run, features, plan):
            return because
        now = plan_head(run) if plan is not None and run.asked_to_stop() is None else plan
        if now is None or plan is None or now.candidate.commit == plan.candidate.commit:
            return ""
        run.tell("the branch has moved on since they were checked: they are checked again")
        plan = now
    return "the branch moved on each time that they ran"


def _check_all(run: Run, features: Collection[Feature], plan: CheckoutPlan | None) -> str:
    """Run the checks of features, each in a checkout of its own; those that have the same, once.

    Returns why that could not be, "" where it could.
    """
    alike: dict[tuple[Check, ...], list[Feature]] = {}
    for feature in features:
        alike.setdefault(run.checks_for(feature), []).append(feature)
    unknown = {checks for checks in alike if plan is None or run.verdicts.find(plan, checks) is None}
    total, through, told = sum(map(len, unknown)), 0, run.clocks.steady()
    if unknown and run.asked_to_stop() is None:
        names = counted(len(features), "done feature")
        run.heartbeat.phase("checking", feature="", attempt=None)
        run.tell(f"checking again that {names} still hold: {counted(total, 'check')}")
    for checks, same in alike.items():
        if checks in unknown and run.asked_to_stop() is not None:
            return CUT_SHORT
        found = recheck(run, same[0].slug, checks, plan)
        through += len(checks) if checks in unknown else 0
        if through < total and run.clocks.steady() - told >= TELL_EVERY:
            run.tell(f"checking again: {through} of {counted(total, 'check')}")
            told = run.clocks.steady()
        if found.stopped:
            return CUT_SHORT
        if plan is not None and not found.clean:
            return f"no checkout of the last commit could be made: {found.because}"
        for feature in same:
            whole = add_held_out(run, feature, plan, found)
            if whole.stopped:
                return CUT_SHORT
            if red := [one for one in whole.runs if not one.green]:
                tell_regressed(run, feature.slug, found.commit, red)
            elif run.history.of(feature.slug).regressed or any(one.flaky for one in found.runs):
                write_verified(run, feature.slug, found.commit, found.runs)
    return ""


def tell_regressed(run: Run, slug: str, commit: str, runs: Sequence[CheckRun]) -> None:
    """Write down and say that a done feature does not hold any more, by checks that are red on a commit."""
    if not run.history.of(slug).regressed:
        write_verified(run, slug, commit, runs)
    names = "; ".join(f"`{one_line(one.command, 60)}`: {one.ending}" for one in runs)
    run.tell(f"{slug}: regressed: it was done, and does not hold any more: {names}", Tone.BAD)


def stop_for_regressed(run: Run, stop: Stop) -> Stop:
    """Return another end than that all is done, where a done feature has regressed, asked for or not."""
    regressed = [feature.slug for feature in run.specs.last if run.history.is_regressed(feature)]
    if stop.halt is not Halt.ALL_DONE or not regressed:
        return stop
    return Stop.over(Halt.REGRESSED, regressed)
