"""The secrets that a run knows: those of its environment and of the project's `.env` files."""

from __future__ import annotations

import codecs
from collections.abc import Collection, Mapping
from contextlib import suppress
from itertools import islice
from pathlib import Path

from harness.domain.errors import StorageError
from harness.system import files
from harness.system.redact import Redactor, find_secrets, parse_env

LARGEST = 1 << 20  # bytes of a .env file that are read
MOST = 100  # files that are read, those first that nobody touched for longest: an agent can make a million of them
MOST_VALUES = 500  # secrets that are taken from files: each is looked for in a dozen forms, in all that is written
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_EXAMPLES = (".example", ".sample", ".template", ".dist", ".defaults")  # placeholders, not secrets


def find_env_files(root: Path) -> list[Path]:
    """Return the `.env*` files of a project, also what is no file, those first that nobody touched for longest."""
    return sorted((path for path in root.glob(".env*") if not path.name.endswith(_EXAMPLES)), key=_touched_at)


def read_redactor(root: Path, environ: Mapping[str, str], passed_over: Collection[str] = ()) -> Redactor:
    """Return the redactor for a project: what the environment says wins over a `.env*` file of the same name.

    Files that are named in `passed_over` are not believed. What is not read to its end, the redactor knows.
    """
    known: dict[str, str] = {}
    believed = [path for path in find_env_files(root) if files.is_file(path) and path.name not in passed_over]
    unread = [path.name for path in believed[MOST:]]
    for path in sorted(believed[:MOST]):
        with suppress(StorageError):  # what we cannot read, an agent that runs as we do cannot print
            text = _decode(files.read_span(path, 0, LARGEST))
            found = {name: value for name, value in find_secrets(parse_env(text)).items() if name not in known}
            known |= islice(found.items(), MOST_VALUES - len(known))
            if files.size_of(path) > LARGEST or not found.keys() <= known.keys():
                unread.append(path.name)
    said = find_secrets(environ)
    own = {**{name: value for name, value in known.items() if name not in said}, **_renamed(known, said)}
    return Redactor(own, unread=tuple(unread))


def read_own_redactor(environ: Mapping[str, str]) -> Redactor:
    """Return the redactor for what a person wrote, a spec above all: no file says which of its words are hidden."""
    return Redactor(find_secrets(environ))


def _decode(content: bytes) -> str:
    """Return the text, in UTF-16 too: so PowerShell writes it."""
    return content.decode("utf-16" if content.startswith(_UTF_16) else "utf-8", "replace")


def _touched_at(path: Path) -> int:
    """Return when anything about the file last changed; this cannot be set back, as a time of writing can."""
    try:
        return path.lstat().st_ctime_ns
    except FileNotFoundError:
        return 0


def _renamed(known: Mapping[str, str], found: Mapping[str, str]) -> dict[str, str]:
    """Return both values where a file and the environment differ about a name."""
    twice = {f"{name} in .env": value for name, value in known.items() if name in found and value != found[name]}
    return {**found, **twice}
