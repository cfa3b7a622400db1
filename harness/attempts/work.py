"""An order is carried out: the agent works, or its claim is checked. In any thread, in any process that has a site."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from harness.attempts.hearing import hear
from harness.attempts.order import Delivery, Difference, Order, Replay
from harness.attempts.reviewer import ask_reviewers
from harness.decide.judge_files import may_need
from harness.decide.proof import say_names
from harness.domain.check_command import only_reads
from harness.domain.feature import Check
from harness.domain.reply import Reply
from harness.domain.tests_ran import say_failed
from harness.domain.text import listed, one_line
from harness.domain.verdict import CheckedIn, CheckRun, find_flaky
from harness.run.site import Site
from harness.system import files, untrusted
from harness.system.command import Command
from harness.workspace.checks import Checker
from harness.workspace.clean_checkout import Checkout, CheckoutError, CheckoutPlan, SetupFailed
from harness.workspace.file_times import find_times, set_times
from harness.workspace.held_out import if_there
from harness.workspace.left_out import is_cache, sort_by_time

NO_CHANGE = "harness: no check changes the files that are committed"  # a check of our own, by its name
CHECKS_LOG, HELD_OUT_LOG, HELD_OUT = "checks.log", "held-out.log", "held out"
MOST_BESIDES = 1_000  # files and folders that are brought into a checkout to see what makes a difference


def carry_out(order: Order, site: Site) -> Delivery:
    """Do what the order asks for; when this returns, nothing that it started is alive."""
    try:
        if order.questions:
            return Delivery(answers=ask_reviewers(order, site))
        return check_claim(order, site) if order.claimed else Delivery(work(order, site))
    finally:
        for closed in (order.root, *reversed(order.folder.parents[:3])):  # logs/ among them
            untrusted.reopen(closed)
        site.leave(order.key)


def work(order: Order, site: Site) -> Reply:
    """Give the agent its prompt and let it work; when this returns, nothing of it is alive."""
    agent, prompt_file = order.agent, order.folder / "prompt.md"
    files.write_atomic(prompt_file, order.prompt, sync=False)
    environ = {
        **site.environment_for(agent, order.key),
        "HARNESS_ATTEMPT": str(order.number),  # in a sandbox it cannot be counted in logs/attempts
    }
    command = Command(argv=agent.argv, cwd=order.root, env=environ, stdin=prompt_file, sealed=True)
    if (sandbox := site.sandbox_for(agent)) is not None:
        command = sandbox.confine(
            command,
            agent=agent,
            private_logs=order.private_logs,
            whose=order.key,
            attempt=order.key,
            may_change=order.may_change,
        )
    site.narrator.began(order.key, f"{order.slug} · attempt {order.number}")
    try:
        return hear(command, agent.dialect, order.bounds, key=order.key, folder=order.folder, site=site)
    finally:
        site.narrator.ended(order.key)


def check_claim(order: Order, site: Site) -> Delivery:
    """Run the checks of a claim, in a clean checkout of what would be committed where there can be one.

    Those that are red there are run where the agent worked too: it has to know what makes the difference.
    """
    checkout, because, failed_setup = None, site.no_checkout or "no commit is made of it", None
    try:
        if order.plan is not None and site.checkout is not None and site.sandbox_for(order.agent) is not None:
            try:
                checkout = _check_out(order, site, order.plan)
            except SetupFailed as failed:
                if failed.run.stopped:
                    return Delivery(checks=(failed.run,))
                because, failed_setup = str(failed), failed.run
            except CheckoutError as error:
                because = f"there is no clean checkout: {one_line(str(error), 200)}"
        runs = _run_in(order, site, checkout)
        try:
            earlier = _run_earlier(order, site, checkout) if all(one.green for one in runs) else ()
        except CheckoutError as error:
            runs, earlier = (*runs, CheckRun("harness: a clean checkout for done features", 1, 0.0, str(error))), ()
        passed = all(one.green for one in (*runs, *earlier))
        held_out = _run_held_out(order, site, checkout) if passed else ()
        replay = order.replay if checkout is not None or (order.replay and order.replay.control) else None
        replayed, needed = _replay(order, site, replay) if passed and replay is not None else ((), ())
        again, found, checked_in = tuple[CheckRun, ...](), None, CheckedIn(False, because)
        if checkout is not None and order.plan is not None:
            runs, again, found = _compare_with_tree(order, site, checkout, runs)
            checked_in = CheckedIn(
                True, brought=order.plan.names_of_brought(checkout.top), set_up_by=order.plan.set_up_by
            )
        return Delivery(
            checks=runs,
            earlier=earlier,
            replayed=replayed,
            held_out=held_out,
            needed_new=needed,
            failed_setup=failed_setup,
            in_tree=again,
            difference=found,
            checked_in=checked_in,
        )
    finally:
        site.narrator.ended(order.key)


def _compare_with_tree(
    order: Order, site: Site, checkout: Checkout, runs: tuple[CheckRun, ...]
) -> tuple[tuple[CheckRun, ...], tuple[CheckRun, ...], Difference | None]:
    """Run checks that are red in a checkout where the agent worked, and return both, with what makes the difference."""
    if all(one.green for one in runs) or any(one.stopped for one in runs):
        return runs, (), None
    again = _run_checks(order, site, order.checks, None)
    if not all(one.green for one in again) or order.plan is None:
        return runs, again, None
    with suppress(CheckoutError):  # a check that is not of one mind is no reason to blame the checkout
        runs = find_flaky(_run_in(order, site, _check_out(order, site, order.plan)), runs)
    same = all(one.green for one in runs)
    return runs, again, None if same else find_difference(order, site, checkout.top)


def _run_held_out(order: Order, site: Site, checkout: Checkout | None) -> tuple[CheckRun, ...]:
    """Run the checks that the agent does not know, where the others ran; what they print goes into a log of its own."""
    if not order.held_out:
        return ()
    if checkout is not None and order.plan is not None:
        try:
            checkout = _check_out(order, site, order.plan)
        except CheckoutError as error:
            return (CheckRun(HELD_OUT, 1, 0.0, str(error)),)
        folder = if_there(order.held_out_folder)
        held = (*checkout.held, *([folder] if folder else []))
        checkout = replace(checkout, held=held)
    return _run_checks(order, site, order.held_out, checkout, hidden=True)


def _replay(order: Order, site: Site, replay: Replay) -> tuple[tuple[CheckRun, ...], tuple[str, ...]]:
    """Run the checks with the files that judge as they were; those that name new tests, and need them, with these.

    A checkout that cannot be made is a red check.
    """
    try:
        return _replay_in_checkouts(order, site, replay)
    except CheckoutError as error:
        return (CheckRun("harness: a clean checkout with what judges as it was", 1, 0.0, str(error)),), ()


def _replay_in_checkouts(order: Order, site: Site, replay: Replay) -> tuple[tuple[CheckRun, ...], tuple[str, ...]]:
    if replay.control is not None:
        as_it_is = _run_checks(order, site, order.checks, _check_out(order, site, replay.control))
        if not all(one.green for one in as_it_is):
            return (), ()  # a checkout lacks what they need: it tells nothing
    checkout = _check_out(order, site, replay.as_it_was)
    runs = _run_checks(order, site, order.checks, checkout)
    if rewritten := _find_rewritten(order, site):
        return (*runs, rewritten), ()
    again = [
        check
        for check, run in zip(order.checks, runs, strict=False)
        if not run.green and not run.stopped
        if check.command not in replay.green_before and not say_failed(run.tail, errors=False)
        if may_need(check.command, replay.new, replay.before, replay.tests, replay.tasks)
    ]
    again = [check for check in again if not only_reads(check.command)]
    if again and replay.stubbed is not None:
        old = _run_checks(order, site, again, _check_out(order, site, replay.stubbed))
        again = [check for check, run in zip(again, old, strict=False) if not say_failed(run.tail, errors=False)]
    found = _run_those_that_read(order, site, replay, runs)
    if again and replay.with_new is not None:
        checkout = _check_out(order, site, replay.with_new)
        found |= dict(zip(again, _run_checks(order, site, again, checkout), strict=False))
    counting = tuple(found.get(check, run) for check, run in zip(order.checks, runs, strict=False))
    return counting, tuple(check.command for check in order.checks if check in found and found[check].green)


def _run_those_that_read(order: Order, site: Site, replay: Replay, runs: Sequence[CheckRun]) -> dict[Check, CheckRun]:
    """Run the checks that do nothing but look at files on the claim as it is: what else judges has no say in them."""
    plan, red = order.plan or replay.control, {run.command for run in runs if not run.green and not run.stopped}
    reading = [check for check in order.checks if check.command in red and only_reads(check.command)]
    if not reading or plan is None:
        return {}
    return dict(zip(reading, _run_checks(order, site, reading, _check_out(order, site, plan)), strict=False))


def _find_rewritten(order: Order, site: Site) -> CheckRun | None:
    """Return a red check where checks changed a tracked file in a second look: what judged may have been that."""
    if site.checkout is None or any(check.fix for check in order.checks):
        return None
    changed = site.checkout.find_changed()
    return red_for_changed(changed, order.checks, ()) if changed else None


def find_difference(order: Order, site: Site, top: Path) -> Difference:
    """Return what git ignores and makes checks green in the working tree alone: they run with some of it, to see that.

    With what was there before the work; then, where only caches came since, with all of it. Where nothing came, with
    the times of files as well, which no commit holds.
    """
    assert order.plan is not None
    older, made = sort_by_time(top, order.plan.rest, order.since)
    found = Difference(older, made)
    if made and older and _is_green_with(order, site, [top / name for name in older]):
        return replace(found, by_older=True)
    if made and all(map(is_cache, made)) and not _is_green_with(order, site, [top / name for name in (*older, *made)]):
        made, found = (), replace(found, made=())
    if made or site.checkout is None:
        return found
    times, beside = find_times(top, site.checkout.list_names(), order.since), [top / name for name in older]
    if _is_green_with(order, site, beside, times.as_before):
        return replace(found, by_older=True, old_times=True)
    if times.changed and _is_green_with(order, site, beside, times.now):
        return replace(found, new_times=times.changed)
    return found


def _is_green_with(order: Order, site: Site, paths: Sequence[Path], times: Mapping[str, int] = {}) -> bool:
    """Whether the checks are green in a clean checkout that has these files of the project, too, and these times."""
    if order.plan is None or len(paths) > MOST_BESIDES:
        return False
    try:
        checkout = _check_out(order, site, replace(order.plan, besides=tuple(paths)))
    except CheckoutError:
        return False
    set_times(checkout.folder, times)
    return all(one.green for one in _run_checks(order, site, order.checks, checkout))


def _check_out(order: Order, site: Site, plan: CheckoutPlan) -> Checkout:
    return site.check_out(plan, order.root, order.slug, order.agent, order.key)


def _run_in(order: Order, site: Site, checkout: Checkout | None) -> tuple[CheckRun, ...]:
    """Run the checks of a claim; in a checkout, none may change what it holds of the commit."""
    runs = find_flaky(_run_checks(order, site, order.checks, checkout, known=order.known), order.known)
    changed = () if checkout is None or site.checkout is None else site.checkout.find_changed()
    own = () if order.plan is None else order.plan.candidate.names
    return (*runs, red_for_changed(changed, order.checks, own)) if changed else runs


def red_for_changed(names: Sequence[str], checks: Sequence[Check], own: Collection[str]) -> CheckRun:
    """Return a red check of harness's own: what a check changed would not be what is committed.

    `own` are the files of the feature: a formatter has been at these before they were committed, and not at the others.
    """
    fixers = [f"`{one_line(check.command, 60)}`" for check in checks if check.fix]
    if fixers and set(names).isdisjoint(own):
        said = f"{listed(fixers)} would change what is no file of the feature: {say_names(names)}"
        said += "; commit these as they are to be, or let the check look at fewer files"
    else:
        said = f"changed by a check: {say_names(names)}; one that is to change files says `fix: true`"
    return CheckRun(NO_CHANGE, 1, 0.0, said)


def _run_earlier(order: Order, site: Site, checkout: Checkout | None) -> tuple[CheckRun, ...]:
    """Run the checks of done features that the claim may have touched, each where they were proven."""
    found = list[CheckRun]()
    for one in order.earlier:
        place = None if one.in_tree or checkout is None else checkout
        if place is not None and site.checkout is not None and order.plan is not None:
            place = _check_out(order, site, order.plan)
        found += [replace(run, of=one.slug) for run in _run_checks(order, site, one.checks, place)]
        if found[-1:] and found[-1].stopped:
            break
    return tuple(found)


def _run_checks(
    order: Order,
    site: Site,
    checks: Sequence[Check],
    checkout: Checkout | None,
    *,
    hidden: bool = False,
    known: Sequence[CheckRun] = (),
) -> tuple[CheckRun, ...]:
    checker = Checker(
        site.supervisor,
        order.root if checkout is None else checkout.place_of(order.root),
        site.check_environment(),
        order.check_timeout,
        confine=partial(
            site.confine_check,
            agent=order.agent,
            attempt=order.key,
            checkout=checkout if checkout is not None and checkout.shown else None,
            held_out=if_there(order.held_out_folder) if hidden else None,
        ),
        asked_to_stop=site.stop,
        began=lambda command: site.narrator.began(
            order.key, f"{order.slug} · check {HELD_OUT if hidden else one_line(command, 60)}"
        ),
        were_green={one.command for one in known if one.green},
        retries=order.check_retries,
    )
    return checker.run(checks, order.folder / (HELD_OUT_LOG if hidden else CHECKS_LOG))
