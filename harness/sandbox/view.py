"""What a person's commands find and those inside do not: programs on PATH, certificates, and what was downloaded."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from harness.domain.text import counted, list_some, listed, printable
from harness.sandbox.bubblewrap import Mounts
from harness.sandbox.mounts import AUTHORITIES
from harness.sandbox.tools import is_seen
from harness.system import files

SHOWN = 3  # programs that are named
# Where package managers keep what they downloaded, in a home: inside, each attempt finds none of it.
_CACHES = (
    ".cache/pip", ".cache/uv", ".cache/pypoetry", ".npm", ".cache/yarn", ".yarn/berry", ".local/share/pnpm/store",
    ".bun/install/cache", ".m2/repository", ".gradle/caches", ".ivy2", ".cache/coursier", ".nuget/packages",
    ".composer/cache", ".cache/composer", ".cache/pre-commit", ".cache/ms-playwright", ".cache/Cypress",
    ".cache/bazel", ".cache/go-build", ".cache/ccache", ".cache/sccache", ".cache/huggingface", ".gem", ".hex",
)  # fmt: skip


def find_differences(mounts: Mounts, environ: Mapping[str, str], home: Path) -> tuple[list[str], list[str]]:
    """Return what a check or an agent may miss, and what is merely downloaded again; a clause each."""
    missing = [*_say_programs(mounts, environ), *_say_certificates(mounts, environ)]
    caches = [f"`~/{name}`" for name in _CACHES if _holds(home / name) and not _shows(mounts, home / name)]
    return missing, [f"downloads of {listed(caches)}"] if caches else []


def _say_programs(mounts: Mounts, environ: Mapping[str, str]) -> Iterator[str]:
    for folder in dict.fromkeys(environ.get("PATH", os.defpath).split(os.pathsep)):
        if not folder.startswith("/") or _shows(mounts, Path(folder)):
            continue
        names = sorted(entry.name for entry in _list(Path(folder)) if _is_program(entry) and not _shows(mounts, entry))
        if names:
            shown = list_some(names, SHOWN)
            yield f"{counted(len(names), 'program')} of `{printable(folder)}`, which is on PATH ({shown})"


def _say_certificates(mounts: Mounts, environ: Mapping[str, str]) -> Iterator[str]:
    for name in AUTHORITIES:
        path = environ.get(name, "")
        if path.startswith("/") and files.exists(Path(path)) and not os.access(path, os.R_OK):
            yield f"`{path}`, which {name} names, and which you may not read"


def _list(folder: Path) -> list[Path]:
    with suppress(OSError):
        return [folder / name for name in os.listdir(folder)]  # noqa: PTH208
    return []


def _is_program(path: Path) -> bool:
    return files.is_file(path) and os.access(path, os.X_OK)


def _holds(folder: Path) -> bool:
    return files.is_dir(folder) and bool(_list(folder))


def _shows(mounts: Mounts, path: Path) -> bool:
    """Whether it is there inside: where it is, or where its link leads."""
    folders = (*mounts.readable, *mounts.writable, mounts.workspace)
    hidden = (*mounts.masked, *mounts.emptied)
    return is_seen(path, folders) and not any(path.is_relative_to(one) for one in hidden)
