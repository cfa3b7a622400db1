"""What of this machine a sandbox lets in: the project and its repository, tools, our own Python; never credentials."""

from __future__ import annotations

import os
import shutil
import site
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import harness
from harness.domain.agent import AllAgents
from harness.sandbox.bubblewrap import Mounts
from harness.settings.load import Config
from harness.system.command import Command
from harness.workspace.quarantine import GUARDED_OF_GIT, find_git, guarded_paths, real_path

# Where tools live that are not of the system, besides what PATH says; of each, what holds a credential is masked.
_TOOL_VARIABLES = ("VIRTUAL_ENV", "CONDA_PREFIX", "PYENV_ROOT", "NVM_DIR", "CARGO_HOME", "RUSTUP_HOME", "GOROOT",
                   "GOPATH", "JAVA_HOME")  # fmt: skip
_TOOL_FOLDERS = (".pyenv", ".nvm", ".rustup", ".cargo", ".asdf", ".bun", ".deno", ".volta", ".sdkman/candidates",
                 ".local/share/pipx", ".local/share/uv", ".local/share/mise",
                 ".local/share/pnpm", ".local/share/fnm", ".local/pipx", ".local/lib")  # fmt: skip
_CREDENTIALS = ("credentials", "credentials.toml", ".npmrc", ".pypirc", ".netrc", ".credentials.json", "auth.json")
_IDENTITY = (".gitconfig", ".config/git/config", ".config/git/ignore", ".config/git/attributes")
AUTHORITIES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
_SHALLOW = (".local", ".config", ".cache")  # folders of a home that hold more than tools


def find_mounts(config: Config, environ: Mapping[str, str], *, root: Path, home: Path, agents: AllAgents) -> Mounts:
    """Return what every command inside sees, the agent's own files and logs/ left out."""
    settings, paths = config.settings, config.paths
    top, gits = find_git(root)
    named = [root / name for name in (settings.order_file, settings.template, settings.script) if name]
    guarded = [paths.specs, *named, *_find_worktrees(gits)]
    for git in gits:
        guarded += [git / name for name in GUARDED_OF_GIT]
    if (top / ".git").is_file():
        guarded.append(top / ".git")  # where git looks for the repository
    tools = find_tools(environ, home, root, agents.installed)
    prefix = real_path(sys.prefix)
    if prefix.is_relative_to(root) and real_path(harness.__file__).is_relative_to(prefix):
        guarded.append(prefix)  # harness itself would run what is written there
    obeyed = guarded_paths(root, agents.guarded)
    plain = [path for path in obeyed if real_path(path) == path]  # a link there may be an agent's
    within = tuple(dict.fromkeys((root, top, *gits)))
    return Mounts(
        workspace=root,
        writable=existing(
            (*gits, *_without_links_out((_expand(path, root, home) for path in settings.sandbox_write), within))
        ),
        readable=existing(
            ([top] if top != root else [])
            + [*tools, *find_python(), *(home / name for name in _IDENTITY)]
            + list(_without_links_out((_expand(path, root, home) for path in settings.sandbox_read), within))
        ),
        protected=existing([*plain, *_real_paths_to_protect(guarded, within, real_path(paths.logs))]),
        masked=existing(tool / name for tool in tools for name in _CREDENTIALS),
        shortcuts=tuple((name, os.readlink(f"/{name}")) for name in _links_at_root()),  # noqa: PTH115
        network=settings.sandbox_network == "host",
        proc_sys=os.geteuid() == 0,
    )


def _without_links_out(paths: Iterable[Path], within: tuple[Path, ...]) -> Iterator[Path]:
    """Leave out what lies in folders that an agent writes and leads out of them by a link: it may be an agent's."""
    for path in paths:
        real = real_path(path)
        if not any(path.is_relative_to(one) for one in within) or any(real.is_relative_to(one) for one in within):
            yield path


def _real_paths_to_protect(paths: Iterable[Path], within: tuple[Path, ...], logs: Path) -> Iterator[Path]:
    """Yield what is to be held; behind a link that stays within, never logs/ nor a folder that holds all the others."""
    for path in _without_links_out(paths, within):
        real = real_path(path)
        broad = real.is_relative_to(logs) or any(one.is_relative_to(real) for one in (*within, logs))
        if real == path or not broad:
            yield real


def _find_worktrees(gits: list[Path]) -> list[Path]:
    """Return what other worktrees of a repository keep in it: all of them, or each, where we are in none ourselves."""
    if len(gits) > 1:
        return [gits[1].parent]
    found = []
    for git in gits:
        with suppress(OSError), os.scandir(git / "worktrees") as entries:
            found += sorted(Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False))
    return found


def find_tools(environ: Mapping[str, str], home: Path, root: Path, of_agents: Iterable[str] = ()) -> list[Path]:
    """Return the folders of tools that are not of the system: what PATH names, with the folder around a `bin`.

    `of_agents` are folders of the home where agents are installed.
    """
    found = []
    for entry in environ.get("PATH", "").split(os.pathsep):
        if entry.startswith("/") and not entry.startswith(("/usr/", "/opt/", "/bin", "/sbin")):
            folder = real_path(entry)
            if Path(entry).is_relative_to(root):  # it is seen anyway, and a link out of the project may be an agent's
                continue
            around = folder.parent
            whole = folder.name in ("bin", "sbin", "shims") and _is_narrow(around, home, root)
            found.append(around if whole else folder)
    named = [Path(environ[name]) for name in _TOOL_VARIABLES if environ.get(name, "").startswith("/")]
    found += [real_path(path) for path in named if not path.is_relative_to(root)]
    found += [home / name for name in (*_TOOL_FOLDERS, *of_agents)]
    return list(dict.fromkeys(path for path in found if _is_narrow(path, home, root)))


def _is_narrow(path: Path, home: Path, root: Path) -> bool:
    """Whether a folder holds tools alone: neither a home, nor the project, nor half of the machine."""
    broad = {*map(Path, ("/", "/usr", "/home", "/tmp", "/var")), *(home / name for name in _SHALLOW)}
    return path not in broad and not root.is_relative_to(path) and not home.is_relative_to(path)


def find_python() -> list[Path]:
    """Return what our own Python needs to run a program of ours: its prefixes, its packages, and harness itself."""
    packages = [*site.getsitepackages(), *([site.getusersitepackages()] if site.ENABLE_USER_SITE else [])]
    ours = Path(harness.__file__).parent
    folders = [sys.prefix, sys.base_prefix, sys.exec_prefix, *packages, ours, ours.parent / "templates"]
    return [Path(folder) for folder in dict.fromkeys(map(str, folders)) if folder not in ("/usr", "/")]


def named_files(argv: Iterable[str]) -> list[Path]:
    """Return the files that a command line names: a script, a configuration."""
    return [Path(word) for word in argv if word.startswith("/") and len(word) < 4096 and Path(word).is_file()]


def program_of(command: Command, home: Path) -> list[Path]:
    """Return where the program of a command lies in truth, behind its links: the file, or its whole node_modules."""
    found = shutil.which(command.argv[0], path=command.env.get("PATH"))
    if found is None:
        return []
    real = real_path(found)
    for folder in reversed(real.parents):
        if folder.name == "node_modules":
            return [folder]
    return [] if real.is_relative_to("/usr") else [real]


def _expand(path: str, root: Path, home: Path) -> Path:
    """Return a path of the settings: below the project, or the home for `~`."""
    return home / path[2:] if path.startswith("~/") else root / path


def existing(paths: Iterable[Path], besides: Collection[Path] = ()) -> tuple[Path, ...]:
    """Return the paths that are there and that we may see, each once, without those in `besides`."""
    there = (path for path in paths if path not in besides and os.path.exists(path))  # noqa: PTH110  what we may not see is not there
    return tuple(dict.fromkeys(there))


def _links_at_root() -> list[str]:
    with os.scandir("/") as entries:
        return sorted(entry.name for entry in entries if entry.is_symlink() and entry.name in
                      ("bin", "sbin", "lib", "lib32", "lib64", "libx32"))  # fmt: skip
