"""The private folder of a run, outside of the project: it goes with the run, or at the next start."""

from __future__ import annotations

import re
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.domain.paths import Paths
from harness.system import files, untrusted


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
    place, note = Path(tempfile.gettempdir()), paths.logs / ".temporary"
    name = files.read_text(note, 1024).strip()
    if re.fullmatch(r"harness-[0-9a-f]{32}", name) and not (place / name).is_symlink():
        untrusted.remove_tree(place / name)
    name = f"harness-{secrets.token_hex(16)}"
    files.write_atomic(note, name + "\n", sync=False)
    folder = place / name
    with files.storage(folder, "make the folder"):
        folder.mkdir(mode=0o700)
    return folder
