"""What git has begun and not ended (a merge, a rebase), by what it leaves in its folder, and how a person ends it.

To abort one leads back to where its files say that it began, and an agent can write these: so they are compared.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from harness.domain.text import is_object_id
from harness.system import untrusted


@dataclass(frozen=True, slots=True)
class Operation:
    """One kind: `abort` takes it back, `quit` leaves all as it is; `began` are files that say where it began.

    Where one is missing git goes by others, if there is `another_way`, and else back to where HEAD is. If it
    `checks_out` what they say, an id there detaches HEAD.
    """

    what: str
    abort: str
    quit: str
    began: tuple[str, ...] = ()
    another_way: bool = False
    checks_out: bool = False


_PICK = ("git cherry-pick --abort", "git cherry-pick --quit")
_BISECT = Operation("a bisect", "git bisect reset", "git bisect reset HEAD", ("BISECT_START",), checks_out=True)
_AM = Operation("a series of patches", "git am --abort", "git am --quit", ("ORIG_HEAD",), another_way=True)


def _rebase(folder: str) -> Operation:
    began = (f"{folder}/orig-head", f"{folder}/head-name")
    return Operation("a rebase", "git rebase --abort", "git rebase --quit", began, another_way=True)


_KINDS = {
    "MERGE_HEAD": Operation("a merge", "git merge --abort", "git merge --quit"),
    "rebase-merge": _rebase("rebase-merge"),
    "rebase-apply/applying": _AM,
    "rebase-apply": _rebase("rebase-apply"),
    "CHERRY_PICK_HEAD": Operation("a cherry-pick", *_PICK, ("sequencer/head",)),
    "REVERT_HEAD": Operation("a revert", "git revert --abort", "git revert --quit", ("sequencer/head",)),
    "sequencer": Operation("a cherry-pick or a revert", *_PICK, ("sequencer/head",)),
    "BISECT_LOG": _BISECT,
    "BISECT_START": _BISECT,
}
_BY_NAME = {kind.what: kind for kind in _KINDS.values()}
_LONGEST = 4096  # bytes of a file that says where it began
_MISSING = "(missing)"


def find_operation(own: Path) -> tuple[str, tuple[str, ...]]:
    """Return what is open in git's folder of a work tree, "" for nothing, and where its files say that it began.

    Where git would go by something else, one of these files is missing, which is neither a commit nor a branch.
    """
    for name, kind in _KINDS.items():
        if os.path.exists(f"{own}/{name}"):  # noqa: PTH110
            held = [untrusted.read_plain(own / file, _LONGEST) for file in kind.began]
            said = [None if one is None else one.decode("utf-8", "replace").strip() for one in held]
            missing = (_MISSING,) if None in said and kind.another_way else ()
            return kind.what, (*(one for one in said if one is not None), *missing)
    return "", ()


def say_ending(what: str, began: Collection[str], known: Collection[str], commit: str, branch: str) -> tuple[str, ...]:
    """Return the commands that end an operation: they abort it where it began at commits and branches that are `known`.

    Else all stays as it is, but for HEAD and the index, which go to the `commit` and the `branch` (a full ref, "" where
    HEAD is on it).
    """
    kind = _BY_NAME[what]
    detaches = kind.checks_out and any(map(is_object_id, began)) and "detached HEAD" not in known
    if set(began) <= set(known) and not detaches:
        return (kind.abort,)
    home = (f"git symbolic-ref HEAD {shlex.quote(branch)}",) if branch else ()
    return (kind.quit, *home, f"git reset -q {commit[:12]}")
