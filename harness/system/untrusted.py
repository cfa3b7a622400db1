"""Files below a folder that an agent may write: read, moved and removed by descriptors, through no link.

What is looked at first and opened then can be swapped in between; here nothing is.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

from harness.system.files import find_free, make_own_folder, storage

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def read_plain(path: Path, limit: int) -> bytes | None:
    """Return at most `limit` bytes of a plain file in a folder that an agent wrote; None when it is anything else."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ELOOP, errno.ENXIO, errno.EACCES, errno.ENOTDIR):
            return None
        with storage(path, "read"):
            raise
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        return None
    with os.fdopen(fd, "rb") as file:
        return file.read(limit)


def move_out(root: Path, path: Path, folder: Path) -> tuple[Path, Path] | None:
    """Move what stands at `path`, below a `root` that an agent writes, into `folder`: what was moved, and where to.

    The way is walked through no link, by descriptors, so that nothing can be swapped under us: a link on the way is
    moved in the stead of what it leads to. Folders on the way and what is moved are made ours to write. None when
    there is nothing.
    """
    make_own_folder(folder)
    parts = path.relative_to(root).parts
    with storage(path, "move"):
        around = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for depth, part in enumerate(parts, start=1):
                inner = None if depth == len(parts) else _open_inner(part, around)
                if inner is None:
                    free = find_free(folder / part)
                    make_ours(part, around)
                    os.rename(part, free, src_dir_fd=around)
                    return root.joinpath(*parts[:depth]), free
                os.close(around)
                around = inner
                if (mode := stat.S_IMODE(os.fstat(around).st_mode)) & stat.S_IRWXU != stat.S_IRWXU:
                    os.fchmod(around, mode | stat.S_IRWXU)
        except (FileNotFoundError, NotADirectoryError):
            return None
        finally:
            os.close(around)
    return None


def put_back(root: Path, path: Path, content: bytes, mode: int) -> bool:
    """Write what stood at `path`, below a `root` that an agent writes: a plain file, or a link to `content`.

    `mode` is its st_mode. Folders on the way are made again; False where something else is in the way.
    """
    parts = path.relative_to(root).parts
    around = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in parts[:-1]:
            with suppress(FileExistsError):
                os.mkdir(part, dir_fd=around)
            inner = os.open(part, _FOLDER, dir_fd=around)
            os.close(around)
            around = inner
        if stat.S_ISLNK(mode):
            os.symlink(content, os.fsencode(parts[-1]), dir_fd=around)
            return True
        fd = os.open(parts[-1], os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=around)
        with os.fdopen(fd, "wb") as file:
            file.write(content)
            os.fchmod(fd, stat.S_IMODE(mode))
    except OSError:
        return False
    finally:
        os.close(around)
    return True


def _open_inner(name: str, around: int) -> int | None:
    """A descriptor of a folder in a folder; None where a link stands in its place."""
    try:
        try:
            return os.open(name, _FOLDER, dir_fd=around)
        except PermissionError:
            make_ours(name, around)
            return os.open(name, _FOLDER, dir_fd=around)
    except OSError as error:
        if error.errno not in (errno.ELOOP, errno.ENOTDIR):
            raise
        if not stat.S_ISLNK(os.stat(name, dir_fd=around, follow_symlinks=False).st_mode):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR)) from error
        return None


def make_ours(name: str, around: int) -> None:
    """Let us read and write a file or a folder in a folder where an agent forbade it; a link is left as it is."""
    with suppress(FileNotFoundError, PermissionError):  # what is not ours is told by what is done with it
        found = os.stat(name, dir_fd=around, follow_symlinks=False).st_mode
        wanted = stat.S_IRWXU if stat.S_ISDIR(found) else stat.S_IRUSR | stat.S_IWUSR
        if (stat.S_ISDIR(found) or stat.S_ISREG(found)) and found & wanted != wanted:
            os.chmod(name, stat.S_IMODE(found) | wanted, dir_fd=around)


def open_up(folder: Path) -> None:
    """Let us read and write a folder that an agent wrote, and what stands in it; nothing where there is none."""
    try:
        around = os.open(folder.parent, _FOLDER)
    except (FileNotFoundError, NotADirectoryError):
        return
    try:
        make_ours(folder.name, around)
        with suppress(FileNotFoundError):
            inner = _open_inner(folder.name, around)
            if inner is not None:
                try:
                    for name in os.listdir(inner):  # noqa: PTH208
                        make_ours(name, inner)
                finally:
                    os.close(inner)
    finally:
        os.close(around)


def remove_tree(folder: Path) -> None:
    """Remove a folder that an agent wrote, with everything in it; what cannot be removed stays.

    Folders inside are taken up to the top one by one: however deep they are, nothing here is (`shutil.rmtree` ends in a
    RecursionError at a thousand).
    """
    with suppress(OSError):
        top = os.open(folder, _FOLDER)
        try:
            names = os.listdir(top)  # noqa: PTH208
            while names:
                name = names.pop()
                with suppress(OSError):
                    names += _remove_one(name, top)
        finally:
            os.close(top)
        folder.rmdir()


def _remove_one(name: str, top: int) -> list[str]:
    """Remove a file or a folder in the folder `top`; returns the names there of what was inside."""
    if _unlink(name, top):
        return []
    inner, up = os.open(name, _FOLDER, dir_fd=top), []
    try:
        for one in os.listdir(inner):  # noqa: PTH208
            if not _unlink(one, inner):
                up.append(f".{secrets.token_hex(8)}.gone")
                os.rename(one, up[-1], src_dir_fd=inner, dst_dir_fd=top)
    finally:
        os.close(inner)
    os.rmdir(name, dir_fd=top)
    return up


def _unlink(name: str, around: int) -> bool:
    """Remove what is no folder; a folder is made ours to open and to move instead."""
    if not stat.S_ISDIR(os.stat(name, dir_fd=around, follow_symlinks=False).st_mode):
        os.unlink(name, dir_fd=around)
        return True
    os.chmod(name, 0o700, dir_fd=around)
    return False
