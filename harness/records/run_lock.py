"""The lock of the run: an flock that its supervisor shares, and who holds it, for messages only."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.domain.errors import LockHeld, StorageError
from harness.system import files

PATIENCE = 10.0  # seconds for the supervisor of a dead run to clean up
_AS_IT_IS = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # no link is followed, no fifo waited for
DYING = 0.3  # seconds in which a process that was killed may still look alive


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lock, as it said itself: for messages only, never to decide."""

    pid: int
    since: str
    host: str
    alive: bool


class Lock:
    """An flock on a file and on the folder of the project, held by every child that inherits `shared_fd` too.

    The file says who has it; the folder keeps the lock when an agent wipes logs/ and the file with it.
    """

    def __init__(self, path: Path, root: Path) -> None:
        """`path` is created where it is missing; nothing is locked yet."""
        self.path = path
        with files.storage(path, "open"):
            self.fd = _open_plain(path)
            self._folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self.shared_fd = self.fd

    def try_hold(self) -> bool:
        """Take the lock without waiting and write down who has it; False when somebody else has it."""
        if not _lock_folder(self._folder, fcntl.LOCK_EX):
            return False
        self.shared_fd = self._folder
        try:
            fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        identity = process_start(os.getpid())
        who = {"pid": os.getpid(), "started": identity, "since": now, "host": socket.gethostname()}
        line = json.dumps(who).encode() + b"\n"
        with files.storage(self.path, "write"):
            os.ftruncate(self.fd, 0)
            os.pwrite(self.fd, line, 0)
        return True

    def holder(self) -> Holder | None:
        """Say who wrote the file last; None when it cannot be read."""
        return _read_holder(self.path)

    def close(self) -> None:
        """Let go; the lock stays held while a child has inherited the descriptor."""
        os.close(self.fd)
        os.close(self._folder)


def _open_plain(path: Path) -> int:
    """Open the file, which is made where it is missing; nothing else is written to, and through no link."""
    if not files.is_plain(path):
        raise OSError(errno.EEXIST, "it is not a plain file")
    return os.open(path, os.O_RDWR | os.O_CREAT | _AS_IT_IS, 0o644)


def _lock_folder(fd: int, how: int) -> bool:
    """Lock the folder of the project; where its file system knows no such lock, the file's alone must do."""
    try:
        fcntl.flock(fd, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def _read_holder(path: Path) -> Holder | None:
    try:
        who = json.loads(files.read_text(path, 4096))
        pid, started, host = int(who["pid"]), str(who["started"]), str(who["host"])
    except (ValueError, KeyError, TypeError, StorageError):
        return None
    alive = host != socket.gethostname() or process_start(pid) == started != ""
    return Holder(pid, str(who.get("since", "")), host, alive)


def hold_lock(path: Path, root: Path, *, tell: Callable[[str], None] | None = None) -> Lock:
    """Take the run's lock or raise LockHeld naming the holder.

    Where the holder named is dead, its supervisor is still cleaning up: tries again for PATIENCE seconds, and says
    so once through `tell(sentence)`.
    """
    lock = Lock(path, root)
    began = time.monotonic()
    told = False
    while not _try_or_close(lock):
        waited = time.monotonic() - began
        holder = lock.holder()
        alive = holder is not None and holder.alive
        if waited > (DYING if alive else PATIENCE):
            lock.close()
            raise _lock_held(path, holder)
        if not told and not alive and tell is not None:
            tell("the last run was killed; waiting for its supervisor to end what is left of it")
            told = True
        time.sleep(0.02)
    return lock


def _try_or_close(lock: Lock) -> bool:
    """Try to hold it; on a full disk let go again before the error is passed on."""
    try:
        return lock.try_hold()
    except StorageError:
        lock.close()
        raise


def find_holder(path: Path, root: Path) -> Holder | None:
    """Say who holds the lock now, None when nobody does. Never creates the file."""
    with files.storage(root, "open"):
        fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if _lock_folder(fd, fcntl.LOCK_SH) and not _file_is_locked(path):
            return None
        return _read_holder(path) or Holder(0, "", "", True)
    finally:
        os.close(fd)


def _file_is_locked(path: Path) -> bool:
    try:
        fd = os.open(path, os.O_RDONLY | _AS_IT_IS)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False


def _lock_held(path: Path, holder: Holder | None) -> LockHeld:
    if holder is None:
        return LockHeld(f"another run holds `{path}`", "wait for it, or pause it with `harness halt`")
    return LockHeld(
        f"another run is active here: pid {holder.pid} on {holder.host}, since {holder.since or 'an unknown time'}",
        "watch it with `harness status`, pause it with `harness halt`",
    )


def process_start(pid: int) -> str:
    """Return when the process started, so that a reused pid is told apart; "" when there is no such process."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123
            words = file.read().rpartition(b")")[2].split()
            # a zombie is dead, though nobody has buried it yet
            return "" if words[0] in (b"Z", b"X") else words[19].decode()
    except (OSError, IndexError):
        pass
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except OSError:
        pass
    return "" if os.path.isdir("/proc/self") else "unknown"  # noqa: PTH112
