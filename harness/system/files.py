"""The one door to the disk: tails, atomic replacement, synced appends, the run's lock. Knows bytes, not meanings."""

from __future__ import annotations

import errno
import gzip
import math
import os
import re
import stat
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from harness.domain.errors import explain_storage
from harness.domain.near_names import is_near

TAIL_WINDOW = 64 * 1024  # bytes


@contextmanager
def storage(path: Path, doing: str) -> Iterator[None]:
    """Turn an OSError on `path` into a StorageError that says what harness was doing, in which file, and a hint."""
    try:
        yield
    except OSError as error:
        raise explain_storage(path, doing, error) from error


# --- what is there ------------------------------------------------------------------------------------------------
# What lies in a folder that is closed to us is not there. `Path.exists` and its like raise then, before Python 3.14.


def exists(path: Path) -> bool:
    """Whether something that we may see lies there, behind links."""
    return os.path.exists(path)  # noqa: PTH110


def is_file(path: Path) -> bool:
    """Whether a file that we may see lies there, behind links."""
    return os.path.isfile(path)  # noqa: PTH113


def is_dir(path: Path) -> bool:
    """Whether a folder that we may see lies there, behind links."""
    return os.path.isdir(path)  # noqa: PTH112


def changed_at(path: Path) -> float:
    """Return when a file was changed last, made or moved, in epoch seconds: nobody can set that time; inf for none."""
    try:
        return os.lstat(path).st_ctime
    except OSError:
        return math.inf


def is_link(path: Path) -> bool:
    """Whether a link that we may see lies there."""
    return os.path.islink(path)  # noqa: PTH114


def is_no_folder(path: Path) -> bool:
    """Whether something lies there that is no folder itself: a file, or a link wherever it leads."""
    return os.path.lexists(path) and (is_link(path) or not is_dir(path))


def find_near(right: Path, *, folders: bool = False) -> list[str]:
    """Return the names of the files (or folders) beside a path that are probably meant as it, and are others.

    On a disk that ignores case, `Halt` is HALT itself.
    """
    first = (right.name[0].lower(), right.name[0].upper(), ".", "_")  # a folder may hold 10,000 names
    try:
        names = [name for name in os.listdir(right.parent) if name.startswith(first)]  # noqa: PTH208
    except OSError:
        return []
    near = [right.parent / name for name in sorted(names) if is_near(name, right.name)]
    return [one.name for one in near if (is_dir if folders else is_file)(one) and not _are_one(one, right)]


def _are_one(one: Path, other: Path) -> bool:
    return exists(one) and exists(other) and os.path.samefile(one, other)  # noqa: PTH121


# --- reading ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tail:
    """The end of a text file: at most so many lines and bytes of it. `cut` is how many bytes came before."""

    text: str
    cut: int
    size: int


def read_text(path: Path, limit: int | None = None) -> str:
    """Return the file as text, UTF-8 with errors replaced; at most `limit` bytes; "" when there is none."""
    with storage(path, "read"):
        try:
            fd = _open_plain(path)
        except FileNotFoundError:
            return ""
        try:
            return _read_on(fd, _ALL if limit is None else limit).decode("utf-8", "replace")
        finally:
            os.close(fd)


def read_tail(path: Path, lines: int, limit: int) -> Tail:
    """Return the last `lines` lines of the file in at most `limit` bytes, newest kept, found by seeking.

    Starts at a line's beginning where it can; a single line longer than `limit` is cut at its front.
    """
    with storage(path, "read"):
        try:
            fd = _open_plain(path)
        except FileNotFoundError:
            return Tail("", 0, 0)
        try:
            size = os.fstat(fd).st_size
            start = max(0, size - limit - 1)
            data = _read_from(fd, start, size - start)
        finally:
            os.close(fd)
    if size > limit:  # we read one byte more than allowed, to know whether a line begins right there
        newline = data.find(b"\n")
        data = data[newline + 1 :] if 0 <= newline < len(data) - 1 else data[1:]
    kept = data.splitlines(keepends=True)[-lines:]
    text = b"".join(kept)
    return Tail(text.decode("utf-8", "replace"), size - len(text), size)


def expand_home(path: str) -> Path:
    """Return a path with `~` or `~user` at its begin replaced by that home; as it is where there is no such user."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def is_plain(path: Path) -> bool:
    """Whether a plain file stands there, or nothing at all; not a folder, a link, a fifo or a device."""
    with storage(path, "look at"):
        try:
            return stat.S_ISREG(path.lstat().st_mode)
        except FileNotFoundError:
            return True


def read_span(path: Path, start: int, limit: int) -> bytes:
    """Return at most `limit` bytes of the file from offset `start`; b"" when there is none."""
    with storage(path, "read"):
        try:
            fd = _open_plain(path)
        except FileNotFoundError:
            return b""
        try:
            return _read_from(fd, start, limit)
        finally:
            os.close(fd)


_ALL = 1 << 62  # bytes


def _open_plain(path: Path) -> int:
    """Open for reading what is a plain file; a fifo that an agent planted must not make us wait for ever."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    kind = os.fstat(fd).st_mode
    if not stat.S_ISREG(kind):
        os.close(fd)
        if stat.S_ISDIR(kind):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        raise OSError(errno.EEXIST, "it is not a plain file")
    return fd


def _read_from(fd: int, start: int, length: int) -> bytes:
    os.lseek(fd, start, os.SEEK_SET)
    return _read_on(fd, length)


def _read_on(fd: int, length: int) -> bytes:
    """Return the next bytes; raises OSError where they are yet to come, as at some files of /proc."""
    chunks = []
    while length > 0 and (chunk := os.read(fd, min(length, 1 << 20))):
        chunks.append(chunk)
        length -= len(chunk)
    return b"".join(chunks)


def modified_at(path: Path) -> float | None:
    """Return when the file was last written, in epoch seconds; None when there is none."""
    with storage(path, "look at"):
        try:
            return path.stat().st_mtime
        except FileNotFoundError:
            return None


def size_of(path: Path) -> int:
    """Return the file's size in bytes, 0 when there is none."""
    with storage(path, "look at"):
        try:
            return path.stat().st_size
        except FileNotFoundError:
            return 0


def tail_digest(path: Path, end: int) -> str:
    """Return the SHA-256 of the up to 64 KiB that lie before offset `end`: two equal ones mean only growth since."""
    start = max(0, end - TAIL_WINDOW)
    return sha256(read_span(path, start, end - start)).hexdigest()


# --- writing ------------------------------------------------------------------------------------------------------


def write_atomic(path: Path, content: str | bytes, *, sync: bool = True, mode: int = 0o644) -> None:
    """Replace the file as a whole: a temporary file beside it, synced, renamed, and the folder synced.

    Without `sync` it is whole after a kill -9 and may be empty after a power cut: for copies of what is elsewhere.
    """
    raw = content.encode("utf-8", "replace") if isinstance(content, str) else content
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with storage(path, "write"):
        with suppress(FileNotFoundError):
            temporary.unlink()
        path.parent.mkdir(parents=True, exist_ok=True)  # an agent's `git clean -fdx` takes ignored folders away
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
        try:
            try:
                _write_all(fd, raw)
                if sync:
                    os.fsync(fd)
            finally:
                os.close(fd)
            os.rename(temporary, path)  # noqa: PTH104 - one syscall, its error is ours to tell
        except OSError:
            with suppress(OSError):
                temporary.unlink()
            raise
        if sync:
            sync_folder(path.parent)


def append(path: Path, content: str | bytes, *, sync: bool = True) -> None:
    """Add to the end of the file in one write; on a failed write the file is cut back to what it was."""
    raw = content.encode("utf-8", "replace") if isinstance(content, str) else content
    with storage(path, "append to"):
        path.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
        try:
            append_fd(fd, raw, sync=sync)
        finally:
            os.close(fd)


def replace_end(path: Path, start: int, raw: bytes) -> None:
    """Cut the file at offset `start` and write `raw` there, synced: for what is too long to be replaced as a whole."""
    with storage(path, "write"):
        fd = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            os.ftruncate(fd, start)
            os.lseek(fd, start, os.SEEK_SET)
            _write_all(fd, raw)
            os.fsync(fd)
        finally:
            os.close(fd)


def append_fd(fd: int, raw: bytes, *, sync: bool) -> None:
    """Append to an open O_APPEND file; raises OSError after cutting the file back, so that no torn line stays."""
    before = os.fstat(fd).st_size
    try:
        _write_all(fd, raw)
        if sync:
            os.fsync(fd)
    except OSError:
        with suppress(OSError):
            os.ftruncate(fd, before)
        raise


def _write_all(fd: int, raw: bytes) -> None:
    view = memoryview(raw)
    while view:
        view = view[os.write(fd, view) :]


def sync_folder(folder: Path) -> None:
    """Make renames and new names in the folder durable."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def make_folder(folder: Path, *, mode: int = 0o777) -> None:
    """Create the folder and its parents; being there already is fine. `mode` is the folder's own, less the umask."""
    with storage(folder, "make the folder"):
        folder.mkdir(mode, parents=True, exist_ok=True)


def make_own_folder(folder: Path) -> None:
    """Create the folder, in the place of a link if need be: what is moved there stays here."""
    if folder.is_symlink():
        remove(folder)
    make_folder(folder)


def remove(path: Path) -> None:
    """Remove the file; being gone already is fine."""
    with storage(path, "remove"), suppress(FileNotFoundError):
        path.unlink()


def move(source: Path, target: Path) -> Path:
    """Rename `source` to `target`, whose folder is made, or to a name beside it that is free; returns the new path."""
    make_own_folder(target.parent)
    with storage(source, "move"):
        free = find_free(target)
        source.rename(free)
        sync_folder(target.parent)
        sync_folder(source.parent)
    return free


def find_free(target: Path, end: str = "") -> Path:
    """Return the path with `end`, or one beside it that is free; a name that becomes too long is cut before its end."""

    def is_taken(number: int) -> bool:
        return os.path.lexists(f"{target.parent}/{_numbered(target.name, number, end)}")

    taken, free = 0, 1
    while is_taken(free):
        taken, free = free, 2 * free
    while free - taken > 1:  # by halves: an agent can make many of one name
        middle = (taken + free) // 2
        taken, free = (middle, free) if is_taken(middle) else (taken, middle)
    return target.with_name(_numbered(target.name, free, end))


def _numbered(name: str, number: int, end: str) -> str:
    return fitting(name, f".{number}{end}" if number > 1 else end)


NAME_LIMIT = 255  # bytes of a file's name, on all usual file systems


def fitting(name: str, end: str) -> str:
    """Return a name with another end, cut so that a file can bear it."""
    room = NAME_LIMIT - len(os.fsencode(end))
    raw = os.fsencode(name)
    return (name if len(raw) <= room else raw[:room].decode("utf-8", "ignore")) + end


def copy_tail(source: Path, target: Path, limit: int) -> None:
    """Replace `target` by the last `limit` bytes of `source`, atomically."""
    size = size_of(source)
    write_atomic(target, read_span(source, max(0, size - limit), limit), sync=False)


def compress(path: Path) -> int:
    """Replace the plain file by `path`.gz and return its size before; killed at any moment, one of the two is whole."""
    packed = path.with_name(f"{path.name}.gz")
    temporary = packed.with_name(f".{packed.name}.{os.getpid()}.tmp")
    with storage(path, "compress"):
        try:
            with os.fdopen(_open_plain(path), "rb") as source:
                before = os.fstat(source.fileno())
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
                with os.fdopen(os.open(temporary, flags, stat.S_IMODE(before.st_mode)), "wb") as target:
                    with gzip.GzipFile("", "wb", compresslevel=4, fileobj=target, mtime=before.st_mtime) as writer:
                        while chunk := source.read(1 << 20):
                            writer.write(chunk)
                    target.flush()
                    os.fsync(target.fileno())
            os.utime(temporary, ns=(before.st_atime_ns, before.st_mtime_ns))
            os.rename(temporary, packed)  # noqa: PTH104
        except OSError:
            with suppress(OSError):
                temporary.unlink()
            raise
        sync_folder(path.parent)
        path.unlink()
    return before.st_size


def remove_temporaries(folder: Path, *, names: Collection[str] = ()) -> None:
    """Remove what an interrupted write_atomic left in the folder, of `names` alone where there are any.

    Only the holder of the lock may do this, and only with names of our own form: a person may have `.mine.tmp`.
    """
    with storage(folder, "tidy"), os.scandir(folder) as entries:
        for entry in entries:
            ours = re.fullmatch(r"\.(.+)\.\d+\.tmp", entry.name)
            if ours and (not names or ours[1] in names):
                with suppress(OSError):
                    os.unlink(entry.path)  # noqa: PTH108


LITTLE_SPACE = 1 << 30  # bytes: less is too little for a night


def free_bytes(folder: Path) -> int:
    """Return how many bytes an ordinary user can still write in the folder's file system."""
    with storage(folder, "look at"):
        stat = os.statvfs(folder)
    return stat.f_bavail * stat.f_frsize
