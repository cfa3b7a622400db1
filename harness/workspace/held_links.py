"""Links in the project that lead to what agents may not change: specs, template, harness itself.

Where such a link leads is read-only inside; the link is not, and another in its place would be obeyed by the next run.
So each is known before an attempt, and put back after it.
"""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from harness.domain.errors import StorageError
from harness.domain.paths import Paths
from harness.system import files, untrusted

_MODE = stat.S_IFLNK | 0o777


def find_held_links(paths: Paths, *named: Path | str) -> dict[str, str]:
    """Return the links by which a run finds its specs, its settings, harness itself, and what the settings name."""
    held = [paths.specs, paths.root / "harness.yaml", *(paths.root / name for name in named if name), Path(sys.prefix)]
    return find_links(paths.root, held)


def find_links(root: Path, paths: Iterable[Path]) -> dict[str, str]:
    """Return where the links on the way to these paths lead, by their names below the root."""
    return {str(link.relative_to(root)): os.readlink(link) for path in paths for link in _links_on(root, path)}  # noqa: PTH115


def put_links_back(root: Path, links: Mapping[str, str], folder: Path) -> list[str]:
    """Put back the links that lead elsewhere now, and what stands there into `folder`/foreign; returns their names."""
    changed = []
    for name, target in links.items():
        path = root / name
        if files.is_link(path) and os.readlink(path) == target:  # noqa: PTH115
            continue
        untrusted.move_out(root, path, folder / "foreign")
        if untrusted.put_back(root, path, os.fsencode(target), _MODE):
            changed.append(name)
    return changed


def save_links(links: Mapping[str, str], file: Path) -> None:
    """Write them down, for the start after a run that was killed."""
    if links or os.path.lexists(file):
        files.make_folder(file.parent)
        files.write_atomic(file, json.dumps({"folder": file.parent.stat().st_ino, "links": dict(links)}) + "\n")


def load_links(file: Path) -> dict[str, str]:
    """Return what was written down here; nothing of a record that came with the project, as in a clone."""
    try:
        kept = json.loads(files.read_text(file, 1 << 20) or "{}")
        is_ours = bool(kept) and kept["folder"] == file.parent.stat().st_ino
        return {str(name): str(target) for name, target in kept["links"].items()} if is_ours else {}
    except (StorageError, OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}


def _links_on(root: Path, path: Path) -> Iterator[Path]:
    """Yield the links in the project by which a path leads where it does."""
    parts = list(path.relative_to(root).parts) if path.is_relative_to(root) and ".." not in path.parts else []
    place, followed = root, 0
    while parts:
        place /= parts.pop(0)
        if files.is_link(place) and (followed := followed + 1) < 40:
            yield place
            target = Path(os.path.normpath(place.parent / os.readlink(place)))  # noqa: PTH115
            if not target.is_relative_to(root):
                return
            place, parts = root, [*target.relative_to(root).parts, *parts]
