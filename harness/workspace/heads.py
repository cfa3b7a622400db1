"""Where HEAD, branches and tags of a repository stand, what an agent did to them, and the way back that loses nothing.

Git is only asked what makes it run no program: it reads commits and refs, and sets a ref by compare and swap.
"""

from __future__ import annotations

import hashlib
import os
import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from harness.domain.text import counted, printable
from harness.system import files
from harness.system.capture import Captured
from harness.workspace.git import NO_HOOKS, Git
from harness.workspace.operations import find_operation, say_ending
from harness.workspace.ref_files import RefFiles

KEPT = "refs/harness/kept"  # below it lies what an agent left and no branch leads to
MOST = 2_000  # files that are compared to see whether an agent took the tree back
_WATCHED = ("refs/heads", "refs/tags", "refs/stash", "refs/notes")
_ONLY_HERE = {"GIT_ALLOW_PROTOCOL": "none", "GIT_NO_LAZY_FETCH": "1"}  # what is not here is not fetched
_RESTORE = "git ls-files -dz | xargs -0 git restore"  # only what is missing


@dataclass(frozen=True, slots=True)
class Head:
    """Where HEAD stands at one moment: its commit, its branch (a full ref, "" for none), what git has open there.

    `refs` are the branches, the tags, the notes and the stash, with what each leads to; empty where nobody looked.
    """

    commit: str = ""
    branch: str = ""
    operation: str = ""
    refs: Mapping[str, str] = field(default_factory=dict)
    began_at: tuple[str, ...] = ()  # commits and branches: where its files say that the operation began
    symbolic: Mapping[str, str] = field(default_factory=dict)  # those of the refs that are names of another one
    stashed: tuple[str, ...] = ()  # the entries of the stash, the oldest first
    open_in_main: str = ""  # what git has open in the main checkout, where this is another work tree of it

    @property
    def place(self) -> str:
        """Its branch, in words."""
        return f"`{name_of(self.branch)}`" if self.branch else "a detached HEAD"

    def at(self, commit: str) -> Head:
        """Return it with its branch at another commit."""
        return replace(self, commit=commit, refs={**self.refs, **({self.branch: commit} if self.branch else {})})


@dataclass(frozen=True, slots=True)
class Line:
    """How the commit that HEAD stood at leads to the one where it stands now."""

    base: str  # the last commit that both have, "" for none
    gone: int  # commits since then that are on the old line alone
    made: int  # and on the new line alone
    others: int = 0  # of the latter, those that a branch or a tag had before, or a remote has
    taken_back: tuple[str, ...] = ()  # files that hold again what they held before the commits that are gone
    rebased: bool = False  # what each of those changed, one of the new line changes

    @property
    def goes_on(self) -> bool:
        """Whether nothing is gone: the new line begins where the old one ended."""
        return bool(self.base) and not self.gone


@dataclass(frozen=True, slots=True)
class Way:
    """The way back to where HEAD was: the commit at which its branch then stands, and what is kept under a ref first.

    Or `why` there is none that loses nothing, with the `commands` that a person would type, if there are such.
    """

    to: str = ""
    kept: tuple[str, ...] = ()
    why: str = ""
    commands: tuple[str, ...] = ()


def name_of(ref: str) -> str:
    """Return the short name of a ref, as a person may type it: an agent can give it any."""
    return shlex.quote(printable(ref.removeprefix("refs/").removeprefix("heads/").removeprefix("tags/")))


def say_commands(commands: Sequence[str]) -> str:
    """Return commands as a person may copy them."""
    return ", then ".join(f"`{one}`" for one in commands)


def find_way(was: Head, now: Head, line: Line) -> Way | None:
    """Return the way back from where an agent left HEAD; None where it stands on its branch, and only went on."""
    if not now.commit and not now.branch:
        return Way(why="nothing can be committed")
    if now.operation and now.operation != was.operation:
        known = {was.commit, now.commit, now.refs.get(was.branch, was.commit)}
        known |= {was.branch or "detached HEAD", was.branch.removeprefix("refs/heads/")}
        away_from = "" if now.branch == was.branch else was.branch
        commands = say_ending(now.operation, now.began_at, known, was.commit, away_from)
        return Way(why="nothing is committed until that is finished or aborted", commands=commands)
    if now.branch == was.branch and (line.goes_on or line.rebased):
        return None
    if not was.branch:
        return Way(why="the run began on a detached HEAD", commands=(f"git switch --detach {was.commit[:12]}",))
    tip = now.refs.get(was.branch, "")
    home = () if now.branch == was.branch else (f"git switch {name_of(was.branch)}",)
    if line.goes_on and tip in ("", was.commit, now.commit):
        if not line.others:  # what another branch holds stays there: a person may have made it
            return Way(to=was.commit if is_elsewhere(was, now, line) else now.commit)
        return Way(why="some of the commits are on another branch or a remote", commands=home)
    if not line.taken_back and line.base:
        return Way(to=was.commit, kept=tuple(dict.fromkeys(filter(None, (now.commit, tip)))))
    names = ", ".join(f"`{printable(name)}`" for name in line.taken_back[:3]) or "all of them"
    why = f"the files went with it ({names})"
    if not now.commit:
        reset = () if tip == was.commit else (f"git reset {was.commit[:12]}",)
        return Way(why=why, commands=(*home, *reset, _RESTORE))
    if tip == was.commit:
        return Way(why=why, commands=home)
    kept = (f"git branch left-by-the-agent {(tip or now.commit)[:12]}",) if line.made or home else ()
    return Way(why=why, commands=(*kept, *home, f"git reset --keep {was.commit[:12]}"))


def is_elsewhere(was: Head, now: Head, line: Line) -> bool:
    """Whether commits were made meanwhile on another branch, and the one where HEAD was is as it was."""
    return bool(now.branch) and now.branch != was.branch and line.made > 0 and now.refs.get(was.branch) == was.commit


def describe_move(was: Head, now: Head, line: Line) -> list[tuple[str, str]]:
    """Return what became of HEAD and its branch, each in a word and in a sentence without its subject."""
    told = list[tuple[str, str]]()
    if not now.commit and not now.branch:
        return [("broken", "left git where it does not work any more")]
    if now.operation and now.operation != was.operation:
        return [("opened", f"left {now.operation} open")]
    if not now.commit:
        lost = f"left {was.place} for {now.place}, which has no commit"
        told.append(("orphaned", lost if now.branch != was.branch else f"deleted {was.place}"))
    elif now.branch != was.branch:
        word = "switched" if now.branch else "detached"
        told.append((word, f"switched from {was.place} to {now.place}" if now.branch else "left HEAD detached"))
        tip = now.refs.get(was.branch, "")
        if was.branch and not tip:
            told.append(("rewritten", f"deleted or renamed {was.place}"))
        elif was.branch and tip != was.commit and not line.goes_on:
            told.append(("rewritten", f"moved {was.place}"))
    elif not line.goes_on and (line.made, line.gone) == (1, 1):
        told.append(("amended", f"amended the last commit of {was.place}"))
    elif line.rebased:
        told.append(("rebased", f"rebased {was.place}: {counted(line.gone, 'commit')} of it have other names now"))
    elif not line.goes_on:
        took = f"took {counted(line.gone, 'commit')} off {was.place}"
        told.append(("rewritten", f"rewrote {was.place}") if line.made else ("reset", took))
    return told


def find_renamed(was: Head, now: Head) -> list[str]:
    """Return the refs that were refs of their own, and are names of another one now."""
    return sorted(now.symbolic.keys() & was.refs.keys() - was.symbolic.keys())


def describe_refs(was: Head, now: Head) -> list[str]:
    """Return what became of the other branches, of tags and of the stash, in sentences without their subject."""
    in_main = now.open_in_main
    told = [f"left {in_main} open in the main checkout"] if in_main not in ("", was.open_in_main) else []
    for ref in find_renamed(was, now):
        told.append(f"made `{name_of(ref)}` another name of `{name_of(now.symbolic[ref])}`")
    if dropped := [one for one in was.stashed if one not in now.stashed]:
        told.append(f"took {len(dropped)} off the stash: `git stash store {dropped[-1]}` brings the newest back")
    for ref in sorted((was.refs.keys() | now.refs.keys()) - {was.branch}) if was.refs else ():
        old, new = was.refs.get(ref, ""), now.refs.get(ref, "")
        if old == new:
            continue
        if ref == "refs/stash":
            told += [] if dropped else ["changed the stash: `git stash list` shows it"]
            continue
        if ref.startswith("refs/notes/"):
            did = "changed" if new else "deleted"
            away = f": `git update-ref -d {shlex.quote(ref)}` takes them away" if not old else ""
            told.append(f"{did} the notes `{printable(ref)}`, which `git log` may show{away}")
            continue
        if not ref.startswith(("refs/tags/", "refs/heads/")):
            did = "deleted" if not new else "moved" if old else "made"
            away = f": `git update-ref -d {shlex.quote(ref)}` takes it away" if not old else ""
            told.append(f"{did} the ref `{printable(ref)}`, which git may take for a branch{away}")
            continue
        kind = "tag" if ref.startswith("refs/tags/") else "branch"
        what = f"the {kind} `{name_of(ref)}`"
        at = f", which was at {old[:12]}: `git {kind} {name_of(ref)} {old[:12]}` brings it back"
        told.append(f"made {what}" if not old else f"moved {what} from {old[:12]}" if new else f"deleted {what}{at}")
    return told


class Heads:
    """Looks where HEAD stands, and puts it back. `began` is where a run found it, `last` where it was known to be."""

    def __init__(self, git: Git) -> None:
        self.git = git
        self.began = self.last = Head()
        self._files = RefFiles(*git.folders)
        self._looked: tuple[dict[str, bytes], Head] | None = None  # what git said when the files held this

    def operation(self) -> str:
        """Return what git has begun here and not ended, "" for nothing."""
        return find_operation(self.git.own(""))[0]

    def look(self) -> Head:
        """Return where HEAD stands now; without a commit where there is none, or git does not work."""
        if not self.git.found or self.git.is_blocked():
            return Head()
        held = self._files.read()
        if self._looked is not None and self._looked[0] == held:
            operation, began_at = find_operation(self.git.own(""))
            in_main = self._find_open_in_main()
            return replace(self._looked[1], operation=operation, began_at=began_at, open_in_main=in_main)
        head = self._ask_for_head()
        self._looked = (held, head) if held is not None and head.commit and held == self._files.read() else None
        return head

    def _ask_for_head(self) -> Head:
        shown = self._ask(
            "for-each-ref", "--format=%(HEAD)%(objectname) %(refname) %(symref)", *_WATCHED, *self._files.find_others()
        )
        lines = os.fsdecode(shown.stdout).split("\n")[:-1]  # a name may hold what Python takes for the end of a line
        said = [line[1:].split(" ") for line in lines]
        refs, symbolic = {name: oid for oid, name, _ in said}, {name: target for _, name, target in said if target}
        branch = next((line.split(" ")[1] for line in lines if line.startswith("*")), "")
        commit = refs.get(branch) or self._say("rev-parse", "--quiet", "--verify", "HEAD^{commit}")
        branch = branch or self._say("symbolic-ref", "--quiet", "HEAD")  # one that has no commit
        operation, began_at = find_operation(self.git.own(""))
        stashed, in_main = self._files.find_stashed(), self._find_open_in_main()
        return Head(commit, branch, operation, refs, began_at, symbolic, stashed, in_main)

    def _find_open_in_main(self) -> str:
        own, common = self.git.folders
        return "" if own == common else find_operation(common)[0]

    def make_plain(self, was: Head, now: Head) -> list[str]:
        """Let what was a ref of its own, and is another name of one now, be as it was; returns what was put back."""
        back = list[str]()
        for ref in find_renamed(was, now):
            words = ("update-ref", "--no-deref", "-m", "harness: a ref of its own again", ref, was.refs[ref])
            if self.git.ask(*words, told=[NO_HOOKS]).code == 0:
                other, at = name_of(now.symbolic[ref]), was.refs[ref][:12]
                back.append(f"made `{name_of(ref)}` another name of `{other}`; it is of its own again, at {at}")
        return back

    def note(self, *, begins: bool = False) -> Head:
        """Take where HEAD stands now as where it belongs; `begins`: for the whole run."""
        self.last = self.look()
        if begins:
            self.began = self.last
        return self.last

    def follow(self, commit: str) -> None:
        """Harness has moved the branch to a commit: that is where it belongs now."""
        self.last = self.last.at(commit)
        self.expect(commit)

    def expect(self, commit: str) -> bool:
        """Return whether the branch is at a commit, if its file says so and no other has changed: git is not asked."""
        if self._looked is None or not self._looked[1].branch:
            return False
        held, head = self._looked
        moved = {**held, self._files.find(head.branch): f"{commit}\n".encode()}
        is_there = self._files.read() == moved
        self._looked = (moved, head.at(commit)) if is_there else self._looked
        return is_there

    def find_line(self, was: Head, now: Head) -> Line:
        """Return how the commit at which HEAD stood leads to where it stands now."""
        if was.commit == now.commit:
            return Line(was.commit, 0, 0)
        if not now.commit:
            return Line(was.commit, 1, 0, taken_back=self._find_taken_back("", was.commit))
        base = self._say("merge-base", was.commit, now.commit)
        if not base:
            return Line("", 1, 1)
        gone, made = self._count(was.commit, [base]), self._count(now.commit, [base])
        if not gone:
            return Line(base, 0, made, made - self._count_own(now.commit, [base, *was.refs.values()]))
        rebased = made >= gone and self.are_rebased(was.commit, now.commit, base)
        return Line(base, gone, made, taken_back=self._find_taken_back(base, was.commit), rebased=rebased)

    def are_rebased(self, tip: str, now: str, base: str) -> bool:
        """Whether the line to `now` changes what each commit after `base`, up to `tip`, changed, in the same way."""
        said = self._ask("cherry", now, tip, base)
        lines = os.fsdecode(said.stdout).split("\n")[:-1]
        return said.code == 0 and bool(lines) and all(line.startswith("-") for line in lines)

    def find_last_before(self, since: str, commit: str, moment: float) -> str:
        """Return the newest commit after `since`, up to `commit`, that says it was made by a moment; "" for none.

        The moment is in epoch seconds.
        """
        return self._say("rev-list", "--max-count=1", f"--before={int(moment)}", commit, f"^{since}")

    def go_back(self, was: Head, now: Head, way: Way) -> str:
        """Go this way; returns what git said where it refused, "" where HEAD is back."""
        reason = ("-m", "harness: back to where the agent began")
        steps: list[tuple[str, ...]] = [
            ("update-ref", f"{KEPT}/{one}", one) for one in way.kept if not self._leads_to(one, was, now, way)
        ]
        tip = now.refs.get(was.branch, "")
        if tip != way.to:
            steps.append(("update-ref", "--no-deref", *reason, was.branch, way.to, tip or "0" * len(way.to)))
        if now.branch != was.branch:
            steps.append(("symbolic-ref", *reason, "HEAD", was.branch))
        for step in steps:
            done = self.git.ask(*step, told=[NO_HOOKS])
            if done.code != 0:
                return os.fsdecode(done.stderr).strip() or "git refused"
        return ""

    def _leads_to(self, commit: str, was: Head, now: Head, way: Way) -> bool:
        """Whether something leads to a commit when HEAD is back: its branch, or another ref."""
        others = [oid for ref, oid in now.refs.items() if ref != was.branch]
        return not self._count(commit, [way.to, *others])

    def kept_as(self, way: Way) -> list[str]:
        """Return the refs under which something is kept that was on the way."""
        names = (f"{KEPT}/{one}" for one in way.kept)
        return [name for name in names if self._say("rev-parse", "--quiet", "--verify", name)]

    def find_changed(self, since: str, until: str) -> tuple[str, ...]:
        """Return the files that commits have changed, from the top of the work tree."""
        listed = self._say("diff-tree", "-r", "-z", "--name-only", "--no-renames", since, until)
        return tuple(filter(None, listed.split("\0")))

    def find_alike(self, was: Head, now: Head) -> tuple[str, ...]:
        """Return the files that commits on another branch have changed, and the tree holds as they do.

        Of a branch that was there before: who makes one commits there what may be the feature's.
        """
        line = self.find_line(was, now)
        if now.branch not in was.refs or not is_elsewhere(was, now, line):
            return ()
        return self._find_taken_back(now.commit, was.commit)

    def read_file(self, commit: str, name: str) -> bytes:
        """Return what a commit holds of a file, b"" where it holds none."""
        return self.git.read("cat-file", "blob", f"{commit}:{name}", stdin=b"", **_ONLY_HERE).stdout

    def find_lost(self, commits: Collection[str], branch: str) -> list[str]:
        """Return those of the commits that a branch (HEAD for "") does not lead to; all where git does not work."""
        if not commits:
            return []
        asked = "".join(f"{one}\n" for one in commits).encode()
        known = os.fsdecode(self._ask("cat-file", "--batch-check", stdin=asked).stdout).splitlines()
        there = [one for one, said in zip(commits, known, strict=False) if " commit " in said]
        listed = "".join(f"{one}\n" for one in (*there, f"^{branch or 'HEAD'}")).encode()
        shown = self._ask("rev-list", "--stdin", stdin=listed)
        off = set(os.fsdecode(shown.stdout).split()) if shown.code == 0 else set(commits)
        return [one for one in commits if one not in there or one in off]

    def _find_taken_back(self, base: str, commit: str) -> tuple[str, ...]:
        """Return the files that hold again what they held at `base` ("": nothing), though `commit` changed them."""
        base = base or self._say("hash-object", "-t", "tree", "/dev/null")
        shown = self._ask("diff-tree", "-r", "-z", "--no-renames", base, commit)
        words = os.fsdecode(shown.stdout).split("\0")
        old = {name: about.split(" ")[2] for about, name in zip(words[::2], words[1::2], strict=False)}
        if shown.code != 0 or len(old) > MOST:
            return ("more files than are compared",)
        now = self._hash(list(old))
        return tuple(name for name, oid in old.items() if now.get(name, "0" * len(oid)) == oid)

    def find_unlike(self, commit: str, names: Sequence[str]) -> tuple[str, ...]:
        """Return which of the files in the work tree do not hold what a commit has of them."""
        shown = os.fsdecode(self._ask("ls-tree", "-r", "-z", "--full-tree", commit).stdout).split("\0")
        old = {name: about.rpartition(" ")[2] for about, _, name in (one.partition("\t") for one in shown)}
        now = self._hash(names)
        return tuple(name for name in names if name in now and now[name] != old.get(name))

    def find_branches_with(self, commit: str) -> list[str]:
        """Return the branches that lead to a commit."""
        said = self._say("for-each-ref", "--format=%(refname)", "--contains", commit, "refs/heads")
        return said.split("\n") if said else []

    def find_commits_of(self, line: str) -> list[str]:
        """Return the commits that HEAD leads to and that have this line in their message, the newest first."""
        said = self._say("log", "-z", "--format=%H%n%B", "--fixed-strings", f"--grep={line}", "HEAD").split("\0")
        return [commit for commit, *message in (one.splitlines() for one in said if one) if line in message]

    def _hash(self, names: Sequence[str]) -> dict[str, str]:
        """Return what git would store of files in the work tree, without those that are none."""
        top, found, plain = Path(self.git.top), dict[str, str](), list[str]()
        for name in names:
            path = top / name
            if files.is_link(path):
                found[name] = _hash_link(os.fsencode(path.readlink()), self.last.commit)
            elif files.is_file(path):
                plain.append(name)
        if plain:
            told = [os.path.relpath(top / name, self.git.root) for name in plain]
            said = os.fsdecode(self.git.look("hash-object", "--", *told).stdout).split()
            found.update(zip(plain, said, strict=False))
        return found

    def _count(self, commit: str, without: Sequence[str]) -> int:
        """Return how many commits lead to one and to none of the others; 1 where git cannot tell."""
        listed = "\n".join([commit, *(f"^{one}" for one in without)]) + "\n"
        said = os.fsdecode(self._ask("rev-list", "--count", "--stdin", stdin=listed.encode()).stdout).strip()
        return int(said) if said.isdecimal() else 1

    def _count_own(self, commit: str, without: Sequence[str]) -> int:
        """As `_count`, without what a remote has; 0 where git cannot tell."""
        listed = "\n".join([commit, *(f"^{one}" for one in without)]) + "\n"
        words = ("rev-list", "--count", "--stdin", "--not", "--remotes")
        said = os.fsdecode(self._ask(*words, stdin=listed.encode()).stdout).strip()
        return int(said) if said.isdecimal() else 0

    def _say(self, *words: str) -> str:
        said = self._ask(*words)
        return os.fsdecode(said.stdout).strip() if said.code == 0 else ""

    def _ask(self, *words: str, stdin: bytes = b"") -> Captured:
        return self.git.ask(*words, stdin=stdin, **_ONLY_HERE)


def _hash_link(target: bytes, like: str) -> str:
    """Return what git would store of a link, by the hash that the repository uses."""
    make = hashlib.sha256 if len(like) == hashlib.sha256().digest_size * 2 else hashlib.sha1
    return make(b"blob %d\0" % len(target) + target).hexdigest()
