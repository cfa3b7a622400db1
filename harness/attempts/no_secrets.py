"""What is to be committed holds no secret that harness knows: a check of every claim, beside the project's own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path

from harness.attempts.attempt import Attempt, Gathered
from harness.attempts.write_down import names_to_commit
from harness.domain.verdict import CheckRun
from harness.run.run import Run
from harness.system import untrusted

IN_ALL = 256 << 20  # bytes that are searched, of all files together
MOST = 200  # files of an agent's own commits that are searched
COMMAND = "harness: no secret in what would be committed"


def check_for_secrets(run: Run, attempt: Attempt, found: Gathered) -> tuple[CheckRun, ...]:
    """Return a red check where a changed file, or its name, holds the value of a secret that its last commit does not.

    Shapes of tokens are no reason: a test may need one. Only values of the environment and of `.env*` files count.
    """
    if not run.commits or not found.claimed:
        return ()
    lines = [f"`{name}` {run.redactor.TOO_LARGE}" for name in run.redactor.unread]
    in_tree, left = _search_tree(run, names_to_commit(run, attempt, found))
    lines += in_tree
    heads, before = run.workspace.heads, attempt.before.head
    for name in found.committed[:MOST]:
        content = heads.read_file(found.after.head, name)[:left]
        left -= len(content)
        read_old = partial(heads.read_file, before, name)
        lines += _compare(run, name, content, read_old, f"the agent's own commit of {name}")
    hint = "take it out of the file, and read it from the environment"
    return (CheckRun(COMMAND, 1, 0.0, "\n".join((*lines, hint))),) if lines else ()


def find_in_commits(run: Run, since: str, until: str) -> list[str]:
    """Return the names of the secrets that commits brought, in files, messages or names, also if a later one took them.

    One that a file which they changed held before is no news.
    """
    heads, names_in = run.workspace.heads, run.redactor.names_in
    came = {*names_in(heads.show_messages(since, until)), *names_in(heads.show_added_lines(since, until)[:IN_ALL])}
    for name in heads.find_ever_changed(since, until) if came else ():
        came -= set(names_in(heads.read_file(since, name)))
    return sorted(came)


def find_secrets(run: Run, names: Iterable[str]) -> list[str]:
    """Return what is to be said of files that hold a secret which the last commit has not in them.

    They are named from the top of the work tree.
    """
    return _search_tree(run, names)[0]


def _search_tree(run: Run, names: Iterable[str]) -> tuple[list[str], int]:
    """Return what is to be said of files in the work tree, and how many bytes may still be searched."""
    left, lines = IN_ALL, list[str]()
    for name in sorted(names):
        content = _read(run.workspace.top / name, left)
        left -= len(content)
        lines += _compare(run, name, content, partial(run.workspace.heads.read_file, "HEAD", name))
    return lines, left


def _read(path: Path, limit: int) -> bytes:
    """Return what git would store of a file: of a link, where it leads."""
    with suppress(OSError):
        return os.fsencode(os.readlink(path))  # noqa: PTH115
    return untrusted.read_plain(path, limit) or b""


def _compare(run: Run, name: str, content: bytes, read_old: Callable[[], bytes], what: str = "") -> list[str]:
    """Return what is to be said of a file: it, or its name, holds a secret that was not there before."""
    in_name = set(run.redactor.names_in(os.fsencode(name)))
    if not (secrets := in_name | set(run.redactor.names_in(content))):
        return []
    old = read_old()
    new = secrets - set(run.redactor.names_in(old)) - (in_name if old else set())
    return [f"{what or name} holds the value of {', '.join(sorted(new))}"] if new else []
