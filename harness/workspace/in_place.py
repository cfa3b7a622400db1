"""Where an attempt works, and what it changed there: in place, by a cheap fingerprint, with git where there is git.

Git is run here in a folder that an agent may have written (`git.py`): only to read, but for the commit of a proven
feature, which runs the person's own hooks.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath

from harness.domain.paths import Paths
from harness.domain.text import one_line
from harness.system import files
from harness.system.capture import Captured
from harness.system.command import Command
from harness.system.process import Supervisor
from harness.workspace.attempt_refs import AttemptRefs
from harness.workspace.clean_checkout import Repository
from harness.workspace.commits import Commits
from harness.workspace.confined_git import ConfinedGit
from harness.workspace.contents import Contents
from harness.workspace.git import NO_HOOKS, Git
from harness.workspace.heads import Heads
from harness.workspace.kept_index import KeptIndex
from harness.workspace.modes import find_unusual
from harness.workspace.next_index import NextIndex
from harness.workspace.parking import Parking
from harness.workspace.persons_index import PersonsIndex, as_lines
from harness.workspace.trial_commit import try_commit, who_commits
from harness.workspace.uncommitted import Uncommitted
from harness.workspace.workspace import Candidate, Commit, Snapshot

WALK_LIMIT = 100_000  # files and folders that are looked at where there is no git
_SKIPPED = {".git", ".hg", ".svn", "node_modules", ".venv", "venv", "__pycache__", ".tox", ".mypy_cache", ".cache"}
FRESH = 0.5  # seconds; on a busy machine that much passes between two looks with nothing between them
_NOT_LOOKED_AT = tuple("hsS")  # as `ls-files -v` flags what is assumed unchanged, and what is skipped


class InPlace:
    """The person's own checkout as the workspace."""

    def __init__(
        self,
        paths: Paths,
        environ: Mapping[str, str],
        temporary: Path | None = None,
        *,
        filters: bool = True,
        outputs: Collection[Path] = (),
        written: Sequence[Path] = (),
    ) -> None:
        """Look once whether the root is inside a git work tree. `environ` is the environment git gets.

        `outputs` are files that a person lets the run's own output go to: they are no part of the tree.

        `temporary`, where given, gets a file of the person's global ignores and ours: a pathspec does not keep git from
        walking specs/ for untracked files (5,000 specs: 44 ms of CPU with it, 5 ms with both). Without `filters`
        what was checked out through one may look changed, and no program of the repository runs.
        """
        self.root = paths.root
        self._contents = Contents()
        self._last: Snapshot | None = None
        self.problem = ""  # what git said at the last look that failed
        self._last_at = 0.0
        own = (paths.specs, paths.logs, *paths.halts, *outputs)
        self._own = [str(path.relative_to(self.root)) for path in own if self.root in path.parents]
        self._git = Git(self.root, environ, temporary, filters=filters, written=written)
        self.heads = Heads(self._git)
        self.has_git, self.why_no_git, prefix = self._git.found, self._git.why, self._git.prefix
        kept = KeptIndex(self._git.own("index"), paths.kept / "index")
        self.index = PersonsIndex(self._git, kept, self.heads.operation)
        next_index = NextIndex(self._git, kept)
        uncommitted = Uncommitted(self._git, next_index, paths.kept / "uncommitted")
        self.commits = Commits(self._git, self.heads, self.index, self, next_index, uncommitted)
        self.parking = Parking(self._git, next_index)
        self.attempt_refs = AttemptRefs(self._git)
        self._replacements = frozenset[str]()
        self._ignores: Path | None = None
        if self.has_git and temporary:
            self._ignores = self._write_ignores(temporary / "git-ignores", prefix, environ)
        self._pathspec = ("--", ".", *(f":(exclude,top,literal){prefix}{name}" for name in self._own))

    def confine_git(
        self,
        supervisor: Supervisor,
        confine: Callable[[Command], Command],
        stop: Callable[[], float | None] = lambda: None,
        confine_helper: Callable[[Command], Command | None] = lambda command: None,
    ) -> None:
        """Let git read the work tree and commit in the sandbox where `confine` knows one, until `stop` gives a grace.

        Then what git does is given a few seconds to end. `confine_helper` puts what lives on between calls into the
        sandbox; None where each call is to have a sandbox of its own.
        """
        self._git.supervisor, self._git.confine, self._git.stop = supervisor, confine, stop
        needed = () if self._ignores is None else (self._ignores,)
        self._git.confined = ConfinedGit(supervisor, confine_helper, self.root, self._git.environ_inside, needed)

    def start_git(self) -> None:
        """Begin what lives on between calls of git: the first look need not wait for it then."""
        if self.has_git and self._git.confined is not None:
            self._git.confined.start()

    def stop_git(self) -> None:
        """End what lives on between calls of git."""
        if self._git.confined is not None:
            self._git.confined.close()

    def _write_ignores(self, target: Path, prefix: str, environ: Mapping[str, str]) -> Path | None:
        """Write the ignores; None where a name of ours means something else in a pattern, or nothing can be written."""
        if any(set(f"{prefix}{name}") & set("*?[]!#\\ \n") for name in self._own):
            return None
        said = self._git.ask("config", "--path", "--get", "core.excludesFile")
        home = environ.get("XDG_CONFIG_HOME") or os.path.join(environ.get("HOME", "/"), ".config")  # noqa: PTH118
        theirs = Path(os.fsdecode(said.stdout).strip("\n") if said.code == 0 else f"{home}/git/ignore")
        try:
            kept = theirs.read_bytes() if files.is_file(theirs) else b""
            ours = "".join(f"/{prefix}{name}\n" for name in self._own)
            target.write_bytes(os.fsencode(ours) + kept)
        except OSError:
            return None
        return target

    def snapshot(self) -> Snapshot:
        """Look at the working tree without specs/, logs/, HALT and ignored paths."""
        self._last = self._look()
        self._last_at = time.monotonic()
        return self._last

    def named(self) -> tuple[Path, ...]:
        """Return what git's configuration names, and git obeys."""
        return self._git.named if self.has_git else ()

    def keep_index(self) -> None:
        """Keep git's index as it is now; what an attempt makes of it is not believed."""
        if self.has_git:
            self.index.keep()
            self._replacements = self._git.packed_replacements()

    def remove_replacements(self) -> list[str]:
        """Delete the packed refs of `git replace` that came since the index was kept; returns their names.

        They show other objects in the place of ours to every git of the person's.
        """
        new = sorted(self._git.packed_replacements() - self._replacements) if self.has_git else []
        for name in new:
            self._git.ask("update-ref", "-d", name, told=[NO_HOOKS])
        return new

    def snapshot_after(self, before: Snapshot, staged_again: Collection[str] | None = None) -> Snapshot:
        """Look at what an attempt left, by the index as it was kept before it.

        What was staged meanwhile is staged again, or only these files.
        """
        self.index.reached = True
        staged = self.index.put_back()
        after = self.snapshot()
        if staged is not None and before.head and after.head not in ("", before.head):
            moved = ("-m", before.head, after.head), ("--reset", after.head)  # the agent made commits of its own
            any(self._git.write("read-tree", *words, stdin=b"", with_hooks=False).code == 0 for words in moved)
            after = self.snapshot()
        if staged is not None and staged_again is not None:
            staged = [one for one in staged if one.name in staged_again]
        self.index.stage_again(staged)
        return after

    def recent_snapshot(self) -> Snapshot:
        """Return the last look while it is fresh, else a new one: it saves a git call where no pause lies between."""
        if self._last is not None and time.monotonic() - self._last_at < FRESH:
            return self._last
        return self.snapshot()

    def follow(self, commit: str, names: Collection[str]) -> bool:
        """Know, while the last look is fresh, that these files are in the last commit now; False where it is not."""
        last = self._last
        if last is None or time.monotonic() - self._last_at >= FRESH:
            return False
        if not self.heads.expect(commit) and self.heads.look().commit != commit:
            return False
        left = {name: stamp for name, stamp in last.files.items() if name not in names}
        self._last = Snapshot(commit, left)  # as old as that look
        return True

    def committed(self, name: str) -> bytes:
        """Return what the last commit holds of a file, b"" where it holds none."""
        return self._git.read("cat-file", "blob", f"HEAD:{self._git.prefix}{name}").stdout

    def find_ignored(self, names: Collection[str]) -> set[str]:
        """Return which of these names below the root git ignores."""
        if not self.has_git:
            return set()
        said = self._git.look("check-ignore", "-z", "--stdin", stdin=as_lines(names))
        found = set(filter(None, os.fsdecode(said.stdout).split("\0")))
        if said.code <= 1:
            return found
        staged = os.fsdecode(self._git.ask("ls-files", "--stage", "-z").stdout).split("\0")
        apart = {name for about, _, name in (one.partition("\t") for one in staged) if about.startswith("160000 ")}
        within = [name for name in names if not self._is_apart(name, apart)]  # git stops at one that is
        said = self._git.look("check-ignore", "-z", "--stdin", stdin=as_lines(within))
        return set(filter(None, os.fsdecode(said.stdout).split("\0")))

    def _is_apart(self, name: str, submodules: Collection[str]) -> bool:
        """Whether a folder on the way to a file below the root is a submodule now, or a link."""
        above = list(PurePosixPath(name).parents)[:-1]
        return any(str(one) in submodules or files.is_link(self.root / one) for one in above)

    def find_uncommitted(self, folder: Path) -> tuple[str, ...]:
        """Return the files in a folder of the project that differ from the last commit, from the top of the tree."""
        words = ("status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames", "--ignore-submodules=dirty")
        said = self._git.look("-C", self._git.top, "--literal-pathspecs", *words, "--", str(folder))
        return tuple(line[3:] for line in os.fsdecode(said.stdout).split("\0") if line) if said.code == 0 else ()

    def find_never_held(self, names: Collection[str], commit: str) -> list[str]:
        """Return which of the files, from the top of the work tree, git neither holds nor held in a commit; sorted.

        Under no name: one that was moved with its folder is as old as before.
        """
        top, words = self._git.top, ("ls-files", "--stage", "-z", "--full-name")
        listed = os.fsdecode(self._git.ask("-C", top, *words).stdout).split("\0")
        known = {line.partition("\t")[2] for line in listed}
        plain = [name for name in names if name not in known and "\n" not in name and files.is_plain(self.top / name)]
        given = os.fsencode("".join(f"{name}\n" for name in plain))
        said = self._git.write("hash-object", "--stdin-paths", stdin=given, with_hooks=False)
        listing = self._git.ask("ls-tree", "-r", "-z", "--full-tree", commit)
        if said.code != 0 or listing.code != 0:  # git does not work any more: nothing is known
            return []
        tree = os.fsdecode(listing.stdout).split("\0")
        held = {line.partition("\t")[0].rpartition(" ")[2] for line in tree}
        found = dict(zip(plain, os.fsdecode(said.stdout).split(), strict=False))
        return sorted(name for name in plain if found.get(name, "") not in held)

    def forget(self) -> None:
        """Something may have changed the tree since the last look (checks leave caches behind)."""
        self._last = None

    def close(self) -> None:
        """Leave it as it is: it is the person's own."""

    def _look(self) -> Snapshot:
        if not self.has_git or self._git.is_blocked():
            return Snapshot("", dict(self._walk()))
        status = ("status", "--porcelain=v2", "--branch", "-z", "--untracked-files=all", "--no-renames")
        # of a repository inside this one only its commit counts: a look into it would obey what it says
        shown = self._git.look(*status, "--ignore-submodules=dirty", *self._pathspec, ignores=self._ignores)
        self.problem = "" if shown.code == 0 else _explain(shown) + self._explain_link()
        if self.problem:  # a broken repository is no reason to lose a night
            return Snapshot("", dict(self._walk()))
        return self._parse_status(os.fsdecode(shown.stdout))

    def _explain_link(self) -> str:
        """Return why a git in a sandbox may find no repository: it follows no link, which could be an agent's."""
        return "; `.git` is a link: name the repository in `sandbox_write`" if files.is_link(self.top / ".git") else ""

    def _parse_status(self, output: str) -> Snapshot:
        head, found, top = "", {}, self._git.top
        for entry in output.split("\0"):
            kind = entry[:2]
            if entry.startswith("# branch.oid "):
                oid = entry.removeprefix("# branch.oid ")
                head = "" if oid == "(initial)" else oid
            elif kind == "1 ":
                fields = entry.split(" ", 8)
                found[fields[8]] = self._contents.stamp(f"{top}/{fields[8]}")
            elif kind == "u ":
                name = entry.split(" ", 10)[10]
                found[name] = f"unmerged {self._contents.stamp(f'{top}/{name}')}"
            elif kind == "? ":
                found[entry[2:]] = self._contents.stamp(f"{top}/{entry[2:]}")
        return Snapshot(head, found)

    def _walk(self) -> Iterator[tuple[str, str]]:
        """Yield the files below the root with their stamps; a folder too large to walk is looked at in part."""
        seen, own = 0, {str(self.root / name) for name in self._own}
        folders = [str(self.root)]
        while folders:  # not os.walk: a thousand folders in one another are too deep for it
            folder = folders.pop()
            with suppress(OSError), os.scandir(folder) as entries:
                for entry in entries:
                    seen += 1
                    if seen > WALK_LIMIT:
                        return
                    if entry.path in own:
                        continue
                    if not entry.is_dir(follow_symlinks=False):
                        yield os.path.relpath(entry.path, self.root), self._contents.stamp(entry.path)
                    elif entry.name not in _SKIPPED:
                        folders.append(entry.path)

    @property
    def top(self) -> Path:
        """The top of the work tree that the root lies in."""
        return Path(self._git.top)

    @property
    def prefix(self) -> str:
        """What the names of the project's files begin with, from the top of the work tree; "" in that itself."""
        return self._git.prefix

    def has_hooks(self) -> bool:
        """Return whether git would run a hook of the repository."""
        return self._git.has_hooks()

    def why_no_commit(self) -> str:
        """Return git's words where it does not know who commits, or cannot write what is committed; "" else."""
        asked = ("var", "GIT_COMMITTER_IDENT"), ("hash-object", "-w", "--stdin")
        said = (self._git.write(*words, stdin=b"harness\n", with_hooks=False) for words in asked)
        return next((_explain(one) for one in said if one.code != 0), "")

    def try_commit(self) -> tuple[str, str, str]:
        """Make a commit that goes nowhere; return as whom, why it failed, and as whom the person commits outside."""
        return (*try_commit(self._git), who_commits(self._git))

    def why_unsigned(self, scratch: Path) -> str:
        """Return why commits would not be signed though the person signs theirs, "" else: it is tried, in a folder."""
        return self._git.why_unsigned(scratch)

    def repository(self) -> Repository:
        """Return what a clean checkout needs to know of the repository here."""
        return self._git.describe()

    def submodules(self) -> tuple[str, ...]:
        """Return the names of the submodules, relative to the top of the work tree."""
        if not files.is_file(named := self.top / ".gitmodules"):
            return ()
        said = self._git.ask("config", "--file", str(named), "--null", "--get-regexp", r"\.path$")
        return tuple(one.partition("\n")[2] for one in os.fsdecode(said.stdout).split("\0") if one)

    def find_modes(self, commit: str, since: float) -> tuple[str, ...]:
        """Return the files and folders of a commit with a mode that no clone of it has, changed since."""
        listed = os.fsdecode(self._git.ask("ls-tree", "-r", "-z", "--full-tree", commit).stdout).split("\0")
        found = (line.partition("\t") for line in listed if line.startswith("100"))
        return find_unusual(self.top, {name: about.startswith("100755") for about, _, name in found}, since)

    def find_hidden(self, commit: str, since: float) -> tuple[str, ...]:
        """Return the files that the index says git is not to look at, changed since, and not as a commit has them."""
        listed = os.fsdecode(self._git.ask("-C", self._git.top, "ls-files", "-v", "-z", "--full-name").stdout)
        told = [name for flag, _, name in (one.partition(" ") for one in listed.split("\0")) if flag in _NOT_LOOKED_AT]
        late = [name for name in told if files.changed_at(self.top / name) >= since]
        return self.heads.find_unlike(commit, late) if late else ()

    def ignored(self) -> tuple[str, ...]:
        """Return the names that git ignores, relative to the top of the work tree; of a folder, only its own."""
        words = ("ls-files", "--others", "--ignored", "--exclude-standard", "--directory", "-z", "--full-name")
        said = self._git.look("-C", self._git.top, *words)
        return tuple(filter(None, os.fsdecode(said.stdout).split("\0"))) if said.code == 0 else ()

    def prepare_commit(self, slug: str, words: str, attempt: int, names: Collection[str]) -> Candidate | None:
        """Make the commit of what the feature changed, on no branch yet; None where `commit` will say why not."""
        return self.commits.prepare(slug, words, attempt, names)

    def commit(
        self,
        slug: str,
        words: str,
        attempt: int,
        names: Collection[str] | None = None,
        candidate: Candidate | None = None,
    ) -> Commit:
        """Commit what the feature changed; see `Commits`."""
        return self.commits.commit(slug, words, attempt, names, candidate)


def _explain(said: Captured) -> str:
    return one_line(said.stderr.decode("utf-8", "replace"), 300) or f"git failed (exit {said.code})"
