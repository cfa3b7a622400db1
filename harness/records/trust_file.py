"""What a person trusts a project with: a file for each project in the person's own folder of state, outside of it.

It holds digests alone. Inside the sandbox that folder is not there; an agent without a sandbox could write to it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping
from hashlib import sha256
from pathlib import Path

from harness.domain.errors import StorageError, TrustError
from harness.system import files
from harness.system.owners import find_owner

ONCE = "`--trust` or `HARNESS_TRUST=1` trusts it for one command"


def trust_file(root: Path, environ: Mapping[str, str]) -> Path:
    """Return where it lies. Raises TrustError where there is no such place, or the project holds it."""
    real = Path(os.path.realpath(root))
    state, home = environ.get("XDG_STATE_HOME", ""), environ.get("HOME", "")
    if not state.startswith("/"):
        if not home.startswith("/"):
            raise TrustError("there is no home folder to remember in what you trust", ONCE)
        state = f"{home}/.local/state"
    folder = Path(os.path.realpath(state)) / "harness" / "trust"
    if folder.is_relative_to(real):
        raise TrustError(f"`{folder}` lies in the project, where an agent could write what you trust", ONCE)
    return folder / f"{sha256(os.fsencode(real)).hexdigest()[:32]}.json"


def read_trusted(root: Path, environ: Mapping[str, str]) -> frozenset[str]:
    """Return the digests of what is trusted; none where nobody can have said so but the person."""
    try:
        path = trust_file(root, environ)
        if find_owner(path, environ) is not None:
            return frozenset()
        said = json.loads(files.read_text(path, 16 << 20) or "{}")
    except (TrustError, StorageError, ValueError):
        return frozenset()
    listed = said.get("trusted") if isinstance(said, dict) and said.get("project") == os.path.realpath(root) else None
    return frozenset(one for one in listed if isinstance(one, str)) if isinstance(listed, list) else frozenset()


def write_trusted(root: Path, digests: Collection[str], environ: Mapping[str, str]) -> Path:
    """Remember these and no others, readable for the person alone; returns where."""
    path = trust_file(root, environ)
    try:
        files.make_folder(path.parent, mode=0o700)
        document = {"project": os.path.realpath(root), "trusted": sorted(digests)}
        files.write_atomic(path, json.dumps(document, indent=1) + "\n", mode=0o600)
    except StorageError as error:
        raise TrustError(error.message, ONCE) from error
    return path


def forget_trusted(root: Path, environ: Mapping[str, str]) -> bool:
    """Trust the project with nothing any more; whether anything was trusted."""
    path = trust_file(root, environ)
    known = files.exists(path)
    files.remove(path)
    return known
