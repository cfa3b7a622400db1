"""Where one attempt works: what every kind of workspace can do, and how its tree stands at one moment."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The working tree at one moment: `files` maps what differs from `head` (or everything, without git) to a stamp."""

    head: str  # commit id, "" without a commit or without git
    files: Mapping[str, str]

    @property
    def digest(self) -> str:
        """The fingerprint: equal for equal trees."""
        lines = [self.head, *(f"{name}\0{stamp}" for name, stamp in sorted(self.files.items()))]
        return sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()[:16]

    @property
    def clean(self) -> bool:
        """Whether nothing differs from the last commit."""
        return bool(self.head) and not self.files


@dataclass(frozen=True, slots=True)
class Commit:
    """What became of committing a proven feature: the commit's id, or why there is none; `failure` needs a person.

    `unsigned` says why one that should have been signed is not; `remark` what else a person should know. `by_hook`
    says that a hook of the repository refused it: what it says is about the work.
    """

    head: str = ""
    made: bool = False
    failure: str = ""
    unsigned: str = ""
    remark: str = ""
    by_hook: bool = False
    base: str = ""  # the commit that it was made on
    tree: str = ""  # where it is a candidate as it was made, signed perhaps
    names: tuple[str, ...] = ()  # of the files in which it differs from its base then


@dataclass(frozen=True, slots=True)
class Candidate:
    """A commit that no branch holds yet: what a claim would become."""

    base: str  # the commit that it stands on
    tree: str
    commit: str  # the base itself where nothing would be committed
    names: tuple[str, ...] = ()  # of the files that differ from the base


class Workspace(Protocol):
    """A folder in which one attempt works; others may be at work in it, or it may be its own."""

    root: Path

    def snapshot(self) -> Snapshot:
        """Look at the working tree, without what is harness's own."""

    def remove_replacements(self) -> list[str]:
        """Delete what shows other objects of git in the place of ours, and came since the attempt began."""

    def snapshot_after(self, before: Snapshot, staged_again: Collection[str] | None = None) -> Snapshot:
        """Look at what an attempt left since `before`; of what was staged meanwhile, only these files stay so."""

    def committed(self, name: str) -> bytes:
        """Return what the last commit holds of a file, b"" where it holds none."""

    def prepare_commit(self, slug: str, words: str, attempt: int, names: Collection[str]) -> Candidate | None:
        """Make the commit of what the feature changed, on no branch yet; None where that cannot be."""

    def commit(
        self, slug: str, words: str, attempt: int, names: Collection[str] | None, candidate: Candidate | None = None
    ) -> Commit:
        """Commit what the feature changed; `names` are the files that belong to it, None for all.

        Where the `candidate` still says so, and no hook has a say in it, it becomes the commit as it is.
        """

    def close(self) -> None:
        """The attempt is over: remove what was made for it alone."""


def changed_files(before: Snapshot, after: Snapshot) -> tuple[str, ...]:
    """Return the names of files that differ between two snapshots, sorted; a moved HEAD alone gives none."""
    names = before.files.keys() | after.files.keys()
    return tuple(sorted(name for name in names if before.files.get(name) != after.files.get(name)))
