"""Links in logs/ that lead out of it: nothing is written, moved or read by them, for anybody may have made them.

A clone can bring some with its logs/, an agent without a sandbox can make one, and one inside can commit one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from harness.domain.errors import StorageError
from harness.domain.paths import Paths
from harness.domain.text import printable
from harness.system import files

_SET_ASIDE = re.compile(r".+\.strange(\.\d+)?")  # moved out of the way by harness: nothing goes there


def set_links_aside(paths: Paths) -> list[str]:
    """Rename the links that lead out of logs/ from a place where harness goes; returns a sentence about each."""
    if paths.journal in (found := list(_find(paths))):  # without it, what was spent would be forgotten
        refuse_links(paths, [paths.journal])
    return [f"{_explain(paths, link)}: it was moved to `{paths.shown(_set_aside(paths, link))}`" for link in found]


def refuse_links(paths: Paths, found: Iterable[Path] | None = None) -> None:
    """Raise StorageError where there is such a link."""
    for link in _find(paths) if found is None else found:
        raise StorageError(_explain(paths, link), f"remove it, unless it is yours: `rm {paths.shown(link)}`")


def remove_links(*folders: Path) -> list[Path]:
    """Remove the links that stand in the place of folders, the outer ones first; returns those."""
    links = [folder for folder in folders if files.is_link(folder)]
    for link in links:
        files.remove(link)
    return links


def _explain(paths: Paths, link: Path) -> str:
    target = printable(os.path.realpath(link))
    return f"`{paths.shown(link)}` is a link that leads out of `{paths.shown(paths.logs)}`, to `{target}`"


def _set_aside(paths: Paths, link: Path) -> Path:
    folder = Path(os.path.realpath(paths.logs)) if files.is_link(paths.kept) else paths.kept
    return files.move(link, folder / f"{link.name}.strange")


def _find(paths: Paths) -> Iterator[Path]:
    real = os.path.realpath(paths.logs)
    return (link for link in _links(paths) if not Path(os.path.realpath(link)).is_relative_to(real))


def _links(paths: Paths) -> Iterator[Path]:
    """Yield the links where harness goes: what an agent left in its attempt's own folders is read as hostile anyway."""
    for folder in (paths.logs, *_plain(paths.kept)):
        yield from (link for link in _links_in(folder) if not _SET_ASIDE.fullmatch(link.name))
    folders = _plain(paths.attempts(""))
    for _ in ("of features", "of attempts", "in an attempt's"):
        yield from (link for folder in folders for link in _links_in(folder))
        folders = [inner for folder in folders for inner in _folders_in(folder)]


def _plain(folder: Path) -> list[Path]:
    return [] if files.is_link(folder) else [folder]


def _links_in(folder: Path) -> list[Path]:
    return [Path(entry.path) for entry in _list(folder) if entry.is_symlink()]


def _folders_in(folder: Path) -> list[Path]:
    return [Path(entry.path) for entry in _list(folder) if entry.is_dir(follow_symlinks=False)]


def _list(folder: Path) -> list[os.DirEntry[str]]:
    with suppress(OSError), os.scandir(folder) as entries:
        return sorted(entries, key=lambda entry: entry.name)
    return []
