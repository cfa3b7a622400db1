"""Work that is proven and waits for a person: a commit on a branch of its own, and a working tree without it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath

from harness.system import files
from harness.system.capture import Captured
from harness.workspace.git import NO_HOOKS, Git
from harness.workspace.next_index import NextIndex
from harness.workspace.persons_index import as_lines
from harness.workspace.reverts import find_copied
from harness.workspace.workspace import Candidate


class ParkingError(Exception):
    """The work cannot be taken out of the tree, or brought back into it, without loss; in words for a person."""


class Parking:
    """Takes the work of a candidate out of the working tree and brings it back."""

    def __init__(self, git: Git, next_index: NextIndex) -> None:
        self._git, self._next = git, next_index

    def keep(self, slug: str, candidate: Candidate) -> str:
        """Put a commit on the branch `harness/SLUG` and return the branch's name. Raises ParkingError."""
        branch = f"harness/{slug}"
        ref = f"refs/heads/{branch}"
        there = self._find(ref)
        if there and not self._is_of(there, slug):
            raise ParkingError(f"there is a branch `{branch}` of somebody else's")
        if there and there != candidate.commit:  # earlier work, which is on no other branch
            words = ("update-ref", "-m", "harness: parked before", f"{ref}-{there[:8]}", there)
            self._take(self._git.ask(*words, told=[NO_HOOKS]))
        words = ("update-ref", "-m", "harness: waits for `harness land`", ref, candidate.commit)
        self._take(self._git.ask(*words, there or "0" * len(candidate.commit), told=[NO_HOOKS]))
        return branch

    def forget(self, slug: str, commit: str) -> None:
        """Delete the branch of work that has landed, if it is still at that commit."""
        self._git.ask("update-ref", "-d", f"refs/heads/harness/{slug}", commit, told=[NO_HOOKS])

    def find_later(self, slug: str, commit: str) -> str:
        """Return where the branch of parked work is, if it has moved on to what HEAD does not hold; "" elsewhere."""
        there = self._find(f"refs/heads/harness/{slug}")
        is_old = there in ("", commit) or self._git.ask("merge-base", "--is-ancestor", there, "HEAD").code == 0
        return "" if is_old else there

    def merge(self, commit: str) -> tuple[str, tuple[str, ...]]:
        """Return the tree that HEAD and a parked commit make, and the files that differ from HEAD in it.

        None do where a person has brought it there: merged or picked. Raises ParkingError where both have changed the
        same lines, or the branch was rewritten.
        """
        if find_copied(self._git, [commit]):
            return "HEAD", ()
        if self._git.ask("merge-base", "--is-ancestor", f"{commit}^", "HEAD").code != 0:
            raise ParkingError(f"the branch does not hold what {commit[:12]} stands on")
        return self._merge_with_head(commit)

    def merge_change(self, since: str, until: str) -> tuple[str, tuple[str, ...]]:
        """Return the tree that HEAD and the change between two commits make, and the files that differ from HEAD in it.

        Raises ParkingError where both have changed the same lines. What landed, and was taken back since, comes again.
        """
        words = ("commit-tree", f"{until}^{{tree}}", "-p", since)  # another commit: HEAD may lead to that one
        made = self._git.write(*words, stdin=b"What an attempt left, to be brought back\n", with_hooks=False)
        return self._merge_with_head(os.fsdecode(self._take(made)).strip())

    def _merge_with_head(self, commit: str) -> tuple[str, tuple[str, ...]]:
        """Return the tree that HEAD and a commit make, and the files that differ from HEAD in it.

        Raises ParkingError where both have changed the same lines.
        """
        said = self._git.write(
            "merge-tree", "--write-tree", "-z", "--name-only", "HEAD", commit, stdin=b"", with_hooks=False
        )
        tree, *rest = os.fsdecode(said.stdout).split("\0")
        if said.code == 1:
            names = rest[: rest.index("")] if "" in rest else rest
            raise ParkingError(f"it meets later work in {', '.join(names[:5])}")
        self._take(said)
        listed = self._git.ask("diff-tree", "-r", "-z", "--name-only", "--no-renames", "HEAD", tree)
        return tree, tuple(filter(None, os.fsdecode(self._take(listed)).split("\0")))

    def find_in_the_way(self, tree: str, names: Sequence[str]) -> list[str]:
        """Return what differs from HEAD where files of a tree would come, or go: git may ignore it, or not look at it.

        What is there as the tree has it is not in the way.
        """
        listed = self._git.ask("ls-tree", "-r", "-z", "--name-only", "--full-tree", "HEAD")
        held, top = set(os.fsdecode(self._take(listed)).split("\0")), self._git.top
        differ = set(self.find_other("HEAD", names)) & set(self.find_other(tree, names))
        found = {name for name in differ if not files.is_dir(Path(top) / name)}
        for name in differ - found:  # of a folder, only what no commit holds
            inside = (os.path.relpath(f"{at}/{one}", top) for at, _, those in os.walk(f"{top}/{name}") for one in those)
            found |= {one for one in inside if one not in held}
        for name in names:
            steps = (str(one) for one in PurePosixPath(name).parents)
            found |= {one for one in steps if one not in held and one != "." and files.is_no_folder(Path(top, one))}
        return sorted(found)

    def find_other(self, tree: str, names: Sequence[str]) -> list[str]:
        """Return those of the files that the working tree does not hold as a tree does."""
        said = self._git.ask("ls-tree", "-r", "-z", "--full-tree", tree)
        lines = [line.partition("\t") for line in os.fsdecode(self._take(said)).split("\0") if line]
        blobs = {name: about.split(" ")[2] for about, _, name in lines}
        modes = {name: about.split(" ")[0] for about, _, name in lines}
        there = [name for name in names if name in blobs and "\n" not in name and _is_plain(f"{self._git.top}/{name}")]
        listed = "".join(f"{name}\n" for name in there)
        hashed = self._git.write("hash-object", "--stdin-paths", stdin=os.fsencode(listed), with_hooks=False)
        found = dict(zip(there, os.fsdecode(self._take(hashed)).split(), strict=True)) if there else {}
        links = [name for name in names if name in blobs and files.is_link(Path(self._git.top) / name)]
        found |= {name: blobs[name] for name in links if self._leads_alike(name, blobs[name])}
        gone = {name for name in names if name not in blobs and not os.path.lexists(f"{self._git.top}/{name}")}
        other = [name for name in names if name not in gone and found.get(name) != blobs.get(name, "")]
        return sorted({*other, *(name for name in there if _has_other_mode(f"{self._git.top}/{name}", modes[name]))})

    def _leads_alike(self, name: str, blob: str) -> bool:
        said = self._git.read("cat-file", "blob", blob)
        return said.code == 0 and said.stdout == os.fsencode(os.readlink(f"{self._git.top}/{name}"))  # noqa: PTH115

    def write(self, tree: str, names: Sequence[str]) -> None:
        """Make files of the working tree what a commit or tree holds of them; the person's index stays as it is.

        Raises ParkingError.
        """
        listed = self._git.ask("ls-tree", "-r", "-z", "--name-only", "--full-tree", tree)
        held = set(os.fsdecode(self._take(listed)).split("\0"))
        with self._next.beside() as index:
            more = {"GIT_INDEX_FILE": str(index)}
            self._take(self._git.write("read-tree", tree, stdin=b"", with_hooks=False, **more))
            for name in sorted(set(names) - held, reverse=True):
                self._remove(name)
            lines = as_lines([name for name in names if name in held])
            words = ("checkout-index", "--force", "-z", "--stdin")
            self._take(self._git.write(*words, stdin=lines, with_hooks=False, **more))

    def _remove(self, name: str) -> None:
        """Remove a file, and the folders that are empty without it."""
        top = Path(self._git.top)
        path = top / name
        if any(files.is_link(one) for one in path.parents if one != top and one.is_relative_to(top)):
            return  # behind a link lies another place
        with suppress(FileNotFoundError, IsADirectoryError):
            path.unlink()
        with suppress(OSError):
            for folder in path.parents:
                if folder == top:
                    break
                folder.rmdir()

    def _find(self, ref: str) -> str:
        said = self._git.ask("rev-parse", "--verify", "--quiet", ref)
        return os.fsdecode(said.stdout).strip() if said.code == 0 else ""

    def _is_of(self, commit: str, slug: str) -> bool:
        """Whether harness made a commit for a feature, by its trailers."""
        said = os.fsdecode(self._git.ask("show", "-s", "--format=%B", commit).stdout)
        return f"\nHarness-Feature: {slug}\n" in said

    def _take(self, said: Captured) -> bytes:
        if said.code != 0:
            raise ParkingError(os.fsdecode(said.stderr).strip()[:300] or "git refused")
        return said.stdout


def _has_other_mode(path: str, mode: str) -> bool:
    """Whether a plain file is a program, and a tree says that it is none; or the other way round."""
    return mode.startswith("100") and bool(os.stat(path).st_mode & 0o100) != (mode == "100755")  # noqa: PTH116


def _is_plain(path: str) -> bool:
    return os.path.isfile(path) and not os.path.islink(path)  # noqa: PTH113, PTH114
