"""What setting a clean checkout up made: it stays for the next commit while what that depends on is the same.

A file of it that changed meanwhile has another time of change, which no command can set back.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

from harness.system import files, untrusted

Entry = tuple[int, ...]
LIMIT = 256 << 20  # bytes of the record: some hundred for each file


def read_made(record: Path, key: str) -> dict[str, Entry] | None:
    """Return what the setup of that key made, by name; None where none is on record."""
    try:
        said = json.loads(untrusted.read_plain(record, LIMIT) or b"null")
        return {name: tuple(entry) for name, entry in said["made"].items()} if said["key"] == key else None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def write_made(record: Path, key: str, made: Mapping[str, Entry]) -> None:
    """Put on record what a setup made."""
    files.write_atomic(record, json.dumps({"key": key, "made": made}), sync=False)


def find_made(folder: Path, tracked: Collection[str], apart: Collection[str]) -> dict[str, Entry]:
    """Return what stands in a checkout besides the files of its commit, but for what is brought there (`apart`)."""
    return {name: _describe(found) for name, found in _walk(folder, set(tracked)) if name not in apart}


def keep_made(folder: Path, tracked: Collection[str], made: Mapping[str, Entry]) -> bool:
    """Remove all besides the files of the commit that a setup did not make; False where something of that is amiss."""
    known = {name: entry for name, entry in made.items() if name not in tracked}
    seen = 0
    for name, found in _walk(folder, set(tracked)):
        if name not in known:
            path = folder / name
            untrusted.remove_tree(path) if stat.S_ISDIR(found.st_mode) else path.unlink()
        elif known[name] != _describe(found):
            return False
        else:
            seen += 1
    return seen == len(known)


def find_folders(tracked: Iterable[str]) -> set[str]:
    """Return the folders that hold tracked files, the top as ""."""
    found = {""}
    for name in tracked:
        while (name := name.rpartition("/")[0]) and name not in found:
            found.add(name)
    return found


def _walk(folder: Path, tracked: set[str]) -> Iterator[tuple[str, os.stat_result]]:
    """Yield what is not tracked, by its name from the folder; folders before what they hold, links not followed."""
    holding, waiting = find_folders(tracked), [""]
    while waiting:
        within = waiting.pop()
        with os.scandir(folder / within) as entries:
            found = [(f"{within}{entry.name}", entry.stat(follow_symlinks=False)) for entry in entries]
        for name, status in found:
            is_folder = stat.S_ISDIR(status.st_mode)
            if name == ".git" or (name in tracked and not is_folder):
                continue
            if name not in holding:
                yield name, status
            if is_folder and files.exists(folder / name):
                waiting.append(f"{name}/")


def _describe(found: os.stat_result) -> Entry:
    if stat.S_ISDIR(found.st_mode):
        return (found.st_mode,)
    return (found.st_mode, found.st_size, found.st_ctime_ns, found.st_ino)
