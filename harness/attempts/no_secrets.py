"""What is committed holds no secret that harness knows: looked for in every claim, and in every commit that came."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from harness.attempts.attempt import Attempt, Gathered
from harness.attempts.judging import find_base
from harness.attempts.write_down import names_to_commit
from harness.domain.listener import Tone
from harness.domain.text import counted
from harness.domain.units import format_size
from harness.domain.verdict import CheckRun
from harness.run.run import Run
from harness.system import untrusted
from harness.system.redact import Redactor
from harness.workspace.brought import Brought, list_brought, list_differing, list_tree, search_objects
from harness.workspace.git import Git
from harness.workspace.workspace import Commit

IN_ALL = 256 << 20  # bytes that are searched, of all files together
COMMAND = "harness: no secret in what would be committed"
MESSAGE = "a message"  # of a commit or a tag, in the place of a file's name


@dataclass(frozen=True, slots=True)
class Searched:
    """Which secrets came, by the file (or `MESSAGE`) that holds them; `missed` says what was not searched."""

    found: dict[str, list[str]]
    missed: str = ""

    @property
    def names(self) -> list[str]:
        """The names of the secrets."""
        return sorted({one for secrets in self.found.values() for one in secrets})

    @property
    def lines(self) -> list[str]:
        """What is to be said of each file."""
        return [f"{name} holds the value of {', '.join(secrets)}" for name, secrets in self.found.items()]


def check_for_secrets(run: Run, attempt: Attempt, found: Gathered) -> tuple[CheckRun, ...]:
    """Return a red check where a changed file, or its name, holds the value of a secret that its last commit does not.

    Shapes of tokens are no reason: a test may need one. Only values of the environment and of `.env*` files count.
    """
    if not run.commits or not found.claimed:
        return ()
    lines = [f"`{name}` {run.redactor.TOO_LARGE}" for name in run.redactor.unread]
    lines += _search_claim(run, attempt, found) if run.redactor.longest else []  # else no secret is known
    hint = "take it out of the file, and read it from the environment"
    return (CheckRun(COMMAND, 1, 0.0, "\n".join((*dict.fromkeys(lines), hint))),) if lines else ()


def _search_claim(run: Run, attempt: Attempt, found: Gathered) -> list[str]:
    """Return what is to be said of files of a claim that hold a secret: of what is to be committed, and is already."""
    git, head, since = run.workspace.heads.git, found.after.head, find_base(run, attempt, attempt.before.head)
    if (plan := attempt.order.plan) is not None:  # as git stores it, which may be another than what lies there
        base, commit = plan.candidate.base, plan.candidate.commit
        searched = search(git, run.redactor, base, commit, lambda: list_differing(git, base, commit))
        lines = searched.lines
        tell_missed(run, attempt.slug, searched)
    else:
        lines = find_secrets(run, names_to_commit(run, attempt, found))
    own = {*found.committed, *run.history.of(attempt.slug).changed} if since != head else set()
    if own:
        searched = search(git, run.redactor, since, head, lambda: list_differing(git, since, head).only(own))
        lines += [f"the agent's own commit of {line}" for line in searched.lines]
        tell_missed(run, attempt.slug, searched)
    return lines


def search(git: Git, redactor: Redactor, since: str, until: str, bring: Callable[[], Brought]) -> Searched:
    """Return which secrets came since a commit ("" for none) with what `bring` lists; it is asked if one is known.

    What the same file held before, or one that is gone since, is no news.
    """
    if not redactor.longest:
        return Searched({})
    brought = bring()
    held, unread = search_objects(git, brought.ids, redactor, IN_ALL)
    missed = f"{counted(unread, 'object')} of its commits" if unread else "" if brought.whole else "some of its commits"
    in_name = {name: set(redactor.names_in(os.fsencode(name))) for name in brought.files}
    by_name = {name: in_name[name].union(*(held.get(one, ()) for one in ids)) for name, ids in brought.files.items()}
    by_name = {name: secrets for name, secrets in by_name.items() if secrets}
    if by_name:
        was, now = list_tree(git, since), list_tree(git, until)
        gone = {name for name in brought.files if name in was and name not in now}
        old, _ = search_objects(git, (was[name] for name in gone.union(by_name) if name in was), redactor, IN_ALL)
        moved = set[str]().union(*(old.get(was[name], ()) for name in gone))
        for name in by_name.keys() & was.keys():
            by_name[name] -= in_name[name].union(old.get(was[name], ()))
        by_name = {name: secrets - moved for name, secrets in by_name.items()}
    by_name[MESSAGE] = set[str]().union(*(held.get(one, ()) for one in brought.commits))
    return Searched({name: sorted(secrets) for name, secrets in sorted(by_name.items()) if secrets}, missed)


def tell_missed(run: Run, slug: str, searched: Searched) -> None:
    """Tell what was not searched."""
    if searched.missed:
        why = f"more than {format_size(IN_ALL)}, or git could not read it"
        run.tell_once(f"{slug}: not searched for secrets: {searched.missed} ({why})", Tone.BAD)


def take_back_secrets(run: Run, slug: str, commit: Commit) -> tuple[Commit, str]:
    """Search a commit of harness; returns what became of it and, where it holds a secret, what is to be said of that.

    Such a commit does not stay, where the branch is still at it.
    """
    git = run.workspace.heads.git
    bring = partial(list_brought, git, [commit.base], [commit.head])
    searched = search(git, run.redactor, commit.base, commit.head, bring)
    tell_missed(run, slug, searched)
    if not searched.found:
        return commit, ""
    back = run.workspace.commits.take_back(commit.head, commit.base)
    became = "it is taken back" if back else f"the commit {commit.head[:12]} stands, and goes out with the next push"
    said = f"{'; '.join(searched.lines)} in what git committed: {became}"
    return replace(commit, made=not back), said


def find_secrets(run: Run, names: Iterable[str]) -> list[str]:
    """Return what is to be said of files that hold a secret which the last commit has not in them.

    They are named from the top of the work tree.
    """
    left, lines = IN_ALL, list[str]()
    for name in sorted(names):
        content = _read(run.workspace.top / name, left)
        left -= len(content)
        lines += _compare(run, name, content, partial(run.workspace.heads.read_file, "HEAD", name))
    return lines


def _read(path: Path, limit: int) -> bytes:
    """Return what git would store of a file: of a link, where it leads."""
    with suppress(OSError):
        return os.fsencode(os.readlink(path))  # noqa: PTH115
    return untrusted.read_plain(path, limit) or b""


def _compare(run: Run, name: str, content: bytes, read_old: Callable[[], bytes]) -> list[str]:
    """Return what is to be said of a file: it, or its name, holds a secret that was not there before."""
    in_name = set(run.redactor.names_in(os.fsencode(name)))
    if not (secrets := in_name | set(run.redactor.names_in(content))):
        return []
    old = read_old()
    new = secrets - set(run.redactor.names_in(old)) - (in_name if old else set())
    return [f"{name} holds the value of {', '.join(sorted(new))}"] if new else []
