"""Which files judge a claim and were changed by the work on it, and how they were before."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from harness.attempts.attempt import Attempt, Gathered
from harness.attempts.write_down import find_names_of_work
from harness.decide.calls import Called, follow
from harness.decide.configured import find_configured, find_loaded, find_plugins, is_configuration
from harness.decide.judge_files import BOUNDS, MIXED, Judging, Role, find_role
from harness.decide.judge_inline import find_inline, restore_inline
from harness.decide.judge_sections import OF_TOOLS, restore_sections
from harness.domain.obeyed import is_allowed
from harness.run.checkouts import plan_for
from harness.run.run import Run
from harness.system import untrusted
from harness.workspace.blobs import read_files
from harness.workspace.clean_checkout import CheckoutPlan
from harness.workspace.kept_index import Entry

LARGEST = 1 << 20  # bytes of a file that is read
MOST_READ = 200  # files of code in which tests are looked for, and modules of tests that may name plug-ins
MOST_CONFIGURED, MOST_ROUNDS = 40, 3  # files of configuration that are read, and how often for what these name
_MAY_NAME_PLUGINS = re.compile(r"(.*/)?(conftest|test_[^/]*|[^/]*_test)\.py")
_MAY_HOLD_TESTS = (".py", ".rs", ".go")


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
        unknown = (
            Judging(name, name.removeprefix(run.workspace.prefix), role, "?", "?") for name, role in roles.items()
        )
        return tuple(unknown), None
    record, base = run.history.of(attempt.slug), find_base(run, attempt, plan.candidate.base)
    both = [one for one in run.workspace.index.compare(base, plan.candidate.tree) if one[0].name in roles]
    was, now = ({entry.name: entry.what for entry in side} for side in zip(*both, strict=True)) if both else ({}, {})
    if in_tree:  # nobody knows what a person had not committed
        was |= dict.fromkeys(was.keys() & attempt.before.files.keys() - record.changed, "?")
    judging = (
        Judging(name, name.removeprefix(run.workspace.prefix), roles[name], was[name], now[name])
        for name in sorted(was)
    )
    open_to = (one for one in judging if record.allowed.get(one.shown) != one.now)
    return tuple(one for one in open_to if one.was == "?" or restore(run, one) is not None), plan


def _find_roles(run: Run, attempt: Attempt, found: Gathered, head: str) -> dict[str, Role]:
    """Return which of the files that the work on a feature changed may judge it, from the top of the work tree."""
    prefix, own = run.workspace.prefix, find_names_of_work(run, attempt, found)
    base = find_base(run, attempt, head)
    listed = _list(run, base)
    called = follow((check.command for check in attempt.order.checks), _reader(run, base), lambda: listed)
    called = _with_loaded(run, base, listed, called)
    shown = {
        name: name.removeprefix(prefix)
        for name in sorted(own)
        if name.startswith(prefix) and not is_allowed(name.removeprefix(prefix), attempt.feature.may_change)
    }
    roles = {name: role for name in shown if (role := find_role(shown[name], called, run.settings.judge))}
    code = [name for name in shown if name not in roles and name.endswith(_MAY_HOLD_TESTS)]
    return roles | dict.fromkeys(_find_with_tests(run, base, code), Role.INLINE)


def _with_loaded(run: Run, base: str, listed: Sequence[str], called: Called) -> Called:
    """Return what is called, with the files that the configuration of tests in a commit names, and what these name."""
    left, loaded = sorted(listed, key=lambda name: (name.count("/"), name)), called.loaded
    if "pytest" in called.words:
        modules = [name for name in left if _MAY_NAME_PLUGINS.fullmatch(name)][:MOST_READ]
        loaded |= frozenset[str]().union(*map(find_plugins, _read(run, base, modules).values()))
    for _ in range(MOST_ROUNDS):
        judging = (name for name in filter(is_configuration, left) if find_role(name, called) is Role.CONFIG)
        names = [*judging, *find_loaded(left, loaded)][:MOST_CONFIGURED]
        left = [name for name in left if name not in names]
        found = {word for name, text in _read(run, base, names).items() for word in find_configured(name, text)}
        if found <= loaded:
            break
        loaded |= found
    return replace(called, loaded=loaded)


def _read(run: Run, base: str, names: Iterable[str]) -> dict[str, str]:
    """Return the texts of some files of the project in a commit, by their names from the project's root."""
    prefix = run.workspace.prefix
    read = read_files(run.workspace.commits.git, base, [f"{prefix}{one}" for one in names], LARGEST) if base else {}
    return {name.removeprefix(prefix): text.decode("utf-8", "replace") for name, text in read.items() if text}


def _find_with_tests(run: Run, base: str, code: list[str]) -> list[str]:
    """Return the files of code whose own tests are others than in a commit that has them."""
    found = list[str]()
    for name, old in read_files(run.workspace.commits.git, base, code[:MOST_READ], LARGEST).items():
        new = untrusted.read_plain(run.workspace.top / name, LARGEST)
        was = find_inline(name, old.decode("utf-8", "replace")) if old else ""
        if was and new and was != find_inline(name, new.decode("utf-8", "replace")):
            found.append(name)
    return found


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


def _reader(run: Run, commit: str) -> Callable[[str], str]:
    """Return what reads the text of a file of the project in a commit."""

    def read(name: str) -> str:
        content = run.workspace.heads.read_file(commit, run.workspace.prefix + name) if commit else b""
        return content.decode("utf-8", "replace") if len(content) <= LARGEST else ""

    return read


def _list(run: Run, commit: str) -> list[str]:
    """Return the files of the project in a commit, from the project's root."""
    prefix = run.workspace.prefix
    names = run.workspace.commits.list_names(commit) if commit else []
    return [name.removeprefix(prefix) for name in names if name.startswith(prefix)]


def restore(run: Run, one: Judging) -> Entry | None:
    """Return what is to be in the place of a file; None where nothing of it that judges is another."""
    last = one.shown.rpartition("/")[2]
    whole = one.role is not Role.INLINE and last not in MIXED | OF_TOOLS
    if whole and (last not in BOUNDS or not one.was):
        return Entry(one.name, one.was)
    if (one.role is Role.INLINE or last in BOUNDS) and not (one.was and one.now):
        return None
    old, new = read_both(run, one)
    sections = restore_inline if one.role is Role.INLINE else restore_sections
    text = sections(one.name, old.decode("utf-8", "replace"), new.decode("utf-8", "replace")) if new else None
    if text is not None and text.encode("utf-8", "replace") == new:
        return None
    blob = "" if text is None else run.workspace.commits.write_blob(text.encode("utf-8", "replace"))
    return Entry(one.name, f"{one.now.partition(' ')[0]} {blob}" if blob else one.was)


def read_both(run: Run, one: Judging) -> tuple[bytes, bytes]:
    """Return what a file held before the work, and what it holds now; b"" where it is not there."""
    was, now = (run.workspace.commits.read(what.partition(" ")[2]) if what else b"" for what in (one.was, one.now))
    return was, now
