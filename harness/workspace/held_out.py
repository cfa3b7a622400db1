"""What a spec holds out: files beside it for checks that its agent never sees."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from harness.system import files
from harness.workspace.repositories import real_path

FOLDER = "held-out"  # beside the spec


def find_held_out(specs: Path) -> tuple[Path, ...]:
    """Return the folders that specs hold out, which no agent and no usual check is to see."""
    if not files.is_dir(specs):
        return ()
    folders = (one / FOLDER for one in sorted(specs.iterdir()))
    return tuple(one for one in folders if files.is_dir(one) and not files.is_link(one))


def place_of(spec: Path) -> Path:
    """Return the folder that a spec.md holds out, whether it is there or not."""
    return real_path(spec.parent) / FOLDER


def if_there(folder: Path) -> Path | None:
    """Return a folder that is held out, None where there is none: a spec may hold out commands alone."""
    return folder if files.is_dir(folder) else None


def digest_held_out(folder: Path) -> str:
    """Return a digest of the files in a folder that is held out: short, and equal for equal ones."""
    stamp = sha256()
    for path in sorted(folder.rglob("*")) if files.is_dir(folder) else ():
        if files.is_file(path):
            stamp.update(repr((str(path.relative_to(folder)), sha256(path.read_bytes()).hexdigest())).encode())
    return stamp.hexdigest()[:16]
