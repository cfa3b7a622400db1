"""A command that sets a clean checkout up: what of a commit it depends on. Pure.

Sources: the manuals of npm, pnpm, yarn, bun, uv, poetry, PDM, Bundler, Composer, Go and Cargo.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from harness.domain.check_command import split_commands

# What installs what lock files name, and the flag with which it runs nothing of the project's own.
_INSTALLS = {
    "npm ci": "--ignore-scripts", "npm install": "--ignore-scripts", "pnpm install": "--ignore-scripts",
    "yarn install": "--ignore-scripts", "bun install": "--ignore-scripts", "composer install": "--no-scripts",
    "uv sync": "--no-install-project", "poetry install": "--no-root", "pdm install": "--no-self",
    "bundle install": "", "go mod download": "", "cargo fetch": "",
}  # fmt: skip
_BY_PACKAGE_JSON = ("npm ", "pnpm ", "yarn ", "bun ")
_OWN_CODE = re.compile(r'"(?:(?:pre|post)?install|(?:pre|post)?prepare)"\s*:')
# A dependency that lies in the project itself: npm's, uv's, Poetry's and PDM's, Bundler's, Composer's.
_OF_THE_PROJECT = re.compile(
    r"""\b(?:file|link|portal):|"type"\s*:\s*"path"|\b(?:editable|directory)\s*=\s*"(?!\.")|\bpath\s*=\s*["']"""
    r"""|\btype\s*=\s*"directory"|^\s*gemspec\b|\bpath(?::|\s*=>)|^PATH$|file:///\$\{PROJECT_ROOT\}""",
    re.MULTILINE,
)
_NAMES = {
    "package.json", "package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "pnpm-workspace.yaml", "yarn.lock",
    ".npmrc", ".yarnrc", ".yarnrc.yml", ".pnpmfile.cjs", "bun.lock", "bun.lockb", "bunfig.toml",
    "composer.json", "composer.lock", "pyproject.toml", "uv.lock", "uv.toml", "poetry.lock", "pdm.lock",
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


def depends_on_manifests(command: str, manifests: Iterable[str]) -> bool:
    """Whether a command makes the same of all trees with the same lock files and manifests.

    Said only of what is certain: an install by a package manager that, by the texts of the manifests, runs no code of
    the project and copies none; any other command may depend on all that is there.
    """
    try:
        parts = [words for _, words in split_commands(command) if words]
    except ValueError:
        return False
    install = next((one for one in _INSTALLS if len(parts) == 1 and f"{' '.join(parts[0])} ".startswith(f"{one} ")), "")
    flags = parts[0][len(install.split()) :] if install else ()
    if not install or not all(flag.startswith("-") for flag in flags):
        return False
    texts = tuple(manifests)
    if any(map(_OF_THE_PROJECT.search, texts)):
        return False
    if _INSTALLS[install] in ("", *flags):
        return True
    return install.startswith(_BY_PACKAGE_JSON) and not any(map(_OWN_CODE.search, texts))
