"""Files below a folder that an agent may write: read, moved and removed by descriptors, through no link.

What is looked at first and opened then can be swapped in between; here nothing is.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from harness.system.files import find_free, fitting, make_own_folder, storage

INERT = ".quarantined"  # the end of a name that no program obeys
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


def move_out(
    root: Path, path: Path, folder: Path, is_obeyed: Callable[[str, str], bool] = lambda folder, name: False
) -> tuple[Path, Path] | None:
    """Move what stands at `path`, below a `root` that an agent writes, into `folder`: what was moved, and where to.

    There it has a name that no program obeys, and so have all files in it, and folders that are `is_obeyed`, by the
    folder around and the name. The way is walked through no link, by descriptors, so that nothing can be swapped under
    us: a link on the way is moved in the stead of what it leads to. Folders on the way and what is moved are made ours
    to write. What cannot be brought to `folder` gets such a name where it is. None when there is nothing.
    """
    make_own_folder(folder)
    parts = path.relative_to(root).parts
    with storage(path, "move"):
        around = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for depth, part in enumerate(parts, start=1):
                inner = None if depth == len(parts) else _open_inner(part, around)
                if inner is None:
                    make_ours(part, around)
                    _defuse(part, around, is_obeyed)
                    found = root.joinpath(*parts[:depth])
                    return found, _bring(found, around, find_free(folder / part, INERT))
                os.close(around)
                around = inner
                if (mode := stat.S_IMODE(os.fstat(around).st_mode)) & stat.S_IRWXU != stat.S_IRWXU:
                    os.fchmod(around, mode | stat.S_IRWXU)
        except (FileNotFoundError, NotADirectoryError):
            return None
        finally:
            os.close(around)
    return None


def _bring(found: Path, around: int, free: Path) -> Path:
    """Move what stands in the folder `around` to where it is free; a copy goes to another file system."""
    try:
        os.rename(found.name, free, src_dir_fd=around)
        return free
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
    here = find_free(found, INERT)
    os.rename(found.name, here.name, src_dir_fd=around, dst_dir_fd=around)
    if not _copy(here, free):
        remove_tree(free)
        return here
    with suppress(OSError):
        remove_tree(here) if here.is_dir() and not here.is_symlink() else here.unlink()
    return free


def _copy(source: Path, target: Path) -> bool:
    """Copy a file, a link or a folder, with its files and links; False where that cannot be done."""
    try:
        if source.is_symlink():
            target.symlink_to(source.readlink())
        elif source.is_dir():
            shutil.copytree(source, target, symlinks=True, ignore=_find_strange)
        elif source.is_file():
            shutil.copyfile(source, target)
        return True
    except (OSError, RecursionError):
        with suppress(OSError):
            target.unlink()
        return False


def _find_strange(folder: str, names: list[str]) -> set[str]:
    """Return which names are no file, folder or link: what opens them may wait for ever."""
    kinds = {name: os.lstat(f"{folder}/{name}").st_mode for name in names}
    return {name for name, it in kinds.items() if not (stat.S_ISREG(it) or stat.S_ISDIR(it) or stat.S_ISLNK(it))}


def make_inert(folder: Path) -> None:
    """Give the files in a folder names that no program obeys; nothing is done to what is no folder."""
    with suppress(OSError):
        around = os.open(folder.parent, _FOLDER)
        try:
            _defuse(folder.name, around, lambda within, name: False)
        finally:
            os.close(around)


def _defuse(name: str, around: int, is_obeyed: Callable[[str, str], bool]) -> None:
    """Give a name that nobody obeys to all files in a folder, and to folders that are; what is not ours stays."""
    with suppress(OSError):
        if (here := _open_folder(name, around)) is None:
            return
        way, waiting = list[str](), [_list(here)]
        try:
            while True:
                if waiting[-1]:
                    one, is_folder = waiting[-1].pop()
                    obeyed = not is_folder or is_obeyed("/".join(way[-4:]), one)  # a test runner looks into any folder
                    now = _rename_inert(one, here) if obeyed else one
                    if is_folder and (inner := _open_folder(now, here)) is not None:
                        os.close(here)
                        here = inner
                        way.append(one)
                        waiting.append(_list(here))
                elif way:
                    up = os.open("..", _FOLDER, dir_fd=here)
                    os.close(here)
                    here = up
                    way.pop()
                    waiting.pop()
                else:
                    return
        finally:
            os.close(here)


def _rename_inert(name: str, around: int) -> str:
    now = fitting(name, INERT)
    try:
        os.stat(now, dir_fd=around, follow_symlinks=False)
        now = fitting(name, f".{secrets.token_hex(4)}{INERT}")
    except FileNotFoundError:
        pass
    try:
        os.rename(name, now, src_dir_fd=around, dst_dir_fd=around)
    except OSError:
        return name
    return now


def _list(folder: int) -> list[tuple[str, bool]]:
    with os.scandir(folder) as entries:
        return [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]


def _open_folder(name: str, around: int) -> int | None:
    """A descriptor of a folder in a folder, made ours; None for anything else, and for what is not ours."""
    with suppress(OSError):
        if stat.S_ISDIR(os.stat(name, dir_fd=around, follow_symlinks=False).st_mode):
            make_ours(name, around)
            return os.open(name, _FOLDER, dir_fd=around)
    return None


def open_folder(path: str) -> bool:
    """Let us into a folder that an agent closed to us; False where that cannot be done."""
    with suppress(OSError):
        mode = os.lstat(path).st_mode
        if stat.S_ISDIR(mode):
            os.chmod(path, stat.S_IMODE(mode) | stat.S_IRWXU)  # noqa: PTH101
            return True
    return False


def reopen(folder: Path) -> None:
    """Let us into a folder of ours that an agent closed to us."""
    if not os.access(folder, os.R_OK | os.X_OK):
        open_folder(str(folder))


def remove_file(root: Path, path: Path) -> None:
    """Remove what is no folder, below a `root` that an agent writes, through no link; what cannot be removed stays."""
    with suppress(OSError):
        around = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for part in path.relative_to(root).parts[:-1]:
                inner = os.open(part, _FOLDER, dir_fd=around)
                os.close(around)
                around = inner
            os.unlink(path.name, dir_fd=around)
        finally:
            os.close(around)


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


def move_within(root: Path, path: Path, target: Path) -> bool:
    """Move what stands at `path` to `target`, both below a `root` that an agent writes, through no link.

    Folders on the way there are made again; False where something else is in the way.
    """
    opened = list[int]()
    try:
        for place in (path, target):
            around = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            opened.append(around)
            for part in place.relative_to(root).parts[:-1]:
                if place is target:
                    with suppress(FileExistsError):
                        os.mkdir(part, dir_fd=around)
                around = os.open(part, _FOLDER, dir_fd=around)
                os.close(opened[-1])
                opened[-1] = around
        os.rename(path.name, target.name, src_dir_fd=opened[0], dst_dir_fd=opened[1])
    except OSError:
        return False
    finally:
        for one in opened:
            os.close(one)
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
    """Remove a folder that an agent wrote, with everything in it, or what stands in its place; what cannot be, stays.

    Folders inside are taken up to the top one by one: however deep they are, nothing here is (`shutil.rmtree` ends in a
    RecursionError at a thousand).
    """
    with suppress(OSError):
        try:
            top = os.open(folder, _FOLDER)
        except OSError as error:
            if error.errno in (errno.ENOTDIR, errno.ELOOP):  # a file, or a link, which is not followed
                os.unlink(folder)  # noqa: PTH108
            raise
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
