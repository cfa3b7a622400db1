"""The diff of work as a reviewer reads it: text is shown as text, whatever attributes of the tree say of it."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence

from harness.workspace.git import Git

LONGEST_LINE = 100_000  # bytes of names in the arguments of git
MOST = 100  # files that git does not show, and that are looked into
_BEGINNING = 8000  # bytes in which git looks for a NUL
_FLAGS = ("-r", "--no-renames", "--no-ext-diff", "--no-textconv", "--no-color", "--relative")
_ONLY_HERE = {"GIT_ALLOW_PROTOCOL": "none", "GIT_NO_LAZY_FETCH": "1"}  # what is not here is not fetched


def show_diff(git: Git, since: str, until: str, names: Collection[str], prefix: str) -> bytes:
    """Return how files changed between two trees, by their names below `prefix`; b"" where git cannot say.

    Text that attributes hide (`*.py -diff`) comes first.
    """
    own = sorted(name.removeprefix(prefix) for name in names if name.startswith(prefix))
    if not own:
        return b""
    chosen = own if sum(map(len, own)) < LONGEST_LINE else []
    hidden = _find_hidden_text(git, since, until, chosen, prefix)
    if not hidden:
        return _diff(git, ("-p",), since, until, chosen)
    others = sorted(set(chosen) - set(hidden))
    rest = _diff(git, ("-p",), since, until, others) if others or not chosen else b""
    return _diff(git, ("-p", "--text"), since, until, hidden) + rest


def _find_hidden_text(git: Git, since: str, until: str, chosen: Sequence[str], prefix: str) -> list[str]:
    """Return the files that git takes for binary and that are text: were it, where they are not new."""
    said = os.fsdecode(_diff(git, ("--numstat", "-z"), since, until, chosen)).split("\0")
    binary = [name for one in said if one.startswith("-\t-\t") and (name := one[len("-\t-\t") :])]
    return [name for name in binary[:MOST] if _is_text(git, (since, until), f"{prefix}{name}")]


def _is_text(git: Git, trees: Sequence[str], name: str) -> bool:
    """Whether the first of the trees that has a file holds text in it, by its beginning as git looks at it."""
    for tree in trees:
        parts = list[bytes]()
        said = git.stream("cat-file", "blob", f"{tree}:{name}", stdin=b"", most=_BEGINNING, take=parts.append)
        if parts or said.code == 0:
            return b"\0" not in b"".join(parts)[:_BEGINNING]
    return False


def _diff(git: Git, how: Sequence[str], since: str, until: str, chosen: Sequence[str]) -> bytes:
    words = ("--literal-pathspecs", "diff-tree", *_FLAGS, *how, since, until, "--", *chosen)
    return git.read(*words, told=("core.quotePath=false",), stdin=b"", **_ONLY_HERE).stdout
