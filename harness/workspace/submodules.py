"""The submodules of a commit in a clean checkout: files alone, by the objects that are here; nothing is fetched."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from harness.system import files

Ask = Callable[..., bytes | None]  # what git says in a repository; None where it fails


@dataclass(frozen=True, slots=True)
class Submodule:
    """One of a commit's: where it lies in that work tree, by which name, at which commit of its own."""

    path: str
    name: str
    commit: str


class NotHere(Exception):
    """A submodule is in the project, but not where git keeps its repository; names it."""


def find_submodules(ask: Ask, tree: str) -> Iterator[Submodule]:
    """Yield the submodules that a tree names."""
    words = ("config", "--blob", f"{tree}:.gitmodules", "--null", "--get-regexp", r"^submodule\..*\.path$")
    pairs = (one.partition("\n")[::2] for one in os.fsdecode(ask(*words) or b"").split("\0") if one)
    names = {path.rstrip("/"): key.removeprefix("submodule.").removesuffix(".path") for key, path in pairs}
    for line in os.fsdecode(ask("ls-tree", "-r", "-z", tree) or b"").split("\0") if names else ():
        about, _, path = line.partition("\t")
        if about.startswith("160000 ") and path in names:
            yield Submodule(path, names[path], about.split()[2])


def find_repository(around: Path, work_tree: Path, submodule: Submodule) -> Path | None:
    """Return where the project keeps the repository of a submodule; None where it is not checked out there.

    `around` is the repository that it belongs to, `work_tree` where that is checked out. Raises NotHere.
    """
    inside = PurePosixPath(submodule.name)
    if not inside.is_absolute() and ".." not in inside.parts:
        for place in (around / "modules" / inside, work_tree / submodule.path / ".git"):
            if files.is_dir(place / "objects") and not files.is_link(place):
                return place
    if any(True for _ in _list(work_tree / submodule.path)):
        raise NotHere(submodule.path)
    return None


def _list(folder: Path) -> Iterator[Path]:
    return folder.iterdir() if files.is_dir(folder) else iter(())
