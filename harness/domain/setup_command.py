"""A command that sets a clean checkout up: what of a commit it depends on. Pure.

Sources: the manuals of npm, uv, Poetry, Bundler, Go and Cargo.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from harness.domain.check_command import split_commands
from harness.domain.manifests import is_from_registry


@dataclass(frozen=True, slots=True)
class _Install:
    """A command that installs what a lock file names, one of `locks`, as manifests want it.

    It is known with these flags alone: the one that it `must` have, and what matches `may`. With `quiet` among them it
    runs no scripts. Where a tracked file matches `never` it does more than that.
    """

    locks: tuple[str, ...]
    manifests: tuple[str, ...]
    may: str = "(?!)"
    must: str = ""
    quiet: str = ""
    never: str = "(?!)"


_SAID = re.compile(r"--(?:quiet|silent|verbose|no-progress|no-color|no-interaction|offline)|-[qsv]")
_NPM = _Install(
    ("package-lock.json", "npm-shrinkwrap.json"),
    ("package.json", ".npmrc"),
    may=r"--(?:no-audit|no-fund|no-update-notifier|audit=false|fund=false|prefer-offline|legacy-peer-deps)"
    r"|--(?:loglevel|include|omit)=\w+",
    quiet="--ignore-scripts",
    never=r"(?:.*/)?binding\.gyp",
)
_INSTALLS = {
    "npm ci": _NPM,
    "npm install": _NPM,
    "uv sync": _Install(
        ("uv.lock",),
        ("pyproject.toml",),
        may=r"--(?:frozen|locked|dev|no-dev|all-extras|all-groups|(?:extra|group|no-group|only-group)=[\w-]+)",
        must="--no-install-project",
        never=r"(?:.*/)?uv\.toml",
    ),
    "poetry install": _Install(
        ("poetry.lock",),
        ("pyproject.toml",),
        may=r"--(?:sync|all-extras|all-groups|(?:with|without|only|extras)=[\w,-]+)",
        must="--no-root",
    ),
    "bundle install": _Install(
        ("Gemfile.lock",), ("Gemfile",), may=r"--(?:jobs|retry)=\d+", never=r"(?:.*/)?\.bundle/.*"
    ),
    "go mod download": _Install(("go.mod",), ()),
    "cargo fetch": _Install(
        ("Cargo.lock",), ("rust-toolchain", "rust-toolchain.toml"), may="--locked", never=r"(?:.*/)?\.cargo/.*"
    ),
}
_NAMES = {
    "package.json", "package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "pnpm-workspace.yaml", "yarn.lock",
    ".npmrc", ".yarnrc", ".yarnrc.yml", ".pnpmfile.cjs", "bun.lock", "bun.lockb", "bunfig.toml",
    "composer.json", "composer.lock", "pyproject.toml", "uv.lock", "uv.toml", "poetry.lock", "poetry.toml", "pdm.lock",
    "Gemfile", "Gemfile.lock", "go.mod", "go.sum", "go.work", "go.work.sum", "Cargo.toml", "Cargo.lock",
    ".node-version", ".nvmrc", ".python-version", ".ruby-version", ".tool-versions", "mise.toml",
    "rust-toolchain", "rust-toolchain.toml",
}  # fmt: skip


# By the lock file that is there: what installs what it names.
_BY_LOCK = {
    "package-lock.json": "npm ci", "npm-shrinkwrap.json": "npm ci", "pnpm-lock.yaml": "pnpm install --frozen-lockfile",
    "yarn.lock": "yarn install", "bun.lock": "bun install", "uv.lock": "uv sync", "poetry.lock": "poetry install",
    "pdm.lock": "pdm install", "Gemfile.lock": "bundle install", "composer.lock": "composer install",
}  # fmt: skip


def suggest_setup(is_there: Callable[[str], bool]) -> str:
    """Return a command that may set the project up, by the lock file that it has; "" where it has none."""
    return next((command for lock, command in _BY_LOCK.items() if is_there(lock)), "")


def is_manifest(name: str) -> bool:
    """Whether a file says what is to be installed: a lock file, what it is made from, or a version of a language."""
    last = name.rpartition("/")[2]
    return last in _NAMES or last.endswith(".gemspec")


def depends_on_manifests(command: str, tracked: Collection[str], manifests: Mapping[str, str]) -> bool:
    """Whether a command makes the same of all trees with the same lock files and manifests.

    Said only where it is known: of an install that has all from a registry, by the names of tracked files and the texts
    of the manifests. Any other command may run or read all that is there.
    """
    try:
        parts = [words for _, words in split_commands(command) if words]
    except ValueError:
        return False
    words = parts[0] if len(parts) == 1 else ()
    size = next((size for size in (2, 3) if " ".join(words[:size]) in _INSTALLS), 0)
    if not size:
        return False
    install, flags = _INSTALLS[" ".join(words[:size])], words[size:]
    known = (
        one in (install.must, install.quiet) or re.fullmatch(install.may, one) or _SAID.fullmatch(one) for one in flags
    )
    if not all(known) or (install.must and install.must not in flags):
        return False
    if any(re.fullmatch(install.never, name) for name in tracked):
        return False
    read = {
        name: text for name, text in manifests.items() if name.rpartition("/")[2] in install.manifests + install.locks
    }
    has_lock = any(name.rpartition("/")[2] in install.locks for name in read)
    scripts = install.quiet not in flags
    return has_lock and all(is_from_registry(name, text, scripts=scripts) for name, text in read.items())
