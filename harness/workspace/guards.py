"""The guards of a project: one of its tree, and one of each folder where git keeps its repository."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from harness.domain.errors import StorageError
from harness.domain.obeyed import Obeyed, Row
from harness.domain.paths import Paths
from harness.system import files
from harness.workspace.guard import CANNOT_ASK, FindIgnored, Guard
from harness.workspace.repositories import find_git, real_path

NAMED = Row("git", "", "git-config(1): core.hooksPath, include.path, core.attributesFile, programs")
FRESH = 0.5  # seconds; on a busy machine that much passes between two looks with nothing between them
NAMED_IN_GIT = Row("git", "", "git-config(1): include.path", may_change=False)


@dataclass(slots=True)
class Guards:
    """Know what is obeyed in the tree, and what git would do by what lies in its own folders."""

    tree: Guard
    repositories: tuple[Guard, ...] = ()
    _saved: Sequence[object] = ()
    _remembered_at: float = -math.inf  # by the monotonic clock

    @property
    def all(self) -> tuple[Guard, ...]:
        """Every guard, that of the tree first."""
        return (self.tree, *self.repositories)

    @property
    def unseen(self) -> bool:
        """Whether there are more folders than are looked at."""
        return any(guard.unseen for guard in self.all)

    def remember(self) -> None:
        """Take what stands there now as the person's."""
        for guard in self.all:
            guard.remember()
        if behind := {name: row for name, row in self.tree.find_behind_links().items() if name not in self.tree.named}:
            self.tree.named = {**self.tree.named, **behind}
            self.tree.remember()
        self._remembered_at = time.monotonic()

    def remember_anew(self) -> None:
        """Take what stands there now as the person's, unless that was done a moment ago."""
        if time.monotonic() - self._remembered_at > FRESH:
            self.remember()

    def remember_seen(self) -> None:
        """Take what was seen last as the person's: nothing was changed since."""
        for guard in self.all:
            guard.remember_seen()
        self._remembered_at = time.monotonic()

    def check_fifos(self) -> None:
        """Raise ConfigError where a fifo stands in the tree that git would read: it would wait there for ever."""
        self.tree.check_fifos()

    def name(self, named: Iterable[Path]) -> None:
        """Look also at what git's configuration names: files, and folders with all in them."""
        for guard in self.all:
            row = NAMED if guard is self.tree else NAMED_IN_GIT
            within = {place for path in named for place in (real_path(path.parent) / path.name, real_path(path))}
            guard.named = {str(path.relative_to(guard.root)): row for path in within if guard.root in path.parents}
        self._remembered_at = -math.inf

    # --- across runs ---

    def save(self, file: Path) -> None:
        """Write down what is known, for the start after a run that was killed."""
        if (now := [(guard.known, guard.closed, guard.named) for guard in self.all]) != self._saved:
            files.make_folder(file.parent)
            known = {str(guard.root): guard.as_json() for guard in self.all}
            files.write_atomic(file, json.dumps({"folder": _folder_of(file), "guards": known}) + "\n")
            self._saved = now

    def load(self, file: Path) -> bool:
        """Know what a run knew that was killed; False where nothing is written down, or it cannot be read.

        A record that came here with the project, as in a clone, puts nothing back: anybody may have written it.
        """
        try:
            kept = json.loads(files.read_text(file, 64 << 20))
            may_put_back = kept["folder"] == _folder_of(file)
            self.tree.take_json(kept["guards"][str(self.tree.root)], may_put_back=may_put_back)
            for guard in self.repositories:
                guard.take_json(kept["guards"][str(guard.root)], may_put_back=may_put_back)
        except (StorageError, ValueError, TypeError, KeyError, AttributeError):
            return False
        return True


def make_guards(paths: Paths, of_agents: Iterable[str], ignored: FindIgnored = CANNOT_ASK) -> Guards:
    """Return guards of the project, which know nothing yet; git's own folder is looked at as such."""
    root, obeyed = real_path(paths.root), Obeyed(of_agents)
    own = frozenset({".git"} if os.path.lexists(paths.root / ".git") else ())
    specs = str(paths.specs.relative_to(paths.root)) if paths.specs.is_relative_to(paths.root) else ""
    gits = find_git(root)[1]
    tree = Guard(root, own, obeyed, ignored, specs=specs, gits=tuple(map(str, gits)))
    with suppress(OSError):
        found = (paths.root / ".git").lstat()
        tree.repository = found.st_dev, found.st_ino
    return Guards(tree, tuple(Guard(git, (), obeyed, mode="own") for git in gits))


def _folder_of(file: Path) -> int:
    """Return the inode of the folder that a record is written in: a copy of it elsewhere has another."""
    return file.parent.stat().st_ino
