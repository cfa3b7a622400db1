"""What of a checkout is not for the eyes of a reviewer: files that tell agents what to do, and what specs hold out."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path, PurePosixPath

from harness.system import untrusted
from harness.workspace.clean_checkout import INSTALLED
from harness.workspace.held_out import FOLDER


def remove_steering(folder: Path, names: Collection[str], specs: str) -> None:
    """Remove what has one of the names in a checkout, at any depth, and what the specs there hold out.

    The next checkout has it again. No link is followed: who committed it may have made it. Names are alike in any case,
    as some file systems know none; `specs` is "" where they lie elsewhere.
    """
    known, within = {name.lower() for name in names}, folder / specs
    for place, folders, found in os.walk(folder):
        also = {FOLDER} if specs and Path(place).parent == within else set()
        for name in [one for one in (*folders, *found) if one.lower() in known | also]:
            untrusted.remove_tree(Path(place, name))
        folders[:] = [one for one in folders if one.lower() not in known | also and one not in {".git", *INSTALLED}]


def find_names(listed: Collection[str], names: Collection[str]) -> tuple[str, ...]:
    """Return which of the files that are listed would be removed, or the folders that are."""
    known, found = {name.lower() for name in names}, dict[str, None]()
    for path in map(PurePosixPath, sorted(listed)):
        for depth, part in enumerate(path.parts, 1):
            if part.lower() in known:
                found[str(PurePosixPath(*path.parts[:depth]))] = None
                break
    return tuple(found)
