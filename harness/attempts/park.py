"""What a person wants to land themselves: proven work that touches `park` files waits for `harness land`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from harness.attempts.attempt import Attempt, Gathered
from harness.attempts.write_down import ask, names_to_commit
from harness.decide.judge_files import Judgement
from harness.decide.proof import say_names
from harness.domain.listener import Tone
from harness.domain.look import IN_TREE
from harness.domain.obeyed import is_allowed
from harness.domain.text import one_line
from harness.records.events import Blocked
from harness.run.run import Run
from harness.workspace.parking import Parking, ParkingError


def park(run: Run, attempt: Attempt, found: Gathered, judgement: Judgement) -> Judgement:
    """Keep proven work that touches what a person wants to land themselves on a branch of its own, and ask for it.

    Returns the judgement; with the question, where there is one.
    """
    record, prefix, park = run.history.of(attempt.slug), run.workspace.prefix, run.settings.park
    if not park:
        return judgement
    own = {*names_to_commit(run, attempt, found), *found.committed}
    touched = {shown: name for name in sorted(own) if is_allowed(shown := name.removeprefix(prefix), park)}
    now = _describe(run, attempt, found)
    about = {shown: now.get(name, "") for shown, name in touched.items()}
    if all(record.allowed.get(shown) == what for shown, what in about.items()):
        return judgement
    question, at = _keep_on_branch(run, attempt, found, list(about))
    return replace(judgement, question=question, about=about, parked_at=at)


def _describe(run: Run, attempt: Attempt, found: Gathered) -> dict[str, str]:
    """Return what each file is now that the attempt may have changed: mode and blob where it is in a commit."""
    if (plan := attempt.order.plan) is None:
        return dict(found.after.files)
    return {one.name: one.what for one in run.workspace.index.find_changed(plan.candidate.base, plan.candidate.tree)}


def _keep_on_branch(run: Run, attempt: Attempt, found: Gathered, touched: list[str]) -> tuple[str, str]:
    """Put proven work on a branch where that can be; return the question who lands it, and where it is."""
    slug, where, at = attempt.slug, "its work stays in the working tree", IN_TREE
    why = _why_it_stays(run, attempt, found)
    if not why and (plan := attempt.order.plan) is not None:
        try:
            branch = run.workspace.parking.keep(slug, plan.candidate)
            at, where = plan.candidate.commit, f"it is on the branch `{branch}`"
        except ParkingError as error:
            why = str(error)
    if why:
        where += f" ({one_line(why, 200)})"
    proven = "proven" if attempt.order.checks else "claimed done, without checks"
    question = (
        f"{proven}, and it touches {say_names(touched)} (`park`): `harness land {slug}` lands it, "
        f"`harness answer` says what to do instead; {where}"
    )
    return question, at


def clear(run: Run, slug: str) -> None:
    """Take parked work out of the working tree: it is written down, and on a branch."""
    parking = run.workspace.parking
    if not (parked := run.history.of(slug).parked_commit):
        return
    try:
        _take_out(parking, *parking.merge(parked))
    except ParkingError as error:
        run.tally.left_in_tree.add(slug)
        run.tell(f"{slug}: its work stays in the working tree: {one_line(str(error), 200)}", Tone.BAD)
    run.workspace.forget()


def wait_again(run: Run, slug: str) -> None:
    """Let parked work wait for `harness land` once more, where it was to land and that has failed."""
    record = run.history.of(slug)
    if not record.parked or record.question or record.claim_pending:
        return
    where = f"it is on the branch `harness/{slug}`" if record.parked_commit else "its work is in the working tree"
    then = f"`harness land {slug}` tries it again, `harness answer` says what to do instead"
    last = one_line(record.observed.rstrip().rpartition("\n")[2], 120)  # of what a hook or a check said
    why = one_line(record.reason, 200) + (f" ({last})" if last and not last.startswith("[exit ") else "")
    question = f"it did not land: {why}; {then}; {where}"
    again = Blocked(slug=slug, attempt=record.attempts, question=question, judging=record.allowed, parked=record.parked)
    ask(run, again)
    run.tell(f"{slug}: {question}", Tone.NOTICE)


def finish_clearing(run: Run) -> None:
    """Take parked work out of the working tree that a killed run left there, if nobody has changed it since."""
    parking = run.workspace.parking
    for slug in sorted(run.history.on_branches()):
        with suppress(ParkingError):
            tree, names = parking.merge(run.history.of(slug).parked_commit)
            if names and run.workspace.snapshot().files.keys() >= set(names):  # else a person brought it there
                run.tally.left_in_tree.add(slug)
                _take_out(parking, tree, names)
                run.tally.left_in_tree.discard(slug)
                run.workspace.forget()
                run.tell(f"resuming: {slug}: its work waits to land, and is taken out of the working tree", Tone.NOTICE)


def _take_out(parking: Parking, tree: str, names: Sequence[str]) -> None:
    """Make files of the working tree what HEAD has of them, if they still are as a tree has them."""
    if changed := parking.find_other(tree, names):
        raise ParkingError(f"{say_names(changed)} changed meanwhile")
    parking.write("HEAD", names)


def _why_it_stays(run: Run, attempt: Attempt, found: Gathered) -> str:
    """Return why the work cannot be taken out of the working tree, "" where it can."""
    plan, record = attempt.order.plan, run.history.of(attempt.slug)
    if plan is None:
        return "there is no commit of it"
    if found.committed or record.own_since:
        return "what its agent committed itself is on your branch already"
    if before := sorted((attempt.before.files.keys() - record.changed) & set(plan.candidate.names)):
        return f"what was not committed before the work is in {say_names(before)}, too"
    return ""


def give_back(run: Run, slug: str) -> None:
    """Bring parked work back into the working tree for its agent, which is to go on with it; or say where it is."""
    if not (parked := run.history.of(slug).parked_commit):
        return
    try:
        if run.in_flight:
            raise ParkingError("others are at work in the tree")
        _write_back(run, parked)
        run.tell(f"{slug}: its work, which waited to land, is back in the working tree")
    except ParkingError as error:
        said = f"its work is not in the working tree, but on the branch `harness/{slug}` ({one_line(str(error), 200)})"
        run.logs.notes(slug).add(f"[harness] {said}\n")
        run.tell(f"{slug}: {said}", Tone.NOTICE)


def _write_back(run: Run, parked: str) -> None:
    parking = run.workspace.parking
    tree, names = parking.merge(parked)
    if in_work := parking.find_in_the_way(tree, names):
        raise ParkingError(f"{say_names(in_work)} would change, and holds what is not committed")
    parking.write(tree, names)
    run.workspace.forget()


def bring_back(run: Run, slug: str) -> bool:
    """Bring the work of a feature that may land back into the working tree; where that cannot be, it waits on."""
    record = run.history.of(slug)
    if not (parked := record.parked_commit):
        return True
    try:
        if later := run.workspace.parking.find_later(slug, parked):
            raise ParkingError(f"`harness/{slug}` is at {later[:12]} now, which nobody has checked")
        if not run.commits:
            raise ParkingError(f"commits are {run.why_no_commits}")
        _write_back(run, parked)
    except ParkingError as error:
        hint = f"`git merge harness/{slug}` or `git cherry-pick` by hand, then `harness land {slug}` again checks that"
        question = f"it cannot land as it is: {one_line(str(error), 200)}; {hint}, or `harness answer` what to do"
        ask(run, Blocked(slug=slug, attempt=record.attempts, question=question, judging=record.allowed, parked=parked))
        run.tell(f"{slug}: {question}", Tone.BAD)
        return False
    return True
