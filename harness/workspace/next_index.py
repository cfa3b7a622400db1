"""The index in which a commit is made: a copy of the person's where nothing is staged, so that it can be the next one.

A copy has what git noted of each file, and which tree each folder is: neither is read again. When the branch is at the
commit, the copy takes the place of the person's index. Else it is made from the base alone, and the person's follows
file by file (`persons_index.py`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from harness.system import files
from harness.workspace.git import Git
from harness.workspace.kept_index import KeptIndex


@dataclass(slots=True)
class NextIndex:
    """Makes the index of a commit from the person's, which `kept` keeps; until it is wanted it lies beside that."""

    git: Git
    kept: KeptIndex
    _held: tuple[int, str] = (0, "")  # a version of the person's index, and the tree that it holds
    _made: tuple[int, str] = (0, "")  # the version that it was made from, and the tree that was made

    @contextmanager
    def beside(self) -> Iterator[Path]:
        """Give an index that is not the person's."""
        index = self.git.own("harness-index")
        for file in (index, index.with_name(f"{index.name}.lock")):
            with suppress(OSError):
                _clear(file)
        try:
            yield index
        finally:
            with suppress(OSError):
                index.unlink()

    def copy_like(self, tree: str, index: Path) -> bool:
        """Copy the person's index, as it was kept; returns whether it holds what a tree holds: nothing is staged."""
        if not tree or not self.kept.copy_to(index):
            return False
        if self._held[0] != self.kept.version:
            said = self.git.write("write-tree", stdin=b"", with_hooks=False, GIT_INDEX_FILE=str(index))
            self._held = (self.kept.version, os.fsdecode(said.stdout).strip() if said.code == 0 else "")
        return self._held[1] == tree

    def keep(self, index: Path, tree: str) -> None:
        """Keep an index, a copy of the person's to begin with, in which a tree was made: no agent sees it there."""
        with suppress(OSError):  # on another disk it cannot take the place of anything at once
            index.replace(self._file)
            self._made = (self.kept.version, tree)

    def take_place(self, tree: str) -> bool:
        """Put the index in which a tree was made in the place of the person's, if that is what it was made from.

        Git's lock of the index is held. Returns whether it was done.
        """
        if not tree or self._made != (self.kept.version, tree) or self.kept.is_changed:
            return False
        try:
            self._file.replace(self.kept.index)
        except OSError:
            return False
        self.kept.keep()
        self._held = (self.kept.version, tree)
        return True

    @property
    def _file(self) -> Path:
        return self.kept.copy.with_name("next-index")


def _clear(file: Path) -> None:
    """Remove a file that a killed run left; a folder, which git never makes there, goes aside."""
    if files.is_dir(file) and not files.is_link(file):
        file.rename(files.find_free(file.with_name(f"{file.name}.aside")))
    file.unlink(missing_ok=True)
