"""What git obeys of a repository: of one in the tree, of a bare one, and of the project's own while an agent works."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from harness.domain.errors import StorageError
from harness.domain.obeyed import Row
from harness.system import files, untrusted
from harness.system.folders import Kind, is_fifo

OF_REPOSITORY = frozenset(
    (
        "config", "config.worktree", "hooks", "commondir", "gitdir", "info", "modules", "worktrees",
        "remotes", "branches", "rebase-merge", "rebase-apply",
    )
)  # fmt: skip
_HOLDS_OTHERS = ("modules", "worktrees")  # repositories of submodules, of other work trees

HEAD_OF_BARE = Row("git", "HEAD", "git-rev-parse(1): a bare repository", may_change=False)
OF_BARE = Row("git", "a bare repository", "gitrepository-layout(5)", may_change=False)
FIFO = Row("git", "a fifo", "gitignore(5)", may_change=False)  # it would wait there for ever
LINK = Row("git", "a link", "gitrepository-layout(5): git writes through it", may_change=False)
LINK_INTO_GIT = Row("git", "a link into `.git`", "gitrepository-layout(5): a repository behind it", may_change=False)
TODO = Row("git", "the list of a rebase", "git-rebase(1): --exec", may_change=False)
UNFINISHED = Row("git", "a rebase", "git-rebase(1): --autostash, --strategy", may_change=False)
REMOTE = Row("git", "a remote", "gitrepository-layout(5): remotes, branches", may_change=False)
HISTORY = Row("git", "another history", "gitrepository-layout(5): shallow, commit-graph", may_change=False)
WORDS = Row("git", "what gc said", "git-gc(1): gc.log is shown as git's own words", may_change=False)
MESSAGE = Row("git", "the next message", "git-commit(1) begins with SQUASH_MSG", may_change=False)
RESOLUTION = Row("git", "a recorded resolution", "git-rerere(1): the folder alone switches it on", may_change=False)
UNKNOWN = Row("git or a tool", "what git does not make", "gitrevisions(7), manuals of tools", may_change=False)
PATHS = Row("a shell", ".git/safe", "a PATH that trusts `.git/safe/../../bin`", may_change=False)
MAY_GO = frozenset(
    row.names for row in (FIFO, LINK, TODO, UNFINISHED, REMOTE, HISTORY, WORDS, MESSAGE, RESOLUTION, UNKNOWN, PATHS)
)  # and nobody is harmed

LONGEST_TODO = 1 << 20  # bytes
_OF_OWN = {
    "rebase-merge/git-rebase-todo": TODO, "rebase-merge/autostash": UNFINISHED, "rebase-merge/strategy": UNFINISHED,
    "rebase-apply/autostash": UNFINISHED, "MERGE_AUTOSTASH": UNFINISHED,
    "remotes": REMOTE, "branches": REMOTE, "shallow": HISTORY,
    "gc.log": WORDS, "SQUASH_MSG": MESSAGE, "MERGE_MSG": MESSAGE, "rr-cache": RESOLUTION, "safe": PATHS,
    "objects/info/commit-graph": HISTORY, "objects/info/commit-graphs": HISTORY,
}  # fmt: skip
_ID, _LONGEST_ID = re.compile(rb"[0-9a-f]{40,64}\s*"), 80
_PACKED = 16 << 20  # bytes of packed refs
# What git itself and its well-known companions make at the top of a repository: gitrepository-layout(5).
_MADE_BY_GIT = re.compile(
    r"[A-Z_]*HEAD|MERGE_[A-Z]+|BISECT_[A-Z_]+|NOTES_[A-Z_]+|AUTO_MERGE|(COMMIT|TAG)_EDITMSG|EDIT_DESCRIPTION"
    r"|config|config\.worktree|description|hooks|index|index\.stash\.\d+|sharedindex\.[0-9a-f]{40,64}|info|logs"
    r"|objects|refs|reftable|packed-refs|worktrees|modules|commondir|gitdir|locked|sequencer|rebase-merge"
    r"|rebase-apply|gc\.pid|fsmonitor--daemon.*"
    r"|subtree-cache|lfs|harness-index(\.\d+\.new)?|[A-Za-z-]+\.lock|next-index-\d+\.lock|\.DS_Store"
    r"|([^/]+\.lock|index|harness-index)\.aside(\.\d+)?"  # what harness moved out of the way of a git
)


VITAL = ("HEAD", "objects", "refs", "packed-refs")  # without the first three git takes it for no repository
_OTHERS = OF_REPOSITORY | {name.lower() for name in (*VITAL, "index", "logs")}


def find_behind(git: Path, name: str) -> Path | None:
    """Return what was moved within a repository's folder, with a link in its place; None for anything else."""
    link = git / name
    if not files.is_link(link):
        return None
    place = real_path(link)
    is_within = git in place.parents and place.relative_to(git).parts[0].lower() not in _OTHERS
    fits = files.is_file(place) if name in ("HEAD", "packed-refs") else files.is_dir(place)
    return place if is_within and fits else None


def is_bare(names: Iterable[str]) -> bool:
    """Whether git takes a folder that holds these names for a repository; objects and refs may lie elsewhere."""
    low = {name.lower() for name in names}
    return "head" in low and ("commondir" in low or {"objects", "refs"} <= low)


def is_repository(names: Iterable[str]) -> bool:
    """Whether one of these names is what every repository has."""
    return any(name.lower() == "head" for name in names)


def holds_others(name: str) -> bool:
    """Whether a folder of a repository holds further ones."""
    return name in _HOLDS_OTHERS


def row_of_own(name: str, kind: Kind) -> Row | None:
    """Return the row of a name in the project's own repository; None for what an agent's git may make there."""
    if kind in ("fifo", "link"):
        return FIFO if kind == "fifo" else LINK
    return _OF_OWN.get(name) or (None if "/" in name or _MADE_BY_GIT.fullmatch(name) else UNKNOWN)


def may_stay(git: Path, name: str) -> bool:
    """Whether a file may stay whose name says nothing to us: it holds an id and no more, and no ref has that name."""
    said = untrusted.read_plain(git / name, _LONGEST_ID)
    if said is None or not _ID.fullmatch(said) or not files.is_dir(git / "refs/heads"):
        return False
    packed = (untrusted.read_plain(git / "packed-refs", _PACKED) or b"").decode("utf-8", "replace").splitlines()
    known = {line.partition(" ")[2] for line in packed}
    named = [f"refs/{name}", *(f"refs/{kind}/{name}" for kind in ("tags", "heads", "remotes"))]
    return not any(ref in known or os.path.lexists(git / ref) for ref in named)


def runs_program(todo: Path) -> bool:
    """Whether the list of a rebase runs a program; True where that cannot be told."""
    said = untrusted.read_plain(todo, LONGEST_TODO + 1)
    return said is None or len(said) > LONGEST_TODO or re.search(rb"^[ \t]*(x|exec)\b", said, re.MULTILINE) is not None


def find_odd(git: Path) -> list[str]:
    """Return what a plain clone does not have: hooks, configuration, other repositories, what is unfinished, links."""
    odd = OF_REPOSITORY - {"config", "hooks", "info", "modules", "worktrees", "branches"}
    with os.scandir(git) as entries:
        found = [one.name for one in entries if one.name.lower() in odd or one.is_symlink()]
    found += [name for name in _HOLDS_OTHERS if files.is_dir(git / name) and os.listdir(git / name)]  # noqa: PTH208
    if files.is_dir(git / "hooks"):
        found += [one for one in os.listdir(git / "hooks") if not one.endswith(".sample")]  # noqa: PTH208
    return found


# --- where it lies ------------------------------------------------------------------------------------------------


def find_git(root: Path) -> tuple[Path, list[Path]]:
    """Return the top of the work tree that holds `root`, and the folders where its repository keeps itself.

    These an agent may write, so a `.git` that leads elsewhere is believed only where git itself leads back to it.
    """
    for folder in (root, *root.parents):
        dot = folder / ".git"
        if files.is_link(dot):
            return folder, []
        if files.is_dir(dot):
            return folder, [real_path(dot)]
        if files.is_file(dot):  # a worktree or a submodule: "gitdir: PATH"
            own = real_path(folder / files.read_text(dot, 4096).removeprefix("gitdir:").strip())
            return folder, _follow_back(own, folder)
    return root, []


_INCLUDED = re.compile(r'^[ \t]*(?:\[.*\])?[ \t]*path[ \t]*=[ \t]*"?([^"#;\n]+)', re.MULTILINE | re.IGNORECASE)
_MOST_INCLUDED = 100


def find_endless(folders: Iterable[Path]) -> Path | None:
    """Return a fifo or a device that the configuration in git's folders includes: git would wait there for ever."""
    waiting = [folder / name for folder in folders for name in ("config", "config.worktree")]
    for _ in range(_MOST_INCLUDED):
        if not waiting:
            return None
        file = waiting.pop(0)
        if is_fifo(str(file)):
            return file
        with suppress(StorageError):
            names = _INCLUDED.findall(files.read_text(file, 1 << 20))
            waiting += [real_path(file).parent / files.expand_home(name.strip()) for name in names]
    return None


def _follow_back(own: Path, folder: Path) -> list[Path]:
    """Return the folders of a worktree's or a submodule's repository; none where it knows nothing of `folder`."""
    try:
        if back := files.read_text(own / "gitdir", 4096).strip():
            common = real_path(own / files.read_text(own / "commondir", 4096).strip())
            known = real_path(own / back) == real_path(folder) / ".git" and own.parent == common / "worktrees"
            return [common, own] if known else []
        tree = re.search(r"^\s*worktree\s*=\s*(.+?)\s*$", files.read_text(own / "config", 1 << 20), re.MULTILINE)
    except StorageError:  # it leads to something that is no repository
        return []
    return [own] if tree and real_path(own / tree[1].strip('"')) == real_path(folder) else []


def real_path(path: Path | str) -> Path:
    """Return where a path leads behind its links; the path as it is where they lead nowhere, round and round."""
    try:
        return Path(os.path.realpath(str(path).replace("\0", "")))
    except RecursionError:  # a chain of a thousand links
        return Path(path)
