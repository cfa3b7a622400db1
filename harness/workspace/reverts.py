"""Which commits a later one reverts, and one commit that takes several back without touching a person's work."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from harness.domain.text import one_line
from harness.system import files
from harness.system.capture import Captured
from harness.workspace.git import NO_HOOKS, Git

_WORDS = "This reverts commit "
_NAMED = re.compile(rf"^{_WORDS}([0-9a-f]{{40,64}})\b", re.MULTILINE)
_TRAILERS = re.compile(r"^Harness-Feature: \S+\nHarness-Attempt: \d+$", re.MULTILINE)
Range = tuple[str, str]  # the commits after the first, to the second; the second alone where the first is ""


@dataclass(frozen=True, slots=True)
class Plan:
    """What taking commits back would do: the tree that comes of it, the files that change, what stands in the way."""

    head: str
    tree: str
    commits: tuple[str, ...]
    files: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()  # files in which later work and the way back meet
    in_work: tuple[str, ...] = ()  # files that would change, and hold what is not committed


_HIDDEN = frozenset("hSs")  # how `ls-files -v` marks what is assumed unchanged, or skipped
_LITERAL = re.compile(r"[][*?\\]")


def _quote(found: re.Match[str]) -> str:
    return f"\\{found[0]}"


class GitRefused(Exception):
    """Git did not do what it was asked for; in its words."""


def find_reverts(git: Git, commits: Sequence[str], attempts: Sequence[Range] = ()) -> dict[str, str]:
    """Return which of these commits a later one takes back, by its own words, and which does.

    What was committed in an attempt is believed only where its tree shows it: an agent may write any words.
    """
    times = [moment for moment, _ in _read_each(git, commits).values()]
    shown = _messages_since(git, min(times), f"^{_WORDS}[0-9a-f]") if times else ""
    if not shown:
        return {}
    made = {by for since, last in attempts for by in _commits_of(git, since, last)}
    while True:
        found = read_reverts(shown)
        untrue = {by for one, by in found.items() if by in made and not _is_taken_back(git, one, by)}
        if not untrue:
            return {one: found[one] for one in commits if one in found}
        entries = shown.split("\0")[1:]
        shown = "".join(f"\0{entry}" for entry in entries if entry.partition("\n")[0] not in untrue)


def _commits_of(git: Git, since: str, last: str) -> list[str]:
    said = git.ask("rev-list", last, f"^{since}") if since else git.ask("rev-list", "--max-count=1", last)
    return os.fsdecode(said.stdout).split()


def _is_taken_back(git: Git, commit: str, by: str) -> bool:
    """Whether each file that a commit changed is in another as it was before."""
    flags = ("-r", "-z", "--no-renames", "--no-abbrev")
    changed = os.fsdecode(git.ask("diff-tree", *flags, "--name-only", f"{commit}^", commit).stdout).split("\0")
    since = os.fsdecode(git.ask("diff-tree", *flags, "--name-only", f"{commit}^", by).stdout).split("\0")
    return set(changed[:-1]).isdisjoint(since)


def find_copied(git: Git, commits: Sequence[str]) -> set[str]:
    """Return which of these commits of harness HEAD leads to under another name: by a rebase, a squash, a pick.

    They are known by their trailers.
    """
    return set(_find_copies(git, commits))


def find_unlike_copies(git: Git, commits: Sequence[str]) -> set[str]:
    """Return which of these commits of harness HEAD leads to under another name, and with other content.

    It is the same where a copy makes the same patch, or leaves the files as one of those does that it is a copy of.
    """
    copies = _find_copies(git, commits)
    named = sorted({*copies, *(one for those in copies.values() for one in those)})
    if not named:
        return set()
    stdin = "".join(f"{one}\n" for one in named).encode()
    made = _read_made(os.fsdecode(git.ask("diff-tree", "--stdin", *_PLAINLY, "-z", "--raw", stdin=stdin).stdout))
    patches = git.ask("diff-tree", "--stdin", *_PLAINLY, "-p", stdin=stdin).stdout
    lines = os.fsdecode(git.ask("patch-id", "--stable", stdin=patches).stdout).splitlines()
    patch = {commit: id for id, _, commit in (line.partition(" ") for line in lines)}
    left: dict[str, set[tuple[str, str]]] = {}  # by copy: the files as what it is a copy of leaves them
    for one, those in copies.items():
        for copy in those:
            left.setdefault(copy, set()).update(made.get(one, {}).items())

    def is_alike(one: str, copy: str) -> bool:
        there = made.get(copy, {})
        same_files = all((name, there.get(name, "")) in left[copy] for name in made.get(one, {}))
        return same_files or (one in patch and patch[one] == patch.get(copy))

    return {one for one, those in copies.items() if not any(is_alike(one, copy) for copy in those)}


_PLAINLY = ("-r", "--root", "--no-renames", "--no-abbrev", "--no-ext-diff", "--no-textconv")


def _read_made(raw: str) -> dict[str, dict[str, str]]:
    """Return what each commit makes of the files that it changes, by their names: mode and blob."""
    found: dict[str, dict[str, str]] = {}
    words = iter(raw.split("\0")[:-1])
    files_of: dict[str, str] = {}
    for word in words:
        if word.startswith(":"):
            _, mode, _, blob, _ = word.split(" ")
            files_of[next(words)] = f"{mode} {blob}"
        else:
            files_of = found.setdefault(word, {})
    return found


def _find_copies(git: Git, commits: Sequence[str]) -> dict[str, list[str]]:
    """Return the commits that HEAD leads to with the trailers of each of these; without those that have none there."""
    known = {one: (moment, _TRAILERS.findall(words)) for one, (moment, words) in _read_each(git, commits).items()}
    times = [moment for moment, trailers in known.values() if trailers]
    there: dict[str, list[str]] = {}
    for entry in _messages_since(git, min(times), "^Harness-Feature: ").split("\0")[1:] if times else ():
        copy, _, message = entry.partition("\n")
        for trailer in _TRAILERS.findall(message):
            there.setdefault(trailer, []).append(copy)
    return {
        one: [copy for trailer in trailers for copy in there[trailer]]
        for one, (_, trailers) in known.items()
        if trailers and there.keys() >= set(trailers)
    }


def find_of_others(git: Git, ranges: Sequence[Range]) -> list[str]:
    """Return which of the commits that agents are said to have made are others': of another run, or fetched.

    Fetched is what a remote has, too, and somebody else committed: a person pulled it while an agent worked.
    """
    made = [(last, f"^{since}") for since, last in ranges if since]
    if not made:
        return []
    by_run = ("rev-list", "--extended-regexp", "--grep=^Harness-(Feature|Undone): ")
    found = {one for ends in made for one in _read_commits(git, *by_run, *ends)}
    mine = os.fsdecode(git.ask("var", "GIT_COMMITTER_IDENT").stdout).rpartition("<")[2].partition(">")[0]
    for ends in made:
        own = _read_commits(git, "rev-list", *ends, "--not", "--remotes")
        said = _read_commits(git, "rev-list", "--no-commit-header", "--format=%H:%ce", *ends)
        by = dict(one.split(":", 1) for one in said)
        found |= {one for one in by.keys() - own if by[one] != mine}
    return sorted(found)


def _read_commits(git: Git, *words: str) -> list[str]:
    return os.fsdecode(git.ask(*words).stdout).split()


def _read_each(git: Git, commits: Sequence[str]) -> dict[str, tuple[int, str]]:
    """Return when each commit that is here was made, in epoch seconds, and its message."""
    if not commits:
        return {}
    listed, words = "".join(f"{one}\n" for one in commits).encode(), ("--no-walk", "--ignore-missing", "--stdin")
    shown = os.fsdecode(git.ask("rev-list", *words, "--format=%x00%H%n%ct%n%B", stdin=listed).stdout)
    entries = (entry.split("\n", 2) for entry in shown.split("\0")[1:])
    return {commit: (int(moment), message) for commit, moment, message in entries}


def _messages_since(git: Git, moment: int, pattern: str) -> str:
    """Return the messages that HEAD leads to and a pattern fits, the newest first, each after a NUL and its commit."""
    words = ("--topo-order", f"--max-age={moment}", f"--grep={pattern}", "--format=%x00%H%n%B", "HEAD")
    return os.fsdecode(git.ask("rev-list", *words).stdout)


def read_reverts(shown: str) -> dict[str, str]:
    """Return each commit that is taken back, with what does it, from messages, the newest first; each after a NUL.

    What was taken back itself takes nothing back.
    """
    found: dict[str, str] = {}
    for entry in shown.split("\0")[1:]:
        commit, _, message = entry.partition("\n")
        if commit not in found:
            for one in _NAMED.findall(message):
                found.setdefault(one, commit)
    return found


class Revert:
    """Takes ranges of commits back. `scratch` is a folder of ours, where an index is made that is not the person's."""

    def __init__(self, git: Git, scratch: Path) -> None:
        self._git, self._index = git, str(scratch / "index")

    def plan(self, ranges: Sequence[Range]) -> Plan:
        """Return what would come of it. Raises GitRefused."""
        head = self._say("rev-parse", "--verify", "HEAD^{commit}")
        ranges = [(since or f"{last}^", last) for since, last in ranges]
        commits = [one for since, last in reversed(ranges) for one in self._say("rev-list", last, f"^{since}").split()]
        self._beside("read-tree", head)
        for since, last in reversed(ranges):
            flags = ("-r", "-p", "--binary", "--full-index", "--no-renames", "--no-ext-diff", "--no-textconv")
            patch = self._git.read("-C", self._git.top, "diff-tree", *flags, last, since, told=[NO_HOOKS])
            if patch.truncated:
                raise GitRefused(f"{last[:12]} changes too much")
            if patch.stdout and not self._apply(patch.stdout, (last, since)):
                return Plan(head, "", tuple(commits), conflicts=self._find_conflicts(patch.stdout, (last, since)))
        tree = self._beside("write-tree")
        listed = self._say("diff-tree", "-r", "-z", "--name-only", "--no-renames", head, tree)
        changed = tuple(filter(None, listed.split("\0")))
        in_work = (self._in_work() & set(changed)) | self._find_in_the_way(head, tree) | self._find_hidden(changed)
        return Plan(head, tree, tuple(commits), changed, in_work=tuple(sorted(in_work)))

    def make(self, plan: Plan, message: str) -> str:
        """Make the commit on the branch that is checked out, and return it. Raises GitRefused: then nothing changed."""
        made = self._say("commit-tree", plan.tree, "-p", plan.head, stdin=message.encode())
        walk = ("read-tree", "-m", "-u")
        self._git.write("update-index", "-q", "--refresh", stdin=b"", with_hooks=False)  # what was merely touched
        self._say(*walk, "-n", plan.head, made)
        self._say(*walk, plan.head, made)
        moved = self._ask("update-ref", "-m", one_line(message), "HEAD", made, plan.head)
        if moved.code != 0:
            self._say(*walk, made, plan.head)
            raise GitRefused(_words_of(moved))
        try:
            return self._git.sign(made)
        except OSError:
            return made

    def _apply(self, patch: bytes, ends: Range) -> bool:
        """Apply a patch to the index; where git would merge both sides of a file into one, only as it stands."""
        ways = () if self._merges_by_union(ends) else ("--3way",)
        words, told = ("apply", "--cached", *ways, "--whitespace=nowarn"), [NO_HOOKS, *self._no_drivers()]
        said = self._git.ask("-C", self._git.top, *words, told=told, stdin=patch, GIT_INDEX_FILE=self._index)
        return said.code == 0

    def _merges_by_union(self, ends: Range) -> bool:
        """Whether attributes let a merge of some file keep both sides: what is to go would stay."""
        names = self._say("diff-tree", "-r", "-z", "--name-only", "--no-renames", *ends)
        said = self._ask("check-attr", "-z", "--stdin", "merge", stdin=os.fsencode(names))
        return "union" in os.fsdecode(said.stdout).split("\0")[2::3]

    def _no_drivers(self) -> list[str]:
        """Return the settings that keep git from merging files by a program, which an agent may have written."""
        found = self._git.ask("config", "--null", "--name-only", "--get-regexp", r"^merge\..*\.driver$").stdout
        keys = os.fsdecode(found).split("\0")[:-1]
        if odd := next((key for key in keys if "=" in key), ""):
            raise GitRefused(f"`{one_line(odd)}` cannot be switched off, for the `=` in its name")
        return [f"{key}=false" for key in keys]

    def _find_conflicts(self, patch: bytes, ends: Range) -> tuple[str, ...]:
        """Return the files at which a patch does not apply; all that it changes where git does not say which."""
        unmerged = self._beside("ls-files", "--unmerged", "-z", "--full-name").split("\0")
        if names := tuple(dict.fromkeys(line.partition("\t")[2] for line in unmerged if line)):
            return names
        listed = self._say("diff-tree", "-r", "-z", "--name-only", "--no-renames", *ends)
        changed = tuple(filter(None, listed.split("\0")))
        return tuple(name for name in changed if not self._applies(patch, name)) or changed

    def _applies(self, patch: bytes, name: str) -> bool:
        """Whether the part of a patch that is about one file applies."""
        words = ("apply", "--cached", "--check", "--whitespace=nowarn", f"--include={_LITERAL.sub(_quote, name)}")
        said = self._git.ask("-C", self._git.top, *words, told=[NO_HOOKS], stdin=patch, GIT_INDEX_FILE=self._index)
        return said.code == 0

    def _in_work(self) -> set[str]:
        """Return the files that differ from the last commit, in the index or in the tree, from the top of it."""
        words = ("status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames", "--ignore-submodules=dirty")
        shown = self._git.look(*words)  # into a repository inside this one it does not look
        if shown.code != 0:
            raise GitRefused(_words_of(shown))
        return {line[3:] for line in os.fsdecode(shown.stdout).split("\0") if line}

    def _find_in_the_way(self, head: str, tree: str) -> set[str]:
        """Return what is not in the last commit, ignored or not, and stands where a file would come."""
        listed = self._say("diff-tree", "-r", "-z", "--name-only", "--no-renames", "--diff-filter=A", head, tree)
        if not (names := listed.split("\0")[:-1]):
            return set()
        tracked, top = (
            set(self._say("ls-tree", "-r", "-z", "--name-only", "--full-tree", head).split("\0")),
            self._git.top,
        )
        found = set[str]()
        for name in names:
            steps = [name, *(str(one) for one in PurePosixPath(name).parents)][-2::-1]
            stands = next((one for one in steps if files.is_no_folder(Path(top, one))), "")
            if stands:  # behind a link lies another place
                found |= {stands} - tracked
            elif files.is_dir(Path(top, name)):
                inside = (
                    os.path.relpath(f"{at}/{one}", top) for at, _, held in os.walk(f"{top}/{name}") for one in held
                )
                found |= {one for one in inside if one not in tracked}
        return found

    def _find_hidden(self, names: Sequence[str]) -> set[str]:
        """Return those of the files that git is told not to look at, and that are there."""
        flagged = {
            line[2:] for line in self._say("ls-files", "-v", "-z", "--full-name").split("\0") if line[:1] in _HIDDEN
        }
        return {one for one in names if one in flagged and os.path.lexists(f"{self._git.top}/{one}")}

    def _beside(self, *words: str) -> str:
        return self._take(self._git.ask(*words, told=[NO_HOOKS], GIT_INDEX_FILE=self._index))

    def _say(self, *words: str, stdin: bytes = b"") -> str:
        return self._take(self._ask(*words, stdin=stdin))

    def _ask(self, *words: str, stdin: bytes = b"") -> Captured:
        if words[0] == "read-tree":  # which writes files, through filters
            return self._git.write(*words, stdin=stdin, with_hooks=False)
        return self._git.ask("-C", self._git.top, *words, told=[NO_HOOKS], stdin=stdin)

    def _take(self, said: Captured) -> str:
        if said.code != 0:
            raise GitRefused(_words_of(said))
        return os.fsdecode(said.stdout).strip("\n")


def _words_of(said: Captured) -> str:
    return one_line(said.stderr.decode("utf-8", "replace"), 300) or "git refused"
