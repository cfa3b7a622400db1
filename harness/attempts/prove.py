"""What a claim is checked in: a clean checkout of the commit that it would become, where there can be one."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from dataclasses import replace

from harness.attempts.attempt import Attempt, Gathered
from harness.attempts.order import Delivery, Difference
from harness.attempts.recheck import can_set_up_head, recheck
from harness.attempts.work import red_for_changed
from harness.attempts.write_down import names_to_commit
from harness.decide.proof import Settled, say_names, settle
from harness.domain.listener import Tone
from harness.domain.text import printable
from harness.domain.verdict import CheckRun
from harness.run.checkouts import plan_for
from harness.run.run import Run
from harness.system import files
from harness.workspace.clean_checkout import CheckoutPlan
from harness.workspace.left_out import find_empty, find_left_out
from harness.workspace.workspace import changed_files

CHECKED = "harness: what is committed is what was checked"


def plan_checkout(run: Run, attempt: Attempt, found: Gathered) -> CheckoutPlan | None:
    """Return the checkout that a claim is checked in; None for the working tree."""
    if not run.commits or run.site.checkout is None or run.site.sandbox_for(attempt.agent) is None:
        return None
    if not attempt.order.checks:
        return None
    names = names_to_commit(run, attempt, found)
    candidate = attempt.workspace.prepare_commit(attempt.slug, found.words, attempt.number, names)
    return None if candidate is None else _without_own(run, attempt, plan_for(run, candidate))


def _without_own(run: Run, attempt: Attempt, plan: CheckoutPlan) -> CheckoutPlan:
    """Return the plan without files of the machine that attempts made or changed: nobody else has these so."""
    since, wanted = begin_of_making(run, attempt), {run.paths.root / name for name in run.settings.workspace_include}
    brought = (path for path in plan.brought if path not in wanted and not files.is_dir(path))
    made = [path for path in brought if files.changed_at(path) >= since]
    names = (str(path.relative_to(run.workspace.top)) for path in made)
    kept = tuple(path for path in plan.brought if path not in made)
    return replace(plan, brought=kept, rest=(*plan.rest, *names))


def fix(run: Run, attempt: Attempt, found: Gathered) -> Gathered:
    """Run the checks that are to fix files where the agent worked; what they change of its files is its work."""
    fixers = [check for check in attempt.order.checks if check.fix]
    if not fixers or recheck(run, attempt.slug, fixers, None).stopped:
        return found
    fixed = replace(found, after=attempt.workspace.snapshot())
    own = {*names_to_commit(run, attempt, found), *found.changed}
    if besides := [name for name in changed_files(found.after, fixed.after) if name not in own]:
        names = " ".join(shlex.quote(printable(name)) for name in besides)
        said = f"`fix: true` changed {say_names(besides)}, too, which is not of its work"
        run.tell_once(f"{attempt.slug}: {said}: `git restore {names}` takes that back", Tone.NOTICE)
    return fixed


def find_changed(run: Run, attempt: Attempt, found: Gathered, settled: Settled) -> tuple[CheckRun, ...]:
    """Return a red check where a check in the working tree changed what is to be committed."""
    if not run.commits or not settled.runs or settled.checked_in.clean:
        return ()
    changed, own = _changed_since(run, attempt, found), names_to_commit(run, attempt, found)
    return (red_for_changed(changed, attempt.order.checks, own),) if changed else ()


def find_changed_in_review(run: Run, attempt: Attempt, found: Gathered) -> tuple[CheckRun, ...]:
    """Return a red check where files changed while a claim was reviewed whose checks ran in the working tree."""
    if attempt.order.plan is not None or not any(one.asked for one in attempt.planned):
        return ()
    changed = _changed_since(run, attempt, found)
    said = f"changed while the claim was reviewed, and not checked so: {say_names(changed)}"
    return (CheckRun(CHECKED, 1, 0.0, said),) if changed else ()


def _changed_since(run: Run, attempt: Attempt, found: Gathered) -> list[str]:
    """Return the files of the feature that are not as its attempt left them, committed ones too."""
    now = attempt.workspace.snapshot().files
    own = {*names_to_commit(run, attempt, found), *found.committed, *run.history.of(attempt.slug).changed}
    return sorted(name for name in own if now.get(name) != found.after.files.get(name))


def settle_checks(run: Run, attempt: Attempt, delivery: Delivery) -> Settled:
    """Return which runs of the checks count, once it is known what the attempt made that its commit does not hold."""
    if delivery.checked_in.clean and (plan := attempt.order.plan) is not None:
        run.verdicts.remember(plan, attempt.order.checks, delivery.checks)
    if (failed := delivery.failed_setup) is not None:
        if can_set_up_head(run, attempt.slug):  # so it is the work that keeps a clone from being set up
            return Settled((replace(failed, command=f"workspace_setup: {failed.command}"),), delivery.checked_in)
        run.tell(f"{attempt.slug}: {delivery.checked_in.because}; the checks ran in the working tree", Tone.BAD)
    if run.settings.prove == "commit" and not delivery.checked_in.clean and attempt.order.checks:
        because = delivery.checked_in.because
        red = CheckRun("harness: claims are checked in a clean checkout (`prove: commit`)", 1, 0.0, because)
        return Settled((*delivery.checks, red), delivery.checked_in)
    if not delivery.in_tree:
        return Settled(delivery.checks, delivery.checked_in)
    left_out = find_making(run, attempt, delivery.difference)
    known = run.history.of(attempt.slug).pass_when_clean
    if run.settings.prove == "commit":
        known = {check.command for check in attempt.order.checks}
    lacks = find_lacking(run, attempt, delivery.difference)
    return settle(delivery.checks, delivery.in_tree, delivery.checked_in, left_out, known, lacks)


def find_making(run: Run, attempt: Attempt, difference: Difference | None) -> tuple[str, ...]:
    """Return what the work on a feature made, its commit does not hold, and may make checks green; with the reasons."""
    if difference is None:
        return find_not_committed(run, attempt)
    if difference.by_older:  # what it took out of git counts as older
        return _find_taken_out(run, attempt)
    times = (f"{printable(name)} (its time of change, which git does not hold)" for name in difference.new_times)
    left = find_not_committed(run, attempt, difference.made)
    return (*left, *_find_unseen(run, attempt, attempt.order.since), *times)


def find_lacking(run: Run, attempt: Attempt, difference: Difference | None) -> tuple[str, ...]:
    """Return what is in the working tree and not in a clean checkout, whoever made it and when; with the reasons."""
    older = () if difference is None else difference.older
    ignored = tuple(f"{printable(name)} (ignored by git)" for name in older)
    if difference is not None and difference.old_times:
        return (*ignored, "the times of change that files have there")
    specs = run.workspace.find_uncommitted(run.paths.specs)
    open_specs = tuple(f"{printable(name)} (not committed)" for name in specs if not name.endswith("/spec.md"))
    return (*ignored, *open_specs, *_find_unseen(run, attempt, 0.0))


def _find_unseen(run: Run, attempt: Attempt, since: float) -> tuple[str, ...]:
    """Return what git does not see of the tree: empty folders, and modes and files it is told not to look at."""
    if (plan := attempt.order.plan) is None:
        return ()
    top, paths = run.workspace.top, run.paths
    apart = [
        *plan.rest,
        *plan.names_of_brought(top),
        str(paths.logs.relative_to(top)),
        str(paths.specs.relative_to(top)),
    ]
    empty = (f"{printable(name)} (an empty folder)" for name in find_empty(top, apart, since))
    modes = run.workspace.find_modes(plan.candidate.commit, since)
    hidden = run.workspace.find_hidden(plan.candidate.commit, since)
    return (
        *empty,
        *(f"{printable(name)} (its mode, which git does not hold)" for name in modes),
        *(f"{printable(name)} (git is told not to look at it)" for name in hidden),
    )


def find_not_committed(run: Run, attempt: Attempt, ignored: Sequence[str] | None = None) -> tuple[str, ...]:
    """Return what the attempt made or changed that its commit does not hold, each with the reason.

    Of what git ignores, the names that are given, or else what is no cache.
    """
    if attempt.found is None or not run.workspace.has_git:
        return ()
    began = begin_of_making(run, attempt)
    top, logs = run.workspace.top, run.paths.logs
    names = (name for name in run.workspace.ignored() if not (top / name).is_relative_to(logs))
    left = find_left_out(top, names, began) if ignored is None else ignored
    found = [f"{printable(name)} (ignored by git)" for name in left]
    within = find_left_out(run.workspace.top, run.workspace.submodules(), began)
    found += [f"{printable(name)} (in a submodule)" for name in within if not name.endswith("/.git")]
    found += _find_taken_out(run, attempt)
    own = names_to_commit(run, attempt, attempt.found)
    others = (name for name in sorted(attempt.found.after.files) if name not in own or name.endswith("/"))
    found += [f"{printable(name)} ({_why_left(name)})" for name in others]
    return tuple(found)


def _find_taken_out(run: Run, attempt: Attempt) -> tuple[str, ...]:
    """Return the files that git held before the work, holds no more, and that are there all the same."""
    bases = {attempt.before.head, run.workspace.heads.began.commit} - {""}
    tree = "HEAD" if attempt.order.plan is None else attempt.order.plan.candidate.tree
    gone = {one.name for base in bases for one in run.workspace.index.find_changed(base, tree) if not one.what}
    there = sorted(name for name in gone if os.path.lexists(run.workspace.top / name))
    return tuple(f"{printable(name)} (taken out of git)" for name in there)


def begin_of_work(run: Run, attempt: Attempt) -> float:
    """Return when the work on the feature began that is not accepted yet, in epoch seconds."""
    first = max(1, attempt.number - run.history.of(attempt.slug).open_attempts)
    prompts = (run.paths.attempt(attempt.slug, number) / "prompt.md" for number in range(first, attempt.number + 1))
    return min((at for one in prompts if (at := files.modified_at(one)) is not None), default=0.0)


def begin_of_making(run: Run, attempt: Attempt) -> float:
    """Return since when attempts may have made what no commit holds, those at others in this run too, in epoch seconds.

    What they left is no more in a clone than what its own did.
    """
    return min(begin_of_work(run, attempt), run.began_at)


def _why_left(name: str) -> str:
    return "a repository of its own" if name.endswith("/") else "not changed by its attempts"
