"""The private folder of a run, outside of the project: it goes with the run, or at the next start."""

from __future__ import annotations

import os
import re
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.domain.errors import StorageError
from harness.domain.paths import Paths
from harness.system import files, untrusted
from harness.workspace.repositories import find_git, real_path

_PLACES = (Path("/tmp"), Path("/var/tmp"))


@contextmanager
def hold_temporary(paths: Paths) -> Iterator[Path]:
    """Give a private folder outside the project, which goes with the run."""
    temporary = make_temporary(paths)
    try:
        yield temporary
    finally:
        untrusted.remove_tree(temporary)


def make_temporary(paths: Paths) -> Path:
    """Return a new private folder outside the project, after removing that of a run that was killed.

    Its name is written down before it is made, so that a kill -9 at any moment leaves nothing behind for ever.
    """
    place, note = find_place(paths.root), paths.logs / ".temporary"
    name = files.read_text(note, 1024).strip()
    if re.fullmatch(r"harness-[0-9a-f]{32}", name) and not files.is_link(place / name):
        untrusted.remove_tree(place / name)
    name = f"harness-{secrets.token_hex(16)}"
    files.write_atomic(note, name + "\n", sync=False)
    folder = place / name
    with files.storage(folder, "make the folder"):
        folder.mkdir(mode=0o700)
    return folder


def find_place(root: Path) -> Path:
    """Return the folder for temporary files, outside the project and its repository. Raises StorageError."""
    top = real_path(find_git(root)[0])
    try:
        places = [Path(tempfile.gettempdir()), *_PLACES]
    except FileNotFoundError:  # none that can be written, not even the current folder
        places = []
    for place in places:
        if os.access(place, os.W_OK | os.X_OK) and not is_within(place, top):
            return place
    raise StorageError("there is no folder for temporary files outside the project", "name one with TMPDIR")


def is_within(place: Path, top: Path) -> bool:
    """Whether a folder lies in the project's; where that is all of the disk, none is taken to."""
    return real_path(place).is_relative_to(top) and top != Path("/")
