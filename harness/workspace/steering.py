"""What of a checkout is not for the eyes of a reviewer: files that tell agents what to do, and what specs hold out."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path, PurePosixPath

from harness.system import untrusted
from harness.workspace.clean_checkout import INSTALLED
from harness.workspace.held_out import find_held_out


def remove_steering(folder: Path, names: Collection[str], specs: Path) -> None:
    """Remove what has one of the names in a checkout, at any depth, and what the specs there hold out.

    The next checkout has it again. Names are alike in any case: some file systems know none.
    """
    known = {name.lower() for name in names}
    for place, folders, found in os.walk(folder):
        for name in [one for one in (*folders, *found) if one.lower() in known]:
            untrusted.remove_tree(Path(place, name))
        folders[:] = [one for one in folders if one.lower() not in known and one != ".git" and one not in INSTALLED]
    for one in find_held_out(specs):
        untrusted.remove_tree(one)


def find_names(listed: Collection[str], names: Collection[str]) -> tuple[str, ...]:
    """Return which of the files that are listed would be removed, or the folders that are."""
    known, found = {name.lower() for name in names}, dict[str, None]()
    for path in map(PurePosixPath, sorted(listed)):
        for depth, part in enumerate(path.parts, 1):
            if part.lower() in known:
                found[str(PurePosixPath(*path.parts[:depth]))] = None
                break
    return tuple(found)
