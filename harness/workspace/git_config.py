"""The git configuration of a person, as git itself resolves it: what a git that cannot see their home has to be told.

Includes, conditions, XDG_CONFIG_HOME and variables are git's to follow; what it says is written down as one file. The
repository's own file is not in it, since git reads that inside too.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.system import files
from harness.system.capture import capture, find_program, path_outside
from harness.workspace.repositories import find_endless, find_git

# What runs a program that only the person has use for, or signs: that is done outside.
_PROGRAMS = re.compile(
    r"include\.path|includeif\..*|credential\..*|gpg\..*|(commit|tag|push)\.gpgsign|tag\.forcesignannotated"
    r"|user\.signingkey|core\.(fsmonitor|editor|pager|askpass|sshcommand|gitproxy)|sequence\.editor|pager\..*"
    r"|interactive\.difffilter|diff\.external|(difftool|mergetool|browser|sendemail|imap)\..*",
    re.DOTALL,
)
_SECRETS = re.compile(r"token|passw|secret|extraheader|cookiefile|://[^/@\s]+@", re.IGNORECASE)
_FILES = ("core.excludesfile", "core.attributesfile", "commit.template", "mailmap.file", "http.sslcainfo")
_HOOKS = frozenset((
    "applypatch-msg", "pre-commit", "pre-merge-commit", "prepare-commit-msg", "commit-msg", "post-commit", "pre-push",
    "pre-rebase", "post-checkout", "post-merge", "post-rewrite", "reference-transaction", "post-index-change",
))  # fmt: skip
_SYSTEM = "file:/etc/gitconfig"  # can be read inside


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of what git says: `value` is None for a key that merely stands there."""

    scope: str
    origin: str
    key: str
    value: str | None


@dataclass(frozen=True, slots=True)
class GitConfig:
    """What a git inside has to be told: `text` of a file, `spoken` by variables; `files` and `hooks` it must see."""

    text: str = ""
    spoken: tuple[tuple[str, str], ...] = ()
    files: tuple[Path, ...] = ()
    hooks: Path | None = None  # a folder outside the repository

    @property
    def environ(self) -> dict[str, str]:
        """The variables that say again what variables said."""
        if not self.spoken:
            return {}
        pairs = enumerate(self.spoken)
        said = {f"GIT_CONFIG_{kind}_{n}": one[part] for n, one in pairs for part, kind in ((0, "KEY"), (1, "VALUE"))}
        return {"GIT_CONFIG_COUNT": str(len(self.spoken)), **said}


def read_git_config(root: Path, environ: Mapping[str, str], written: Iterable[Path] = ()) -> GitConfig:
    """Return the person's configuration as it holds in the project's root; empty where git cannot say it.

    No git is asked that lies there, or in one of the folders that agents may write besides.
    """
    written = (root, *written)
    program = find_program("git", environ, *written)
    if not program or find_endless(find_git(root)[1]) is not None:
        return GitConfig()
    env = {**environ, "PATH": path_outside(environ.get("PATH", os.defpath), *written), "LC_ALL": "C"}
    said = capture((program, "config", "--list", "--null", "--show-scope", "--show-origin"), cwd=root, env=env)
    if said.code != 0:
        return GitConfig()
    entries = list(parse_entries(os.fsdecode(said.stdout)))
    theirs = [one for one in entries if not _is_seen_inside(one, root) and is_told(one.key, one.value)]
    text = compose_file((one.key, one.value) for one in theirs)
    if not {"user.name", "user.email"} <= {one.key for one in entries}:
        who = capture((program, "var", "GIT_AUTHOR_IDENT"), cwd=root, env=env)
        text = compose_file(_identity(os.fsdecode(who.stdout) if who.code == 0 else "")) + text
    spoken = [(one.key, one.value or "") for one in theirs if one.scope == "command"]
    values = {one.key: one.value or "" for one in entries if one.scope not in ("local", "worktree")}
    home = Path(environ.get("HOME", "/nonexistent"))
    around = Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "git"
    named = [_expand(values[key], home) for key in _FILES if values.get(key)]
    hooks = next((_expand(one.value or "", home) for one in reversed(entries) if one.key == "core.hookspath"), None)
    return GitConfig(
        text=text,
        spoken=tuple(spoken),
        files=tuple(one for one in (*named, around / "ignore", around / "attributes") if one.is_absolute()),
        hooks=hooks if hooks is not None and hooks.is_absolute() and files.is_dir(hooks) else None,
    )


def holds_hooks(folder: Path) -> bool:
    """Return whether a folder holds a hook of git."""
    try:
        return not _HOOKS.isdisjoint(os.listdir(folder))  # noqa: PTH208
    except OSError:
        return False


def parse_entries(said: str) -> Iterable[Entry]:
    """Yield what `git config --list --null --show-scope --show-origin` says."""
    words = said.split("\0")
    for scope, origin, line in zip(words[::3], words[1::3], words[2::3], strict=False):
        key, separator, value = line.partition("\n")
        yield Entry(scope, origin, key, value if separator else None)


def is_told(key: str, value: str | None) -> bool:
    """Return whether a git inside is told a setting: nothing that runs a program of the person's, or is a secret."""
    return not _PROGRAMS.fullmatch(key) and not _SECRETS.search(key) and not _SECRETS.search(value or "")


def compose_file(pairs: Iterable[tuple[str, str | None]]) -> str:
    """Return settings as a file that git reads, in their order."""
    return "".join(_section(*pair) for pair in pairs)


def _section(key: str, value: str | None) -> str:
    section, _, rest = key.partition(".")
    middle, _, name = rest.rpartition(".")
    inner = f' "{_escape(middle)}"' if middle else ""
    told = "" if value is None else ' = "' + _escape(value).replace("\n", "\\n").replace("\t", "\\t") + '"'
    return f"[{section}{inner}]\n\t{name}{told}\n"


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _identity(said: str) -> list[tuple[str, str | None]]:
    """Return who git would take for the author where no file says it: by variables, or by the machine's own names."""
    name, _, rest = said.partition(" <")
    mail = rest.partition(">")[0]
    return [("user.name", name), ("user.email", mail)] if name and mail else []


def _is_seen_inside(entry: Entry, root: Path) -> bool:
    """Whether git reads an entry inside as well: from the system's file, or from a file of the repository's.

    A repository's file is named relative to the root; one that it includes from elsewhere by its whole path.
    """
    if entry.scope not in ("local", "worktree"):
        return entry.origin == _SYSTEM
    name = entry.origin.removeprefix("file:")
    path = Path(root, name)
    return "/.git/" in f"{path}" or path.is_relative_to(root)


def _expand(value: str, home: Path) -> Path:
    return home / value[2:] if f"{value}/".startswith("~/") else files.expand_home(value)
