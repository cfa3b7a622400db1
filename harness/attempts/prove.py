"""What a claim is checked in: a clean checkout of the commit that it would become, where there can be one."""

from __future__ import annotations

from dataclasses import replace

from harness.attempts.attempt import Attempt, Gathered
from harness.attempts.order import Delivery
from harness.attempts.recheck import can_set_up_head, recheck
from harness.attempts.work import red_for_changed
from harness.attempts.write_down import names_to_commit
from harness.decide.proof import Settled, settle
from harness.domain.listener import Tone
from harness.domain.text import printable
from harness.domain.verdict import CheckRun
from harness.run.checkouts import plan_for
from harness.run.run import Run
from harness.system import files
from harness.workspace.clean_checkout import CheckoutPlan
from harness.workspace.left_out import find_left_out


def plan_checkout(run: Run, attempt: Attempt, found: Gathered) -> CheckoutPlan | None:
    """Return the checkout that a claim is checked in; None for the working tree."""
    if not run.commits or run.site.checkout is None or run.site.sandbox_for(attempt.agent) is None:
        return None
    if not attempt.order.checks:
        return None
    names = names_to_commit(run, attempt, found)
    candidate = attempt.workspace.prepare_commit(attempt.slug, found.words, attempt.number, names)
    return None if candidate is None else plan_for(run, candidate)


def fix(run: Run, attempt: Attempt, found: Gathered) -> Gathered:
    """Run the checks that are to fix files where the agent worked; what they change of its files is its work."""
    fixers = [check for check in attempt.order.checks if check.fix]
    if not fixers or recheck(run, attempt.slug, fixers, None).stopped:
        return found
    return replace(found, after=attempt.workspace.snapshot())


def find_changed(run: Run, attempt: Attempt, found: Gathered, settled: Settled) -> tuple[CheckRun, ...]:
    """Return a red check where a check in the working tree changed what is to be committed."""
    if not run.commits or not settled.runs or settled.checked_in.clean:
        return ()
    now, own = attempt.workspace.snapshot().files, names_to_commit(run, attempt, found)
    changed = sorted(name for name in own if now.get(name) != found.after.files.get(name))
    return (red_for_changed(changed),) if changed else ()


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
    left_out = find_not_committed(run, attempt)
    known = run.history.of(attempt.slug).pass_when_clean
    if run.settings.prove == "commit":
        known = {check.command for check in attempt.order.checks}
    return settle(delivery.checks, delivery.in_tree, delivery.checked_in, left_out, known)


def find_not_committed(run: Run, attempt: Attempt) -> tuple[str, ...]:
    """Return what the attempt made or changed that its commit does not hold, each with the reason."""
    if attempt.found is None or not run.workspace.has_git:
        return ()
    began = _begin_of_work(run, attempt)
    top, logs = run.workspace.top, run.paths.logs
    ignored = (name for name in run.workspace.ignored() if not (top / name).is_relative_to(logs))
    left = find_left_out(top, ignored, began)
    found = [f"{printable(name)} (ignored by git)" for name in left]
    within = find_left_out(run.workspace.top, run.workspace.submodules(), began)
    found += [f"{printable(name)} (in a submodule)" for name in within if not name.endswith("/.git")]
    own = names_to_commit(run, attempt, attempt.found)
    others = (name for name in sorted(attempt.found.after.files) if name not in own or name.endswith("/"))
    found += [f"{printable(name)} ({_why_left(name)})" for name in others]
    return tuple(found)


def _begin_of_work(run: Run, attempt: Attempt) -> float:
    """Return when the work on the feature began that is not accepted yet, in epoch seconds."""
    first = max(1, attempt.number - run.history.of(attempt.slug).open_attempts)
    prompts = (run.paths.attempt(attempt.slug, number) / "prompt.md" for number in range(first, attempt.number + 1))
    return min((at for one in prompts if (at := files.modified_at(one)) is not None), default=0.0)


def _why_left(name: str) -> str:
    return "a repository of its own" if name.endswith("/") else "work on another feature"
