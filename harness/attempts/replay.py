"""What judges a claim is not the agent's to edit: the checks run once more with it as it was before the work.

What came in tests stays for a check that names it, and was red before. What a person allowed counts as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace

from harness.attempts.attempt import Attempt, Gathered
from harness.attempts.order import Delivery, Replay
from harness.attempts.recheck import recheck
from harness.attempts.write_down import names_to_commit
from harness.decide.judge_files import (
    MIXED,
    NOTHING,
    Judgement,
    Judging,
    Role,
    find_role,
    follow,
    names_some,
    shadows_runner,
)
from harness.decide.judge_sections import restore_sections
from harness.domain.additions import only_adds
from harness.domain.obeyed import is_allowed
from harness.domain.patches import find_patches
from harness.domain.tests_ran import count_tests
from harness.domain.text import counted, list_some, listed, one_line
from harness.domain.verdict import CheckRun
from harness.records.receipt import NOT_WITHOUT
from harness.run.checkouts import plan_for
from harness.run.run import Run
from harness.system import untrusted
from harness.workspace.clean_checkout import CheckoutPlan
from harness.workspace.held_out import digest_held_out
from harness.workspace.kept_index import Entry
from harness.workspace.workspace import Candidate

REPLAYED = "harness: the checks pass with what judges them as it was"
PATCHED = "harness: no code changes what tests it"
HIDDEN = "harness: checks that are held out"
FEWER = "harness: as many tests run as before the work"
SHOWN = 5  # names that a sentence has room for
MOST_FILES = 1000  # of a claim that are read
LARGEST = 1 << 20  # bytes of a file that is read


# --- which files --------------------------------------------------------------------------------------------------


def find_judging(
    run: Run, attempt: Attempt, found: Gathered, plan: CheckoutPlan | None
) -> tuple[tuple[Judging, ...], CheckoutPlan | None]:
    """Return the files that judge a claim and that the work on a feature changed, but for what it may change.

    Second comes the plan of a checkout of the claim: `plan`, or one of the whole working tree if the claim is checked
    there; None where there is none, or nothing for it to show.
    """
    roles = _find_roles(run, attempt, found, found.after.head if plan is None else plan.candidate.base)
    in_tree = plan is None
    plan = plan or (_plan_beside(run, attempt, found) if roles else None)
    if not roles or plan is None:
        unknown = (Judging(name, name.removeprefix(_prefix(run)), role, "?", "?") for name, role in roles.items())
        return tuple(unknown), None
    record, tree, find_changed = run.history.of(attempt.slug), plan.candidate.tree, run.workspace.index.find_changed
    base = find_base(run, attempt, plan.candidate.base)
    was = {one.name: one.what for one in find_changed(tree, base) if one.name in roles}
    now = {one.name: one.what for one in find_changed(base, tree) if one.name in roles}
    if in_tree:  # nobody knows what a person had not committed
        was |= dict.fromkeys(was.keys() & attempt.before.files.keys() - record.changed, "?")
    judging = (
        Judging(name, name.removeprefix(_prefix(run)), roles[name], was[name], now[name]) for name in sorted(was)
    )
    open_to = (one for one in judging if record.allowed.get(one.shown) != one.now)
    return tuple(one for one in open_to if one.was == "?" or _restore(run, one) is not None), plan


def _find_roles(run: Run, attempt: Attempt, found: Gathered, head: str) -> dict[str, Role]:
    """Return which of the files that the work on a feature changed may judge it, from the top of the work tree."""
    prefix, record = _prefix(run), run.history.of(attempt.slug)
    own = {*names_to_commit(run, attempt, found), *found.changed, *found.committed, *record.changed}
    called = follow((check.command for check in attempt.order.checks), _reader(run, find_base(run, attempt, head)))
    return {
        name: role
        for name in sorted(own)
        if name.startswith(prefix)
        and (role := find_role(shown := name.removeprefix(prefix), called, run.settings.judge))
        and not is_allowed(shown, attempt.feature.may_change)
    }


def _plan_beside(run: Run, attempt: Attempt, found: Gathered) -> CheckoutPlan | None:
    """Return a checkout of the whole working tree, where claims are checked in that."""
    place = run.site.checkout or run.site.beside
    if place is None or (place.is_shown and run.site.sandbox_for(attempt.agent) is None):
        return None  # who works outside of the sandbox does not see a checkout in the project's place
    candidate = run.workspace.commits.candidate_of_tree(found.after)
    return None if candidate is None else plan_for(run, candidate)


def find_base(run: Run, attempt: Attempt, head: str) -> str:
    """Return the commit that the open work on a feature stands on: before the first that its agent made, or `head`."""
    own = run.history.of(attempt.slug).own_since
    return own if own and run.workspace.commits.tree_of(own) else head


def _prefix(run: Run) -> str:
    inside = str(run.paths.root.relative_to(run.workspace.top)) if run.workspace.has_git else "."
    return "" if inside == "." else f"{inside}/"


def _reader(run: Run, commit: str) -> Callable[[str], str]:
    """Return what reads the text of a file of the project in a commit."""

    def read(name: str) -> str:
        content = run.workspace.commits.read(f"{commit}:{_prefix(run)}{name}") if commit else b""
        return content.decode("utf-8", "replace") if len(content) <= LARGEST else ""

    return read


# --- how they were ------------------------------------------------------------------------------------------------


def plan_replay(
    run: Run, attempt: Attempt, judging: Sequence[Judging], plan: CheckoutPlan, *, in_tree: bool
) -> Replay | None:
    """Return the second look at a claim, by its plan; None where nothing is to be put back for it.

    `in_tree` says that the first look is at the working tree.
    """
    prefix, commits = _prefix(run), run.workspace.commits
    before = {
        name.removeprefix(prefix)
        for name in commits.list_names(find_base(run, attempt, plan.candidate.base))
        if name.startswith(prefix)
    }
    judging = [one for one in judging if one.was != "?"]
    if not judging or (as_it_was := _rebuild(run, plan, judging)) is None:
        return None
    commands = [check.command for check in attempt.order.checks]
    new = [one for one in judging if _came(run, one, before, commands)]
    with_new = _rebuild(run, plan, [one for one in judging if one not in new]) if new else None
    record = run.history.of(attempt.slug)
    green = frozenset(command for command, was_green in record.before.items() if was_green)
    control = plan if in_tree else None
    return Replay(as_it_was, with_new, tuple(one.shown for one in new), control, frozenset(before), green)


def _rebuild(run: Run, plan: CheckoutPlan, judging: Iterable[Judging]) -> CheckoutPlan | None:
    entries = [entry for one in judging if one.was != "?" and (entry := _restore(run, one)) is not None]
    made = run.workspace.commits.rebuild(plan.candidate, entries) if entries else plan.candidate
    return None if made is None else replace(plan, candidate=made)


def _restore(run: Run, one: Judging) -> Entry | None:
    """Return what is to be in the place of a file; None where nothing of it that judges is another."""
    if one.shown.rpartition("/")[2] not in MIXED:
        return Entry(one.name, one.was)
    if not one.was:
        return None
    old, new = _read_both(run, one)
    text = restore_sections(one.name, old.decode("utf-8", "replace"), new.decode("utf-8", "replace")) if new else None
    if text is not None and text.encode("utf-8", "replace") == new:
        return None
    blob = "" if text is None else run.workspace.commits.write_blob(text.encode("utf-8", "replace"))
    return Entry(one.name, f"{one.now.partition(' ')[0]} {blob}" if blob else one.was)


def _read_both(run: Run, one: Judging) -> tuple[bytes, bytes]:
    was, now = (run.workspace.commits.read(what.partition(" ")[2]) if what else b"" for what in (one.was, one.now))
    return was, now


def _came(run: Run, one: Judging, before: Collection[str], commands: Sequence[str]) -> bool:
    """Whether a file is new, and cannot change how others run; or only tests and helpers came in it."""
    if one.was:
        return bool(one.now) and one.shown.endswith(".py") and only_adds(*_read_both(run, one))
    if shadows_runner(one.shown, follow(commands, lambda _: "")):
        return False
    if one.role is Role.SCRIPT:
        return any(names_some(command, [one.shown], before) for command in commands)
    folder = one.shown.rpartition("/")[0]
    within = f"{folder}/" if folder else ""
    rules_others = any(name.startswith(within) and find_role(name, NOTHING) is Role.TEST for name in before)
    harmless = one.shown.endswith("conftest.py") and only_adds(b"", _read_both(run, one)[1])
    return one.role in (Role.TEST, Role.DATA) or (one.role is Role.CONFIG and (harmless or not rules_others))


# --- what it means ------------------------------------------------------------------------------------------------


def look_again(run: Run, attempt: Attempt, found: Gathered, delivery: Delivery, runs: Sequence[CheckRun]) -> Judgement:
    """Say what the second look at a claim means, whose checks passed at the first: these are `runs`."""
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
    if stopped := [one for one in red if one.stopped]:
        return Judgement(tuple(stopped))
    names = list_some([one.shown for one in judging], SHOWN)
    commands = listed([f"`{one_line(one.command, 60)}`" for one in red])
    said = f"{commands} {'fail' if red[1:] else 'fails'} with {names} as before the work"
    tail = f"{said}: the work is not to change what judges it\n\n{red[0].tail}".rstrip()
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
    record, prefix = run.history.of(attempt.slug), _prefix(run)
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


# --- code that changes what tests it ------------------------------------------------------------------------------


def find_patched(run: Run, attempt: Attempt, found: Gathered) -> tuple[CheckRun, ...]:
    """Return a red check where Python code of the claim, outside of tests, came to assign into what tests it."""
    said, prefix, judging = list[str](), _prefix(run), {one.name for one in found.judging}
    for name in sorted(names_to_commit(run, attempt, found) - judging)[:MOST_FILES]:
        shown = name.removeprefix(prefix)
        if not name.endswith(".py") or not name.startswith(prefix) or is_allowed(shown, attempt.feature.may_change):
            continue
        patches = find_patches(untrusted.read_plain(run.workspace.top / name, LARGEST) or b"")
        known = {what for _, what in find_patches(run.workspace.heads.read_file("HEAD", name))} if patches else set()
        said += [f"{shown}:{line} assigns to `{what}`" for line, what in patches if what not in known]
    if not said:
        return ()
    hint = "code is not to change what tests it; a spec allows it by `may_change`"
    return (CheckRun(PATCHED, 1, 0.0, "\n".join((*said[:SHOWN], hint))),)


# --- what was held out --------------------------------------------------------------------------------------------


def find_red_held_out(run: Run, delivery: Delivery) -> tuple[CheckRun, ...]:
    """Return a red check of harness's own where one that the agent does not know is red; it is told no more."""
    red = [one for one in delivery.held_out if not one.green]
    if not red:
        return ()
    if stopped := [one for one in red if one.stopped]:
        return (replace(stopped[0], command=HIDDEN, tail=""),)
    said = f"{len(red)} of {counted(len(delivery.held_out), 'check')} that you cannot see failed"
    if run.settings.held_out_output == "show":
        said = "\n\n".join([said, *(f"$ {one.command}\n[{one.ending}]\n{one.tail}" for one in red)])
    return (CheckRun(HIDDEN, 1, round(sum(one.seconds for one in red), 3), said),)


def say_held_out(attempt: Attempt, delivery: Delivery) -> tuple[str, ...]:
    """Return what the receipt says of checks that were held out, without their words."""
    if not delivery.held_out:
        return ()
    digest = digest_held_out(attempt.order.held_out_folder)
    return (f"{counted(len(delivery.held_out), 'check')} held out from the agent passed (files {digest})",)
