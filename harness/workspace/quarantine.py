"""Files that programs outside the sandbox would obey (settings, hooks): found, moved out of the way, and kept."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from harness.domain.errors import StorageError
from harness.domain.obeyed import Obeyed, is_allowed
from harness.domain.paths import Paths
from harness.system import files, untrusted
from harness.system.folders import Folders, find_fifos, sort_by_kind
from harness.workspace.guard import FOLDERS, Guard

# What the project holds that would be obeyed outside the sandbox, besides the settings of agents. What is there is
# read-only inside; what was not there and appears during an attempt goes into quarantine. Of `.git`: where its
# configuration and its hooks come from.
GUARDED = ("harness.yaml", "templates/prompt.md", ".envrc", ".vscode/settings.json", ".vscode/tasks.json")
GUARDED_OF_GIT = (
    "hooks", "config", "config.worktree", "commondir", "gitdir", "info", "modules",
    "refs/replace", "objects/info/alternates", "objects/info/http-alternates",  # other objects in the place of ours
)  # fmt: skip


def find_absent(root: Path, of_agents: Iterable[str] = ()) -> tuple[str, ...]:
    """Return what of git's own files is not there: if it appears, an attempt made it, and git would obey it.

    `of_agents` are the settings that agents load from a project, below its root.
    """
    guarded = guarded_paths(root, of_agents) if of_agents else []
    looked = [root / ".git", *guarded, *_of_git(*find_git(root)[1])]
    return tuple(str(path) for path in looked if not os.path.lexists(path))


def find_recorded(root: Path, names: Iterable[str], of_agents: Iterable[str] = ()) -> tuple[str, ...]:
    """Return those of the names in a record that `find_absent` can have given: nothing else is moved on its word."""
    known = [root / ".git", *guarded_paths(root, of_agents), *_of_git(root / ".git", *find_git(root)[1])]
    return tuple(name for name in names if Path(name) in known)


def _of_git(*gits: Path) -> list[Path]:
    return [git / name for git in gits for name in GUARDED_OF_GIT]


@dataclass(frozen=True, slots=True)
class Quarantined:
    """What would have been obeyed: what it was, where it is now, and in words what came of it."""

    what: Path
    where: Path
    how: str = "appeared"
    by: str = "git"
    back: str = ""  # whether what stood there before is back, in words


@contextmanager
def quarantine(
    paths: Paths,
    folder: Path,
    absent: Iterable[str],
    guard: Guard,
    tell: Callable[[Quarantined], None] = lambda found: None,
) -> Iterator[None]:
    """Quarantine what would be obeyed and came to be while the block ran, into `folder`/foreign.

    `absent` are names of git's own files (see `find_absent`), the `guard` knows the rest of the tree. `tell` is told
    of each.
    """
    guard.remember()
    try:
        yield
    finally:
        for found in (*quarantine_absent(paths, folder, absent), *quarantine_changes(paths, folder, guard)):
            tell(found)


def quarantine_one(paths: Paths, folder: Path, path: Path) -> Quarantined | None:
    """Move what appeared where nothing was into `folder`/foreign."""
    if not os.path.lexists(path):
        return None
    around = paths.root if path.is_relative_to(paths.root) else path.parent
    moved = untrusted.move_out(around, path, folder / "foreign")
    return None if moved is None else Quarantined(*moved)


def quarantine_absent(paths: Paths, folder: Path, absent: Iterable[str]) -> list[Quarantined]:
    """Move all that appeared where nothing was into `folder`/foreign."""
    found = (quarantine_one(paths, folder, Path(name)) for name in absent if os.path.lexists(name))
    return [one for one in found if one is not None]


def quarantine_changes(
    paths: Paths, folder: Path, guard: Guard, may_change: Sequence[str] = (), held: Collection[Path] = ()
) -> list[Quarantined]:
    """Move all that the guard finds into `folder`/foreign, and put back what stood there.

    What a spec says that its feature `may_change` stays, and so do changes of what is `held`: they are a person's.
    """
    found, held = [], (paths.root / "harness.yaml", *held)  # a person may write their settings while a run is on
    for change in guard.changes(may_change):
        path, is_new = paths.root / change.name, change.old is None
        if is_new or not any(path.is_relative_to(one) for one in held):
            where, is_back = guard.set_aside(change, folder)
            how = "appeared" if is_new else "was deleted" if change.gone else "was changed"
            back = "" if is_new else "what was there is back" if is_back else "what was there could not be put back"
            found.append(Quarantined(path, where or folder / "foreign", how, change.row.by, back))
    guard.remember()
    return found


def find_fifos_of_git(root: Path) -> list[Path]:
    """Return the fifos and devices in git's folders: git would wait for them for ever."""
    seen = Folders(sort_by_kind)
    return [Path(one) for git in find_git(root)[1] for one in find_fifos(seen, str(git), FOLDERS)]


def real_path(path: Path | str) -> Path:
    """Return where a path leads behind its links; the path as it is where they lead nowhere, round and round."""
    try:
        return Path(os.path.realpath(str(path).replace("\0", "")))
    except RecursionError:  # a chain of a thousand links
        return Path(path)


def guarded_paths(root: Path, of_agents: Iterable[str]) -> list[Path]:
    """Return what a project can hold that programs outside the sandbox obey."""
    return [root / name for name in (*GUARDED, *of_agents)]


def allowed_paths(root: Path, of_agents: Iterable[str], may_change: Sequence[str]) -> list[Path]:
    """Return what of the guarded paths a spec lets its agent change."""
    names = [name for name in (*GUARDED, *of_agents) if is_allowed(name, may_change)]
    rows = {name: Obeyed(of_agents).find(*_split(name)) for name in names}
    return [root / name for name, row in rows.items() if row is not None and row.may_change]


def _split(name: str) -> tuple[str, str]:
    folder, _, last = name.rpartition("/")
    return folder, last


def make_guard(paths: Paths, of_agents: Iterable[str], ignored: Callable[[str], bool] = lambda name: False) -> Guard:
    """Return a guard of the project's tree, which knows nothing yet; git's own folder and ours are not looked at."""
    own = [path for path in (paths.specs, paths.logs, *paths.halts) if path.is_relative_to(paths.root)]
    names = {str(path.relative_to(paths.root)) for path in own}
    names |= {".git"} if os.path.lexists(paths.root / ".git") else set()
    guard = Guard(real_path(paths.root), frozenset(names), Obeyed(of_agents), ignored)
    with suppress(OSError):
        found = (paths.root / ".git").lstat()
        guard.repository = found.st_dev, found.st_ino
    return guard


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
