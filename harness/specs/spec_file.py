"""Files in the folder of specs, opened: no pipe is waited for, no link followed out, each error is a sentence."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from harness.domain.errors import SpecError
from harness.domain.feature import Feature
from harness.domain.text import find_not_utf8, shown
from harness.domain.units import format_size
from harness.specs.front_matter import split_front_matter
from harness.system import files

SPEC_LIMIT = 256 * 1024  # bytes


Signature = tuple[int, int, int]  # mtime in ns, size in bytes, inode


def relative_name(path: Path, root: Path) -> str:
    """The path as people in the project call it."""
    return shown(os.fspath(path.relative_to(root) if path.is_relative_to(root) else path))


def read_spec_text(feature: Feature, *, whole: bool = False) -> str:
    """The spec for the prompt, or `whole` with its front matter; SpecError when it is gone or leads elsewhere."""
    path = os.fspath(feature.path)
    folder = feature.path.parent.parent
    where = relative_name(feature.path, folder.parent)
    text = decode(read_spec_file(resolve_link(path, os.fspath(folder), where), where, SPEC_LIMIT)[0], where)
    return text if whole else split_front_matter(text)[1]


def sign(status: os.stat_result) -> Signature:
    """What changes when a file does."""
    return status.st_mtime_ns, status.st_size, status.st_ino


def read_status(path: str) -> os.stat_result | None:
    """The stat of what is there, symlinks not followed; None when nothing is."""
    try:
        return os.lstat(path)
    except OSError:
        return None


def resolve_link(path: str, folder: str, where: str) -> str:
    """Where the path leads, symlinks followed; SpecError when that is outside the specs folder."""
    real = os.path.realpath(path)
    for link, name in ((Path(path), where), (Path(path).parent, where.rpartition("/")[0])):
        if files.is_link(link) and not files.exists(link):
            raise leads_nowhere(name)
    if not real.startswith(os.path.realpath(folder) + os.sep):
        name = shown(Path(folder).name)
        raise SpecError(f"{where} leads outside {name}/ by a symlink", "put a copy there instead of the symlink")
    return real


def leads_nowhere(where: str) -> SpecError:
    """The sentence for a broken link."""
    return SpecError(f"{where} is a symlink that leads nowhere", "put a copy there instead of the symlink")


def read_spec_file(path: str, where: str, limit: int) -> tuple[bytes, os.stat_result]:
    """A regular file's bytes and the stat they belong to; never waits on a pipe, never follows a last symlink."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            status = os.fstat(file)
            content = _read_to(file, limit + 1) if stat.S_ISREG(status.st_mode) else b""
        finally:
            os.close(file)
    except OSError as error:
        raise _explain_file(path, where, error) from error
    if not stat.S_ISREG(status.st_mode):
        kind = "a folder, not" if stat.S_ISDIR(status.st_mode) else "a pipe, socket or device, not"
        raise SpecError(f"{where} is {kind} a file", "write the text into a plain file of that name")
    if len(content) > limit:
        size = format_size(max(status.st_size, len(content)))
        raise SpecError(f"{where} is too large: {size}, the limit is {format_size(limit)}", "split it up")
    return content, status


def _read_to(file: int, limit: int) -> bytes:
    """All bytes up to the limit; one read is usually all, but a network disk may give less."""
    content = b""
    while chunk := os.read(file, min(limit - len(content), max(os.fstat(file).st_size - len(content), 0) + 1)):
        content += chunk
    return content


def _explain_file(path: str, where: str, error: OSError) -> SpecError:
    """The sentence for a file that cannot be opened."""
    folder, _, name = where.rpartition("/")
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        near = files.find_near(Path(path))
        hint = f"rename {folder}/{near[0]} to {name}" if near else f"write {where}, or remove the folder"
        return SpecError(f"{folder} has no {name}", hint)
    if error.errno in (errno.EACCES, errno.EPERM):
        return SpecError(f"{where} cannot be read: permission denied", "let the user that runs harness read it")
    if error.errno == errno.ELOOP:
        return leads_nowhere(where)
    return SpecError(f"{where} cannot be read: {(error.strerror or 'unknown error').lower()}")


def explain_folder(folder: str, name: str, error: OSError) -> SpecError:
    """The sentence for a specs folder that cannot be listed."""
    if isinstance(error, FileNotFoundError):
        near = files.find_near(Path(folder), folders=True)
        set_up = "`harness init` sets this folder up; `harness new SLUG` writes a spec"
        hint = f"rename {near[0]}/ to {Path(folder).name}/, or name it in `specs_dir`" if near else set_up
        return SpecError(f"there is no {name}/ folder", hint)
    if isinstance(error, NotADirectoryError):
        return SpecError(f"{name} is not a folder", "specs live at <folder>/<slug>/spec.md")
    return SpecError(f"{name}/ cannot be read: {(error.strerror or 'unknown error').lower()}", "check its permissions")


def leads_to_folder(entry: os.DirEntry[str]) -> bool:
    """Whether the entry is to be a feature: a folder, a symlink to one, or a symlink that leads nowhere."""
    try:
        return entry.is_dir() or (entry.is_symlink() and not files.exists(Path(entry)))
    except OSError:
        return True  # reading it tells why


def decode(content: bytes, where: str) -> str:
    """Text as people mean it: UTF-8 with or without a BOM, lines end in a newline, whatever they ended with.

    Raises SpecError for what is no such text: guessed at, a command or a name in it would be another.
    """
    if b"\0" in content:
        raise SpecError(f"{where} is not text: it holds NUL bytes", "save it as UTF-8 text")
    if line := find_not_utf8(content):
        raise SpecError(f"{where}:{line}: this is not UTF-8", "save it as UTF-8 text")
    return content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
