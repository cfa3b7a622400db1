"""`harness attempts`, `diff`, `show` and `restore`: what agents did, attempt by attempt, and how it comes back."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from harness.agents.table import all_agents
from harness.cli.interventions import hold_journal
from harness.decide.proof import say_names
from harness.domain.errors import UsageError
from harness.domain.obeyed import Obeyed
from harness.domain.text import counted, one_line, printable
from harness.records.events import Restored, TreeLeft
from harness.reports.attempts import (
    Known,
    Report,
    choose_attempt,
    read_attempts,
    report_attempt,
    report_show,
)
from harness.reports.view import View, read_view
from harness.run.open import environment_of_git
from harness.run.site import open_site
from harness.settings.load import Config
from harness.workspace.attempt_refs import AttemptRefs, DiffStat
from harness.workspace.git import Git
from harness.workspace.in_place import InPlace
from harness.workspace.parking import ParkingError

MOST_COMPARED = 5  # attempts, the last ones, that the tree is compared with


def list_attempts(config: Config, slug: str | None) -> Report:
    """Return the attempts, oldest first, each with what it changed. Raises UsageError for an unknown feature."""
    view = read_view(config)
    known = read_attempts(view.events, slug)
    if slug is not None and not known:
        view.feature(slug)
    kept = [one for one in known if one.kept and one.began.since]
    counts = open_refs(config).count([(one.began.since, one.kept) for one in kept]) if kept else []
    stats = {one.name: stat for one, stat in zip(kept, counts, strict=True)}
    return {"attempts": [_row(view, one, stats) for one in known]}


def _row(view: View, known: Known, stats: Mapping[str, DiffStat | None]) -> Report:
    stat = stats.get(known.name)
    told = None if stat is None else asdict(stat)
    return {**report_attempt(view, known), "diffstat": told, "gone": known.name in stats and stat is None}


def read_difference(config: Config, slug: str, number: int | None, *, stat: bool) -> bytes:
    """Return what an attempt changed, as git shows it. Raises UsageError where that is not kept."""
    known = choose_attempt(read_view(config), slug, number)
    _refuse_lost(known)
    said = open_refs(config).show(known.began.since, known.kept, stat=stat)
    if said.code != 0:
        raise UsageError(
            f"git cannot show it: {one_line(os.fsdecode(said.stderr))}", "`harness attempts` shows which it can"
        )
    return said.stdout + (b"\n(cut here: it is too long)\n" if said.truncated else b"")


def read_show(config: Config, slug: str, number: int | None) -> Report:
    """Return what an agent said and ran in an attempt, in words. Raises UsageError."""
    view = read_view(config)
    return report_show(view, choose_attempt(view, slug, number))


def restore_attempt(config: Config, slug: str, number: int) -> list[str]:
    """Bring what an attempt left back into the working tree. Raises UsageError where that would lose anything."""
    view = read_view(config)
    known = choose_attempt(view, slug, number)
    _refuse_lost(known)
    with open_site(config, os.environ, "restore") as site, hold_journal(config) as journal:
        environ = environment_of_git(config, os.environ)
        workspace = InPlace(config.paths, environ, site.temporary, written=config.written)
        workspace.confine_git(site.supervisor, site.confine_check)
        try:
            tree, back, left = _find_what_comes(workspace, known, _find_saved(view, workspace, known))
        except ParkingError as error:
            said = f"{one_line(str(error), 300)}: nothing was changed"
            raise UsageError(said, f"`harness diff {slug} {number}` shows what it changed") from error
        if back:
            came = Restored(slug=slug, attempt=number, commit=known.kept, files=tuple(back))
            journal.append(came)
            _write_back(workspace, tree, came)
            there = workspace.snapshot().files  # what the next run may commit
            journal.append(TreeLeft(files={**view.history.left, **{one: there[one] for one in back if one in there}}))
    told = [f"nothing that attempt {number} of `{slug}` changed is missing here: nothing was changed"]
    if back:
        said = f"{counted(len(back), 'file')}: {_name(back)}"
        told = [f"attempt {number} of `{slug}` is back in the working tree: {said}"]
        told += ["nothing is committed: `git status` shows it, and `harness run` goes on with it"]
    told += [f"left out, for programs obey what lies there: {_name(left)}"] if left else []
    not_kept = known.ended.not_kept if known.ended is not None else ()
    return [*told, *([f"not kept of that attempt, so not there: {_name(not_kept)}"] if not_kept else [])]


def _write_back(workspace: InPlace, tree: str, came: Restored) -> None:
    """Write files as a tree has them. Raises UsageError where that came to no end."""
    try:
        workspace.parking.write(tree, came.files)
    except ParkingError as error:
        said = f"{one_line(str(error), 300)}: some of the files may be back, and not all are; the attempt stays kept"
        raise UsageError(
            said, f"`git status` shows them; then `harness restore {came.slug} {came.attempt}` again"
        ) from error


def _find_what_comes(workspace: InPlace, known: Known, saved: set[str]) -> tuple[str, list[str], list[str]]:
    """Return the tree that HEAD and an attempt's change make, its files that come, and those that programs would obey.

    What is `saved` goes where the attempt had not left it. Raises UsageError, or ParkingError, where anything that is
    saved nowhere would be lost.
    """
    if operation := workspace.heads.look().operation:
        raise UsageError(f"{operation} is not finished", "finish it, or abort it, first")
    tree, changed = workspace.parking.merge_change(known.began.since, known.kept)
    obeyed = Obeyed(all_agents().guarded)
    left = [name for name in changed if obeyed.obeys(name.removeprefix(workspace.prefix))]
    names = sorted(saved.union(changed).difference(left))
    if in_the_way := [one for one in workspace.parking.find_in_the_way(tree, names) if one not in saved]:
        said = f"{_name(in_the_way)} would change, and there is something in it that is saved nowhere"
        raise UsageError(f"{said}: nothing was changed", "`git stash --include-untracked` first, or commit it")
    return tree, workspace.parking.find_other(tree, names), left


def _find_saved(view: View, workspace: InPlace, known: Known) -> set[str]:
    """Return the files that attempts on the feature changed, and that are as one of the last of them left them."""
    own = sorted(view.record(known.slug).changed & workspace.snapshot().files.keys())
    kept = [one.kept for one in read_attempts(view.events, known.slug) if one.kept][-MOST_COMPARED:]
    other = own
    for commit in reversed(kept):
        other = workspace.parking.find_other(commit, other) if other else []
    return set(own).difference(other)


def _name(names: Sequence[str]) -> str:
    return say_names([printable(one) for one in names])


def _refuse_lost(known: Known) -> None:
    """Raise UsageError where nothing is kept of an attempt."""
    if known.kept and known.began.since:
        return
    if known.ended is None:
        why, hint = "it is on, or was cut off", "at its end it is, or when the next `harness run` begins"
    elif known.cleaned:
        why, hint = "it was cleaned away", "what landed is on your branch: `git log`"
    else:
        why, hint = "it was made before attempts were kept, or without git", "`harness show` tells what its agent did"
    raise UsageError(f"nothing is kept of attempt {known.began.attempt} of `{known.slug}`: {why}", hint)


def open_refs(config: Config) -> AttemptRefs:
    """Return what git keeps of attempts. Raises UsageError where there is no git."""
    git = Git(config.paths.root, environment_of_git(config, os.environ), written=config.written)
    if not git.found:
        raise UsageError(git.why, "attempts are kept in git")
    return AttemptRefs(git)
