"""The guard of a work tree: what programs would obey there is known before an attempt, and compared after it.

It looks at every folder, at the cost of one stat each (`system/folders.py`). What is known is kept with its content,
so that it can be put back.
"""

from __future__ import annotations

import base64
import json
import os
import stat
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.domain.errors import ConfigError, StorageError
from harness.domain.obeyed import INSTALLED, REPOSITORY, Obeyed, Row, is_allowed, is_harmless
from harness.system import files, untrusted
from harness.system.folders import Folders, Kind

FOLDERS = 50_000  # that are looked at, the shallow ones first
KEPT = 64 << 10  # bytes of a file whose content is kept
KEPT_IN_ALL = 4 << 20
GIT_READS = (".gitignore", ".gitattributes", ".gitmodules")
FIFO = Row("git", "", "gitignore(5)", may_change=False)  # it would wait there for ever
_OF_REPOSITORY = ("config", "config.worktree", "hooks", "commondir", "gitdir", "info")  # what git obeys of one
_BARE = {"head", "objects", "refs"}  # what makes a folder a repository to git


@dataclass(frozen=True, slots=True)
class Thing:
    """What stands at a name: its signature, which ends in its st_mode, and its bytes where they are kept.

    Of a link they are where it leads.
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


# What is obeyed in a folder, and the folders in it with the row that holds for all inside.
_Listed = tuple[list[tuple[str, Row]], list[str]]


@dataclass(slots=True)
class Guard:
    """Knows what is obeyed in the tree below `root`, but for `own`: names of harness's files there."""

    root: Path
    own: Collection[str]
    obeyed: Obeyed
    ignored: Callable[[str], bool] = lambda name: False  # whether git ignores a name
    known: dict[str, Thing] = field(default_factory=dict)
    repository: tuple[int, int] = (0, 0)  # device and inode of the project's own `.git`, wherever it was moved to
    may_put_back: bool = True  # what is known was seen here
    unseen: bool = False  # there are more folders than are looked at
    _folders: Folders[_Listed] = field(init=False)
    _saved: dict[str, Thing] | None = None

    def __post_init__(self) -> None:
        self._folders = Folders(self._list)

    def remember(self) -> None:
        """Take what stands there now as the person's."""
        self.known, self.may_put_back = self._read(self._look()), True

    def check_fifos(self) -> None:
        """Raise ConfigError where a fifo stands that git would read: it would wait there for ever."""
        if found := sorted(name for name, thing in self.known.items() if thing.row is FIFO):
            raise ConfigError(f"`{found[0]}` is a fifo or a device: git would wait there for ever", "remove it")

    def changes(self, may_change: Sequence[str] = ()) -> list[Change]:
        """Return what came, went or was changed since it was remembered; of what is new, the topmost alone.

        What a spec says that its feature `may_change` is none, if the row allows that.
        """
        now = self._look()
        free = {name for name in (now.keys() | self.known.keys()) if self._is_free(name, now, may_change)}
        half_free, tops, found = {one for name in free for one in _above(name)}, set[str](), list[Change]()
        for name in sorted((now.keys() | self.known.keys()) - free):
            old, new = self.known.get(name), now.get(name)
            if old is None and new is not None:
                if name not in half_free and tops.isdisjoint(_above(name)):
                    tops.add(name)
                    left = self._is_plain_clone(name, new.row) or self._is_our_own(name)
                    found += [] if left else [Change(name, new.row, None)]
            elif old is not None and new is None:
                found += [] if stat.S_ISDIR(old.signature[-1]) else [Change(name, old.row, old, gone=True)]
            elif old is not None and new is not None and old.signature != new.signature and not self._same(name, old):
                found.append(Change(name, new.row, old))
        return found

    def _is_free(self, name: str, now: Mapping[str, Thing], may_change: Sequence[str]) -> bool:
        return bool(may_change) and (now.get(name) or self.known[name]).row.may_change and is_allowed(name, may_change)

    def set_aside(self, change: Change, folder: Path) -> tuple[Path | None, bool]:
        """Move what is not to be obeyed into `folder`/foreign, and put back what stood there.

        Returns where it is now, None for what was deleted, and whether what stood there is back.
        """
        path, old = self.root / change.name, change.old
        moved = None if change.gone else untrusted.move_out(self.root, path, folder / "foreign")
        is_back = (
            self.may_put_back
            and old is not None
            and old.content is not None
            and untrusted.put_back(self.root, path, old.content, old.signature[-1])
        )
        return None if moved is None else moved[1], is_back

    # --- across runs ---

    def save(self, file: Path) -> None:
        """Write down what is known, for the start after a run that was killed."""
        if self.known != self._saved:
            files.make_folder(file.parent)
            things = {name: _as_json(thing) for name, thing in self.known.items()}
            files.write_atomic(file, json.dumps({"folder": _folder_of(file), "things": things}) + "\n")
            self._saved = self.known

    def load(self, file: Path) -> bool:
        """Know what a run knew that was killed; False where nothing is written down, or it cannot be read.

        A record that came here with the project, as in a clone, puts nothing back: anybody may have written it.
        """
        try:
            kept = json.loads(files.read_text(file, 64 << 20))
            known = {name: _from_json(one) for name, one in kept["things"].items()}
            if any(name.startswith("/") or ".." in name.split("/") for name in known):
                return False  # we never write such a name
            self.known = self._saved = known
            self.may_put_back = kept["folder"] == _folder_of(file)
        except (StorageError, ValueError, TypeError, KeyError, AttributeError):
            return False
        return True

    # --- looking ---

    def _look(self) -> dict[str, Thing]:
        """Return what is obeyed, without its content."""
        found: dict[str, Thing] = {}
        waiting: deque[tuple[str, bool]] = deque([("", False)])
        looked = 0
        while waiting and looked < FOLDERS:
            folder, installed = waiting.popleft()
            if (seen := self._folders.look(f"{self.root}/{folder}".rstrip("/"))) is None:
                continue
            looked += 1
            for name, row in seen[0]:
                if (not installed or row is REPOSITORY) and (stamp := _sign(f"{self.root}/{name}")) is not None:
                    found[name] = Thing(row, stamp)
            waiting += [(name, installed or _last(name) in INSTALLED) for name in seen[1]]
        self.unseen = bool(waiting)
        return found

    def _list(self, path: str, entries: list[tuple[str, Kind]]) -> _Listed:
        """Return what is obeyed in a folder, and the folders in it that are looked at."""
        folder = path[len(str(self.root)) + 1 :]
        row = self._row_around(folder)
        if row is REPOSITORY and _last(folder) == ".git":  # of it git obeys a few things, and the rest is large
            entries = [(name, kind) for name, kind in entries if name in _OF_REPOSITORY]
        bare = bool(folder) and row is None and {name.lower() for name, _ in entries} >= _BARE
        things, folders = [(folder, REPOSITORY)] if bare else list[tuple[str, Row]](), list[str]()
        for name, kind in entries:
            whole = f"{folder}/{name}" if folder else name
            if whole in self.own:
                continue
            its = row or (REPOSITORY if bare and name in _OF_REPOSITORY else self.obeyed.find(folder, name))
            if kind == "fifo" and name in GIT_READS:
                its = FIFO
            if its is not None:
                things.append((whole, its))
            if kind == "folder":
                folders.append(whole)
        return things, folders

    def _row_around(self, folder: str) -> Row | None:
        """Return the row of a folder, or of one that holds it: all that is inside is obeyed too."""
        parts = folder.split("/") if folder else []
        rows = (self.obeyed.find("/".join(parts[:depth]), part) for depth, part in enumerate(parts))
        return next((row for row in rows if row is not None), None)

    def _read(self, things: dict[str, Thing]) -> dict[str, Thing]:
        """Return things with their content, from what is known where they are as they were."""
        left, read = KEPT_IN_ALL, {}
        for name, thing in things.items():
            old = self.known.get(name)
            if old is not None and old.signature == thing.signature:
                read[name] = old
            else:
                content = _read(self.root / name, thing.signature) if left > 0 else None
                read[name] = Thing(thing.row, thing.signature, content)
            left -= len(read[name].content or b"")
        return read

    def _same(self, name: str, old: Thing) -> bool:
        """Whether a file holds what it held; a folder is compared by what is in it."""
        if stat.S_ISDIR(old.signature[-1]):
            return (self.root / name).is_dir() and not (self.root / name).is_symlink()
        now = _sign(f"{self.root}/{name}")
        same = now is not None and now[-1] == old.signature[-1] and old.content is not None
        return same and now is not None and _read(self.root / name, now) == old.content

    def _is_our_own(self, name: str) -> bool:
        """Whether it is the project's own repository, moved: it is not taken further away from the person."""
        found = os.lstat(self.root / name)
        return (found.st_dev, found.st_ino) == self.repository

    def _is_plain_clone(self, name: str, row: Row) -> bool:
        """Whether it is a repository that git ignores and that runs nothing: a package manager fetches such."""
        place = self.root / name
        if row is not REPOSITORY or place.is_symlink() or not place.is_dir():
            return False
        config = untrusted.read_plain(place / "config", KEPT)
        try:
            hooks = os.listdir(place / "hooks") if (place / "hooks").is_dir() else []  # noqa: PTH208
        except OSError:
            return False
        odd = [one for one in ("config.worktree", "commondir", "gitdir") if os.path.lexists(place / one)]
        plain = not odd and not (place / "hooks").is_symlink() and all(one.endswith(".sample") for one in hooks)
        if not plain or config is None or not is_harmless(config.decode("utf-8", "replace")):
            return False
        around = name.rpartition("/")[0] if _last(name) == ".git" else name
        return any(part in INSTALLED for part in around.split("/")) or self.ignored(around + "/")


def _sign(path: str) -> tuple[int, ...] | None:
    try:
        found = os.lstat(path)
    except OSError:
        return None
    if stat.S_ISDIR(found.st_mode):
        return (found.st_mode,)
    return (found.st_ctime_ns, found.st_size, found.st_ino, found.st_mode)


def _read(path: Path, signature: tuple[int, ...]) -> bytes | None:
    """Return the bytes of a small file, or where a link leads; None for anything else."""
    with suppress(OSError):
        if stat.S_ISLNK(signature[-1]):
            return os.fsencode(os.readlink(path))  # noqa: PTH115
        if stat.S_ISREG(signature[-1]) and signature[1] <= KEPT:
            return untrusted.read_plain(path, KEPT + 1)
    return None


def _folder_of(file: Path) -> int:
    """Return the inode of the folder that a record is written in: a copy of it elsewhere has another."""
    return file.parent.stat().st_ino


def _last(name: str) -> str:
    return name.rpartition("/")[2].lower()


def _as_json(thing: Thing) -> dict[str, object]:
    text = None if thing.content is None else base64.b64encode(thing.content).decode()
    return {"by": thing.row.by, "may_change": thing.row.may_change, "signature": thing.signature, "content": text}


def _from_json(kept: Mapping[str, Any]) -> Thing:
    text = kept["content"]
    row = Row(str(kept["by"]), "", "", may_change=bool(kept["may_change"]))
    content = None if text is None else base64.b64decode(text)
    return Thing(row, tuple(map(int, kept["signature"])), content)


def _above(name: str) -> Iterator[str]:
    """Yield the folders that hold a name."""
    while "/" in name:
        name = name.rpartition("/")[0]
        yield name
