"""A claim whose checks passed is committed: the commit that was checked, or what a hook made of it, checked again."""

from __future__ import annotations

from dataclasses import dataclass, replace

from harness.attempts.attempt import Attempt, Gathered
from harness.attempts.no_secrets import take_back_secrets
from harness.attempts.prove import find_not_committed, plan_checkout, settle_checks
from harness.attempts.work import carry_out
from harness.attempts.write_down import names_to_commit
from harness.decide.proof import Settled
from harness.domain.listener import Tone
from harness.domain.text import list_some, one_line
from harness.domain.verdict import CheckRun
from harness.run.checkouts import plan_for
from harness.run.run import Run
from harness.workspace.workspace import Candidate, Commit

HOOK = "git commit"  # as a check is named that a hook of the repository refused
SHOWN = 5  # names of files that are told
_TRIES = 2  # commits: a hook that mends what it refuses lets the second one pass


@dataclass(frozen=True, slots=True)
class Landing:
    """What became of the commit: what git says, the check runs that hold for it, and what it does not hold.

    `refused` is a red check of harness's own, where a hook of the repository is to blame: the agent is told.
    """

    commit: Commit
    settled: Settled
    left_out: tuple[str, ...] = ()
    refused: CheckRun | None = None


def land(run: Run, attempt: Attempt, found: Gathered, settled: Settled) -> Landing:
    """Commit a claim whose checks passed, and check again what a hook made of it."""
    if not run.commits:
        return Landing(Commit(), settled)
    candidate = _candidate_of(run, attempt, found)
    searched = None if attempt.order.plan is None else candidate  # for secrets, with the checks of the claim
    for again in reversed(range(_TRIES)):
        commit = _commit(run, attempt, found, candidate)
        if commit.made and (searched is None or not _is_what_was_checked(run, commit, searched)):
            commit, secrets = take_back_secrets(run, attempt.slug, commit)
            if secrets:
                run.tell(f"{attempt.slug}: {secrets}", Tone.BAD)
                return Landing(commit, settled, refused=_refuse(secrets))
        if not commit.made and not commit.failure and attempt.order.plan is None:
            commit = replace(commit, head=found.after.head)  # somebody may have committed since
        elif not commit.failure and candidate is not None and not _is_what_was_checked(run, commit, candidate):
            return _check_again(run, attempt, candidate, commit, settled)
        if not commit.by_hook:
            told = settled.runs and not settled.checked_in.clean and not commit.failure
            return Landing(commit, settled, find_not_committed(run, attempt) if told else ())
        if commit.remark:
            run.tell(f"{attempt.slug}: {commit.remark}", Tone.NOTICE)
        if not again or (mended := _look_again(run, attempt, found)) is None:
            break
        attempt, found = mended
        candidate = _candidate_of(run, attempt, found)
        settled = _run_checks(run, attempt)
        if red := _first_red(settled):
            return Landing(commit, settled, refused=_refuse(f"a hook changed files and refused; then {red}"))
    return Landing(commit, settled, refused=_refuse(commit.failure))


def _candidate_of(run: Run, attempt: Attempt, found: Gathered) -> Candidate | None:
    """Return the commit that was checked; where the working tree was, what hooks are to leave as it is."""
    if attempt.order.plan is not None:
        return attempt.order.plan.candidate
    if not run.workspace.has_hooks():
        return None
    names = names_to_commit(run, attempt, found)
    return attempt.workspace.prepare_commit(attempt.slug, found.words, attempt.number, names)


def _commit(run: Run, attempt: Attempt, found: Gathered, candidate: Candidate | None) -> Commit:
    names = names_to_commit(run, attempt, found)
    return attempt.workspace.commit(attempt.slug, found.words, attempt.number, names, candidate)


def _is_what_was_checked(run: Run, commit: Commit, candidate: Candidate) -> bool:
    return commit.head == candidate.commit or run.workspace.commits.tree_of(commit.head) == candidate.tree


def _look_again(run: Run, attempt: Attempt, found: Gathered) -> tuple[Attempt, Gathered] | None:
    """Return the attempt with what a hook made of its files; None where it changed none of them."""
    after = attempt.workspace.snapshot()
    if after.digest == found.after.digest:
        return None
    names = names_to_commit(run, attempt, found)  # what a hook made besides is not the feature's
    files = {name: stamp for name, stamp in after.files.items() if name in found.after.files or name in names}
    changed = [name for name in files.keys() & names if files[name] != found.after.files.get(name)]
    if changed:
        shown = list_some(sorted(changed), SHOWN)
        run.tell(
            f"{attempt.slug}: a hook refused the commit, and {shown} changed meanwhile: it is tried again with that"
        )
    found = replace(found, after=replace(after, files=files))
    plan = plan_checkout(run, attempt, found)
    return replace(attempt, found=found, order=replace(attempt.order, plan=plan)), found


def _check_again(run: Run, attempt: Attempt, candidate: Candidate, commit: Commit, before: Settled) -> Landing:
    """Check what a hook, or whoever committed meanwhile, made of the candidate; a red one does not stay.

    `before` is how the candidate's own checks ended: where they needed no working tree, none counts now.
    """
    base = commit.base or commit.head  # where nothing was left to commit
    made = Candidate(base, run.workspace.commits.tree_of(commit.head), commit.head, candidate.names)
    attempt = replace(attempt, order=replace(attempt.order, plan=plan_for(run, made)))
    settled = _run_checks(run, attempt, apart=before.checked_in.clean)
    if red := _first_red(settled):
        back = commit.made and run.workspace.commits.take_back(commit.head, commit.base)
        kept = "" if back else f"; the commit {commit.head[:12]} stands"
        moved = base != candidate.base
        what = "somebody committed meanwhile" if moved else "a hook changed what was committed"
        refused = _refuse(f"{what}, and {red} there{kept}")
        return Landing(replace(commit, made=commit.made and not back), settled, refused=refused)
    return Landing(commit, settled)


def _run_checks(run: Run, attempt: Attempt, *, apart: bool = False) -> Settled:
    plan, checks = attempt.order.plan, attempt.order.checks
    known = run.verdicts.find_on_same_files(plan, checks) if plan is not None else ()
    order = replace(attempt.order, claimed=True, replay=None, known=known)  # what judges was looked at already
    delivery = carry_out(order, run.site)
    return settle_checks(run, attempt, replace(delivery, in_tree=()) if apart else delivery)


def _first_red(settled: Settled) -> str:
    red = next((one for one in settled.runs if not one.green), None)
    return "" if red is None else f"`{one_line(red.command, 60)}` fails"


def _refuse(why: str) -> CheckRun:
    return CheckRun(HOOK, 1, 0.0, why)
