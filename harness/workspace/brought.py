"""What commits brought, as git stores it: their messages, the names of files, and every content that those ever had."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from harness.system.capture import Captured
from harness.system.redact import NamesIn, Redactor
from harness.workspace.git import Git

_DIFF = ("diff-tree", "-r", "-m", "-z", "--root", "--raw", "--no-renames", "--no-abbrev", "--ignore-submodules=none")
_LINK = "160000"  # the mode of a submodule: its commit lies elsewhere


@dataclass(frozen=True, slots=True)
class Brought:
    """Ids of `commits` and tags, and of the blobs that each of the `files` was; `whole`: git has named them all."""

    commits: tuple[str, ...] = ()
    files: Mapping[str, frozenset[str]] = field(default_factory=dict)  # names from the top of the work tree
    whole: bool = True

    @property
    def ids(self) -> tuple[str, ...]:
        """All that can be read, each once: the messages first."""
        return tuple(dict.fromkeys((*self.commits, *(one for ids in self.files.values() for one in ids))))

    def only(self, names: Collection[str]) -> Brought:
        """Return the files of these names alone."""
        return replace(self, commits=(), files={name: ids for name, ids in self.files.items() if name in names})


def list_brought(git: Git, since: Collection[str], until: Collection[str]) -> Brought:
    """Return what the commits brought that lead to some and not to others, also what a later one took out again."""
    kinds = git.ask("cat-file", "--batch-check=%(objecttype)", stdin="".join(f"{one}\n" for one in until).encode())
    tags = [one for one, kind in zip(until, kinds.stdout.split(), strict=False) if kind == b"tag"]  # they have messages
    ends = "".join(f"{one}\n" for one in (*until, *(f"^{one}" for one in since if one)))
    listed = git.ask("rev-list", "--stdin", stdin=ends.encode())
    shown = git.ask(*_DIFF, "--stdin", "--format=", stdin=listed.stdout)
    whole = _is_whole(listed) and _is_whole(shown)
    return Brought((*tags, *os.fsdecode(listed.stdout).split()), _parse(shown.stdout), whole)


def list_differing(git: Git, since: str, until: str) -> Brought:
    """Return what the files of a commit are that another ("" for none) has not so, however they came to be it."""
    if not since:
        return Brought(files={name: frozenset([blob]) for name, blob in list_tree(git, until).items()})
    shown = git.ask(*_DIFF, since, until)
    return Brought((), _parse(shown.stdout), _is_whole(shown))


def _is_whole(said: Captured) -> bool:
    return not (said.code or said.timed_out)


def list_tree(git: Git, commit: str) -> dict[str, str]:
    """Return the id of each file of a commit, by its name from the top of the work tree."""
    shown = git.ask("ls-tree", "-r", "-z", "--full-tree", commit) if commit else None
    entries = os.fsdecode(shown.stdout).split("\0")[:-1] if shown is not None else []
    return {name: about.rpartition(" ")[2] for about, _, name in (one.partition("\t") for one in entries)}


def _parse(raw: bytes) -> dict[str, frozenset[str]]:
    words, found = os.fsdecode(raw).split("\0"), dict[str, set[str]]()
    for about, name in zip(words[:-1:2], words[1::2], strict=False):
        _, mode, _, blob, _ = about.split(" ")
        found.setdefault(name, set()).update([blob] if mode != _LINK and blob.strip("0") else [])
    return {name: frozenset(blobs) for name, blobs in found.items()}


def search_objects(git: Git, ids: Iterable[str], redactor: Redactor, most: int) -> tuple[dict[str, set[str]], int]:
    """Return which secrets are in which objects, and how many of them were not read: past `most` bytes, or missing."""
    wanted = tuple(dict.fromkeys(ids))
    if not wanted:
        return {}, 0
    reader = _Reader(redactor)
    git.stream("cat-file", "--batch", "--buffer", stdin="".join(f"{one}\n" for one in wanted).encode(), most=most,
               take=reader.feed)  # fmt: skip
    return reader.found, len(wanted) - reader.read


class _Reader:
    """Takes what `git cat-file --batch` says in pieces, and looks for secrets in one object after the other."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor, self._search = redactor, NamesIn(redactor)
        self._head, self._id, self._left = b"", "", 0
        self.found: dict[str, set[str]] = {}
        self.read = 0  # objects, each to its end

    def feed(self, data: bytes) -> None:
        at = 0
        while at < len(data):
            if not self._left:
                line, newline, _ = data[at : at + 200].partition(b"\n")  # longer than any such line
                at += len(line) + len(newline)
                self._head += line
                if newline:
                    self._begin()
                continue
            piece = data[at : at + self._left]
            at, self._left = at + len(piece), self._left - len(piece)
            self._search.feed(piece)
            if not self._left:
                self._end()

    def _begin(self) -> None:
        oid, _, size = [*os.fsdecode(self._head).split(" "), "", ""][:3]
        self._head, self._id = b"", oid
        self._left = int(size) + 1 if size.isdecimal() else 0  # a newline follows; of a missing one nothing does

    def _end(self) -> None:
        self.read += 1
        if self._search.found:
            self.found[self._id] = self._search.found
        self._search = NamesIn(self._redactor)
