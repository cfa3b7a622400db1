"""Files that programs outside the sandbox would obey (settings, hooks): found, moved out of the way, and kept."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.domain.errors import StorageError
from harness.domain.obeyed import ENV_FILES, REPOSITORY, Obeyed, is_allowed
from harness.domain.paths import Paths
from harness.domain.text import printable
from harness.system import files, untrusted
from harness.system.folders import Folders, find_fifos, sort_by_kind
from harness.workspace.guard import FOLDERS
from harness.workspace.guards import Guards
from harness.workspace.repositories import VITAL, find_behind, find_git, real_path

TOLD = 20  # of what one step left that are told one by one, each on the disk for sure
LIST = "quarantined.txt"  # the others
LEFT = "it stays as it is, and where git ignores it no diff shows it: look at it"
IsObeyed = Callable[[str, str], bool]  # by a folder, and a name in it
NOTHING: IsObeyed = lambda folder, name: False  # noqa: E731

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
    left: bool = False  # it is told, and stays as it is

    @property
    def is_aside(self) -> bool:
        """Whether something was put into quarantine."""
        return not self.left and self.how not in ("was deleted", "was moved")


@contextmanager
def quarantine(
    paths: Paths,
    folder: Path,
    absent: Iterable[str],
    guards: Guards,
    tell: Callable[[Quarantined], None] = lambda found: None,
) -> Iterator[None]:
    """Quarantine what would be obeyed and came to be while the block ran, into `folder`/foreign.

    `absent` are names of git's own files (see `find_absent`), the `guards` know the rest of it, and the tree.
    `tell` is told of each.
    """
    guards.remember()
    try:
        yield
    finally:
        back = put_git_back(paths, folder, guards)
        came = quarantine_absent(paths, folder, absent, guards.tree.is_obeyed)
        for found in (*back, *came, *quarantine_changes(paths, folder, guards)):
            tell(found)


def quarantine_one(paths: Paths, folder: Path, path: Path, is_obeyed: IsObeyed = NOTHING) -> Quarantined | None:
    """Move what appeared where nothing was into `folder`/foreign."""
    if not os.path.lexists(path):
        return None
    around = paths.root if path.is_relative_to(paths.root) else path.parent
    moved = untrusted.move_out(around, path, folder / "foreign", is_obeyed)
    return None if moved is None else Quarantined(*moved)


def quarantine_absent(
    paths: Paths, folder: Path, absent: Iterable[str], is_obeyed: IsObeyed = NOTHING
) -> list[Quarantined]:
    """Move all that appeared where nothing was into `folder`/foreign."""
    found = (quarantine_one(paths, folder, Path(name), is_obeyed) for name in absent if os.path.lexists(name))
    return [one for one in found if one is not None]


def put_git_back(paths: Paths, folder: Path, guards: Guards) -> list[Quarantined]:
    """Put back the parts of a repository that were moved within it, with a link in their place; the link goes aside."""
    found = []
    for guard in guards.repositories:
        for name in (one for one in VITAL if one not in guard.known):
            if (place := find_behind(guard.root, name)) is not None:
                moved = untrusted.move_out(guard.root, guard.root / name, folder / "foreign")
                with files.storage(place, "move"):
                    place.rename(guard.root / name)
                path = _shown_path(paths, real_path(paths.root), guard.root / name)
                found.append(Quarantined(path, moved[1] if moved else folder, back="what was there is back"))
    return found


def quarantine_changes(
    paths: Paths, folder: Path, guards: Guards, may_change: Sequence[str] = (), held: Collection[Path] = ()
) -> list[Quarantined]:
    """Move all that the guards find into `folder`/foreign, and put back what stood there.

    What a spec says that its feature `may_change` stays, and so do changes of what is `held`: they are a person's, who
    may also write their settings while a run is on. Where one cannot be moved the others are, before it is raised.
    """
    found, failed, held = list[Quarantined](), list[StorageError](), {paths.root / "harness.yaml", *held}
    root = real_path(paths.root)
    for guard in guards.all:
        for name in guard.put_repositories_back():
            path = _shown_path(paths, root, guard.root / name)
            found.append(Quarantined(path, path, "was moved", REPOSITORY.by, "it is back"))
        for change in guard.changes(may_change):
            path, is_new = _shown_path(paths, root, guard.root / change.name), change.old is None
            if not held.isdisjoint(path.parents) or (not is_new and path in held):
                continue
            how = "appeared" if is_new else "was deleted" if change.gone else "was changed"
            if change.row.only_told:
                if not (is_new and change.row.by == ENV_FILES.by and path.parent == paths.root):  # told as such
                    found.append(Quarantined(path, path, how, change.row.by, LEFT, left=True))
                continue
            try:
                where, is_back = guard.set_aside(change, folder)
            except StorageError as error:
                failed.append(error)
                continue
            back = "" if is_new else "what was there is back" if is_back else "what was there could not be put back"
            found.append(Quarantined(path, where or folder / "foreign", how, change.row.by, back))
        guard.remove_compiled()
    if failed:
        raise failed[0]
    if found:
        guards.remember()
    else:
        guards.remember_seen()
    return found


def write_list(found: Iterable[Quarantined], folder: Path, paths: Paths) -> Path:
    """Write into `folder`/foreign what was found, where it is now and what came of it; returns the file."""
    lines = (f"{paths.shown(one.what)} {one.how}: {one.back or paths.shown(one.where)}" for one in found)
    file = files.find_free(folder / "foreign" / LIST)
    files.write_atomic(file, "".join(f"{printable(line)}\n" for line in lines))
    return file


def say_rest(rest: Sequence[Quarantined], when: str, listed: str) -> str:
    """Return what is said of the many that are not told one by one."""
    return f"{len(rest)} more that programs would obey, found {when}, were set aside: `{listed}` names them"


def _shown_path(paths: Paths, root: Path, path: Path) -> Path:
    """Return a path as it is named from the project's root, which may be a link to `root`."""
    return paths.root / path.relative_to(root) if path.is_relative_to(root) else path


def find_fifos_of_git(root: Path) -> list[Path]:
    """Return the fifos and devices in git's folders: git would wait for them for ever."""
    seen = Folders(sort_by_kind)
    return [Path(one) for git in find_git(root)[1] for one in find_fifos(seen, str(git), FOLDERS)]


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
