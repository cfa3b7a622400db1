"""A second look at a claim whose checks passed: by what judged it before, by its code, by what its agent never saw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from harness.attempts.attempt import Attempt, Gathered
from harness.attempts.changes import Found, look_at_changes
from harness.attempts.held_out import blame_held_out
from harness.attempts.judging import find_base
from harness.attempts.order import Delivery
from harness.attempts.prove import begin_of_work
from harness.attempts.recheck import recheck
from harness.attempts.work import NO_CHANGE
from harness.attempts.write_down import names_to_commit
from harness.decide.calls import follow
from harness.decide.judge_files import Judgement, Judging, holds_runner
from harness.domain.check_command import may_want_failure
from harness.domain.obeyed import is_allowed
from harness.domain.setup_command import is_manifest
from harness.domain.tests_ran import count_tests, say_failed
from harness.domain.text import counted, list_some, listed, one_line
from harness.domain.verdict import CheckRun
from harness.records.receipt import NOT_WITHOUT
from harness.run.checkouts import plan_for
from harness.run.held_out import find_in_git
from harness.run.run import Run
from harness.system import files
from harness.workspace.clean_checkout import CheckoutPlan
from harness.workspace.held_out import digest_held_out
from harness.workspace.installed import find_edited, find_written
from harness.workspace.workspace import Candidate

REPLAYED = "harness: the checks pass with what judges them as it was"
FEWER = "harness: as many tests run as before the work"
CHANGED = "harness: nothing in the change makes its checks worthless"
EDITED = "harness: what runs the tests is as it was installed"
FAILED = "harness: no test failed where a check passed"
ALLOWS = "a spec allows it by `may_change`"
SHOWN = 5  # names that a sentence has room for


def look_again(run: Run, attempt: Attempt, found: Gathered, delivery: Delivery, runs: Sequence[CheckRun]) -> Judgement:
    """Say what the second look at a claim means, whose checks passed at the first: these are `runs`."""
    judgement, changed = _look_at_judging(run, attempt, found, delivery, runs), look_at_changes(run, attempt, found)
    return replace(
        judgement,
        red=(
            *judgement.red,
            *_find_failed((*runs, *delivery.replayed)),
            *_blame_changes(changed),
            *_find_edited(run, attempt, found),
            *blame_held_out(run, delivery.held_out),
        ),
        lines=(*judgement.lines, *_say_held_out(run, attempt, delivery)),
        findings=changed.warnings,
        not_looked_at=changed.not_looked_at,
    )


def _look_at_judging(
    run: Run, attempt: Attempt, found: Gathered, delivery: Delivery, runs: Sequence[CheckRun]
) -> Judgement:
    judging, replay = found.judging, attempt.order.replay
    if replay is not None and delivery.replayed:
        if not (red := [one for one in delivery.replayed if not one.green]):
            fewer = _find_fewer(run, attempt, found, delivery.replayed)
            return Judgement(fewer, lines=_tell(judging, delivery.needed_new))
        return _blame(run, attempt, judging, replay.as_it_was, red)
    fewer = _find_fewer(run, attempt, found, runs)
    lines = (f"{one.shown} ({one.role}): {one.says}; {NOT_WITHOUT}" for one in judging)
    return Judgement(fewer, lines=tuple(lines))


def _tell(judging: Sequence[Judging], needed: Sequence[str]) -> tuple[str, ...]:
    """Return a line for each file; a check that `needed` new ones is judged by the work itself."""
    commands = ", ".join(f"`{one_line(one, 60)}`" for one in needed)
    without = (
        f"all checks pass without that but {commands}, which needs it" if needed else "the checks pass without that"
    )
    said = {"?": NOT_WITHOUT, "deleted": "the checks pass with it"}
    return tuple(
        f"{one.shown} ({one.role}): {one.says}; {said.get(one.was) or said.get(one.says) or without}" for one in judging
    )


def _blame(
    run: Run, attempt: Attempt, judging: Sequence[Judging], plan: CheckoutPlan, red: Sequence[CheckRun]
) -> Judgement:
    if own := [one for one in red if one.stopped or one.command == NO_CHANGE]:
        return Judgement(tuple(own))
    names = list_some([one.shown for one in judging], SHOWN)
    commands = listed([f"`{one_line(one.command, 60)}`" for one in red])
    said = f"{commands} {'fail' if red[1:] else 'fails'} with {names} as before the work"
    tail = f"{said}: the work is not to change what judges it\n{ALLOWS}\n\n{red[0].tail}".rstrip()
    found = CheckRun(REPLAYED, 1, round(sum(one.seconds for one in red), 3), tail)
    if not _were_green(run, attempt, [one.command for one in red], plan):
        return Judgement((found,))
    allow = " ".join(["harness allow", attempt.slug, *(one.shown for one in judging)])
    question = (
        f"{said}, and passed before it. `{allow}` lets the change stand, `harness answer` says what to do instead"
    )
    return Judgement((found,), question, {one.shown: one.now for one in judging})


def _were_green(run: Run, attempt: Attempt, commands: Sequence[str], plan: CheckoutPlan) -> bool:
    """Whether all of these checks were green before the work."""
    record, replay = run.history.of(attempt.slug), attempt.order.replay
    if replay is None or replay.control is not None:
        return record.baseline == attempt.feature.sha256 and all(record.before.get(one) for one in commands)
    base = find_base(run, attempt, plan.candidate.base)
    before = plan_for(run, Candidate(base, run.workspace.commits.tree_of(base), base))
    green = {one.command for one in recheck(run, attempt.slug, attempt.order.checks, before).runs if one.green}
    return green.issuperset(commands)


def _find_fewer(run: Run, attempt: Attempt, found: Gathered, runs: Sequence[CheckRun]) -> tuple[CheckRun, ...]:
    """Return a red check where fewer tests run than before the work, and nobody said that tests may go."""
    record, prefix = run.history.of(attempt.slug), run.workspace.prefix
    changed = {*found.changed, *found.committed, *record.changed}
    may_go = any(is_allowed(name.removeprefix(prefix), attempt.feature.may_change) for name in changed)
    if may_go or record.allowed or record.baseline != attempt.feature.sha256:
        return ()
    before = record.tests_before
    now = {one.command: count_tests(one.tail) or 0 for one in runs if one.green}
    said = [
        f"`{one_line(command, 60)}` ran {counted(before[command], 'test')} before the work, and {ran or 'none'} now"
        for command, ran in now.items()
        if ran < before.get(command, 0)
    ]
    return (CheckRun(FEWER, 1, 0.0, "; ".join(said)),) if said else ()


def _blame_changes(changed: Found) -> tuple[CheckRun, ...]:
    """Return a red check where the change itself makes checks worthless, by rules that are strict."""
    if not changed.strict:
        return ()
    more = [f"and {counted(len(changed.strict) - SHOWN, 'more')}"] if changed.strict[SHOWN:] else []
    return (CheckRun(CHANGED, 1, 0.0, "\n".join((*map(str, changed.strict[:SHOWN]), *more, ALLOWS))),)


def _find_failed(runs: Sequence[CheckRun]) -> tuple[CheckRun, ...]:
    """Return a red check where one ended with 0, though its test runner says last that tests failed."""
    said = {one.command: say_failed(one.tail) for one in runs if one.green and not may_want_failure(one.command)}
    lines = [f"`{one_line(command, 60)}` ended with 0, and says `{it}`" for command, it in said.items() if it]
    return (CheckRun(FAILED, 1, 0.0, "; ".join(lines)),) if lines else ()


def _find_edited(run: Run, attempt: Attempt, found: Gathered) -> tuple[CheckRun, ...]:
    """Return a red check where a test runner or an assertion was changed where it is installed, outside of git."""
    if (plan := attempt.order.plan) is None or any(map(is_manifest, names_to_commit(run, attempt, found))):
        return ()
    folders, top = [one for one in plan.brought if files.is_dir(one)], run.workspace.top
    since = begin_of_work(run, attempt)
    edited = find_edited(folders, top, since, holds_runner)
    programs = _find_programs(run, attempt, folders)
    edited += [str(one.relative_to(top)) for one in find_written(programs, since)]
    names = [name.removeprefix(run.workspace.prefix) for name in edited]
    if not (names := [name for name in names if not is_allowed(name, attempt.feature.may_change)]):
        return ()
    said = f"changed since the work began, in packages that are older: {list_some(names, SHOWN)}"
    hint = "install them anew, or a spec allows it by `may_change`"
    return (CheckRun(EDITED, 1, 0.0, f"{said}\n{hint}"),)


def _find_programs(run: Run, attempt: Attempt, folders: Sequence[Path]) -> list[Path]:
    """Return the programs in some folders that checks name which could run before the work: so they were there."""
    record = run.history.of(attempt.slug)
    ran = [one.command for one in attempt.order.checks if one.command in record.before.keys() - record.could_not_run]
    words = follow(ran, lambda _: "").words
    paths = [run.paths.root / word for word in sorted(words) if "/" in word]
    return [path for path in paths if any(path.is_relative_to(one) for one in folders)]


def _say_held_out(run: Run, attempt: Attempt, delivery: Delivery) -> tuple[str, ...]:
    """Return what the receipt says of checks that were held out, without their words."""
    if not delivery.held_out:
        return ()
    folder, checks = attempt.order.held_out_folder, counted(len(delivery.held_out), "check")
    why = "there is no sandbox" if run.site.sandbox_for(attempt.agent) is None else ""
    why = why or ("git holds it" if find_in_git(run, [folder]) else "")
    why = why or ("" if delivery.checked_in.clean else "they ran where it works")
    whose = f"which the agent could read ({why})," if why else "from the agent"
    return (f"{checks} held out{',' if why else ''} {whose} passed (files {digest_held_out(folder)})",)
