"""A proven feature becomes a commit: made on no branch first, then landed, by the person's git and hooks."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Protocol

from harness.domain.text import one_line, without_orders
from harness.system import files
from harness.system.capture import Captured
from harness.workspace.git import NO_HOOKS, Git
from harness.workspace.git_locks import wait_for_git
from harness.workspace.heads import Heads
from harness.workspace.kept_index import Entry, compose_entries
from harness.workspace.next_index import NextIndex
from harness.workspace.persons_index import PersonsIndex, as_lines
from harness.workspace.uncommitted import Uncommitted
from harness.workspace.workspace import Candidate, Commit, Snapshot

_TRIES = 3  # commits: one on what somebody committed just before it is made anew
_TOLD = re.compile(r"\[[^\n]*? ([0-9a-f]{40,64})\] ")  # what git says first when it has committed


class Looks(Protocol):
    """Looks at the working tree."""

    def snapshot(self) -> Snapshot:
        """Look now."""

    def recent_snapshot(self) -> Snapshot:
        """Return the last look while it is fresh, else a new one."""

    def follow(self, commit: str, names: Collection[str]) -> bool:
        """The last commit is this one, and these files are in it as they are; False where a new look is needed."""

    def forget(self) -> None:
        """Something may have changed the tree since the last look."""


@dataclass(slots=True)
class Commits:
    """Makes commits in one work tree, and takes its own back."""

    git: Git
    heads: Heads
    index: PersonsIndex
    looks: Looks
    next: NextIndex
    uncommitted: Uncommitted
    _trees: dict[str, str] = field(default_factory=dict)  # of commits
    _made: set[str] = field(default_factory=set)  # commits of ours

    def candidate_at_head(self) -> Candidate | None:
        """Return the commit that the branch is at, None where there is none."""
        said = self.git.ask("rev-parse", "HEAD^{commit}", "HEAD^{tree}")
        commit, tree, *_ = [*os.fsdecode(said.stdout).split(), "", ""]
        return Candidate(commit, tree, commit) if said.code == 0 and tree else None

    def tree_of(self, commit: str) -> str:
        """Return the id of a commit's tree, "" where there is no such commit."""
        if commit not in self._trees:
            said = self.git.ask("rev-parse", "--verify", "--quiet", f"{commit}^{{tree}}")
            if said.code != 0:
                return ""
            self._trees[commit] = os.fsdecode(said.stdout).strip()
        return self._trees[commit]

    def finish(self, slug: str, attempt: int, base: str) -> None:
        """Bring the index to a commit that was made for an attempt on `base`, and whose run was killed then."""
        said = os.fsdecode(self.git.ask("show", "-s", "--format=%P%x00%H%x00%B", "HEAD").stdout).split("\0")
        if len(said) == 3 and said[0] == base and said[2].rstrip().endswith(_trailers(slug, attempt)):
            wait_for_git(self.git)  # which moves aside the lock that it left
            self.index.catch_up(base, said[1])
            self.looks.forget()

    def put_back_uncommitted(self) -> str:
        """Put back what hooks had put away when a run was killed; returns what a person should know, "" for nothing."""
        if not files.exists(self.uncommitted.record) or self.git.is_blocked():
            return ""
        waited = wait_for_git(self.git)
        back = self.uncommitted.put_back(ended=True)
        self.looks.forget()
        return "; ".join(filter(None, (waited, back)))

    def prepare(self, slug: str, words: str, attempt: int, names: Collection[str]) -> Candidate | None:
        """Make the commit of what the feature changed, on no branch yet; None where `commit` will say why not."""
        self.index.stage_again(self.index.put_back())
        before = self.looks.recent_snapshot()
        if self.git.is_blocked() or not before.head or self._why_not(before):
            return None
        chosen = _committable(before, names)
        if not chosen:
            return self.candidate_at_head()
        made = self._make_candidate(before.head, chosen, _compose_message(slug, words, attempt))
        return made if isinstance(made, Candidate) else None

    def _make_candidate(
        self,
        base: str,
        chosen: Sequence[str],
        message: str,
        checked: Candidate | None = None,
        parents: Sequence[str] = (),
    ) -> Candidate | Captured:
        """Make a commit of files as they are, in an index of its own; or return what git said.

        Its parent is the base where no others are given. Where a candidate was `checked` on another base, files are as
        it has them, but for those that the base changed.
        """
        said = Captured(0, b"", b"")

        def write(*words: str, stdin: bytes = b"") -> str:
            nonlocal said
            if said.code == 0:
                said = self.git.write(*words, stdin=stdin, with_hooks=False, GIT_INDEX_FILE=str(index))
            return os.fsdecode(said.stdout).strip()

        kept = {} if checked is None else self._still_hold(checked, base)
        from_tree = [name for name in chosen if name not in kept]
        gone = [name for name in from_tree if self._is_beyond_link(name)]
        with self.next.beside() as index:
            is_next = not kept and self.next.copy_like(self.tree_of(base), index)
            if not is_next:
                write("read-tree", base)
            if kept:
                write("update-index", "-z", "--index-info", stdin=compose_entries(kept.values(), len(base)))
            if gone:
                write("update-index", "--force-remove", "-z", "--stdin", stdin=as_lines(gone))
            left = [name for name in from_tree if name not in gone]
            write("--literal-pathspecs", *_STAGE, stdin=as_lines(left))
            tree = write("write-tree")
            given = message.encode("utf-8", "surrogateescape")
            words = [word for one in parents or (base,) for word in ("-p", one)]
            commit = write("commit-tree", tree, *words, stdin=given) if tree else ""
            if commit and is_next and not parents:
                self.next.keep(index, tree)
        if said.code != 0 or not commit:
            return said
        self._trees[commit] = tree
        return Candidate(base, tree, commit, tuple(chosen))

    def candidate_of_tree(self, looked: Snapshot) -> Candidate | None:
        """Make a commit of all that the working tree holds, on no branch; None where git cannot."""
        if not looked.head or self.git.is_blocked():
            return None
        chosen = _committable(looked, None)
        if not chosen:
            return self.candidate_at_head()
        made = self._make_candidate(looked.head, chosen, "The working tree, to check a claim by files as they were\n")
        return made if isinstance(made, Candidate) else None

    def make_commit(self, base: str, names: Collection[str], message: str, parents: Sequence[str]) -> Candidate | None:
        """Make a commit of what a base holds, but with these files as the tree has them; None where git cannot.

        It is on no branch. Repositories inside this one are left out.
        """
        if self.git.is_blocked():
            return None
        chosen = [name for name in names if not name.endswith("/")]
        made = self._make_candidate(base, chosen, message, parents=parents)
        return made if isinstance(made, Candidate) else None

    def rebuild(self, candidate: Candidate, entries: Sequence[Entry]) -> Candidate | None:
        """Make a commit like a candidate, on no branch, with some files as entries say; None where git cannot."""
        with self.next.beside() as index:
            listed = compose_entries(entries, len(candidate.commit))
            steps: list[tuple[tuple[str, ...], bytes]] = [(("read-tree", candidate.tree), b"")]
            steps += [(("update-index", "--replace", "-z", "--index-info"), listed), (("write-tree",), b"")]
            for words, stdin in steps:
                said = self.git.write(*words, stdin=stdin, with_hooks=False, GIT_INDEX_FILE=str(index))
                if said.code != 0:
                    return None
        tree = os.fsdecode(said.stdout).strip()
        words = ("commit-tree", tree, "-p", candidate.commit)
        made = self.git.write(*words, stdin=b"Files as they were, to check a claim by them\n", with_hooks=False)
        if made.code != 0:
            return None
        commit = os.fsdecode(made.stdout).strip()
        self._trees[commit] = tree
        return Candidate(candidate.base, tree, commit, candidate.names)

    def read(self, blob: str) -> bytes:
        """Return what is in a blob, b"" where git does not have it."""
        said = self.git.read("cat-file", "blob", blob)
        return said.stdout if said.code == 0 and not said.truncated else b""

    def write_blob(self, content: bytes) -> str:
        """Store content and return the id of its blob, "" where git cannot."""
        said = self.git.write("hash-object", "-w", "--stdin", stdin=content, with_hooks=False)
        return os.fsdecode(said.stdout).strip() if said.code == 0 else ""

    def list_names(self, commit: str) -> list[str]:
        """Return the names of the files of a commit, from the top of the work tree."""
        said = self.git.ask("ls-tree", "-r", "-z", "--name-only", "--full-tree", commit)
        return os.fsdecode(said.stdout).split("\0")[:-1] if said.code == 0 else []

    def _still_hold(self, checked: Candidate, base: str) -> dict[str, Entry]:
        """Return what a candidate made of its files, without those that have changed between its base and another."""
        if checked.base == checked.commit:
            return {}
        made = self.index.find_changed(checked.base, checked.tree)
        meanwhile = {one.name for one in self.index.find_changed(checked.base, base)}
        return {one.name: one for one in made if one.name not in meanwhile}

    def _is_beyond_link(self, name: str) -> bool:
        """Whether a folder on the way to a file is a link now: then the file itself is gone."""
        return any(files.is_link(Path(self.git.top) / folder) for folder in PurePosixPath(name).parents)

    def commit(
        self,
        slug: str,
        words: str,
        attempt: int,
        names: Collection[str] | None = None,
        candidate: Candidate | None = None,
    ) -> Commit:
        """Commit what the feature changed, with trailers, under the person's own identity and hooks.

        Specs, logs and HALT are never part of it, nor is anything ignored, nor a repository inside this one. A hook
        that refuses is a failure, told.
        """
        staged = self.index.put_back()  # checks ran what an agent wrote
        self.index.stage_again(staged)
        if self.git.is_blocked():
            return Commit(failure="git does not work here any more")
        waited = wait_for_git(self.git)
        held = self.index.hold()  # nobody commits from an index that lacks what the branch has
        try:
            made = self._commit(_compose_message(slug, words, attempt), names, candidate, held=held)
            # the index is to know of it, but for what somebody has staged there since the claim
            others = {one.name for one in staged or ()}
            until = self._find_end(made.head) if made.made else ""
            names, tree = (made.names, made.tree) if until == made.head else ((), "")
            follows = bool(until) and not others and self.next.take_place(tree)
            if until and not follows and not self.index.follow(made.base, until, others, names):
                behind = "git's index could not be brought to the commit: `git reset`"
                waited = "; ".join(filter(None, (waited, behind)))
        finally:
            self.index.release()
        if made.made:
            self.index.keep()
        if back := self.uncommitted.put_back(ended=not made.by_hook):
            self.looks.forget()
        remark = "; ".join(filter(None, (waited, made.remark, back)))
        return replace(made, remark=remark) if remark else made

    def _find_end(self, own: str) -> str:
        """Return the commit that hooks, or somebody, have brought the branch to since one of ours; else that one."""
        tip = self._find_commit("HEAD") if self.git.has_hooks() else own
        goes_on = tip not in ("", own) and self.git.ask("merge-base", "--is-ancestor", own, tip).code == 0
        return tip if goes_on else own

    def _why_not(self, before: Snapshot) -> str:
        """Return why nothing can be committed now, "" where it can."""
        unmerged = any(stamp.startswith("unmerged") for stamp in before.files.values())
        unfinished = self.heads.operation() or ("a merge" if unmerged else "")
        return f"{unfinished} is not finished; harness left it alone" if unfinished else ""

    def _commit(
        self, message: str, names: Collection[str] | None, candidate: Candidate | None, *, held: bool
    ) -> Commit:
        for _ in range(_TRIES):
            made = self._try_to_commit(message, names, candidate, held=held)
            if made is not None:
                return made
        return Commit(
            self.looks.snapshot().head, failure="the branch was moved each time, just before it was committed"
        )

    def _try_to_commit(
        self, message: str, names: Collection[str] | None, candidate: Candidate | None, *, held: bool
    ) -> Commit | None:
        """Commit once; None where somebody has committed since the look, and all is as that one left it."""
        before = self.looks.recent_snapshot()
        if before.head and self.heads.look().commit != before.head:
            before = self.looks.snapshot()
        if not before.head:
            return Commit(failure="git does not work here any more")
        chosen = _committable(before, names)
        if candidate is not None and candidate.names and not chosen:
            return Commit(before.head, failure="what was checked is not in the working tree any more")
        if before.clean:
            return Commit(before.head)
        if why_not := self._why_not(before):
            return Commit(before.head, failure=why_not)
        if not chosen:
            return Commit(before.head)
        made: Candidate | Captured | None = candidate
        if candidate is None or (candidate.base, candidate.names) != (before.head, tuple(chosen)):
            made = self._make_candidate(before.head, chosen, message, candidate)
        if not isinstance(made, Candidate):
            return Commit(before.head, failure=self._say_refusal(made))
        if made.tree == self.tree_of(made.base):
            return Commit(before.head)
        if not held:
            return Commit(before.head, failure="another git is at work: it holds `index.lock`")
        with_hooks = self.git.has_hooks()
        said = self._land(made, message, with_hooks=with_hooks)
        own = self._find_own(made, said, with_hooks=with_hooks)
        if own != made.commit or with_hooks or not self.looks.follow(own, made.names):
            self.looks.snapshot()
        after = self.looks.recent_snapshot()
        if not own:
            failure = self._say_refusal(said)
            by_hook = with_hooks and not said.timed_out and self._can_commit()
            return Commit(before.head, failure=failure, by_hook=by_hook)
        # a git that commits takes what HEAD is at that moment for its base
        if own != made.commit and (base := self._find_commit(f"{own}^")) != before.head:
            return self._undo_on_another_base(own, base)
        self._made.add(own)
        if after.head != own:  # somebody has gone on, or a hook has left the branch since
            return Commit(own, made=True, base=before.head)
        signed = self._sign(own)
        self._made.add(signed.head)
        tree, names_of_it = (made.tree, made.names) if own == made.commit else ("", ())
        return replace(signed, base=before.head, tree=tree, names=names_of_it)

    def _find_commit(self, name: str) -> str:
        said = self.git.ask("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
        return os.fsdecode(said.stdout).strip() if said.code == 0 else ""

    def _find_own(self, candidate: Candidate, said: Captured, *, with_hooks: bool) -> str:
        """Return the commit that a git has made, "" for none: by its own words, whatever the branch holds since.

        Where a hook has amended it, that is what the branch holds in its place.
        """
        if not with_hooks:
            return candidate.commit if said.code == 0 else ""
        told = _TOLD.match(os.fsdecode(said.stdout))
        tip = self._find_commit(self.heads.last.branch or "HEAD")
        if not told:  # it was ended in a hook that runs after the commit
            alike = self._find_commit(f"{tip}^") == candidate.base and self.tree_of(tip) == candidate.tree
            return tip if tip and alike else ""
        own = told[1]
        stands = self.git.ask("merge-base", "--is-ancestor", own, tip).code == 0 if tip else True
        return own if stands or self._find_commit(f"{tip}^") != candidate.base else tip

    def _undo_on_another_base(self, own: str, base: str) -> Commit | None:
        """Take a commit off that was made on another base than was looked at: it would take that one's changes back."""
        words = ("update-ref", "-m", "harness: taken back, somebody had committed", "HEAD", base, own)
        moved = self.git.ask(*words, told=[NO_HOOKS])
        self.looks.forget()
        if moved.code == 0:
            return None
        said = f"{own[:12]} takes back what {base[:12]} made, which somebody committed just before it"
        return Commit(base, failure=f"{said}: `git diff {base[:12]} {own[:12]}` shows it")

    def _land(self, candidate: Candidate, message: str, *, with_hooks: bool) -> Captured:
        """Move the branch to a candidate; where hooks have a say, let git commit what the candidate holds."""
        if not with_hooks:
            said = f"commit: {message.partition(chr(10))[0]}"
            words = ("update-ref", "-m", said, "HEAD", candidate.commit, candidate.base)
            return self.git.write(*words, stdin=b"", with_hooks=False)
        with self.next.beside() as index:
            more = {"GIT_INDEX_FILE": str(index)}
            self.git.write("read-tree", candidate.tree, stdin=b"", with_hooks=False, **more)
            self.git.write("update-index", "-q", "--refresh", stdin=b"", with_hooks=False, **more)
            self.uncommitted.keep(candidate, index)
            commit = ("-c", f"core.abbrev={len(candidate.base)}", "commit", "--message", message)
            ran = self.git.write(*commit, stdin=b"", with_hooks=True, **more)
        if ran.code == 0 and not ran.timed_out:
            self.uncommitted.forget()
        return ran

    def _say_refusal(self, said: Captured | None) -> str:
        """Return why git made nothing."""
        if said is not None and said.timed_out:
            return "git took too long" if self.git.stop() is None else "the run was to stop before git was done"
        words = (said.stderr + said.stdout).decode("utf-8", "replace") if said is not None and said.stderr else ""
        return one_line(words, 300) or "git refused"

    def _can_commit(self) -> bool:
        """Whether git knows who commits, and may write: then a commit that failed was refused by a hook."""
        own = self.git.own("index.lock")  # it is held meanwhile
        locked = any(os.path.lexists(lock) for lock in self.git.locks() if lock != own)
        asked = ("var", "GIT_COMMITTER_IDENT"), ("hash-object", "-w", "--stdin")
        done = (self.git.write(*words, stdin=b"harness\n", with_hooks=False).code == 0 for words in asked)
        return not locked and all(done)

    def take_back(self, commit: str, base: str) -> bool:
        """Put the branch back to where it was before a commit of ours, if it is at that; the files stay as they are."""
        if commit not in self._made:
            return False
        moved = self.git.ask("update-ref", "-m", "harness: taken back", "HEAD", base, commit, told=[NO_HOOKS])
        if moved.code == 0:
            self.index.follow(commit, base)
            self.index.keep()
        self.looks.forget()
        return moved.code == 0

    def _sign(self, head: str) -> Commit:
        """Sign what was committed in the sandbox, where no key is."""
        try:
            signed = self.git.sign(head)
        except OSError as error:
            return Commit(head, made=True, unsigned=one_line(str(error), 200))
        if signed != head:
            self._trees[signed] = self.tree_of(head)
            self.looks.forget()
        return Commit(signed, made=True)


# update-index and not add: 50,000 pathspecs cost git 35 s, as many names one
_STAGE = ("update-index", "--add", "--remove", "--replace", "-z", "--stdin")


def _committable(before: Snapshot, names: Collection[str] | None) -> list[str]:
    """Return which of the names can be committed; what git names with a slash at its end is a repository of its own."""
    return [name for name in before.files if (names is None or name in names) and not name.endswith("/")]


def _compose_message(slug: str, words: str, attempt: int) -> str:
    subject = f"{slug}: {without_orders(one_line(words, 100)) or 'done'}"
    return f"{subject}\n\n{_trailers(slug, attempt)}\n"


def _trailers(slug: str, attempt: int) -> str:
    return f"Harness-Feature: {slug}\nHarness-Attempt: {attempt}"
