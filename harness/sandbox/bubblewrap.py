"""The bubblewrap line: what an agent may see and write, as arguments. Deny by default; pure, it looks at no disk."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from harness.sandbox.etc import NEEDED

ROOMY, SMALL = str(1 << 30), str(256 << 20)  # bytes of /run and /dev/shm, which are memory

# What programs need of the system, besides what `etc.py` lists.
_FOLDERS = ("/usr", "/opt", "/nix/store", "/gnu/store", "/snap")
_SHORTCUTS = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")  # links into /usr, or folders where it is not merged
SYSTEM = (*_FOLDERS, *(f"/{name}" for name in _SHORTCUTS))

# Ranks of what is mounted on one and the same path: the last wins.
_PIN, _READ, _WRITE, _PRIVATE, _PROTECT, _MASK = range(6)


@dataclass(frozen=True, slots=True)
class Mounts:
    """What stands between an agent and the machine. Every path is absolute; the more specific one wins.

    `private` maps where the agent sees a folder to the folder that is there in truth. `protected` is read-only though
    what is around it may be written; `masked` files and `emptied` folders are there, without what they
    hold. All but `shortcuts` must exist. `instead` is a folder that stands in another's place: nothing else that is
    named here is mounted within that; `within` it are options, sources and targets of its own. `etc` holds copies of
    the files of /etc that are shown; in it are places for `etc_mounted`.
    """

    workspace: Path
    writable: tuple[Path, ...] = ()
    readable: tuple[Path, ...] = ()
    protected: tuple[Path, ...] = ()
    masked: tuple[Path, ...] = ()
    emptied: tuple[Path, ...] = ()
    private: tuple[tuple[Path, Path], ...] = ()
    instead: tuple[Path, Path] | None = None  # where it is seen, and where it is in truth
    within: tuple[tuple[str, Path, Path], ...] = ()
    sealed: tuple[Path, ...] = ()  # of what is mounted: read-only when all else is in its place
    etc: Path | None = None  # None: each file is mounted
    etc_mounted: tuple[str, ...] = NEEDED
    shortcuts: tuple[tuple[str, str], ...] = ()  # links at the root of the file system: name, and where it leads
    network: bool = True
    user_namespace: bool = True
    closed: bool = True  # no user namespaces inside, by bwrap itself (since 0.8.0) besides the filter
    proc_sys: bool = False  # root could write the kernel's settings
    tied: bool = False  # dies with its parent; where a pid namespace is around it, that is seen to


def compose_arguments(mounts: Mounts, *, filter_fd: int | None = None) -> tuple[str, ...]:
    """Return the arguments for bwrap, before the command itself; `filter_fd` is where it reads the seccomp filter."""
    words = ["--unshare-ipc", "--unshare-pid", "--unshare-uts", "--unshare-cgroup-try", "--new-session"]
    words += ["--hostname", "sandbox", "--cap-drop", "ALL"]
    words += ["--unshare-user"] if mounts.user_namespace else []
    words += ["--disable-userns"] if mounts.user_namespace and mounts.closed else []
    words += [] if mounts.network else ["--unshare-net"]
    words += ["--die-with-parent"] if mounts.tied else []
    for folder in _FOLDERS:
        words += ["--ro-bind-try", folder, folder]
    linked = dict(mounts.shortcuts)
    for name in _SHORTCUTS:
        there = f"/{name}"
        words += ["--symlink", linked[name], there] if name in linked else ["--ro-bind-try", there, there]
    words += ["--ro-bind", str(mounts.etc), "/etc"] if mounts.etc is not None else []
    for name in mounts.etc_mounted:
        words += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    words += ["--proc", "/proc"]
    words += ["--ro-bind", "/proc/sys", "/proc/sys"] if mounts.proc_sys else []
    words += ["--dev", "/dev", "--size", SMALL, "--tmpfs", "/dev/shm", "--size", ROOMY, "--tmpfs", "/run"]
    for option, source, target in _mounts(mounts):
        words += [option, str(source), str(target)]
    for path in mounts.emptied if mounts.instead is None else _outside(mounts.emptied, mounts.instead[0]):
        words += ["--perms", "0555", "--tmpfs", str(path)]
    for path in mounts.sealed:
        words += ["--remount-ro", str(path)]
    words += ["--remount-ro", "/"]
    words += ["--seccomp", str(filter_fd)] if filter_fd is not None else []
    return (*words, "--chdir", str(mounts.workspace))


def _mounts(mounts: Mounts) -> list[tuple[str, Path, Path]]:
    """Return option, source and target of each mount, parents before children, one for each target."""
    writable = (mounts.workspace, *mounts.writable)
    found: dict[Path, tuple[int, str, Path]] = {}

    def put(rank: int, option: str, source: Path, target: Path) -> None:
        if target not in found or found[target][0] < rank:
            found[target] = (rank, option, source)

    private = tuple(target for target, _ in mounts.private)
    around = _as_text((*map(Path, SYSTEM), *mounts.readable, *writable, *private))
    for path in mounts.readable:
        nearest = max(_holders(path, around), key=len, default=None)
        if path not in writable and (nearest is None or Path(nearest) in private):  # else it can be seen already
            put(_READ, "--ro-bind", path, path)
    for path in writable:
        put(_WRITE, "--bind", path, path)
    for target, source in mounts.private:
        put(_PRIVATE, "--bind", source, target)
    for path in mounts.protected:
        put(_PROTECT, "--ro-bind", path, path)
    pinned = _as_text(writable)
    for path in (*writable, *private, *mounts.protected):
        for folder in _between(path, pinned):
            put(_PIN, "--bind", folder, folder)
    for path in mounts.masked:
        put(_MASK, "--ro-bind", Path("/dev/null"), path)
    if mounts.instead is not None:
        place, folder = mounts.instead
        found = {target: found[target] for target in _outside(found, place)}
        put(_WRITE, "--bind", folder, place)
        for option, source, target in mounts.within:
            put(_WRITE, option, source, target)
    return [(option, source, target) for target, (_, option, source) in sorted(found.items())]


def _outside(paths: Iterable[Path], place: Path) -> list[Path]:
    return [path for path in paths if not path.is_relative_to(place)]


def _between(path: Path, writable: tuple[str, ...]) -> list[Path]:
    """Return the folders between a path that is mounted and what may be written around it.

    Each is pinned as a mount of its own: a folder that merely holds a mount could be renamed, and a new one made.
    """
    nearest = max(_holders(path, writable), key=len, default=None)
    if nearest is None:
        return []
    top = Path(nearest)
    return [folder for folder in path.parents if len(str(folder)) >= len(nearest) and folder != top]


def _as_text(paths: Iterable[Path]) -> tuple[str, ...]:
    """Return paths as texts that end in a slash: hundreds are compared for each command, ten times faster so."""
    return tuple({str(path).rstrip("/") + "/": None for path in paths})


def _holders(path: Path, folders: tuple[str, ...]) -> list[str]:
    """Return those of the folders, each with a slash at its end, that hold a path and are not the path itself."""
    text = str(path).rstrip("/") + "/"
    return [folder for folder in folders if text.startswith(folder) and text != folder]
