"""What each attempt found and what it left, kept in commits: nothing that an agent did is lost to the next one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.attempts.attempt import Judged
from harness.attempts.land import Landing
from harness.attempts.no_secrets import find_secrets
from harness.domain.listener import Tone
from harness.domain.text import one_line
from harness.domain.units import format_size
from harness.run.run import Run
from harness.workspace.attempt_refs import LARGEST, find_large
from harness.workspace.workspace import Snapshot, changed_files


@dataclass(frozen=True, slots=True)
class Kept:
    """A commit of a tree, "" where git could make none, and the files that it does not hold as they were."""

    commit: str = ""
    left_out: tuple[str, ...] = ()


def keep_found(run: Run, slug: str, number: int, before: Snapshot) -> str:
    """Return a commit of the tree as an attempt finds it, "" where none can be made."""
    if not before.files or not before.head:
        return before.head
    last = run.history.last_ended
    if last is not None and last.kept and last.tree == before.digest:
        return last.kept
    return _keep(run, slug, before.files, f"{slug}: before attempt {number}", (before.head,)).commit


def keep_left(run: Run, judged: Judged, landing: Landing | None) -> Kept:
    """Keep what an attempt left under its name, and return the commit.

    Of one that landed that is its commit, which is on the branch already: its name can wait.
    """
    attempt, after, since = judged.attempt, judged.found.after, judged.attempt.since
    if not since or not after.head:
        return Kept()
    if landing is not None and landing.commit.made and since == attempt.before.head:
        return Kept(landing.commit.head)
    changed = {*changed_files(attempt.before, after), *judged.found.committed}
    if changed or after.head != attempt.before.head:
        own = (after.head,) if after.head != attempt.before.head else ()  # commits that its agent made
        message = f"{attempt.slug}: attempt {attempt.number}, {judged.verdict.outcome}"
        kept = _keep(run, attempt.slug, changed, message, (since, *own))
    else:
        kept = Kept(since)
    name = f"{attempt.slug}/{attempt.number}"
    if kept.commit and not run.workspace.attempt_refs.name({name: kept.commit}):
        run.tell(f"{attempt.slug}: what attempt {attempt.number} left is kept as {kept.commit[:12]}, without a ref")
    return kept


def name_kept(run: Run) -> None:
    """Give each attempt of the run, or of one that was killed, the name under which it is kept, if it has none."""
    if not (kept := run.history.kept):
        return
    named = run.workspace.attempt_refs.find()
    run.workspace.attempt_refs.name({name: commit for name, commit in kept.items() if name not in named})


def _keep(run: Run, slug: str, names: Iterable[str], message: str, parents: Sequence[str]) -> Kept:
    """Return a commit of what its first parent holds, with these files as they are now."""
    hidden = {name for name in names if run.redactor.longest and find_secrets(run, [name])}
    large = find_large(str(run.workspace.top), names)
    chosen = [name for name in names if name not in large and name not in hidden]
    made = run.workspace.commits.make_commit(parents[0], chosen, message, parents)
    why = {name: f"it is larger than {format_size(LARGEST)}, or beyond what is kept" for name in sorted(large)}
    why |= dict.fromkeys(sorted(hidden), "it holds the value of a secret")
    for name, reason in why.items():
        run.tell_once(f"{slug}: {one_line(name, 100)} is not in what is kept of its attempts: {reason}", Tone.NOTICE)
    return Kept(made.commit if made is not None else "", tuple(map(run.redactor.text, why)))
