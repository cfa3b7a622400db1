"""What of a person's environment would lead git or temporary files elsewhere: set aside before anything is read."""

from __future__ import annotations

import os
import re
from collections.abc import MutableMapping
from pathlib import Path

from harness.domain.errors import StorageError
from harness.domain.text import listed
from harness.run.temporary import is_within
from harness.settings.load import find_root
from harness.system import files
from harness.workspace.repositories import find_git, real_path

# git(1), "Environment Variables", and `git rev-parse --local-env-vars`: where git works, on what, and what it writes
# besides. A hook, an alias or a shell that worked elsewhere leaves them behind.
_STEERS_GIT = re.compile(
    r"GIT_(DIR|WORK_TREE|IMPLICIT_WORK_TREE|COMMON_DIR|INDEX_FILE|INDEX_VERSION|OBJECT_DIRECTORY"
    r"|ALTERNATE_OBJECT_DIRECTORIES|QUARANTINE_PATH|NAMESPACE|CEILING_DIRECTORIES|DISCOVERY_ACROSS_FILESYSTEM"
    r"|INTERNAL_SUPER_PREFIX|SHALLOW_FILE|GRAFT_FILE|REPLACE_REF_BASE|NO_REPLACE_OBJECTS|REF_PARANOIA|ATTR_SOURCE"
    r"|CONFIG|(LITERAL|GLOB|NOGLOB|ICASE)_PATHSPECS|EXTERNAL_DIFF|DIFF_OPTS|DEFAULT_(HASH|REF_FORMAT)"
    r"|REDIRECT_(STDIN|STDOUT|STDERR)|CURL_VERBOSE|(TRACE|TEST)\w*)"
)
_TEMPORARY = ("TMPDIR", "TEMP", "TMP")


def set_aside(environ: MutableMapping[str, str], start: Path) -> list[str]:
    """Take out of `environ` what steers git, and temporary folders that cannot be used; returns what to say of it."""
    top = _find_top(start)
    steering = sorted(name for name in environ if _STEERS_GIT.fullmatch(name))
    useless = {name: why for name in _TEMPORARY if (why := _why_useless(environ.get(name, ""), top))}
    for name in (*steering, *useless):
        del environ[name]
    said = [f"`{name}` is set aside: it {why}" for name, why in useless.items()]
    if steering:
        names = listed(f"`{name}`" for name in steering)
        said.append(f"set aside: {names}; what git works on is found by the current folder alone")
    return said


def _find_top(start: Path) -> Path | None:
    """Return the folder of the project and its repository; None where it is closed, as the command itself will say."""
    try:
        return real_path(find_git(find_root(start))[0])
    except StorageError:
        return None


def _why_useless(folder: str, top: Path | None) -> str:
    """Return why a folder cannot hold temporary files; "" where it can, or none is given."""
    if not folder:
        return ""
    if not folder.startswith("/"):
        return "is not a full path"
    if top is not None and is_within(Path(folder), top):
        return "leads into the project"
    can_write = os.access(folder, os.W_OK | os.X_OK) and files.is_dir(Path(folder))
    return "" if can_write else "is no folder that you can write"
