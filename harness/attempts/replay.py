"""What judges a claim is not the agent's to edit: the checks run once more with it as it was before the work.

What came in tests stays for a check that needs it, and was red before.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from harness.attempts.attempt import Attempt
from harness.attempts.judging import find_base, read_both, restore
from harness.attempts.order import Replay
from harness.decide.calls import follow, may_lead, takes_place_of
from harness.decide.judge_files import MIXED, NOTHING, Judging, Role, find_role, names_some, shadows_runner
from harness.decide.judge_inline import find_inline
from harness.decide.tasks import add_tasks
from harness.decide.words import find_words
from harness.domain.additions import only_adds
from harness.domain.text_additions import find_test_names, only_adds_text
from harness.run.run import Run
from harness.workspace.clean_checkout import CheckoutPlan
from harness.workspace.kept_index import Entry


def plan_replay(
    run: Run, attempt: Attempt, judging: Sequence[Judging], plan: CheckoutPlan, *, in_tree: bool
) -> Replay | None:
    """Return the second look at a claim, by its plan; None where nothing is to be put back for it.

    `in_tree` says that the first look is at the working tree.
    """
    judging = [one for one in judging if one.was != "?"]
    if not judging or (as_it_was := _rebuild(run, plan, judging)) is None:
        return None
    prefix, base = run.workspace.prefix, find_base(run, attempt, plan.candidate.base)
    listed = run.workspace.commits.list_names(base)
    before = {name.removeprefix(prefix) for name in listed if name.startswith(prefix)}
    commands = [check.command for check in attempt.order.checks]
    words = {word for command in commands for word in find_words(command)}
    new = [one for one in judging if _came(run, one, before, commands)]
    tasks = {one.name: added for one in judging if one not in new and (added := _add_tasks(run, one, before))[1]}
    with_new = _rebuild(run, plan, [one for one in judging if one not in new], tasks) if new or tasks else None
    names = frozenset[str]().union(*(came for _, came in tasks.values()))
    tests = _find_tests(run, [one for one in new if not may_lead(one.shown, words)])
    record = run.history.of(attempt.slug)
    green = frozenset(command for command, was_green in record.before.items() if was_green)
    control = plan if in_tree else None
    shown = tuple(one.shown for one in new)
    stubbed = _rebuild_stubbed(run, plan, judging, new) if with_new is not None and not tests else None
    return Replay(as_it_was, with_new, shown, tests, names, stubbed, control, frozenset(before), green)


def _rebuild(
    run: Run,
    plan: CheckoutPlan,
    judging: Iterable[Judging],
    tasks: Mapping[str, tuple[str, frozenset[str]]] | None = None,
) -> CheckoutPlan | None:
    """Return a plan in which files are as they were, but for `tasks` that came in some of them."""
    entries, tasks = list[Entry](), tasks or {}
    for one in judging:
        if one.name in tasks:
            blob = run.workspace.commits.write_blob(tasks[one.name][0].encode("utf-8", "replace"))
            entries.append(Entry(one.name, f"{(one.was or one.now).partition(' ')[0]} {blob}"))
        elif (entry := restore(run, one)) is not None:
            entries.append(entry)
    made = run.workspace.commits.rebuild(plan.candidate, entries) if entries else plan.candidate
    return None if made is None else replace(plan, candidate=made)


def _rebuild_stubbed(
    run: Run, plan: CheckoutPlan, judging: Sequence[Judging], new: Sequence[Judging]
) -> CheckoutPlan | None:
    """Return a plan in which new files of tests are empty: old ones run that a check names beside them."""
    unsafe = [one for one in new if not one.was and one.role is Role.TEST and not _only_adds(run, one)]
    entries = [entry for one in judging if one not in unsafe and (entry := restore(run, one)) is not None]
    for one in unsafe:
        package = re.search(rb"^package \w+", read_both(run, one)[1], re.MULTILINE)
        blob = run.workspace.commits.write_blob(package[0] + b"\n" if package and one.shown.endswith(".go") else b"")
        entries.append(Entry(one.name, f"{one.now.partition(' ')[0]} {blob}"))
    made = run.workspace.commits.rebuild(plan.candidate, entries) if unsafe else None
    return None if made is None else replace(plan, candidate=made)


def _add_tasks(run: Run, one: Judging, before: Collection[str]) -> tuple[str, frozenset[str]]:
    """Return a file as it was with the tasks that came in it, and their names; none where it hides another."""
    last = one.shown.rpartition("/")[2]
    if not one.was and (last != "tox.ini" or _takes_a_place(one.shown, ["tox"], before)):
        return "", frozenset()
    old, new = (text.decode("utf-8", "replace") for text in read_both(run, one))
    return add_tasks(one.shown, old, new)


def _only_adds(run: Run, one: Judging) -> bool:
    """Whether nothing but tests and helpers came in a file, or in the tests that stand in code."""
    old, new = (text.decode("utf-8", "replace") for text in read_both(run, one))
    if one.role is Role.INLINE:
        old, new = find_inline(one.shown, old), find_inline(one.shown, new)
    if one.shown.endswith(".py"):
        return only_adds(old.encode(), new.encode())
    return only_adds_text(one.shown, old, new)


def _find_tests(run: Run, new: Sequence[Judging]) -> tuple[str, ...]:
    """Return the names of tests that came, where nothing but tests and helpers did."""
    if not new or not all(_only_adds(run, one) for one in new):
        return ()
    was, now = (
        {name for one in new for name in find_test_names(read_both(run, one)[side].decode("utf-8", "replace"))}
        for side in (0, 1)
    )
    return tuple(sorted(now - was))


def _came(run: Run, one: Judging, before: Collection[str], commands: Sequence[str]) -> bool:
    """Whether a file is new, and cannot change how others run; or only tests and helpers came in it."""
    if one.was:
        return bool(one.now) and one.role in (Role.TEST, Role.INLINE, Role.CONFIG) and _only_adds(run, one)
    called = follow(commands, lambda _: "")
    if shadows_runner(one.shown, called):
        return False
    last = one.shown.rpartition("/")[2]
    if may_lead(last, called.words) and last not in MIXED and last != "tox.ini":
        return not _takes_a_place(one.shown, called.words, before)
    if one.role is Role.SCRIPT:
        return any(names_some(command, [one.shown], before) for command in commands)
    folder = one.shown.rpartition("/")[0]
    within = f"{folder}/" if folder else ""
    rules_others = any(name.startswith(within) and find_role(name, NOTHING) is Role.TEST for name in before)
    harmless = one.shown.endswith("conftest.py") and only_adds(b"", read_both(run, one)[1])
    return one.role in (Role.TEST, Role.DATA) or harmless or not rules_others


def _takes_a_place(name: str, words: Collection[str], before: Collection[str]) -> bool:
    """Whether a program that finds what it runs in a file would find another without it."""
    others = (one for one in before if one.rpartition("/")[2] not in MIXED)
    return any(takes_place_of(name, one, words) for one in others)
