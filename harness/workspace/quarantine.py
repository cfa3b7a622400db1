"""Files that programs outside the sandbox would obey (settings, hooks): found, moved out of the way, and kept."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.domain.errors import StorageError
from harness.domain.paths import Paths
from harness.system import files, untrusted

# What the project holds that would be obeyed outside the sandbox, besides the settings of agents. What is there is
# read-only inside; what was not there and appears during an attempt goes into quarantine. Of `.git`: where its
# configuration and its hooks come from.
GUARDED = ("harness.yaml", "templates/prompt.md", ".envrc", ".vscode/settings.json", ".vscode/tasks.json")
GUARDED_OF_GIT = ("hooks", "config", "config.worktree", "commondir", "gitdir", "info", "modules")


def find_absent(root: Path, of_agents: Iterable[str]) -> tuple[str, ...]:
    """Return what would be obeyed outside the sandbox and is not there: if it appears, an attempt made it.

    `of_agents` are the settings that agents load from a project, below its root.
    """
    _, gits = find_git(root)
    looked = [root / ".git", *guarded_paths(root, of_agents), *(git / name for git in gits for name in GUARDED_OF_GIT)]
    return tuple(str(path) for path in looked if not os.path.lexists(path))


@contextmanager
def quarantine(
    paths: Paths,
    folder: Path,
    absent: Iterable[str],
    found: Callable[[Path, Path], None] = lambda what, where: None,
) -> Iterator[None]:
    """Quarantine what of the `absent` (see `find_absent`) is there when the block has run, into `folder`/foreign.

    `found` is told what it was, and where it is now.
    """
    try:
        yield
    finally:
        for what, where in quarantine_absent(paths, folder, absent):
            found(what, where)


def quarantine_one(paths: Paths, folder: Path, path: Path) -> tuple[Path, Path] | None:
    """Move what appeared where nothing was into `folder`/foreign: what that was, and where it is now."""
    if not os.path.lexists(path):
        return None
    around = paths.root if path.is_relative_to(paths.root) else path.parent
    return untrusted.move_out(around, path, folder / "foreign")


def quarantine_absent(paths: Paths, folder: Path, absent: Iterable[str]) -> list[tuple[Path, Path]]:
    """Move all that appeared where nothing was into `folder`/foreign: of each, what it was, and where it is now."""
    found = (quarantine_one(paths, folder, Path(name)) for name in absent if os.path.lexists(name))
    return [one for one in found if one is not None]


def real_path(path: Path | str) -> Path:
    """Return where a path leads behind its links; the path as it is where they lead nowhere, round and round."""
    try:
        return Path(os.path.realpath(str(path).replace("\0", "")))
    except RecursionError:  # a chain of a thousand links
        return Path(path)


def guarded_paths(root: Path, of_agents: Iterable[str]) -> list[Path]:
    """Return what a project can hold that programs outside the sandbox obey."""
    return [root / name for name in (*GUARDED, *of_agents)]


def find_git(root: Path) -> tuple[Path, list[Path]]:
    """Return the top of the work tree that holds `root`, and the folders where its repository keeps itself.

    These an agent may write, so a `.git` that leads elsewhere is believed only where git itself leads back to it.
    """
    for folder in (root, *root.parents):
        dot = folder / ".git"
        if dot.is_symlink():
            return folder, []
        if dot.is_dir():
            return folder, [real_path(dot)]
        if dot.is_file():  # a worktree or a submodule: "gitdir: PATH"
            own = real_path(folder / files.read_text(dot, 4096).removeprefix("gitdir:").strip())
            return folder, _follow_back(own, folder)
    return root, []


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
