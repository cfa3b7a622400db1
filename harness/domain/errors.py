"""Expected errors: each is one sentence for a person, with a hint.

HarnessError
├── UsageError        a wrong option, slug or command
├── ConfigError       harness.yaml, HARNESS_* or a flag cannot be used
├── SpecError         a spec, its front matter, the order file
├── AgentError        the agent cannot be started
├── TrustError        the project asks for what this person has not trusted it with
│   └── NotConfined   ... since there is no sandbox to do it in
├── LockHeld          another run has the project
├── JournalError      the journal is damaged in its middle
├── StreamError       stdout takes no more
├── MachineError      the machine has no room, no memory, no process, no descriptor left
└── StorageError      a file cannot be read or written (full disk, permissions)
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

# What ails the machine, and not what was asked of it: it must never be taken for an answer.
OUT_OF_ORDER = (
    errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS,
    errno.EAGAIN, errno.EINTR,
)  # fmt: skip

_MACHINE_HINT = "fix that, then try again"


class HarnessError(Exception):
    """Something a person can mend: a sentence, and a hint that says how. Ends the command with exit code 2."""

    exit_code = 2

    def __init__(self, message: str, hint: str = "") -> None:
        """`message` is one lower-case sentence that names the file; `hint` what to do next."""
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(HarnessError):
    """A wrong option, slug or command."""


class ConfigError(HarnessError):
    """harness.yaml, a HARNESS_* variable or a flag cannot be used."""


class SpecError(HarnessError):
    """A spec, its front matter, or the order file cannot be used."""


class AgentError(HarnessError):
    """The agent cannot be started."""


class TrustError(HarnessError):
    """The project asks for what reaches outside its sandbox, and this person has not trusted it with that."""


class NotConfined(TrustError):
    """What a person trusts only inside the sandbox would be done outside of one."""

    def __init__(self, why: str) -> None:
        """`why` there is no sandbox, or who cannot start inside."""
        super().__init__(
            f"this project is trusted only inside a sandbox, and {why}",
            "`harness doctor` looks for the cause; or trust it without one: `harness trust --sandbox none`",
        )


class LockHeld(HarnessError):
    """Another run has the project."""


class JournalError(HarnessError):
    """The journal is damaged in its middle; harness does not guess what was there."""


class StreamError(HarnessError):
    """What was to be said on stdout is lost."""

    def __init__(self, error: OSError) -> None:
        super().__init__(f"stdout cannot be written: {(error.strerror or str(error)).lower()}", "see where it leads")


class MachineError(HarnessError):
    """The machine has no room, no memory, no process or no descriptor left."""


class StorageError(HarnessError):
    """A file cannot be read or written: full disk, permissions, a folder in its place."""


def explain_storage(path: Path, doing: str, error: OSError) -> StorageError:
    """Return the StorageError for an OSError on `path`: what harness was doing, why it failed, and a hint."""
    reason = (error.strerror or str(error)).lower()
    return StorageError(f"cannot {doing} `{path}`: {reason}", _storage_hint(error))


def as_expected(error: Exception) -> HarnessError | None:
    """Return the error as one that a person can mend; None for a bug of ours: what ails the machine is none."""
    if isinstance(error, HarnessError):
        return error
    if isinstance(error, OSError) and error.errno in OUT_OF_ORDER:
        where = f"`{error.filename}`: " if error.filename else ""
        return MachineError(where + os.strerror(error.errno).lower(), _MACHINE_HINT)
    if isinstance(error, PermissionError) and error.filename:
        return explain_storage(Path(os.fsdecode(error.filename)), "use", error)
    if isinstance(error, MemoryError):
        return MachineError("out of memory", _MACHINE_HINT)
    if isinstance(error, RuntimeError) and "start new thread" in str(error):
        return MachineError("the machine starts no further thread", _MACHINE_HINT)
    return None


def _storage_hint(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "free some disk space, then run again; every file harness wrote so far is whole"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "make it writable for you, or choose another folder with `logs_dir`"
    if error.errno in (errno.EISDIR, errno.ENOTDIR, errno.EEXIST):
        return "a file or folder stands where the other kind belongs: move it away"
    return "fix the file or the disk, then run again"
