"""The secrets that a run knows: those of its environment and of the project's `.env` files."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from harness.domain.errors import StorageError
from harness.system import files
from harness.system.redact import Redactor, find_secrets, parse_env

LARGEST = 64 * 1024  # bytes of a .env file that are read
MOST = 100  # files that are read, those first that nobody touched for longest: an agent can make a million of them
_EXAMPLES = (".example", ".sample", ".template", ".dist", ".defaults")  # placeholders, not secrets


def read_redactor(root: Path, environ: Mapping[str, str]) -> Redactor:
    """Return the redactor for a project: what the environment says wins over a `.env*` file of the same name."""
    known: dict[str, str] = {}
    for path in sorted(sorted(root.glob(".env*"), key=_touched_at)[:MOST]):
        if path.is_file() and not path.name.endswith(_EXAMPLES):
            with suppress(StorageError):  # what we cannot read, an agent that runs as we do cannot print
                known |= find_secrets(parse_env(files.read_text(path, LARGEST)))
    found = find_secrets(environ)
    return Redactor({**{name: value for name, value in known.items() if name not in found}, **_renamed(known, found)})


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
