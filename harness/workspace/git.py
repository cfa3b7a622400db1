"""Git, called where an agent may have written: in the sandbox where there is one, and else told to obey little.

What an agent can write makes git run programs: hooks in a folder of the work tree, the configuration of a nested
repository, a filter that is a script of the project, a `git` in a folder on PATH. So looks and commits are made in the
sandbox; outside of it only what runs no program at all (`ask`), and the signing of a commit, by what was configured
when the run began.
"""

from __future__ import annotations

import os
import re
import shlex
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import count, islice
from pathlib import Path

from harness.domain.errors import StorageError
from harness.domain.reply import Ended
from harness.domain.text import one_line
from harness.domain.units import format_size
from harness.system import files, untrusted
from harness.system.capture import Captured, capture, find_program, is_in, path_outside
from harness.system.command import Bounds, Command, Kept
from harness.system.folders import Folders, find_fifos, find_links, is_fifo, sort_by_kind
from harness.system.process import Supervisor
from harness.workspace.clean_checkout import Repository
from harness.workspace.confined_git import ConfinedGit, kind_of
from harness.workspace.git_config import Entry, parse_entries, read_git_config
from harness.workspace.repositories import find_endless, find_git, real_path

TIMEOUT = 120.0  # seconds for one call
FIRST = 10.0  # seconds for the first one, which reads the configuration alone
LOOK_ON, WRITE_ON = 5.0, 20.0  # seconds a look and a commit (its hooks) go on when everything has to stop
AT_LEAST = 2.0  # seconds that each of them gets even so
LONGEST_ANSWER = 256 << 20  # bytes that git may say at once
FOLDERS = 20_000  # of git's own that are looked through for fifos
_CALLS = count(1)  # each has a file of its own for its stdin
_ALWAYS = (
    "core.fsmonitor=false",
    "gc.auto=0",
    "maintenance.auto=false",
)  # upkeep is the person's
_NO_CACHE, NO_HOOKS = "core.untrackedCache=false", "core.hooksPath=/dev/null"

# Which program signs, and where nothing is said.
_SIGNING = {
    "gpg.format": "openpgp", "gpg.program": "gpg", "gpg.x509.program": "gpgsm", "gpg.ssh.program": "ssh-keygen",
    "gpg.ssh.defaultkeycommand": "false", "user.signingkey": "",
}  # fmt: skip
_SIGNING_KEYS = re.compile(r"commit\.gpgsign|gpg\..*|user\.signingkey")
_SIGNING_PROGRAMS = re.compile(r"gpg\.(.+\.)?program|gpg\.ssh\.defaultkeycommand")
# What git, or a tool beside it, runs in a person's own git; a file of the project may be among its words.
_NAMES_PROGRAM = re.compile(
    r"core\.(fsmonitor|editor|pager|askpass|sshcommand|gitproxy|alternaterefscommand)|sequence\.editor|pager\..*"
    r"|interactive\.difffilter|diff\.external|diff\..*\.(textconv|command)|filter\..*\.(clean|smudge|process)"
    r"|merge\..*\.driver|gpg\..*|credential\.(.*\.)?helper|alias\..*|(difftool|mergetool|browser|man|guitool)\..*"
    r"|trailer\..*\.(command|cmd)|uploadpack\.packobjectshook|hook\..*\.command|tar\..*\.command"
    r"|remote\..*\.(uploadpack|receivepack)|submodule\..*\.update|sendemail\..*|gc\.recentobjectshook"
    r"|(instaweb|web|imap|gui|svn|p4|annex)\..*",
    re.DOTALL,
)
_PART = re.compile(r"""[^\s'"`;|&()<>$={},!]+""")  # of a command
# What git reads, whatever is there.
_READ = ("core.attributesfile", "core.excludesfile", "commit.template", "mailmap.file", "gpg.ssh.allowedsignersfile")


class Git:
    """Runs git for one project. `environ` is the environment git gets; `temporary` holds what it reads on stdin.

    `confine` puts a command into the sandbox, and leaves it as it is where there is none: then it is run as we are,
    without any filter if `filters` are not wanted. `written` are more folders that agents write. `stop` gives a grace
    in seconds when everything has to stop.
    """

    def __init__(
        self,
        root: Path,
        environ: Mapping[str, str],
        temporary: Path | None = None,
        *,
        filters: bool = True,
        written: Sequence[Path] = (),
    ) -> None:
        self.root = root
        self.top = ""
        self.prefix = ""
        self.confine: Callable[[Command], Command] = lambda command: command
        self.supervisor: Supervisor | None = None
        self.confined: ConfinedGit | None = None
        self.stop: Callable[[], float | None] = lambda: None
        self._stopped_at: float | None = None
        self._timeout = FIRST
        folder = next((one / ".git" for one in (root, *root.parents) if files.is_dir(one / ".git")), root / ".git")
        self.folders = (folder, folder)
        self._seen = Folders(sort_by_kind)
        self._temporary = temporary
        self._filters = filters
        self._environ = {**environ, "GIT_TERMINAL_PROMPT": "0", "GIT_NO_REPLACE_OBJECTS": "1", "LC_ALL": "C"}
        self.environ_inside = {name: value for name, value in self._environ.items() if not _is_private(name)}
        if "GIT_CONFIG_SYSTEM" in environ:
            self.environ_inside["GIT_CONFIG_NOSYSTEM"] = "1"
        self._outside = {**self._environ, "PATH": path_outside(environ.get("PATH", os.defpath), root, *written)}
        self.program = find_program("git", environ, root, *written) or "git"
        self._known, self._written = list[Path](), tuple({real_path(one) for one in (root, *written)})
        self.named: tuple[Path, ...] = ()
        # a repository from another machine may say otherwise: `README` is taken for the `Readme` before it then
        self._case = () if os.path.lexists(folder.with_name(".GIT")) else ("core.ignorecase=false",)
        self._hooks = Path(os.devnull)  # where they are when the run begins; by what the configuration held, now:
        self._hooks_now: tuple[tuple[bytes | None, ...], Path | None] | None = None
        self.found, self.why = False, ""
        self._find_repository(written)

    def _find_repository(self, written: Sequence[Path]) -> None:
        """Look where git works, and `why` it does not; a file that nobody can read to its end is not given to it."""
        root, self.why = self.root, "a fifo or a device stands in .git, where git would wait for ever"
        if self.fifos():
            return
        if (fifo := find_endless(find_git(root)[1])) is not None:
            self.why = f"git's configuration includes `{one_line(str(fifo))}`, a fifo or a device"
            return
        asked = ("--is-inside-work-tree", "--show-toplevel", "--show-prefix", "--git-dir", "--git-common-dir")
        said = self.ask("rev-parse", *asked)
        self._timeout = TIMEOUT
        inside, top, prefix, own, common = [*os.fsdecode(said.stdout).split("\n"), "", "", "", ""][:5]
        self.found = said.code == 0 and inside == "true"
        self.why = "" if self.found else _explain(said)
        if not self.found:
            return
        self.environ_inside |= read_git_config(root, self._environ, written).environ
        self.top, self.prefix, self.folders = top, prefix, (root / own, root / common)
        self._known = find_git(root)[1]
        if not self._is_where_it_lies():
            self.found, self.why = False, f"git takes `{real_path(root / own)}` for the repository, which is not `.git`"
            return
        self._linked = self._links()
        self._hooks = self._hooks_folder() or self._hooks
        configured = self._read_configuration()
        if endless := self._find_endless(configured):
            self.found, self.why = False, f"`{endless}` names a fifo or a device, where git would wait for ever"
            return
        self._signs, self._pinned, self._unsigned = self._read_signing(configured)
        self.named = tuple(self._find_named(configured))

    def ask(self, *words: str, told: Sequence[str] = (), stdin: bytes = b"", **more: str) -> Captured:
        """Run, as we are, what makes git read its own files and run no program.

        A ref is not written through a link that came since the run began: its log would be.
        Raises StorageError where git says more than LONGEST_ANSWER: what is cut would be taken for all.
        """
        writes = words[0] == "update-ref" or words[:2] == ("symbolic-ref", "-m")
        if writes and (came := self._links() - self._linked):
            return Captured(128, b"", f"`{min(came)}` is a link that came meanwhile".encode("utf-8", "replace"))
        line = self._line([_NO_CACHE, *told], words)
        env, stop = {**self._outside, **_NO_FETCH, **more}, self._must_end(WRITE_ON)
        said = capture(line, cwd=self.root, env=env, stdin=stdin, timeout=self._timeout, stop=stop, cap=LONGEST_ANSWER)
        return _refuse_part(said, line)

    def read(self, *words: str, told: Sequence[str] = (), stdin: bytes = b"", **more: str) -> Captured:
        """As `ask`, for contents: what is longer than is taken is cut, and `truncated`."""
        line, env = self._line([_NO_CACHE, *told], words), {**self._outside, **_NO_FETCH, **more}
        return capture(line, cwd=self.root, env=env, stdin=stdin, timeout=self._timeout, stop=self._must_end(WRITE_ON))

    def stream(self, *words: str, stdin: bytes, most: int, take: Callable[[bytes], object]) -> Captured:
        """As `ask`, but something is to `take` what git says as it comes, up to `most` bytes; then git is ended."""
        line, env = self._line([_NO_CACHE], words), {**self._outside, **_NO_FETCH}
        must_end, given = self._must_end(WRITE_ON), 0

        def give(data: bytes) -> None:
            nonlocal given
            given += len(data)
            take(data)

        def stop() -> bool:
            return given >= most or must_end()

        timeout = self._timeout
        return capture(line, cwd=self.root, env=env, stdin=stdin, timeout=timeout, cap=most, stop=stop, take=give)

    def is_blocked(self) -> bool:
        """Whether a fifo or a device stands where git reads a file of its own: it would wait there for ever."""
        own, common = map(str, self.folders)
        read = [f"{own}/{name}" for name in ("HEAD", "index", "commondir", "config.worktree")]
        read += [f"{common}/{name}" for name in ("packed-refs", "config", "shallow", "info/exclude", "info/attributes")]
        return any(map(is_fifo, read))

    def fifos(self) -> list[Path]:
        """Return the fifos and devices in git's folders, and in the tree where it would read them."""
        return [Path(one) for top in dict.fromkeys(self.folders) for one in find_fifos(self._seen, str(top), FOLDERS)]

    def _links(self) -> set[str]:
        """Return the links in git's folders."""
        found = (find_links(self._seen, str(top), FOLDERS) for top in dict.fromkeys(self.folders))
        return set[str]().union(*found)

    def locks(self) -> list[Path]:
        """Return the locks that a commit takes: of the index, of HEAD, of the branch, of the packed refs."""
        own, common = self.folders
        head = (untrusted.read_plain(own / "HEAD", 4096) or b"").decode("utf-8", "replace")
        branch = head.removeprefix("ref: ").strip() if head.startswith("ref: refs/") else ""
        locks = [own / "index.lock", own / "HEAD.lock", common / "packed-refs.lock"]
        locks += sorted(own.glob("next-index-*.lock"))  # of a commit of some files, named by the pid of its git
        return [*locks, *([common / f"{branch}.lock"] if branch and ".." not in branch else [])]

    def packed_replacements(self) -> frozenset[str]:
        """Return the names of the refs of `git replace` that are packed; the loose ones are files of their own."""
        packed = untrusted.read_plain(self.folders[1] / "packed-refs", LONGEST_ANSWER) or b""
        if b" refs/replace/" not in packed:
            return frozenset()
        names = (line.rpartition(b" ")[2] for line in packed.splitlines() if b" refs/replace/" in line)
        return frozenset(map(os.fsdecode, names))

    def _line(self, told: Sequence[str], words: tuple[str, ...]) -> tuple[str, ...]:
        return (self.program, *(word for one in (*_ALWAYS, *self._case, *told) for word in ("-c", one)), *words)

    def _must_end(self, patience: float) -> Callable[[], bool]:
        """Return what says whether a call that begins now must end: a stop leaves all of them `patience` seconds."""
        began = time.monotonic()

        def ask() -> bool:
            if self.stop() is None:
                self._stopped_at = None
                return False
            now = time.monotonic()
            if self._stopped_at is None:
                self._stopped_at = now
            return now >= max(self._stopped_at + patience, began + AT_LEAST)

        return ask

    def describe(self) -> Repository:
        """Return what a clean checkout needs to know of this repository."""
        names = "autocrlf|eol|symlinks|filemode|precomposeunicode|ignorecase"
        keys = rf"^(core\.({names})|extensions\.objectformat)$"
        words = os.fsdecode(self.ask("config", "--null", "--show-scope", "--get-regexp", keys).stdout).split("\0")
        said = [(scope, *word.partition("\n")[::2]) for scope, word in zip(words[::2], words[1::2], strict=False)]
        # a clone has the settings of the machine and of the person, not those of this repository
        pairs = [(key, value) for scope, key, value in said if scope != "local" or key.startswith("extensions.")]
        common = self.folders[1]
        return Repository(Path(self.top), common / "objects", tuple(sorted(pairs)), common / "packed-refs")

    def own(self, name: str) -> Path:
        """Return where git keeps a file about this work tree alone, as it did when the run began."""
        return self.folders[0] / name

    def look(self, *words: str, ignores: Path | None = None, stdin: bytes = b"") -> Captured:
        """Run what reads the work tree; `ignores` are more patterns for what nobody looks at."""
        told = [_NO_CACHE, NO_HOOKS, *([] if ignores is None else [f"core.excludesFile={ignores}"])]
        more = {"GIT_OPTIONAL_LOCKS": "0", "GIT_ALLOW_PROTOCOL": "none"}  # and fetches nothing
        needed, line = () if ignores is None else (ignores,), self._line(told, words)
        return (
            self._in_helper(line, self.root, more, LOOK_ON, stdin)
            or self._in_a_sandbox(line, self.root, more, needed, LOOK_ON, stdin)
            or self._as_we_are(self._line([*told, *self._without_filters()], words), self.root, more, LOOK_ON, stdin)
        )

    def write(self, *words: str, stdin: bytes, with_hooks: bool, **more: str) -> Captured:
        """Run what writes index and history, from the top of the work tree, `with_hooks` in a sandbox of its own.

        Without, no hook is run, not even that of a changed index.
        `more` goes into its environment.
        """
        top = Path(self.top)
        hooks = [] if with_hooks else [NO_HOOKS]
        inside = ["commit.gpgSign=false", *hooks]  # no key to sign with is there: that is done afterwards
        outside = [*self._without_filters(), *self._pinned, *(hooks or [f"core.hooksPath={self._hooks}"])]
        line = self._line(inside, words)  # not by its name: on PATH there may be an agent's
        return (
            (None if with_hooks else self._in_helper(line, top, more, WRITE_ON, stdin))
            or self._in_a_sandbox(line, top, more, (), WRITE_ON, stdin)
            or self._as_we_are(self._line(outside, words), top, more, WRITE_ON, stdin)
        )

    def run_script(self, script: str, *arguments: str) -> Captured:
        """Run a script of git commands where commits are made: in a sandbox of its own, or as we are."""
        line, top = ("/bin/sh", "-e", "-c", script, "sh", *arguments), Path(self.top)
        return self._in_a_sandbox(line, top, {}, (), WRITE_ON) or self._as_we_are(line, top, {}, WRITE_ON)

    def has_hooks(self) -> bool:
        """Whether git would run a hook of the repository now; True where that cannot be told.

        A hook is not to meet the helper: it would get the helper's trace where it expects its own files, and could end
        the helper in the middle of its commit.
        """
        if (folder := self._hooks_folder()) is None:
            return True
        try:
            names = os.listdir(folder)  # noqa: PTH208
        except FileNotFoundError:
            return False
        except OSError:
            return True
        return any(not name.endswith(".sample") for name in names)

    def _hooks_folder(self) -> Path | None:
        """Return where git looks for hooks, None where it cannot tell; asked again when its configuration changed."""
        own, common = self.folders
        named = (common / "config", own / "config.worktree", own / "HEAD")
        held = tuple(untrusted.read_plain(file, LONGEST_ANSWER) for file in named)
        if self._hooks_now is None or self._hooks_now[0] != held:
            said = self.ask("-C", self.top, "rev-parse", "--git-path", "hooks")
            found = Path(self.top) / os.fsdecode(said.stdout).strip("\n") if said.code == 0 else None
            self._hooks_now = held, found
        return self._hooks_now[1]

    def _as_we_are(
        self, line: tuple[str, ...], cwd: Path, more: Mapping[str, str], patience: float, stdin: bytes = b""
    ) -> Captured:
        env, stop = {**self._environ, **more}, self._must_end(patience)
        said = capture(line, cwd=cwd, env=env, timeout=TIMEOUT, stdin=stdin, stop=stop, cap=LONGEST_ANSWER)
        return _refuse_part(said, line)

    def _in_helper(
        self, line: tuple[str, ...], cwd: Path, more: Mapping[str, str], patience: float, stdin: bytes = b""
    ) -> Captured | None:
        """Run it in the sandbox that all such calls of a run share; None where it has to have one of its own."""
        if self.confined is None or self.program == "git":
            return None
        return self.confined.run(
            line,
            cwd=cwd,
            more=more,
            stdin=stdin,
            timeout=TIMEOUT,
            must_end=self._must_end(patience),
        )

    def _in_a_sandbox(
        self,
        line: tuple[str, ...],
        cwd: Path,
        more: Mapping[str, str],
        needed: tuple[Path, ...],
        patience: float,
        stdin: bytes = b"",
    ) -> Captured | None:
        """Run it in a sandbox of its own, where `needed` files are to be seen; None where there is none."""
        names = ("sh", str(cwd), str(2 + len(needed)), *map(str, needed))  # a sandbox begins in the project's folder
        argv = ("/bin/sh", "-c", 'cd "$1" && shift $2 && exec "$@"', *names, *line)
        confined = self.confine(Command(argv, cwd, {**self.environ_inside, **more}, needed=needed))
        if confined.confined is None or self.supervisor is None:
            return None
        if stdin:
            assert self._temporary is not None
            given = self._temporary / f"git-stdin-{next(_CALLS)}"
            files.write_atomic(given, stdin, sync=False)
            try:
                said = _capture_inside(replace(confined, stdin=given), self.supervisor, self._must_end(patience))
            finally:
                given.unlink()
        else:
            said = _capture_inside(confined, self.supervisor, self._must_end(patience))
        return _refuse_part(said, line)

    def _without_filters(self) -> list[str]:
        """Return what makes every filter do nothing, where none is wanted: the name of one is free text."""
        if self._filters:
            return []
        said = self.ask("config", "--null", "--name-only", "--get-regexp", r"^filter\..*\.(clean|smudge|process)$")
        names = {key.rpartition(".")[0] for key in os.fsdecode(said.stdout).split("\0") if key}
        return [f"{name}.{one}" for name in sorted(names) for one in ("clean=", "process=", "required=false")]

    # --- signing ---

    def sign(self, head: str) -> str:
        """Sign the commit at HEAD where the person signs commits and it is not; returns the new one's id, or `head`.

        Raises OSError with what git said when that fails; the commit then stays without a signature.
        """
        if not self._signs:
            return head
        header, _, message = self.ask("cat-file", "commit", head).stdout.partition(b"\n\n")
        lines = [line.partition(" ")[::2] for line in os.fsdecode(header).splitlines()]
        fields = dict(lines)
        if "gpgsig" in fields:
            return head
        name, _, rest = fields["author"].rpartition(" <")
        mail, _, date = rest.partition("> ")
        parents = [word for key, value in lines if key == "parent" for word in ("-p", value)]
        author = {"GIT_AUTHOR_NAME": name, "GIT_AUTHOR_EMAIL": mail, "GIT_AUTHOR_DATE": f"@{date}"}
        made = self._commit_signed(fields["tree"], *parents, stdin=message, **author)
        signed = os.fsdecode(made.stdout).strip()
        if made.code == 0:
            made = self.ask("update-ref", "-m", "commit: signed by harness", "HEAD", signed, head, told=[NO_HOOKS])
        if made.code != 0:
            raise OSError(os.fsdecode(made.stderr).strip() or "git could not sign")
        return signed

    def _commit_signed(self, tree: str, *parents: str, stdin: bytes, **more: str) -> Captured:
        """Make a commit with a signature, on no branch. Raises OSError where what is configured is not to be run."""
        if self._unsigned:
            raise OSError(self._unsigned)
        return self.ask("commit-tree", tree, "-S", *parents, told=self._pinned, stdin=stdin, **more)

    def why_unsigned(self, scratch: Path) -> str:
        """Return why a commit would not be signed though the person signs theirs, "" else: it is tried, in a folder."""
        if not self._signs:
            return ""
        tree = os.fsdecode(self.ask("rev-parse", "HEAD^{tree}").stdout).strip()
        files.make_folder(scratch)
        objects = str(self.folders[1] / "objects")
        apart = {"GIT_OBJECT_DIRECTORY": str(scratch), "GIT_ALTERNATE_OBJECT_DIRECTORIES": objects}
        try:
            made = self._commit_signed(tree, stdin=b"a trial of harness doctor\n", **apart)
        except OSError as error:
            return one_line(str(error), 200)
        said = one_line(os.fsdecode(made.stderr), 200) or "git could not sign"
        return "" if made.code == 0 else "it took too long" if made.timed_out else said

    def _read_configuration(self) -> list[Entry]:
        """Return what is configured, in git's order."""
        said = self.ask("config", "--null", "--show-scope", "--show-origin", "--list")
        return list(parse_entries(os.fsdecode(said.stdout)))

    def _find_endless(self, configured: list[Entry]) -> str:
        """Return the first key that names a fifo or a device for git to read, "" where none does."""
        named = (one for one in configured if one.key in _READ and one.value)
        return next((one.key for one in named if is_fifo(str(self.root / files.expand_home(one.value or "")))), "")

    def _read_signing(self, configured: list[Entry]) -> tuple[bool, list[str], str]:
        """Return whether commits are signed, by what, and why not by what is configured.

        A file that an agent can write is not asked; a program is taken only where the person named it, and only from
        where no agent can write.
        """
        found, refused = dict(_SIGNING), ""
        for one in configured:
            if not _SIGNING_KEYS.fullmatch(one.key) or self._is_writable(one.origin):
                continue
            if _SIGNING_PROGRAMS.fullmatch(one.key) and (why := self._why_not_run(one)):
                refused = why
            else:
                found[one.key] = one.value or "true"
        signs = found.pop("commit.gpgsign", "false").lower() in ("true", "yes", "on", "1")
        pinned = [f"{key}={value}" for key, value in found.items() if value]
        return signs, [*pinned, *(["commit.gpgSign=false"] if refused else [])], refused

    def _why_not_run(self, named: Entry) -> str:
        """Return why a program is not run that the configuration names, "" where it may be."""
        if named.scope in ("local", "worktree"):
            return f"`{named.key}` is named by the repository: only your own configuration says what signs"
        paths = [str(self.root / files.expand_home(word)) for word in (named.value or "").split() if "/" in word]
        if any(is_in(path, real_path(self.top), *self._written) for path in paths):
            return f"`{named.key}` lies where an agent can write"
        return ""

    def _is_writable(self, origin: str) -> bool:
        """Whether a confined agent can write what is configured there: of git's folders, all but the configuration."""
        kind, _, name = origin.partition(":")
        path = real_path(self.root / name)
        if kind != "file" or any(path in (git / "config", git / "config.worktree") for git in self._known):
            return False
        return any(path.is_relative_to(one) for one in (real_path(self.top), *self._written, *self._known))

    def _find_named(self, configured: list[Entry]) -> Iterator[Path]:
        """Yield what the configuration names and git obeys: its files, hooks, attributes; and hooks that are links."""
        for git in self._known:
            yield from _find_links(git / "hooks")
        for one in configured:
            kind, _, name = one.origin.partition(":")
            key, value = one.key, one.value
            if kind == "file" and self._is_writable(one.origin):
                yield self.root / name
            if (
                key in ("core.hookspath", "core.attributesfile", "init.templatedir")
                and value
                and not value.startswith("~")
            ):
                yield Path(self.top) / value
                yield from _find_links(Path(self.top) / value)
            if value and _NAMES_PROGRAM.fullmatch(key):
                yield from (path for word in _split(value) if _may_come(path := Path(self.top) / word, word))
            if key.startswith("include") and key.endswith(".path") and value and not value.startswith("~"):
                yield real_path(self.root / name).parent / value

    def _is_where_it_lies(self) -> bool:
        """Whether git's folder is the one that `.git` says, or one that does not hold the project itself."""
        own, root = real_path(self.folders[0]), real_path(self.root)
        return own in self._known if self._known else not root.is_relative_to(own)


def _may_come(path: Path, word: str) -> bool:
    """Whether a word of a command names a file of the project, or a path where one could come to be."""
    return files.is_file(path) or ("/" in word and not word.startswith("/") and not os.path.lexists(path))


def _find_links(folder: Path) -> list[Path]:
    """Return the links in a folder: a hook is often one, to a script of the project."""
    with suppress(OSError), os.scandir(folder) as entries:
        return [folder / entry.name for entry in islice(entries, 1000) if entry.is_symlink()]
    return []


def _split(line: str) -> set[str]:
    """Return what in a command may be the name of a file of the project: its words, and the parts of these.

    As in `sh -c './a.sh x'`, `$(git rev-parse --show-toplevel)/a.sh` and `-oProxyCommand=./a.sh`.
    """
    parts = {part.lstrip("/") for part in _PART.findall(line)}
    try:
        return parts.union(shlex.split(line.removeprefix("!"))) - {""}
    except ValueError:
        return parts.union(line.split()) - {""}


def _explain(said: Captured) -> str:
    """Return why there is no repository to work with."""
    words = one_line(said.stderr.decode("utf-8", "replace"), 200)
    if said.code == 127:
        return "git is not installed"
    if said.timed_out:
        return f"git does not answer within {FIRST:.0f}s: its configuration may lead to a fifo or a device"
    return "this is not a git repository" if not words or "not a git repository" in words else f"git says: {words}"


# What is missing in a partial clone is not fetched: its configuration names the program that would do that.
_NO_FETCH = {"GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": "none"}
# What git and its hooks are told in the sandbox; what else begins so may be a key (GIT_TOKEN, GIT_CONFIG_PARAMETERS).
_INSIDE = re.compile(
    r"GIT_((AUTHOR|COMMITTER)_(NAME|EMAIL|DATE)|CONFIG_NOSYSTEM"
    r"|TERMINAL_PROMPT|NO_REPLACE_OBJECTS|EDITOR|MERGE_AUTOEDIT|ADVICE)"
)


def _is_private(name: str) -> bool:
    """Whether a variable may be a key of the person's, leads to one, or says what the configuration inside says."""
    return name.startswith("SSH_") or (name.startswith("GIT_") and not _INSIDE.fullmatch(name))


class OutputListener(Kept):
    """Keeps what git says, and ends it when `must_end` says so."""

    def __init__(self, must_end: Callable[[], bool]) -> None:
        super().__init__()
        self._must_end = must_end

    def stop(self) -> float | None:
        return 1.0 if self._must_end() else None


def _refuse_part(said: Captured, line: Sequence[str]) -> Captured:
    """Return what git said. Raises StorageError where it is cut: it would be taken for all."""
    if said.truncated:
        size = format_size(LONGEST_ANSWER)
        why = f"`git {kind_of(line)}` says more than {size}, and nothing is decided by a part of it"
        raise StorageError(why, "take what brought so many files or refs out of the repository, then run again")
    return said


def _capture_inside(command: Command, supervisor: Supervisor, must_end: Callable[[], bool]) -> Captured:
    heard = OutputListener(must_end)
    bounds = Bounds(timeout=TIMEOUT, grace=1.0, line_cap=LONGEST_ANSWER)
    ended = supervisor.run(command, bounds, heard, stdout=None, stderr=None)
    said = (ended.error or ended.stderr_tail).encode("utf-8", "replace")
    code = 126 if ended.code is None else ended.code
    timed_out, cut = ended.ended in (Ended.TIMED_OUT, Ended.STOPPED), max(map(len, heard.lines), default=0)
    return Captured(code, b"\n".join(heard.lines), said, timed_out=timed_out, truncated=cut >= LONGEST_ANSWER)
