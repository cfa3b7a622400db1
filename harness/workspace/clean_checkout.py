"""A commit, checked out clean, outside the project: a claim is checked there, so that what is proven is the commit.

Checks see it in the project's place. What they make of it is gone at the next one. So git's knowledge of it lies beside
it, where no check writes, and git trusts no file there whose time of change is another one. The repository inside is
made anew each time, for checks that ask git something; it reads the project's objects and holds nothing of its own.
What `workspace_setup` made of it stays, untouched, as long as what that depends on is the same.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from itertools import islice
from pathlib import Path

from harness.domain.errors import HarnessError
from harness.domain.feature import Check
from harness.domain.setup_command import depends_on_manifests, is_manifest
from harness.domain.text import one_line
from harness.domain.verdict import CheckRun
from harness.system import files, untrusted
from harness.system.capture import capture, find_program
from harness.workspace.file_times import AT_ONCE, TICK, are_in_order, put_in_order, set_in_order, set_times_of_folders
from harness.workspace.set_up import find_folders, find_made, keep_made, read_made, write_made
from harness.workspace.submodules import NotHere, find_repository, find_submodules
from harness.workspace.workspace import Candidate

COPIED = 64 << 20  # bytes of a file that is copied into a checkout; a larger one is read-only there
MANIFEST = 16 << 20  # bytes of one that are looked at
MOST_TAGS = 10_000
DAY = 86_400_000_000_000  # nanoseconds
TIMEOUT = 600.0  # seconds; a first checkout of a large project on a slow disk
ATTRIBUTES = ".gitattributes"
OBJECTS = ".git/project-objects"  # where the repository inside finds the project's
# What a check needs, and git is usually told to ignore: what is installed, and settings of this machine.
MACHINES_OWN = {".env"}
INSTALLED = {"node_modules", ".venv", "venv", ".direnv", "bower_components", ".bundle", "Pods", ".pnp.cjs",
             ".pnp.loader.mjs"}  # fmt: skip


class CheckoutError(Exception):
    """No clean checkout can be made; says why."""


class SetupFailed(CheckoutError):
    """A command that was to set the checkout up is red."""

    def __init__(self, run: CheckRun) -> None:
        """`run` says how it ended."""
        ended = "" if run.code is None else f" (exit {run.code})"
        ended = " (over its time limit)" if run.timed_out else ended
        said = f": {one_line(run.tail[-300:], 300)}" if run.tail else ""
        super().__init__(f"setup failed: `{one_line(run.command, 60)}`{ended}{said}")
        self.run = run


@dataclass(frozen=True, slots=True)
class Checkout:
    """A clean checkout in `folder`, with what is brought in from the project; `shown` in the place of `top`, if it can.

    A folder that is `brought` may be written, as it could in the project (programs keep caches there); of a file there
    is a copy, unless it is too large: then it is read-only. `held` is read-only. Where it is not shown
    there, neither is in it.
    """

    top: Path
    folder: Path
    objects: Path
    brought: tuple[Path, ...] = ()
    held: tuple[Path, ...] = ()
    shown: bool = True
    copies: tuple[tuple[Path, Path], ...] = ()  # of brought files, and what each is a copy of

    def place_of(self, root: Path) -> Path:
        """Return where commands find the project's root."""
        return root if self.shown else self.folder / root.relative_to(self.top)


@dataclass(frozen=True, slots=True)
class CheckoutPlan:
    """What a clean checkout is to hold: a commit, and what is brought in from the project or only shown (`held`).

    `setup` are the commands that run in it before the first check. `rest` is what git ignores and is not brought, from
    the top of the work tree; `besides` is what is brought of it after the setup, to see what makes a difference.
    """

    candidate: Candidate
    brought: tuple[Path, ...] = ()
    held: tuple[Path, ...] = ()
    setup: tuple[Check, ...] = ()
    rest: tuple[str, ...] = ()
    besides: tuple[Path, ...] = ()

    def names_of_brought(self, top: Path) -> tuple[str, ...]:
        """Return what is brought in, as seen from the top of the work tree."""
        return tuple(str(path.relative_to(top)) for path in self.brought)

    @property
    def set_up_by(self) -> tuple[str, ...]:
        """The commands of its setup."""
        return tuple(one.command for one in self.setup)


SetUp = Callable[[Checkout, tuple[Check, ...]], tuple[CheckRun, ...]]  # runs commands in a checkout


@dataclass(frozen=True, slots=True)
class Repository:
    """What of the project's repository a checkout needs: its work tree, its objects, how files are written."""

    top: Path
    objects: Path
    config: tuple[tuple[str, str], ...] = ()  # names and values of git's settings
    packed_refs: Path | None = None


class CleanCheckout:
    """The clean checkout of one project: reused, so that the next commit costs what differs."""

    def __init__(
        self,
        place: Path,
        repository: Repository,
        environ: Mapping[str, str],
        *,
        shown: bool = True,
        lock: int | None = None,
    ) -> None:
        """Nothing is made before it is wanted; `place` is a folder of its own, outside the project.

        `shown` says whether commands see the checkout in the place of the project, or where it lies. The descriptor
        `lock` keeps others away from the place until this is closed.
        """
        self.place, self._repository, self._shown, self._lock = place, repository, shown, lock
        self._folder, self._git_folder, self._record = place / "tree", place / "git", place / "setup.json"
        self._program = find_program("git", environ, repository.top) or "git"
        kept = {name: value for name, value in environ.items() if not name.startswith("GIT_")}
        self._environ = {**kept, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C",
                         "GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": "none"}  # fmt: skip
        self._last: CheckoutPlan | None = None  # what was checked out
        self._tracked: dict[Path, tuple[str, dict[str, str]]] = {}  # by repository: a tree, and the ids of its files
        self._ordered: dict[Path, str] = {}  # by repository: the tree whose files have times in order
        self._submodules: list[tuple[Path, Path]] = []  # where each is checked out, and its repository

    def close(self) -> None:
        """Let others have the place; nothing is left in it that a check made, and a program would obey."""
        with suppress(OSError, HarnessError, NotHere, CheckoutError):
            if self._last is not None:
                if not self._switch(self._last):
                    self._begin_anew()
                else:
                    self._fill_submodules(self._last.candidate.tree)
                untrusted.remove_tree(self._folder / ".git")
        self._last = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def check_out(self, plan: CheckoutPlan, set_up: SetUp) -> Checkout:
        """Make the checkout that of the plan's commit, set up. Raises CheckoutError, SetupFailed."""
        candidate = plan.candidate
        brought, held = (plan.brought, plan.held) if self._shown else ((), ())
        checkout = Checkout(self._repository.top, self._folder, self._repository.objects, brought, held, self._shown)
        self._last = plan
        try:
            if not self._is_ours():
                self._begin_anew()
            if not self._switch(plan):
                self._begin_anew()  # a check has made of it what git cannot put right
                if not self._switch(plan):
                    raise CheckoutError(self._said)
            self._fill_submodules(candidate.tree)
            self._order_times(plan)
            self._write_repository(candidate.commit)
            if plan.setup and not self.is_set_up:
                self._set_up(plan, replace(checkout, copies=self._copy_files(brought)), set_up)
            brought = (*brought, *plan.besides) if self._shown else ()
            return replace(checkout, brought=brought, copies=self._copy_files(brought))
        except NotHere as error:
            raise CheckoutError(f"the repository of the submodule `{error}` is not where git keeps it") from error
        except (OSError, HarnessError) as error:
            raise CheckoutError(str(error)) from error

    def _copy_files(self, brought: tuple[Path, ...]) -> tuple[tuple[Path, Path], ...]:
        """Copy the files among what is brought: nothing that runs in the checkout is to write a person's."""
        folder, copies = self.place / "brought", list[tuple[Path, Path]]()
        untrusted.remove_tree(folder)
        for number, path in enumerate(one for one in brought if files.is_file(one) and one.stat().st_size <= COPIED):
            files.make_folder(folder)
            shutil.copy2(path, folder / str(number))
            copies.append((folder / str(number), path))
        return tuple(copies)

    @property
    def is_shown(self) -> bool:
        """Whether commands see it in the place of the project."""
        return self._shown

    @property
    def is_set_up(self) -> bool:
        """Whether a setup has run here, and what it made may still serve."""
        return files.exists(self._record)

    def find_changed(self) -> tuple[str, ...]:
        """Return the names of tracked files that are not as they were checked out."""
        found = list[str]()
        for folder, git in [(self._folder, self._git_folder), *self._submodules]:
            said = os.fsdecode(self._ask_in(git, folder, "diff", "--no-ext-diff", "--name-only", "-z") or b"")
            found += [str((folder / name).relative_to(self._folder)) for name in said.split("\0") if name]
        return tuple(found)

    def list_names(self) -> list[str]:
        """Return the names of the files of the commit that is checked out."""
        return sorted(self._list_tracked(self._git_folder, self._folder))

    def _is_ours(self) -> bool:
        """Whether the folder is what we would make now, and nobody else's."""
        config = untrusted.read_plain(self._git_folder / "config", 1 << 16)
        with suppress(OSError):
            mine = all(one.lstat().st_uid == os.geteuid() for one in (self.place, self._git_folder, self._folder))
            return mine and config == self._compose_config().encode()
        return False

    def _begin_anew(self) -> None:
        self._tracked.clear()
        self._ordered.clear()
        untrusted.remove_tree(self.place)
        files.make_folder(self._folder)
        self.place.chmod(0o700)
        self._make_repository(self._git_folder, self._repository.objects)

    def _make_repository(self, git: Path, objects: Path) -> None:
        """Make a repository that holds nothing of its own."""
        for folder in (git / "objects/info", git / "refs"):
            files.make_folder(folder)
        (git / "HEAD").write_text("ref: refs/heads/none\n")
        (git / "objects/info/alternates").write_bytes(os.fsencode(objects) + b"\n")
        (git / "config").write_text(self._compose_config())

    def _fill_submodules(self, tree: str) -> None:
        """Check the submodules of a tree out, and theirs; where the project has none checked out, neither is here.

        Raises NotHere, CheckoutError.
        """
        self._submodules.clear()
        waiting = [(self._folder, self._git_folder, tree, self._repository.objects.parent, self._repository.top)]
        while waiting:
            folder, git, tree, around, work_tree = waiting.pop()
            if not files.exists(folder / ".gitmodules"):
                continue
            for one in find_submodules(partial(self._ask_in, git, folder), tree):
                if (source := find_repository(around, work_tree, one)) is None:
                    continue
                inner, inside = self._keep_for(folder / one.path), folder / one.path
                files.make_folder(inside)
                if inside.resolve() != self._folder.resolve() / inside.relative_to(self._folder):
                    raise CheckoutError(f"`{one.path}` leads elsewhere")
                self._make_repository(inner, source / "objects")
                if not self._write_tree(inner, inside, one.commit):
                    untrusted.remove_tree(inner)
                    untrusted.remove_tree(inside)
                    files.make_folder(inside)
                    self._make_repository(inner, source / "objects")
                    if not self._write_tree(inner, inside, one.commit):
                        raise CheckoutError(f"the submodule `{one.path}`: {self._said}")
                if self._ask_in(inner, inside, "clean", "-ffdxq") is None:
                    raise CheckoutError(f"the submodule `{one.path}`: {self._said}")
                self._submodules.append((inside, inner))
                waiting.append((inside, inner, one.commit, source, work_tree / one.path))

    def _keep_for(self, folder: Path) -> Path:
        return self.place / "modules" / sha256(os.fsencode(folder)).hexdigest()[:16]

    def _switch(self, plan: CheckoutPlan) -> bool:
        """Write what differs from a tree, and remove what does not belong to it, nor was made by its setup."""
        if not self._write_tree(self._git_folder, self._folder, plan.candidate.tree):
            return False
        if self._keep_setup(plan):
            return True
        self._record.unlink(missing_ok=True)
        if self._ask("clean", "-ffdxq") is None:
            return False
        _remove_repositories(self._folder)
        return True

    def _write_tree(self, git: Path, folder: Path, tree: str) -> bool:
        """Write what differs from a tree; False where what is there besides would make it another than a clone.

        git writes no file anew whose blob is the same, but its attributes say what is written of a blob. It knows no
        modes of folders, and obeys attributes that it does not track.
        """
        (git / "index.lock").unlink(missing_ok=True)
        before, known = self._tracked.pop(git, None), None
        if before is not None and files.exists(git / "index"):
            known = self._bring_forward(git, folder, before, tree)
        alike = ("diff-index", "--cached", "--quiet", tree, "--", f":(glob)**/{ATTRIBUTES}")
        if known is None and files.exists(git / "index") and self._ask_in(git, folder, *alike) is None:
            self._said = "attributes of its files have changed"
            return False
        if self._ask_in(git, folder, "read-tree", "--reset", "-u", tree) is None:
            return False
        tracked = self._list_tracked(git, folder) if known is None else known
        usual = (git / "refs").stat().st_mode
        for name in find_folders(tracked):
            within = folder / name
            if within.lstat().st_mode != usual:
                self._said = f"the mode of `{name or '.'}` is not that of a new folder"
                return False
            if files.exists(within / ATTRIBUTES) and f"{name}/{ATTRIBUTES}".removeprefix("/") not in tracked:
                self._said = f"attributes in `{name or '.'}` are not of the commit"
                return False
        self._tracked[git] = tree, tracked
        return True

    def _bring_forward(
        self, git: Path, folder: Path, before: tuple[str, dict[str, str]], tree: str
    ) -> dict[str, str] | None:
        """Return the id of each file of a tree, by what differs from the one before; None where attributes do."""
        flags = ("-r", "-z", "--raw", "--no-renames", "--no-abbrev")
        if before[0] == tree:
            return before[1]
        if (said := self._ask_in(git, folder, "diff-tree", *flags, before[0], tree)) is None:
            return None
        words, found = os.fsdecode(said).split("\0"), dict(before[1])
        for about, name in zip(words[::2], words[1::2], strict=False):
            if name.rpartition("/")[2] == ATTRIBUTES:
                return None
            found[name] = about.split(" ")[3]
            if about.endswith("D"):
                del found[name]
        return found

    def _keep_setup(self, plan: CheckoutPlan) -> bool:
        """Whether the setup of the plan has run here, and all that it made is there; what else there is, is removed."""
        if not plan.setup or not self.is_set_up or files.exists(self._folder / ".gitmodules"):
            return False  # nobody knows what of a submodule its setup has made
        with suppress(OSError):
            tracked = self._list_tracked(self._git_folder, self._folder)
            made = read_made(self._record, self._key_of_setup(plan, tracked))
            return made is not None and keep_made(self._folder, tracked, made)
        return False

    def _order_times(self, plan: CheckoutPlan) -> None:
        """Give the files the times that a clone gives them, one after another by name: make goes by these.

        Where a folder is brought they are new, as in a clone, so that no program takes what it keeps there for made of
        them. Else, where a setup is kept, they are older than what it made, as in a clone that is set up.
        """
        repositories = [(self._folder, self._git_folder), *self._submodules]  # as a clone writes them
        listed = [(folder, git, sorted(self._tracked[git][1], key=os.fsencode)) for folder, git in repositories]
        if plan.setup or any(map(files.is_dir, (*plan.brought, *plan.besides))):
            self._set_new_times(plan, listed)
        elif put_in_order(f"{folder}/{name}" for folder, _, names in listed for name in names):
            for folder, git, _ in listed:
                self._ask_in(git, folder, "update-index", "-q", "--refresh")
        for folder, _, names in listed:
            set_times_of_folders(folder, names)

    def _set_new_times(self, plan: CheckoutPlan, listed: Sequence[tuple[Path, Path, list[str]]]) -> None:
        """Give all files new times, where another tree has had its own, or something has changed them."""
        known = all(self._ordered.get(git) == self._tracked[git][0] for _, git, _ in listed)
        if known and all(are_in_order(folder, names) for folder, _, names in listed):
            return
        first = time.time_ns() - sum(len(names) // AT_ONCE + 1 for _, _, names in listed) * TICK
        if self.is_set_up and not any(map(files.is_dir, (*plan.brought, *plan.besides))):
            made = self._record.stat().st_mtime_ns
            first = made - DAY + (time.time_ns() - made) % (DAY // 2)  # no two trees have the same
        for folder, git, names in listed:
            first = set_in_order(folder, names, first)
            self._ask_in(git, folder, "update-index", "-q", "--refresh")
            self._ordered[git] = self._tracked[git][0]

    def _set_up(self, plan: CheckoutPlan, checkout: Checkout, set_up: SetUp) -> None:
        """Run the setup; what it changed of the commit is put back, and what it made goes on record."""
        if red := next((one for one in set_up(checkout, plan.setup) if not one.green), None):
            raise SetupFailed(red)
        if changed := self.find_changed():
            command = " && ".join(plan.set_up_by)
            said = f"it changes what is committed: {', '.join(changed[:5])}{', …' if changed[5:] else ''}"
            raise SetupFailed(CheckRun(command, None, 0.0, said))
        _remove_repositories(self._folder)
        tracked = self._list_tracked(self._git_folder, self._folder)
        made = find_made(self._folder, tracked, plan.names_of_brought(self._repository.top))
        write_made(self._record, self._key_of_setup(plan, tracked), made)
        self._write_repository(plan.candidate.commit)

    def _list_tracked(self, git: Path, folder: Path) -> dict[str, str]:
        """Return the id of each file of the commit, by its name."""
        lines = os.fsdecode(self._ask_in(git, folder, "ls-files", "--stage", "-z") or b"").split("\0")
        found = (line.partition("\t") for line in lines if line)
        return {name: about.split()[1] for about, _, name in found}

    def _key_of_setup(self, plan: CheckoutPlan, tracked: Mapping[str, str]) -> str:
        """Return a digest of what its setup depends on: of manifests alone where that is certain, or of the tree."""
        manifests = sorted((name, id) for name, id in tracked.items() if is_manifest(name))
        read = {name: untrusted.read_plain(self._folder / name, MANIFEST) for name, _ in manifests}
        texts = {name: text.decode("utf-8", "replace") for name, text in read.items() if text is not None}
        by_manifests = len(texts) == len(manifests) and all(
            depends_on_manifests(one.command, tracked, texts) for one in plan.setup
        )
        around = (self._environ.get("PATH", ""), plan.names_of_brought(self._repository.top))
        commands = [one.command for one in plan.setup]
        words = (commands, around, manifests if by_manifests else plan.candidate.tree)
        return sha256(repr(words).encode("utf-8", "surrogateescape")).hexdigest()

    def _ask(self, *words: str) -> bytes | None:
        """Return what git says about the checkout; None where it fails, `_said` says why."""
        return self._ask_in(self._git_folder, self._folder, *words)

    def _ask_in(self, git: Path, folder: Path, *words: str) -> bytes | None:
        line = (self._program, "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", *words)
        environ = {**self._environ, "GIT_DIR": str(git), "GIT_WORK_TREE": str(folder)}
        ran = capture(line, cwd=folder, env=environ, timeout=TIMEOUT)
        if ran.code != 0:
            self._said = ran.stderr.decode("utf-8", "replace").strip() or f"git {words[0]} failed"
        return ran.stdout if ran.code == 0 else None

    def _write_repository(self, commit: str) -> None:
        """Make the repository that checks see: at the commit, with a clean index, and the tags that were packed."""
        inside = self._folder / ".git"
        untrusted.remove_tree(inside)
        inside.mkdir()  # fails where a check left something that cannot be removed
        for name in ("objects/info", "refs/heads", "info", OBJECTS.removeprefix(".git/")):
            (inside / name).mkdir(parents=True)
        (inside / "HEAD").write_text(commit + "\n")
        (inside / "config").write_text(self._compose_config())
        objects = f"../{OBJECTS.removeprefix('.git/')}" if self._shown else str(self._repository.objects)
        (inside / "objects/info/alternates").write_bytes(os.fsencode(objects) + b"\n")
        shutil.copyfile(self._git_folder / "index", inside / "index")
        if (packed := self._repository.packed_refs) is not None:
            (inside / "packed-refs").write_bytes(_keep_tags(untrusted.read_plain(packed, 64 << 20) or b""))
            for name, tag in islice(_find_tags(packed.parent / "refs/tags"), MOST_TAGS):
                files.make_folder((inside / "refs/tags" / name).parent)
                (inside / "refs/tags" / name).write_bytes(tag)

    def _compose_config(self) -> str:
        version = int(any(name.startswith("extensions.") for name, _ in self._repository.config))
        lines = ["[core]", "\tbare = false", f"\trepositoryformatversion = {version}"]
        for name, value in self._repository.config:
            section, _, key = name.rpartition(".")
            lines += [f"[{section}]", f'\t{key} = "{value}"'] if set(value) <= _PLAIN else []
        return "\n".join(lines) + "\n"


_ID = re.compile(rb"[0-9a-f]{40}([0-9a-f]{24})?\n")
_PLAIN = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")


def _keep_tags(packed: bytes) -> bytes:
    """Return packed refs with the tags alone, as a clone of one commit has them; `^` lines belong to the one before."""
    kept, keeps = list[bytes](), True
    for line in packed.splitlines(keepends=True):
        keeps = keeps if line.startswith(b"^") else line.startswith(b"#") or b" refs/tags/" in line
        kept += [line] if keeps else []
    return b"".join(kept)


def _find_tags(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the tags that are files of their own, with what each leads to."""
    for place, _, names in os.walk(folder):
        for name in names:
            path = Path(place, name)
            if _ID.fullmatch(tag := untrusted.read_plain(path, 100) or b""):
                yield str(path.relative_to(folder)), tag


def _remove_repositories(folder: Path) -> None:
    """Remove what git sees as repositories of their own within a checkout, and never cleans; links are not followed."""
    waiting = [str(folder)]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.name == ".git" and entry.is_dir(follow_symlinks=False):
                    untrusted.remove_tree(Path(entry.path))
                elif entry.name == ".git":
                    os.unlink(entry.path)  # noqa: PTH108
                elif entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
