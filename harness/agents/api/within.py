"""Files within the roots, and nowhere else: a path is resolved, and then walked again from its root through no link.

So what is swapped for a link in between is refused, and never followed.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from harness.agents.api.arguments import LONGEST_TEXT, Refused
from harness.domain.text import one_line
from harness.domain.units import format_size

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_LOOK = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC  # a fifo must not make us wait
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_FAR = 1 << 30  # bytes of a huge file that are searched for a line
_MANY = 2_000  # entries of one folder that are listed
_DULL = {"node_modules", "__pycache__", "venv", "site-packages"}  # folders that are named, and not opened


@dataclass(frozen=True, slots=True)
class Target:
    """A resolved path, and the root that it lies in."""

    root: Path
    path: Path

    def __str__(self) -> str:
        return one_line(str(self.path), 500)


@dataclass(frozen=True, slots=True)
class Content:
    """A text file as it stands on the disk."""

    text: str
    info: os.stat_result

    @property
    def newline(self) -> str:
        """The line ending that most of its lines have."""
        return "\r\n" if 2 * self.text.count("\r\n") > self.text.count("\n") else "\n"


def find_target(roots: Sequence[Path], given: str) -> Target:
    """Return where a path leads, relative ones from the first root, links followed; raises Refused outside all roots.

    The roots are resolved already.
    """
    path = Path(os.path.realpath(roots[0] / given))
    for root in roots:
        if path == root or root in path.parents:
            return Target(root, path)
    others = "".join(f", {root}" for root in roots[1:])
    leads = "" if os.path.normpath(roots[0] / given) == str(path) else f" (it leads to {path})"
    name = one_line(f"{given}{leads}", 1000)
    raise Refused(f"{name} is outside the workspace {roots[0]}{others}; only files in there can be used")


# --- files, opened step by step -----------------------------------------------------------------------------------


@contextmanager
def open_folder(root: Path, folder: Path, *, make: bool = False) -> Iterator[int]:
    """A descriptor of a folder in the root, reached through no link; with `make`, what is missing is made."""
    fd = os.open(root, _FOLDER)
    try:
        for part in folder.relative_to(root).parts:
            if make:
                with suppress(FileExistsError):
                    os.mkdir(part, dir_fd=fd)
            inner = os.open(part, _FOLDER, dir_fd=fd)
            os.close(fd)
            fd = inner
        yield fd
    finally:
        os.close(fd)


@contextmanager
def _open_parent(target: Target, *, make: bool = False) -> Iterator[int]:
    if target.path == target.root:
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    with open_folder(target.root, target.path.parent, make=make) as folder:
        yield folder


def open_file(target: Target) -> int:
    """A descriptor of a plain file; raises IsADirectoryError, Refused for what is neither."""
    with _open_parent(target) as folder:
        _check_kind(target, os.stat(target.path.name, dir_fd=folder, follow_symlinks=False))
        fd = os.open(target.path.name, _LOOK, dir_fd=folder)
    try:
        _check_kind(target, os.fstat(fd))
    except BaseException:
        os.close(fd)
        raise
    return fd


def look_at(target: Target) -> os.stat_result | None:
    """What is known about the file; None when there is none, Refused for what cannot be written."""
    try:
        with _open_parent(target) as folder:
            info = os.stat(target.path.name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    _check_kind(target, info)
    _refuse_read_only(target, info)
    return info


def _check_kind(target: Target, info: os.stat_result) -> None:
    if stat.S_ISDIR(info.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(info.st_mode):
        raise Refused(f"{target} is no plain file (a link, fifo, socket or device), which the editor leaves alone")


def _refuse_read_only(target: Target, info: os.stat_result) -> None:
    if not info.st_mode & 0o222:
        raise Refused(f"{target} is read-only (mode {stat.S_IMODE(info.st_mode):04o}); `chmod` it if that is meant")


def read_content(target: Target) -> Content:
    """A text file that can be edited."""
    fd = open_file(target)
    try:
        info = os.fstat(fd)
        _refuse_read_only(target, info)
        raw = read_all(fd, LONGEST_TEXT + 1)
    finally:
        os.close(fd)
    if len(raw) > LONGEST_TEXT:
        raise Refused(f"{target} is larger than {format_size(LONGEST_TEXT)}; edit it with `sed` or a script in bash")
    refuse_binary(target, raw)
    try:
        return Content(raw.decode(), info)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise Refused(f"{target} is not UTF-8 (line {line}); edit it with `sed` or a script in bash") from None


def is_crlf(target: Target, info: os.stat_result) -> bool:
    """Whether all lines of the file end in CRLF."""
    if info.st_size > LONGEST_TEXT:
        return False
    fd = open_file(target)
    try:
        raw = read_all(fd, LONGEST_TEXT)
    finally:
        os.close(fd)
    return b"\0" not in raw and 0 < raw.count(b"\r\n") == raw.count(b"\n")


def write_content(target: Target, text: str, before: os.stat_result | None) -> None:
    """Replace the file as a whole by a new one beside it, with the old one's mode and owner."""
    name, temporary = target.path.name, f".{secrets.token_hex(8)}.tmp"
    with _open_parent(target, make=True) as folder:
        fd = os.open(temporary, _NEW, 0o666 if before is None else 0o600, dir_fd=folder)
        try:
            with os.fdopen(fd, "wb", buffering=0) as file:
                left = memoryview(text.encode())
                while left:
                    left = left[file.write(left) :]
                if before is not None:
                    _take_after(fd, before)
            os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            with suppress(OSError):
                os.unlink(temporary, dir_fd=folder)
            raise


def _take_after(fd: int, before: os.stat_result) -> None:
    with suppress(OSError):  # a file of somebody else becomes ours when we may not give it back
        os.fchown(fd, before.st_uid, before.st_gid)
    os.fchmod(fd, stat.S_IMODE(before.st_mode))


def read_all(fd: int, limit: int) -> bytes:
    """At most `limit` bytes from where the descriptor stands."""
    chunks, left = [], limit
    while left > 0 and (chunk := os.read(fd, min(left, 1 << 20))):
        chunks.append(chunk)
        left -= len(chunk)
    return b"".join(chunks)


def find_line(fd: int, number: int) -> int | None:
    """The offset at which a line begins; None when it is not within the first GiB."""
    wanted, offset = number - 1, 0
    while wanted and offset < _FAR and (chunk := os.pread(fd, 1 << 20, offset)):
        count = chunk.count(b"\n")
        if count >= wanted:
            at = -1
            for _ in range(wanted):
                at = chunk.index(b"\n", at + 1)
            return offset + at + 1
        wanted -= count
        offset += len(chunk)
    return None if wanted else offset


def list_entries(fd: int, *, depth: int, indent: str) -> Iterator[str]:
    """A line for each entry, folders with a slash, the second level below them."""
    with os.scandir(fd) as entries:
        found = [(entry.name, _kind(entry)) for entry in islice(entries, 50_000) if not entry.name.startswith(".")]
    for name, kind in sorted(found)[:_MANY]:
        yield f"{indent}{one_line(name, 255)}{kind}"
        if kind != "/" or depth == 1:
            continue
        if name in _DULL:
            yield f"{indent}  (left out)"
            continue
        with suppress(OSError):  # unreadable, or gone by now
            inner = os.open(name, _FOLDER, dir_fd=fd)
            try:
                yield from list_entries(inner, depth=depth - 1, indent=f"{indent}  ")
            finally:
                os.close(inner)
    if len(found) > _MANY:
        yield f"{indent}... and {len(found) - _MANY:,} more"


def _kind(entry: os.DirEntry[str]) -> str:
    with suppress(OSError):
        if entry.is_symlink():
            return "@"
        if entry.is_dir(follow_symlinks=False):
            return "/"
    return ""


def refuse_binary(target: Target, raw: bytes) -> None:
    """Raises Refused when a NUL is in it."""
    if b"\0" in raw:
        raise Refused(f"{target} is a binary file; look at it with `file`, `strings` or `xxd` in bash")
