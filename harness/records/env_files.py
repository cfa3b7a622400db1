"""Which `.env*` files an attempt made: what they call a secret is not believed, or an agent could have any word hidden.

A person's spec would be shown without it, and each claim whose files hold it be refused, in every run from then on. A
file is believed again when somebody has changed it between attempts. One that stood before an attempt stays believed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from harness.domain.paths import Paths
from harness.system import files
from harness.system.redact import Redactor
from harness.system.secrets import find_env_files, read_redactor

NO_SECRET = "what it holds is taken for no secret until you have changed it"
ENV_FILE_APPEARED = f"appeared during an attempt: {NO_SECRET}"
_Sign = tuple[str, int, int]  # name, inode, ctime


def open_redactor(paths: Paths, environ: Mapping[str, str]) -> Redactor:
    """Return the redactor of a project, by the `.env*` files that a person wrote."""
    return read_redactor(paths.root, environ, passed_over=_find_made(paths, *_read(paths)))


def note_standing(paths: Paths) -> None:
    """Write down, before an attempt, which files stand."""
    stood, made = _read(paths)
    believed = {one[0]: one[1] for one in _signs(paths) if one not in made}
    if stood != believed:
        _write(paths, believed, made)


def note_made(paths: Paths) -> list[str]:
    """Write down, after an attempt, which files it made; returns the names of those that are new."""
    stood, made = _read(paths)
    if stood is None:
        return []
    found = {one for one in _signs(paths) if one[0] not in stood and one[1] not in stood.values()}
    if found != made:
        _write(paths, stood, found)
    return sorted({one[0] for one in found} - {one[0] for one in made})


def note_made_at_last(paths: Paths) -> list[str]:
    """Do the same at a start, for an attempt that was cut off; none is on from here."""
    names = note_made(paths)
    stood, made = _read(paths)
    if stood is not None:
        _write(paths, None, made)
    return names


@contextmanager
def watch_made(paths: Paths, tell: Callable[[str], None]) -> Iterator[None]:
    """Write down which files come to be while the block runs, and tell their names; nothing where none does."""
    stand = _signs(paths)
    known = {part for name, inode, _ in stand for part in (name, inode)}
    try:
        yield
    finally:
        found = {one for one in _signs(paths) if known.isdisjoint(one[:2])}
        if found:
            stood, made = _read(paths)
            files.make_folder(paths.kept)
            _write(paths, stood, made | found)
        for name, _, _ in sorted(found):
            tell(name)


def _find_made(paths: Paths, stood: Mapping[str, int] | None, made: set[_Sign]) -> set[str]:
    """Return the names of the files that an attempt made, also of one that is on or was cut off."""
    signs = _signs(paths)
    since = () if stood is None else (one for one in signs if one[0] not in stood and one[1] not in stood.values())
    return {one[0] for one in (*since, *(made & set(signs)))}


def _signs(paths: Paths) -> list[_Sign]:
    found = []
    for path in find_env_files(paths.root):
        try:
            stat = path.lstat()
        except OSError:
            continue
        found.append((path.name, stat.st_ino, stat.st_ctime_ns))
    return found


def _file(paths: Paths) -> Path:
    return paths.kept / "env.json"


def _read(paths: Paths) -> tuple[dict[str, int] | None, set[_Sign]]:
    """Return the inodes of what stood before the attempt that is on, None where none is, and what attempts made."""
    if not os.path.lexists(_file(paths)):
        return None, set()
    try:
        kept = json.loads(files.read_text(_file(paths), 16 << 20))
        stood = kept["stood"]
        stood = None if stood is None else {str(name): int(inode) for name, inode in stood.items()}
        return stood, {(str(name), int(inode), int(ctime)) for name, inode, ctime in kept["made"]}
    except (ValueError, KeyError, TypeError, AttributeError):
        return None, set()


def _write(paths: Paths, stood: Mapping[str, int] | None, made: set[_Sign]) -> None:
    files.write_atomic(_file(paths), json.dumps({"stood": stood, "made": sorted(made)}) + "\n", sync=False)
