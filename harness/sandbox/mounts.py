"""What of this machine a sandbox lets in: the project and its repository, tools, our own Python; never credentials."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from harness.domain.agent import AllAgents
from harness.domain.errors import TrustError
from harness.records.trust_file import trust_file
from harness.sandbox.bubblewrap import Mounts
from harness.sandbox.tools import find_credentials, find_own_code, find_python, find_tools, is_narrow
from harness.settings.load import Config
from harness.system import files
from harness.workspace.git_config import GitConfig, holds_hooks
from harness.workspace.held_out import find_held_out
from harness.workspace.quarantine import GUARDED_OF_GIT, guarded_paths
from harness.workspace.repositories import find_git, real_path

OF_ANOTHER_TREE = ("HEAD", "index", "ORIG_HEAD", "logs/HEAD")  # in the repository of a linked worktree
AUTHORITIES = (
    "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "GIT_SSL_CAINFO",
    "PIP_CERT", "CARGO_HTTP_CAINFO", "DENO_CERT",
)  # fmt: skip


def find_mounts(
    config: Config, environ: Mapping[str, str], *, root: Path, home: Path, agents: AllAgents, git_config: GitConfig
) -> Mounts:
    """Return what every command inside sees, the agent's own files and logs/ left out."""
    settings, paths = config.settings, config.paths
    top, gits = find_git(root)
    named = [root / name for name in (settings.order_file, settings.template, settings.script) if name]
    guarded = [paths.specs, *named, *_find_worktrees(gits)]
    for git in gits:
        guarded += [git / name for name in GUARDED_OF_GIT]
    guarded += [gits[0] / name for name in OF_ANOTHER_TREE] if len(gits) > 1 else []
    if files.is_file(top / ".git"):
        guarded.append(top / ".git")  # where git looks for the repository
    tools = find_tools(environ, home, root, agents.installed)
    hooks = visible_hooks(git_config, home, root)
    hidden = list(find_credentials((*tools, *hooks), environ, root, hooks))
    obeyed = guarded_paths(root, agents.guarded)
    plain = [path for path in obeyed if real_path(path) == path or files.is_file(path)]
    within = tuple(dict.fromkeys((root, top, *gits)))
    written = list(_without_links_out((_expand(path, root, home) for path in settings.sandbox_write), within))
    guarded += find_own_code((root, *written))
    return Mounts(
        workspace=root,
        writable=existing((*gits, *written)),
        readable=existing(
            ([top] if top != root else [])
            + [*tools, *find_python(), *hooks, *git_config.files]
            + list(_without_links_out((_expand(path, root, home) for path in settings.sandbox_read), within))
        ),
        protected=existing(
            [
                *_real_paths_to_protect([*plain, *guarded], within, real_path(paths.logs)),
                *_find_trust(root, environ, written),
            ]
        ),
        masked=tuple(Path(one.path) for one in hidden if not one.is_dir()),
        emptied=(*(Path(one.path) for one in hidden if one.is_dir()), *find_held_out(real_path(paths.specs))),
        shortcuts=tuple((name, os.readlink(f"/{name}")) for name in _links_at_root()),  # noqa: PTH115
        network=settings.sandbox_network == "host",
        proc_sys=os.geteuid() == 0,
    )


def visible_hooks(git_config: GitConfig, home: Path, root: Path) -> tuple[Path, ...]:
    """Return the folder outside the project that git's hooks are in, where it can be shown: () for none."""
    hooks = git_config.hooks
    shown = hooks is not None and is_narrow(real_path(hooks), home, root) and holds_hooks(hooks)
    return (hooks,) if shown and hooks is not None else ()


def _find_trust(root: Path, environ: Mapping[str, str], writable: Iterable[Path]) -> Iterator[Path]:
    """Yield the folder that holds what a person trusts, which is made, where a folder that can be written holds it."""
    with suppress(TrustError):
        folder = trust_file(root, environ).parent
        if any(folder.is_relative_to(real_path(path)) for path in writable if files.exists(path)):
            files.make_folder(folder, mode=0o700)  # what is not there cannot be held
            yield folder


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
    """Return the folder where a repository keeps its other worktrees: one, however many an agent makes."""
    return [gits[1].parent] if len(gits) > 1 else [git / "worktrees" for git in gits]


def _expand(path: str, root: Path, home: Path) -> Path:
    """Return a path of the settings: below the project, or the home for `~`; `..` goes up as it is written."""
    return Path(os.path.normpath(home / path[2:] if path.startswith("~/") else root / path))


def existing(paths: Iterable[Path], besides: Collection[Path] = ()) -> tuple[Path, ...]:
    """Return the paths that are there and that we may see, each once, without those in `besides`."""
    there = (path for path in paths if path not in besides and files.exists(path))
    return tuple(dict.fromkeys(there))


def _links_at_root() -> list[str]:
    with os.scandir("/") as entries:
        return sorted(entry.name for entry in entries if entry.is_symlink() and entry.name in
                      ("bin", "sbin", "lib", "lib32", "lib64", "libx32"))  # fmt: skip
