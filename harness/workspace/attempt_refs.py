"""What each attempt left is kept in a commit below `refs/harness/`: no branch, index or later attempt changes it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.system.capture import Captured
from harness.workspace.git import NO_HOOKS, Git

FOLDER = "refs/harness"
LARGEST = 100 << 20  # bytes of a file that is kept
IN_ALL = 1 << 30  # bytes that are kept of one tree, of all files that the last commit does not hold so


@dataclass(frozen=True, slots=True)
class DiffStat:
    """How much differs between two trees: files, and lines of those that are text."""

    files: int = 0
    added: int = 0
    removed: int = 0


class AttemptRefs:
    """The commits that are kept, each under the name of an attempt: `SLUG/NUMBER`."""

    def __init__(self, git: Git) -> None:
        self._git = git

    def name(self, kept: Mapping[str, str]) -> bool:
        """Let the names of attempts stand for commits, all or none; returns whether they do."""
        if not kept:
            return True
        lines = "".join(f"update {FOLDER}/{name}\0{commit}\0\0" for name, commit in kept.items())
        return self._ask("update-ref", "-z", "--stdin", stdin=lines.encode()).code == 0

    def forget(self, names: Iterable[str]) -> None:
        """Take the names of attempts away: their commits go with git's next clean-up, but for those on a branch."""
        there = self.find()
        lines = "".join(f"delete {FOLDER}/{name}\0{there[name]}\0" for name in names if name in there)
        if lines:
            self._ask("update-ref", "-z", "--stdin", stdin=lines.encode())

    def find(self) -> dict[str, str]:
        """Return the commit of each attempt that is kept, by its name."""
        said = self._ask("for-each-ref", "--format=%(refname)%00%(objectname)", f"{FOLDER}/")
        lines = (line.partition("\0") for line in os.fsdecode(said.stdout).split("\n") if line)
        return {name.removeprefix(f"{FOLDER}/"): commit for name, _, commit in lines}

    def count(self, pairs: Sequence[tuple[str, str]]) -> list[DiffStat | None]:
        """Return how much differs between the commits of each pair; None for one that git does not have any more."""
        asked = "".join(f"{one}^{{tree}}\n" for pair in pairs for one in pair)
        said = self._ask("cat-file", "--batch-check=%(objectname)", stdin=asked.encode())
        trees = [line if " " not in line else "" for line in os.fsdecode(said.stdout).splitlines()]
        both = [pair if all(pair) else None for pair in zip(trees[::2], trees[1::2], strict=True)]
        differ = dict.fromkeys(pair for pair in both if pair is not None and pair[0] != pair[1])
        lines = "".join(f"{since} {kept}\n" for since, kept in differ)
        words = ("diff-tree", "--stdin", "-r", "--numstat", "-z", "--no-renames", "--no-ext-diff", "--no-textconv")
        told = _read_numstat(os.fsdecode(self._ask(*words, stdin=lines.encode()).stdout), differ)
        return [None if pair is None else told.get(pair, DiffStat()) for pair in both]

    def show(self, since: str, kept: str, *, stat: bool) -> Captured:
        """Return the difference between two commits as git tells it, without any program of the repository's."""
        flags = (*(("--stat",) if stat else ()), "--no-color", "--no-ext-diff", "--no-textconv")
        return self._git.read("diff", *flags, since, kept, "--", told=[NO_HOOKS, "core.quotePath=false"])

    def _ask(self, *words: str, stdin: bytes = b"") -> Captured:
        return self._git.ask(*words, told=[NO_HOOKS], stdin=stdin)


def find_large(top: str, names: Iterable[str]) -> frozenset[str]:
    """Return the files of a work tree that are too large to keep, or beyond what is kept of one tree."""
    left, found = IN_ALL, []
    for name in sorted(names):
        try:
            size = os.lstat(f"{top}/{name}").st_size
        except OSError:
            continue
        if size > min(LARGEST, left):
            found.append(name)
        else:
            left -= size
    return frozenset(found)


def _read_numstat(said: str, pairs: Iterable[tuple[str, str]]) -> dict[tuple[str, str], DiffStat]:
    """Return what `diff-tree --stdin --numstat -z` says: for each pair a line with both trees, then a line a file."""
    heads, found = {f"{since} {kept}": (since, kept) for since, kept in pairs}, dict[tuple[str, str], DiffStat]()
    now: tuple[str, str] | None = None
    for part in said.split("\0"):
        head, _, rest = part.partition("\n")
        now = heads.get(head, now)
        fields = (rest if head in heads else part).split("\t", 2)
        if now is None or len(fields) != 3:
            continue
        old, (added, removed) = found.get(now, DiffStat()), (int(one) if one.isdigit() else 0 for one in fields[:2])
        found[now] = DiffStat(old.files + 1, old.added + added, old.removed + removed)
    return found
