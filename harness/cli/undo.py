"""`harness undo`: a feature's commits are taken back by one more, its receipt goes aside, and it is worked on again."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

from harness.attempts.no_secrets import search
from harness.cli.interventions import hold_journal
from harness.domain.errors import UsageError
from harness.domain.text import counted, listed, printable, some_of
from harness.records.env_files import open_redactor
from harness.records.events import Reopened
from harness.reports.view import View, read_view
from harness.run.doubts import dependants_of, say_dependants
from harness.run.open import environment_of_git
from harness.run.site import open_site
from harness.settings.load import Config
from harness.system import files
from harness.workspace.brought import list_differing
from harness.workspace.git import Git
from harness.workspace.heads import Heads, name_of
from harness.workspace.reverts import GitRefused, Plan, Range, Revert, find_of_others, find_reverts

SHOWN = 10  # files that are named


def undo_feature(config: Config, slug: str, *, rehearse: bool) -> list[str]:
    """Take a feature back, or only say what that would do. Raises UsageError where it cannot; nothing changed then."""
    view = read_view(config)
    view.feature(slug)
    with open_site(config, os.environ, "undo") as site:  # filters of the person's may run what an agent wrote
        environ = environment_of_git(config, os.environ)
        git = Git(config.paths.root, environ, site.temporary, written=config.written)
        git.supervisor, git.confine = site.supervisor, site.confine_check
        ranges, by = _find_work(view, slug, git)
        revert = Revert(git, site.temporary)
        try:
            if rehearse:
                plan = _plan(revert, slug, ranges)
                return [*_tell(view, slug, plan, "would be taken back", by), *_say_secrets(config, git, plan)]
            with hold_journal(config) as journal:
                plan = _plan(revert, slug, ranges)
                commit = revert.make(plan, _compose_message(slug, plan)) if plan and plan.files else by
                aside = _set_receipt_aside(config, slug)
                because = f"its work was taken back by {commit[:12] or 'a person'}"
                said = f"A person took the work on this feature back ({commit}): begin with the tree as it is now."
                journal.append(Reopened(slug=slug, because=because, observed=said, commit=commit or "none"))
        except GitRefused as error:
            raise UsageError(f"git refused: {error}; nothing was changed", "`git status` shows more") from error
    told = [*_tell(view, slug, plan, "is taken back", commit), *_say_secrets(config, git, plan)]
    return [*told, *aside, "`harness run` works on it again"]


def _find_work(view: View, slug: str, git: Git) -> tuple[list[Range], str]:
    """Return the recorded commits that stand on the branch, and the commit that took the others back."""
    by_hand = f"`git log` and `git revert COMMIT` do by hand what is not recorded, then `harness reset {slug}`"
    heads = Heads(git)
    head, recorded = heads.look(), view.record(slug).commits
    if not git.found:
        raise UsageError(git.why, f"`harness reset {slug}` starts it over without git")
    if head.operation:
        raise UsageError(f"{head.operation} is not finished", "finish it, or abort it, first")
    if not head.branch:
        raise UsageError("HEAD is detached: there is no branch to commit to", "`git switch BRANCH` first")
    undone = [one for one in view.events if isinstance(one, Reopened) and one.slug == slug and one.commit]
    if not recorded and undone:
        raise UsageError(f"`{slug}`: {undone[-1].because}", "`harness run` works on it again")
    if not recorded:
        raise UsageError(f"no commit of `{slug}` is recorded", by_hand)
    if lost := heads.find_lost([last for _, last in recorded], ""):
        hint = "switch to the branch that has it"
        if not heads.find_branches_with(lost[0]):
            again = " ".join(one[:12] for one in heads.find_commits_of(f"Harness-Feature: {slug}"))
            hint = f"no branch has it: it was rebased or squashed. `git revert {again or 'COMMIT'}` by hand"
            hint += f", then `harness reset {slug}`"
        raise UsageError(f"commit {lost[0][:12]} of `{slug}` is not on `{name_of(head.branch)}`", hint)
    if others := find_of_others(git, recorded):
        said = f"between the commits of `{slug}` are some that others made, or another run in this repository: "
        raise UsageError(said + some_of([one[:12] for one in others], SHOWN), by_hand)
    attempts = [one for record in view.history.histories.values() for one in record.commits]
    taken = find_reverts(git, [last for _, last in recorded], attempts)
    return [one for one in recorded if one[1] not in taken], next(iter(taken.values()), "")


def _plan(revert: Revert, slug: str, ranges: Sequence[Range]) -> Plan | None:
    """Return what is to be done, None where the work was taken back before. Raises UsageError, GitRefused."""
    if not ranges:
        return None
    plan = revert.plan(ranges)
    if plan.conflicts:
        hint = f"take back first what came later, or `git revert {' '.join(one[:12] for one in plan.commits)}` by hand"
        raise UsageError(f"later work meets `{slug}` in {_name(plan.conflicts)}: nothing was changed", hint)
    if plan.in_work:
        said = f"{_name(plan.in_work)} would change, and there is something in it that is not committed"
        raise UsageError(f"{said}: nothing was changed", "commit or stash it first")
    return plan


def _compose_message(slug: str, plan: Plan) -> str:
    reverts = "".join(f"This reverts commit {one}.\n" for one in plan.commits)
    return f"Undo {slug}\n\n{reverts}\nHarness-Undone: {slug}\n"


def _say_secrets(config: Config, git: Git, plan: Plan | None) -> list[str]:
    """Return which files hold a secret again that the feature had taken out."""
    if plan is None or not plan.files:
        return []
    redactor, bring = open_redactor(config.paths, os.environ), partial(list_differing, git, plan.head, plan.tree)
    searched = search(git, redactor, plan.head, plan.tree, bring)
    lines = [f"{one} again: that goes out with the next push" for one in searched.lines]
    return [*lines, *([f"not searched for secrets: {searched.missed}"] if searched.missed else [])]


def _set_receipt_aside(config: Config, slug: str) -> list[str]:
    done = config.paths.done(slug)
    with suppress(FileNotFoundError):
        if os.path.lexists(done):
            aside = files.move(done, config.paths.attempts(slug) / done.name)
            return [f"its receipt is now `{config.paths.shown(aside)}`"]
    return []


def _tell(view: View, slug: str, plan: Plan | None, what: str, commit: str) -> list[str]:
    if plan is None or not plan.files:
        lines = [f"`{slug}`: its work was taken back already{commit and f' by {commit[:12]}'}"]
    else:
        by = f" by {commit[:12]}" if commit else ""
        said = f"{counted(len(plan.commits), 'commit')}, {counted(len(plan.files), 'file')}: {_name(plan.files)}"
        lines = [f"`{slug}` {what}{by} ({said})"]
    rests = dependants_of([slug], view.look.features, view.look.markers.done)
    if rests:
        lines.append(f"{say_dependants(rests)}, done as before: `harness verify {' '.join(rests)}` tells if that holds")
    return lines


def _name(names: Sequence[str]) -> str:
    more = [f"{len(names) - SHOWN} more"] if names[SHOWN:] else []
    return listed([*(f"`{printable(one)}`" for one in names[:SHOWN]), *more])
