"""What no commit holds while hooks run: kept, and put back where a hook put it away and was ended before its end.

`pre-commit` puts changes that are not staged into a file of the home, and takes them from the tree until its hooks have
run. Whoever ends it meanwhile ends it with them, and the home of a sandbox goes with it.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from harness.domain.text import is_object_id, list_some, one_line
from harness.system import files, untrusted
from harness.workspace.git import Git
from harness.workspace.next_index import NextIndex
from harness.workspace.persons_index import as_lines
from harness.workspace.workspace import Candidate

_SHOWN = 5  # names of files that are told


@dataclass(slots=True)
class Uncommitted:
    """Keeps the changes of tracked files that a commit does not hold; `record` says in which commit, on no branch."""

    git: Git
    next: NextIndex
    record: Path

    def keep(self, candidate: Candidate, index: Path) -> None:
        """Keep what differs from a candidate, whose files are those of an index."""
        with suppress(OSError):  # then git will not commit either
            kept = self._ask("stash", "create", "harness: not committed while hooks ran", index=index).strip()
            if is_object_id(kept) and self._ask("rev-parse", f"{kept}^{{tree}}", index=index).strip() != candidate.tree:
                files.make_folder(self.record.parent)
                files.write_atomic(self.record, f"{kept} {candidate.tree}\n")

    def forget(self) -> None:
        """The hooks have run to their end: what they left of the tree is as they want it."""
        self.record.unlink(missing_ok=True)

    def put_back(self, *, ended: bool) -> str:
        """Put back what is in the tree as the candidate has it; returns what a person should know, "" for nothing.

        Where hooks were `ended`, what is there in yet another way is told, too.
        """
        said = (untrusted.read_plain(self.record, 200) or b"").decode("utf-8", "replace")
        kept, _, tree = said.strip().partition(" ")
        if not (is_object_id(kept) and is_object_id(tree)):
            return ""
        try:
            away, lost = self._put_back(kept, tree)
        except OSError as error:
            shows = f"`git diff {kept[:12]}` shows what differs ({error})"
            return f"what was not committed while hooks ran is kept: {shows}"
        self.forget()
        told = [f"put back what a hook had put away: {list_some(away, _SHOWN)}"] if away else []
        if lost and ended:
            shown = f"{list_some(lost, _SHOWN)}: `git diff {kept[:12]}` shows what differs"
            told.append(f"hooks were ended before they had put back {shown}")
        return "; ".join(told)

    def _put_back(self, kept: str, tree: str) -> tuple[list[str], list[str]]:
        """Return the files that were put back, and those that are neither as kept nor as the candidate has them."""
        names = _split(self._ask("diff-tree", "-r", "-z", "--name-only", "--no-renames", tree, kept))
        with self.next.beside() as index:
            others = self._find_unlike(tree, index) & names
            lost = self._find_unlike(kept, index) & names
            if away := sorted(lost - others):
                self._ask("checkout-index", "-f", "-z", "--stdin", index=index, stdin=as_lines(away))
        return away, sorted(lost & others)

    def _find_unlike(self, tree: str, index: Path) -> set[str]:
        """Return the files of a tree that the working tree does not hold so; the index is left with that tree."""
        self._ask("read-tree", tree, index=index)
        self._ask("update-index", "-q", "--refresh", index=index)
        return _split(self._ask("diff-files", "--name-only", "-z", index=index))

    def _ask(self, *words: str, index: Path | None = None, stdin: bytes = b"") -> str:
        """Return what git says. Raises OSError where it fails: nothing is known then."""
        more = {} if index is None else {"GIT_INDEX_FILE": str(index)}
        said = self.git.write(*words, stdin=stdin, with_hooks=False, **more)
        if said.code != 0 or said.timed_out or said.truncated:
            raise OSError(one_line(said.stderr.decode("utf-8", "replace"), 200) or f"git {words[0]} failed")
        return os.fsdecode(said.stdout)


def _split(listing: str) -> set[str]:
    return set(listing.split("\0")) - {""}
