"""Where this process's own output ends: the files it was redirected into, also behind a pipe into `tee`."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

from harness.system import files

_READERS = 8  # programs in one pipe that are followed


def find_output_files(root: Path, fds: tuple[int, ...] = (1, 2)) -> tuple[Path, ...]:
    """Return the files below `root` that stdout and stderr are written to; behind a pipe only where /proc shows it."""
    found: set[Path] = set()
    pipes: list[str] = []
    for fd in fds:
        with suppress(OSError):
            kind = os.fstat(fd).st_mode
            if stat.S_ISREG(kind):
                found |= {Path(os.readlink(_link(fd)))}  # noqa: PTH115
            elif stat.S_ISFIFO(kind):
                pipes.append(os.readlink(_link(fd)))  # noqa: PTH115
    seen: set[str] = set()
    while pipes and len(seen) < _READERS:
        pipe = pipes.pop()
        if pipe not in seen:
            seen.add(pipe)
            written = [target for reader in _readers(pipe) for target in _written_by(reader)]
            pipes += [target for target in written if target.startswith("pipe:")]
            found |= {Path(target) for target in written if target.startswith("/")}
    return tuple(sorted(one for one in found if one.is_relative_to(root) and files.is_file(one)))


def _link(fd: int) -> str:
    return f"/proc/self/fd/{fd}"


def _readers(pipe: str) -> list[Path]:
    """Return the processes of ours, besides this one, whose stdin is that pipe."""
    readers = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and process.name != str(os.getpid()):
            with suppress(OSError):
                if os.readlink(process / "fd/0") == pipe:  # noqa: PTH115
                    readers.append(process)
    return readers


def _written_by(process: Path) -> list[str]:
    """Return what a process has open for writing: files and pipes, as the kernel names them."""
    targets = []
    with suppress(OSError):
        for fd in (process / "fd").iterdir():
            with suppress(OSError, ValueError):
                flags = (process / "fdinfo" / fd.name).read_text("utf-8").partition("flags:")[2].split()[0]
                if int(flags, 8) & os.O_ACCMODE != os.O_RDONLY:
                    targets.append(os.readlink(fd))  # noqa: PTH115
    return targets
