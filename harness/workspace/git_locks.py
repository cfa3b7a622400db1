"""The locks of git: another git is waited for, and a lock that nobody holds any more is moved aside."""

from __future__ import annotations

import os
import re
import stat
import sys
import time
from contextlib import suppress
from pathlib import Path

from harness.system import files
from harness.workspace.git import TIMEOUT, Git

STALE = 5.0  # seconds after which a lock of git that no living git holds is moved aside


def wait_for_git(git: Git) -> str:
    """Wait while another git writes: an editor's, or that of a killed run, whose hook goes on without it.

    A lock that nobody holds any more, an agent's above all, is moved aside: returns what a person should know.
    """
    return "; ".join(filter(None, (_wait_for_lock(git, lock) for lock in git.locks())))


def _wait_for_lock(git: Git, lock: Path) -> str:
    began = time.monotonic()
    while os.path.lexists(lock) and git.stop() is None and (age := time.monotonic() - began) < TIMEOUT:
        if age >= STALE and _is_stale(lock) and not _git_lives(Path(git.top), lock):
            aside = files.find_free(git.own(f"{lock.name}.aside"))  # among the refs it would be one
            with suppress(OSError):
                lock.rename(aside)
                return f"`{lock.name}` in git's folder belonged to no running git: it was renamed to `{aside.name}`"
        time.sleep(0.1)
    return ""


def _is_stale(lock: Path) -> bool:
    """Whether it was not written for a while, or is nothing that git makes."""
    try:
        found = lock.lstat()
    except OSError:
        return False
    return not stat.S_ISREG(found.st_mode) or abs(time.time() - found.st_mtime) >= STALE


def _git_lives(top: Path, lock: Path) -> bool:
    """Whether a git of the lock's owner runs in this work tree: it may hold it while a person writes a message.

    Where that cannot be seen, one does.
    """
    if sys.platform != "linux":
        return True
    with suppress(OSError):
        owner = lock.lstat().st_uid
        for process in Path("/proc").iterdir():
            with suppress(OSError):
                if not process.name.isdigit() or process.stat().st_uid != owner:
                    continue
                if re.match(r"git(-|\n)", (process / "comm").read_text(errors="replace")):
                    try:
                        if (process / "cwd").resolve(strict=True).is_relative_to(top.resolve()):
                            return True
                    except PermissionError:
                        return True
        return False
    return True
