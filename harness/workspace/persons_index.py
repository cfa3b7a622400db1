"""A person's index in git: put back as it was before an attempt, and brought to what was committed.

What an attempt makes of it is not believed; what somebody staged meanwhile may be a person's, and is staged again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from harness.system import files
from harness.workspace.git import Git
from harness.workspace.kept_index import Entry, KeptIndex, compose_entries, find_staged

MANY = 1000  # files that git can take as pathspecs without slowing down
_RESET = ("reset", "--quiet", "--pathspec-from-file=-", "--pathspec-file-nul")  # as the last commit has it


@dataclass(slots=True)
class PersonsIndex:
    """The index of one work tree; `operation` says what git has begun there, `is_obeyed` whether programs obey a file.

    Files are named from the top of the work tree.
    """

    git: Git
    kept: KeptIndex
    operation: Callable[[], str]
    is_obeyed: Callable[[str], bool] = lambda name: False
    reached: bool = True  # whether an agent, or what it wrote, could write it since it was kept
    unstaged: list[str] = field(default_factory=list)  # what was staged meanwhile, and is not any more
    _held: bool = False

    def keep(self) -> None:
        """Keep it as it is now."""
        self.kept.keep()

    def hold(self) -> bool:
        """Take git's lock of the index, so that no other git commits until `release`; returns whether it was free."""
        with suppress(OSError):
            os.close(os.open(self._lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
            self._held = True
        return self._held

    def release(self) -> None:
        """Let the lock go, if it is ours."""
        if self._held:
            self._held = False
            self._lock.unlink(missing_ok=True)

    @property
    def _lock(self) -> Path:
        return self.git.own("index.lock")

    def put_back(self) -> list[Entry] | None:
        """Put the index back as it was kept; returns what was staged meanwhile, None where it was as it is.

        Not within a merge with conflicts, of which it is a part.
        """
        if not self.kept.is_changed or self._has_conflicts():
            return None
        before, now = self._list_index(self.kept.copy), self._list_index(self.kept.index)
        back = self.kept.put_back()
        return find_staged(before, now) if back and before and now else [] if back else None

    def _list_index(self, index: Path) -> str:
        words = ("-C", self.git.top, "ls-files", "--stage", "-z", "--full-name")
        said = self.git.ask(*words, GIT_INDEX_FILE=str(index))
        return os.fsdecode(said.stdout) if said.code == 0 and not said.truncated else ""

    def stage_again(self, staged: list[Entry] | None) -> None:
        """Stage what somebody staged, a person perhaps, and keep the index so.

        Neither what git ignores, nor a repository, nor what programs obey, nor, where an agent could write the index,
        what the files do not hold: nobody is to commit that unawares.
        """
        if staged is None:
            return
        ignored = self._find_ignored([one.name for one in staged if one.what])
        hidden = self._find_hidden(staged) if self.reached else set[str]()
        again = list[Entry]()
        for one in staged:
            refused = one.what and (one.is_repository or one.name in ignored or self.is_obeyed(one.name))
            refused = refused or one.name in hidden
            if refused and not self._is_committed(one):
                self.unstaged.append(one.name)
            elif not refused:
                again.append(one)
        intended = [one for one in again if self._is_intended(one)]
        self._write_entries([one for one in again if one not in intended], self.kept.index)
        if intended:
            names = as_lines([one.name for one in intended])
            words = ("add", "--intent-to-add", "--pathspec-from-file=-", "--pathspec-file-nul")
            self.git.write("--literal-pathspecs", *words, stdin=names, with_hooks=False)
        self.keep()

    def _find_hidden(self, staged: Sequence[Entry]) -> set[str]:
        """Return the names of the files that do not hold what was staged of them."""
        top = Path(self.git.top)
        plain = [one.name for one in staged if one.is_file and files.is_file(top / one.name) and "\n" not in one.name]
        named = [name for name in plain if not files.is_link(top / name)]
        told = os.fsencode("".join(f"{name}\n" for name in named))
        said = self.git.write("hash-object", "--stdin-paths", stdin=told, with_hooks=False).stdout if named else b""
        held: dict[str, str | None] = {one.name: None if os.path.lexists(top / one.name) else "" for one in staged}
        held |= dict(zip(named, os.fsdecode(said).split(), strict=False))
        return {one.name for one in staged if held[one.name] != one.blob and not self._is_intended(one)}

    def _is_intended(self, entry: Entry) -> bool:
        """Whether git is only to know of a file (`add --intent-to-add`)."""
        path = Path(self.git.top) / entry.name
        return entry.is_empty and files.is_file(path) and not files.is_link(path) and path.stat().st_size > 0

    def _is_committed(self, entry: Entry) -> bool:
        """Whether the last commit holds what the index held."""
        said = self.git.ask("-C", self.git.top, "ls-tree", "-z", "HEAD", f"./{entry.name}")
        mode, _, rest = os.fsdecode(said.stdout).partition(" ")
        return entry.what == f"{mode} {rest.partition(' ')[2].partition(chr(9))[0]}"

    def _find_ignored(self, names: Sequence[str]) -> set[str]:
        if not names:
            return set()
        words = ("check-ignore", "--no-index", "-z", "--stdin")
        said = self.git.write(*words, stdin=as_lines(names), with_hooks=False)
        return set(filter(None, os.fsdecode(said.stdout).split("\0")))

    def catch_up(self, base: str, head: str) -> None:
        """Let the index follow a commit whose git was killed before it could, but for what differs from its base."""
        said = self.git.ask("-C", self.git.top, "diff-index", "--cached", "-z", "--name-only", "--no-renames", base)
        if said.code == 0:
            self.follow(base, head, set(os.fsdecode(said.stdout).split("\0")) | {""})
            self.keep()

    def _find_width(self) -> int:
        """Return how long ids are here."""
        return len(self.git.ask("hash-object", "--stdin").stdout.strip()) or 40

    def _write_entries(self, entries: Collection[Entry], index: Path) -> bool:
        if not entries:
            return True
        more = {"GIT_INDEX_FILE": str(index)}
        words, listed = (
            ("update-index", "--replace", "-z", "--index-info"),
            compose_entries(entries, self._find_width()),
        )
        written = self.git.write(*words, stdin=listed, with_hooks=False, **more).code == 0
        self.git.write(
            "update-index", "-q", "--refresh", stdin=b"", with_hooks=False, **more
        )  # it is not to look changed
        return written

    def _has_conflicts(self) -> bool:
        """Whether something that git has begun here waits for what a person makes of its conflicts."""
        return bool(self.operation() and self.git.ask("ls-files", "--unmerged").stdout)

    def follow(self, base: str, head: str, besides: Collection[str] = (), names: Collection[str] = ()) -> bool:
        """Let the index have what differs between two commits as the second one has it; returns whether it has.

        The second is the last commit if `names` are given: what differs. While the lock is held, a new index takes the
        place of the old one, as git does it.
        """
        if not self._held:
            return self._follow(self.kept.index, base, head, besides, names)
        new = self.git.own("harness-index")
        try:
            self.kept.copy_index_to(new)
            if done := self._follow(new, base, head, besides, names):
                new.replace(self.kept.index)
        except OSError:
            return False
        return done

    def _follow(self, index: Path, base: str, head: str, besides: Collection[str], names: Collection[str]) -> bool:
        if not besides and 0 < len(names) <= MANY:
            more = {"GIT_INDEX_FILE": str(index)}
            words = ("--literal-pathspecs", *_RESET)
            return self.git.write(*words, stdin=as_lines(names), with_hooks=False, **more).code == 0
        changed = self.find_changed(base, head)
        return self._write_entries([one for one in changed if one.name not in besides], index)

    def find_changed(self, base: str, head: str) -> list[Entry]:
        """Return what differs between two commits or trees, as the second one has it."""
        return [now for _, now in self.compare(base, head)]

    def compare(self, base: str, head: str) -> list[tuple[Entry, Entry]]:
        """Return what differs between two commits or trees, as each of them has it."""
        said = self.git.ask("diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", base, head)
        words = os.fsdecode(said.stdout).split("\0")
        return [_entries_of(about, name) for about, name in zip(words[::2], words[1::2], strict=False)]


def as_lines(names: Collection[str]) -> bytes:
    """Return names as git reads them from a list."""
    return b"".join(os.fsencode(name) + b"\0" for name in names)


def _entries_of(about: str, name: str) -> tuple[Entry, Entry]:
    """Return what each of two commits has of a file, by a line of `diff-tree --raw`."""
    modes, blobs = about[1:].split(" ")[:2], about.split(" ")[2:4]
    was, now = ("" if set(mode) == {"0"} else f"{mode} {blob}" for mode, blob in zip(modes, blobs, strict=True))
    return Entry(name, was), Entry(name, now)
