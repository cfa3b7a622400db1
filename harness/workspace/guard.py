"""The guard of a tree: what programs would obey there is known before an attempt, and compared after it.

It looks at every folder, at the cost of one stat each (`system/folders.py`). What is known is kept with its content,
so that it can be put back.
"""

from __future__ import annotations

import base64
import hashlib
import os
import stat
import sys
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from harness.domain.errors import ConfigError
from harness.domain.obeyed import (
    COMPILED,
    COMPILED_HERE,
    COMPILED_LINK,
    INSTALLED,
    REPOSITORY,
    SHADOWING,
    UNSEEN,
    Obeyed,
    Row,
    is_allowed,
    is_harmless,
)
from harness.system import files, untrusted
from harness.system.folders import Folders, Kind
from harness.workspace.repositories import (
    FIFO,
    HEAD_OF_BARE,
    LINK_INTO_GIT,
    MAY_GO,
    OF_BARE,
    OF_REPOSITORY,
    TODO,
    UNKNOWN,
    find_odd,
    holds_others,
    is_bare,
    is_repository,
    may_stay,
    row_of_own,
    runs_program,
)

FOLDERS = 50_000  # that are looked at, the shallow ones first
LONGEST_PATH = 4096  # bytes with which no program opens a folder any more
KEPT = 4 << 20  # bytes of a file whose content is kept: Yarn itself, in .yarn/releases, has three million
KEPT_IN_ALL = 16 << 20
_KEY = os.urandom(32)  # of digests, which are of no use in another process
CONFIG = 64 << 10  # bytes of a configuration that git may have written
BEHIND = 1000  # names behind a link that are looked at
GIT_READS = (".gitignore", ".gitattributes", ".gitmodules", ".mailmap")
OF_GIT = (REPOSITORY, HEAD_OF_BARE, OF_BARE)

# How a folder is looked at: for names that are obeyed; as one in which all is; as a repository in the tree, or as a
# folder of some; as the project's own repository.
Mode = Literal["tree", "whole", "repository", "repositories", "own"]


@dataclass(frozen=True, slots=True)
class Thing:
    """What stands at a name: its signature, which ends in its st_mode, and its bytes where they are kept.

    Of a link they are where it leads; of what is only told a digest, since it may hold secrets.
    """

    row: Row
    signature: tuple[int, ...]
    content: bytes | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """Something that is obeyed and was not so before: `old` is what stood there, None where nothing did."""

    name: str
    row: Row
    old: Thing | None
    gone: bool = False


FindIgnored = Callable[[Collection[str]], Collection[str]]  # which of these names git ignores
CANNOT_ASK: FindIgnored = lambda names: ()  # noqa: E731 - before git may be asked anything
Committed = Callable[[str], bytes]  # what the last commit holds of a file, b"" where it holds none

# What is obeyed in a folder (None for the row that the folder itself has), and the folders in it, with how to look.
_Listed = tuple[list[tuple[str, Row | None]], list[tuple[str, Mode, Row | None]]]


@dataclass(slots=True)
class Guard:
    """Knows what is obeyed in the tree below `root`, but for `own`: names there that are not looked at."""

    root: Path
    own: Collection[str]
    obeyed: Obeyed
    ignored: FindIgnored = CANNOT_ASK
    mode: Mode = "tree"
    specs: str = ""  # the folder of specs: a person writes them while a run is on
    named: Mapping[str, Row] = field(default_factory=dict)  # what a configuration names: files, and folders as a whole
    known: dict[str, Thing] = field(default_factory=dict)
    closed: dict[str, int] = field(default_factory=dict)  # folders that cannot be listed, and their ctime
    gits: tuple[str, ...] = ()  # the folders where the project's repository lies
    committed: Committed = lambda name: b""
    repository: tuple[int, int] = (0, 0)  # device and inode of the project's own `.git`, wherever it was moved to
    repositories: dict[tuple[int, int], str] = field(default_factory=dict)  # a person's in the tree, by the same
    may_put_back: bool = True  # what is known was seen here
    unseen: bool = False  # there are more folders than are looked at, or some whose path is too long
    compiled: dict[str, tuple[int, ...]] = field(default_factory=dict)  # Python's own caches, by their signatures
    _seen: dict[str, Thing] = field(default_factory=dict)
    _compiled: dict[str, tuple[int, ...]] = field(default_factory=dict)
    _folders: dict[Mode, Folders[_Listed]] = field(init=False)

    def __post_init__(self) -> None:
        lists: dict[Mode, Callable[[str, list[tuple[str, Kind]]], _Listed]] = {
            "tree": self._list_tree,
            "whole": self._list_whole,
            "repository": partial(self._list_repository, several=False),
            "repositories": partial(self._list_repository, several=True),
            "own": self._list_own,
        }
        self._folders = {mode: Folders(read) for mode, read in lists.items()}

    def remember(self) -> None:
        """Take what stands there now as the person's."""
        self._seen = self._look(opening=False)
        self.remember_seen()

    def remember_seen(self) -> None:
        """Take what was seen last as the person's: nothing was changed since."""
        self.known, self.may_put_back = self._read(self._seen), True
        self.compiled = self._compiled
        self.repositories = {at: name for name in self._find_repositories(self.known) if (at := self._place_of(name))}

    def find_behind_links(self) -> dict[str, Row]:
        """Return the files of the tree that are obeyed because links lead to them, under their own names."""
        found, root = dict[str, Row](), os.path.realpath(self.root)
        for name, thing in self.known.items():
            path = f"{root}/{name}"
            if (real := os.path.realpath(path)) == path or not real.startswith(f"{root}/"):
                continue
            inside = _list_files(real) if stat.S_ISLNK(thing.signature[-1]) else [real]
            found |= {one[len(root) + 1 :]: thing.row for one in inside if files.is_file(Path(one))}
        return {name: row for name, row in found.items() if name not in self.known and self._may_be_named(name)}

    def _may_be_named(self, name: str) -> bool:
        return not any(name == own or name.startswith(f"{own}/") for own in self.own)

    def check_fifos(self) -> None:
        """Raise ConfigError where a fifo stands that git would read: it would wait there for ever."""
        if found := sorted(name for name, thing in self.known.items() if thing.row is FIFO):
            raise ConfigError(f"`{found[0]}` is a fifo or a device: git would wait there for ever", "remove it")

    def changes(self, may_change: Sequence[str] = ()) -> list[Change]:
        """Return what came, went or was changed since it was remembered; of what is new, the topmost alone.

        What a spec says that its feature `may_change` is none, if the row allows that.
        """
        now = self._seen = self._look(opening=True)
        names = (now.keys() | self.known.keys()) - self._find_shown(now)
        free = {name for name in names if self._is_free(name, now, may_change)}
        half_free, tops, found = {one for name in free for one in _above(name)}, set[str](), list[Change]()
        gone = set[str]()  # a person's repositories: what was kept of one is none
        bare = {_around(name) for name in now if now[name].row is HEAD_OF_BARE and name not in self.known}
        for name in sorted(names - free):
            old, new = self.known.get(name), now.get(name)
            if not gone.isdisjoint(_above(name)):
                continue
            if old is None and new is not None:
                in_new_bare = new.row is OF_BARE and not bare.isdisjoint(_above(name))  # without its HEAD it is none
                if name not in half_free and tops.isdisjoint(_above(name)) and not in_new_bare:
                    tops.add(name)
                    found.append(Change(name, new.row, None))
            elif old is not None and new is None and name in self.repositories.values():
                gone.add(name)
                found.append(Change(name, old.row, old, gone=True))
            elif old is not None and new is None:
                may_go = stat.S_ISDIR(old.signature[-1]) or old.row.names in MAY_GO
                found += [] if may_go else [Change(name, old.row, old, gone=True)]
            elif old is not None and new is not None and old.signature != new.signature and not self._same(name, old):
                found.append(Change(name, new.row, old))
        staying = self._find_staying(one for one in found if one.old is None)
        left = [one for one in found if one.name not in staying]
        return left if self.ignored is not CANNOT_ASK else [_only_told(one) for one in left]

    def _find_shown(self, now: Mapping[str, Thing]) -> set[str]:
        """Return the names of what came or was changed, and stands in a diff: git does not ignore it."""
        rows = {name: thing.row for things in (self.known, now) for name, thing in things.items()}
        asked = [
            name
            for name, row in rows.items()
            if row.where_ignored
            and (name not in now or name not in self.known or now[name].signature != self.known[name].signature)
        ]
        if not asked or self.ignored is CANNOT_ASK:
            return set()
        return set(asked).difference(self.ignored(asked))

    def _is_free(self, name: str, now: Mapping[str, Thing], may_change: Sequence[str]) -> bool:
        return bool(may_change) and (now.get(name) or self.known[name]).row.may_change and is_allowed(name, may_change)

    def set_aside(self, change: Change, folder: Path) -> tuple[Path | None, bool]:
        """Move what is not to be obeyed into `folder`/foreign, and put back what stood there.

        Returns where it is now, None for what was deleted, and whether what stood there is back.
        """
        path, old = self.root / change.name, change.old
        moved = None if change.gone else untrusted.move_out(self.root, path, folder / "foreign", self.is_obeyed)
        content = None if old is None or not self.may_put_back else old.content
        if content is None and self.may_put_back and old is not None and stat.S_ISREG(old.signature[-1]):
            content = self.committed(change.name) or None  # it was too much to be kept
        is_back = (
            content is not None and old is not None and untrusted.put_back(self.root, path, content, old.signature[-1])
        )
        return None if moved is None else moved[1], is_back

    def put_repositories_back(self) -> list[str]:
        """Put back a person's repositories that were moved elsewhere in the tree: their history is in no copy."""
        gone = {at: name for at, name in self.repositories.items() if not os.path.lexists(self.root / name)}
        back = list[str]()
        for name in self._find_repositories(self._look(opening=True)) if gone else ():
            place = gone.get(self._place_of(name) or (0, 0))
            if place is not None and untrusted.move_within(self.root, self.root / name, self.root / place):
                back.append(place)
        return back

    @staticmethod
    def _find_repositories(things: Mapping[str, Thing]) -> list[str]:
        return [name for name, one in things.items() if one.row is REPOSITORY and stat.S_ISDIR(one.signature[-1])]

    def _place_of(self, name: str) -> tuple[int, int] | None:
        """Return the device and the inode of what is called so."""
        with suppress(OSError):
            found = os.lstat(self.root / name)
            return found.st_dev, found.st_ino
        return None

    def remove_compiled(self) -> None:
        """Remove compiled Python that came since, whose source may say other: Python makes it again."""
        for name in [name for name, stamp in self._compiled.items() if self.compiled.get(name) != stamp]:
            untrusted.remove_file(self.root, self.root / name)
            del self._compiled[name]

    def is_obeyed(self, folder: str, name: str) -> bool:
        """Whether a name is obeyed in a folder, or makes it a repository."""
        return name.lower() == "head" or (self.obeyed.find(folder, name) or UNSEEN.find(folder, name)) is not None

    # --- looking ---

    def _look(self, *, opening: bool) -> dict[str, Thing]:
        """Return what is obeyed, without its content; `opening` opens folders that were closed to us meanwhile."""
        found: dict[str, Thing] = {}
        waiting: deque[tuple[str, Mode, Row | None, bool]] = deque([("", self.mode, None, False)])
        waiting += [(name, "whole", row, False) for name, row in self.named.items()]
        looked, closed, compiled, too_deep = 0, dict[str, int](), dict[str, tuple[int, ...]](), False
        while waiting and looked < FOLDERS:
            folder, mode, row, installed = waiting.popleft()
            path = f"{self.root}/{folder}".rstrip("/")
            seen = self._folders[mode].look(path)
            if seen is None and (at := _closed_at(path)) is not None:
                if opening and self.closed.get(folder) != at and untrusted.open_folder(path):
                    seen = self._folders[mode].look(path)
                else:
                    closed[folder] = at
            if seen is None:
                too_deep |= len(os.fsencode(path)) >= LONGEST_PATH
                continue
            looked += 1
            for name, its in seen[0]:
                its = its or row
                if its is None or (installed and its not in OF_GIT):
                    continue
                if (stamp := _sign(f"{self.root}/{name}")) is not None:
                    if its is COMPILED:
                        compiled[name] = stamp
                    else:
                        found[name] = Thing(its, stamp)
            waiting += [(name, way, its or row, installed or _last(name) in INSTALLED) for name, way, its in seen[1]]
        self.unseen = bool(waiting) or too_deep
        self.closed, self._compiled = closed, compiled
        rows = {**self.named, **{name: thing.row for name, thing in self.known.items()}}
        for name, its in rows.items():
            if name not in found and (stamp := _sign(f"{self.root}/{name}")) is not None:  # not seen is not gone
                found[name] = Thing(its, stamp)
        return found

    def _list_tree(self, path: str, entries: list[tuple[str, Kind]]) -> _Listed:
        """Return what is obeyed in a folder, and the folders in it."""
        folder = path[len(str(self.root)) + 1 :]
        names = {name.lower() for name, _ in entries}
        bare, caches = is_bare(names), _last(folder) == COMPILED_HERE
        things, folders = list[tuple[str, Row | None]](), list[tuple[str, Mode, Row | None]]()
        for name, kind in entries:
            whole, low = f"{folder}/{name}" if folder else name, name.lower()
            if whole in self.own:
                continue
            its = self._find(folder, name, kind, names)
            if its is None and bare and (low == "head" or low in OF_REPOSITORY):
                its = HEAD_OF_BARE if low == "head" else OF_BARE
            if caches and its is not None and low.endswith(".pyc"):
                its = COMPILED
            if its is not None:
                things.append((whole, its))
            elif kind == "link" and self._leads_into_git(f"{path}/{name}"):
                things.append((whole, LINK_INTO_GIT))
            elif kind == "link":
                things += [(f"{whole}/{last}", row) for last, row in self._find_behind(path, folder, name)]
            if kind == "folder":
                folders.append((whole, _mode_within(name, its), None if its is HEAD_OF_BARE else its))
        return things, folders

    def _leads_into_git(self, link: str) -> bool:
        """Whether a link leads to a folder where git keeps a repository, or to where one could come to be."""
        place = os.path.realpath(link)
        within = any(place.startswith(f"{git}/") or place == git for git in self.gits)
        return within and not os.path.isfile(place) and (os.path.exists(place) or "/annex/" not in place)  # noqa: PTH110, PTH113

    def _find_behind(self, path: str, folder: str, name: str) -> list[tuple[str, Row]]:
        """Return what is obeyed in a folder behind a link, by its names."""
        found = self.obeyed.within(name)
        if self.obeyed.is_like_within(name):
            with suppress(OSError), os.scandir(f"{path}/{name}") as entries:
                names = [entry.name for entry in islice(entries, BEHIND)]
                rows = ((last, self.obeyed.find(f"{folder}/{name}" if folder else name, last)) for last in names)
                found += [(last, row) for last, row in rows if row is not None]
        return found

    def _find(self, folder: str, name: str, kind: Kind, names: Collection[str]) -> Row | None:
        """Return the row of a name in a folder of the tree, which holds these names."""
        if kind == "fifo" and name in GIT_READS:
            return FIFO
        low = name.lower()
        if low == COMPILED_HERE and kind == "link":
            return COMPILED_LINK
        module = low.partition(".")[0]
        if low.endswith((".so", ".pyd")) and (f"{module}.py" in names or module in sys.stdlib_module_names):
            return SHADOWING
        row = self.obeyed.find(folder, name) or UNSEEN.find(folder, name)
        is_spec = low == "spec.md" and self.specs and _around(folder) == self.specs
        return None if is_spec else row

    def _list_whole(self, path: str, entries: list[tuple[str, Kind]]) -> _Listed:
        """Return all of a folder, and the folders in it; what is obeyed anywhere has a row of its own."""
        things, folders = self._list_tree(path, entries)
        rows = {name: row for name, row in things if row is not None and not row.where_ignored}
        folder = path[len(str(self.root)) + 1 :]
        every = [f"{folder}/{name}" for name, _ in entries]
        modes: list[tuple[str, Mode, Row | None]] = [
            (name, "whole" if mode == "tree" else mode, rows.get(name)) for name, mode, _ in folders
        ]
        return [(name, rows.get(name)) for name in every], modes

    def _list_repository(self, path: str, entries: list[tuple[str, Kind]], *, several: bool) -> _Listed:
        """Return what git obeys of a repository, or the folders of `several`: the rest of it is large."""
        folder = path[len(str(self.root)) + 1 :]
        if several and not is_repository(name for name, _ in entries):
            return [], [(f"{folder}/{name}", "repositories", None) for name, kind in entries if kind == "folder"]
        things, folders = list[tuple[str, Row | None]](), list[tuple[str, Mode, Row | None]]()
        for name, kind in entries:
            whole = f"{folder}/{name}"
            row = None if name.lower() in OF_REPOSITORY else row_of_own(name, kind)
            if name.lower() in OF_REPOSITORY or row not in (None, UNKNOWN):
                things.append((whole, row))
                folders += [(whole, _mode_of_git(whole) if row is None else "whole", row)] if kind == "folder" else []
            elif kind == "folder" and name in ("logs", "refs"):  # through a link there git writes elsewhere
                folders.append((whole, "own", None))
        return things, folders

    def _list_own(self, path: str, entries: list[tuple[str, Kind]]) -> _Listed:
        """Return what is to be looked at in the project's own repository, and all folders in it."""
        folder = path[len(str(self.root)) + 1 :]
        things, folders = list[tuple[str, Row | None]](), list[tuple[str, Mode, Row | None]]()
        for name, kind in entries:
            whole = f"{folder}/{name}" if folder else name
            if (row := row_of_own(whole, kind)) is not None:
                things.append((whole, row))
            if kind == "folder":
                folders.append((whole, "own" if row is None else "whole", row))
        return things, folders

    def _read(self, things: dict[str, Thing]) -> dict[str, Thing]:
        """Return things with their content, from what is known where they are as they were."""
        left, read = KEPT_IN_ALL, {}
        for name, thing in things.items():
            old = self.known.get(name)
            if old is not None and old.signature == thing.signature:
                read[name] = Thing(thing.row, old.signature, old.content)
            else:
                content = _read(self.root / name, thing) if left > 0 else None
                read[name] = Thing(thing.row, thing.signature, content)
            left -= len(read[name].content or b"")
        return read

    def _same(self, name: str, old: Thing) -> bool:
        """Whether a file holds what it held; a folder is compared by what is in it."""
        if stat.S_ISDIR(old.signature[-1]):
            return files.is_dir(self.root / name) and not files.is_link(self.root / name)
        now = _sign(f"{self.root}/{name}")
        same = now is not None and now[-1] == old.signature[-1] and old.content is not None
        return same and now is not None and _read(self.root / name, Thing(old.row, now)) == old.content

    def _find_staying(self, new: Iterable[Change]) -> set[str]:
        """Return the names of what is new and may stay: what runs nothing, or is the project's own repository, moved.

        Of a repository git is asked whether it ignores the folder; once for all, since an agent can make many.
        """
        stay, asked = set[str](), dict[str, str]()
        for name, row in ((one.name, one.row) for one in new):
            around = _around(name)
            if row is TODO:
                stay |= set() if runs_program(self.root / name) else {name}
            elif row is UNKNOWN:
                stay |= {name} if may_stay(self.root, name) else set()
            elif self._is_our_own(name):
                stay.add(name)
            elif self._is_plain_clone(name, row):
                if INSTALLED.isdisjoint(around.split("/")):
                    asked[name] = f"{around}/"
                else:
                    stay.add(name)
        ignored = self.ignored(asked.values()) if asked else ()
        return stay | {name for name, around in asked.items() if around in ignored}

    def _is_our_own(self, name: str) -> bool:
        """Whether it is the project's own repository, moved: it is not taken further away from the person."""
        found = os.lstat(self.root / name)
        return (found.st_dev, found.st_ino) == self.repository

    def _is_plain_clone(self, name: str, row: Row) -> bool:
        """Whether it is a repository that runs nothing: a package manager fetches such."""
        place = self.root / (_around(name) if row is HEAD_OF_BARE else name)
        if row not in (REPOSITORY, HEAD_OF_BARE) or files.is_link(place) or not files.is_dir(place):
            return False
        config = untrusted.read_plain(place / "config", CONFIG + 1)
        if config is None or len(config) > CONFIG or not is_harmless(config.decode("utf-8", "replace")):
            return False
        try:
            return not find_odd(place)
        except OSError:
            return False

    # --- across runs ---

    def as_json(self) -> dict[str, object]:
        """Return what is known, for the start after a run that was killed."""
        things = {name: _as_json(thing) for name, thing in self.known.items()}
        return {"things": things, "closed": self.closed, "named": {name: row.by for name, row in self.named.items()}}

    def take_json(self, kept: Mapping[str, Any], *, may_put_back: bool) -> None:
        """Know what a run knew that was killed. Raises ValueError, or its like, for what no run has written."""
        known = {str(name): _from_json(one) for name, one in kept["things"].items()}
        closed = {str(name): int(at) for name, at in kept.get("closed", {}).items()}
        named = {str(name): Row(str(by), "", "", may_change=self.mode == "tree") for name, by in kept["named"].items()}
        if any(name.startswith("/") or ".." in name.split("/") for name in (*known, *named)):
            raise ValueError("a name leads out of the tree")
        self.known, self.closed, self.named, self.may_put_back = known, closed, named, may_put_back


def _mode_within(name: str, row: Row | None) -> Mode:
    """Return how a folder in the tree is looked at, by its name and its row."""
    if row is None or row is HEAD_OF_BARE or row is COMPILED:
        return "tree"
    if row is OF_BARE:
        return _mode_of_git(name)
    return "repository" if row is REPOSITORY else "whole"


def _mode_of_git(name: str) -> Mode:
    return "repositories" if holds_others(_last(name)) else "whole"


def _list_files(path: str) -> list[str]:
    """Return the files of a folder, the first ones of a large one; a file itself."""
    if not os.path.isdir(path):  # noqa: PTH112
        return [path]
    within = (f"{at}/{name}" for at, _, names in os.walk(path) for name in names)
    return [one for one in islice(within, BEHIND) if not os.path.islink(one)]  # noqa: PTH114


def _closed_at(path: str) -> int | None:
    """Return the ctime of a folder that is closed to us; None for any other."""
    try:
        found = os.lstat(path)
    except OSError:
        return None
    is_closed = stat.S_ISDIR(found.st_mode) and not os.access(path, os.R_OK | os.X_OK)
    return found.st_ctime_ns if is_closed else None


def _sign(path: str) -> tuple[int, ...] | None:
    try:
        found = os.lstat(path)
    except OSError:
        return None
    if stat.S_ISDIR(found.st_mode):
        return (found.st_mode,)
    return (found.st_ctime_ns, found.st_size, found.st_ino, found.st_mode)


def _read(path: Path, thing: Thing) -> bytes | None:
    """Return what is kept of a small file, or where a link leads; None for anything else."""
    signature = thing.signature
    with suppress(OSError):
        if stat.S_ISLNK(signature[-1]):
            return os.fsencode(os.readlink(path))  # noqa: PTH115
        if stat.S_ISREG(signature[-1]) and signature[1] <= KEPT:
            content = untrusted.read_plain(path, KEPT + 1)
            return _digest(content) if content is not None and thing.row.only_told else content
    return None


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, key=_KEY).digest()


def _only_told(change: Change) -> Change:
    """Return a change that stays where it would only be set aside if git ignores it, which cannot be asked yet."""
    return replace(change, row=replace(change.row, only_told=True)) if change.row.where_ignored else change


def _last(name: str) -> str:
    return name.rpartition("/")[2].lower()


def _around(name: str) -> str:
    return name.rpartition("/")[0]


_ABOUT_ROWS = ("may_change", "where_ignored", "only_told")


def _as_json(thing: Thing) -> dict[str, object]:
    kept = None if thing.row.only_told else thing.content
    text = None if kept is None else base64.b64encode(kept).decode()
    row = {"by": thing.row.by, "names": thing.row.names, **{name: getattr(thing.row, name) for name in _ABOUT_ROWS}}
    return {**row, "signature": thing.signature, "content": text}


def _from_json(kept: Mapping[str, Any]) -> Thing:
    text = kept["content"]
    row = Row(str(kept["by"]), str(kept["names"]), "", **{name: bool(kept.get(name)) for name in _ABOUT_ROWS})
    content = None if text is None else base64.b64decode(text)
    return Thing(row, tuple(map(int, kept["signature"])), content)


def _above(name: str) -> Iterator[str]:
    """Yield the folders that hold a name; last of all the root."""
    while "/" in name:
        name = name.rpartition("/")[0]
        yield name
    yield ""
