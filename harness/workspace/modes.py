"""Modes of files and folders: git holds whether a file may be run, and no more; a clone has the rest as usual."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from harness.workspace.set_up import find_folders


def find_unusual(top: Path, tracked: Mapping[str, bool], since: float) -> tuple[str, ...]:
    """Return the plain files and folders whose mode is not what most others have, and that changed since a moment.

    `tracked` says of each file whether git holds that it may be run. Most are counted among those that did not change
    since (epoch seconds), if there are any.
    """
    kinds = {name: "file to run" if run else "file" for name, run in tracked.items()}
    kinds |= {f"{name}/": "folder" for name in find_folders(tracked) if name}
    changed = dict[str, int]()
    older, newer = ({kind: Counter[int]() for kind in kinds.values()} for _ in range(2))
    for name, kind in kinds.items():
        with suppress(OSError):
            found = os.lstat(top / name.rstrip("/"))
            if stat.S_ISDIR(found.st_mode) if kind == "folder" else stat.S_ISREG(found.st_mode):
                mode, late = stat.S_IMODE(found.st_mode), found.st_ctime >= since
                (newer if late else older)[kind][mode] += 1
                changed |= {name: mode} if late else {}
    usual = {kind: (older[kind] or newer[kind]).most_common(1) for kind in newer}
    return tuple(
        sorted(
            name
            for name, mode in changed.items()
            if mode != usual[kinds[name]][0][0] or tracked.get(name, True) is not bool(mode & stat.S_IXUSR)
        )
    )
