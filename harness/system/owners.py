"""Who owns a file, and whether that is who runs: as git decides for `safe.directory`."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping
from pathlib import Path


def find_owner(path: Path, environ: Mapping[str, str]) -> int | None:
    """Return the uid of another user who owns the file, or what it leads to; None where it is ours, or not there.

    Root's own is ours too, and what belongs to who called sudo (git, `is_path_owned_by_current_uid`).
    """
    ours = {os.geteuid()}
    sudo = environ.get("SUDO_UID", "")
    if os.geteuid() == 0 and sudo.isascii() and sudo.isdigit():
        ours.add(int(sudo))
    for follow in (False, True):
        try:
            owner = os.stat(path, follow_symlinks=follow).st_uid  # noqa: PTH116 - both the link and what it leads to
        except OSError:
            return None
        if owner not in ours:
            return owner
    return None


def name_user(uid: int) -> str:
    """Return what a person calls that user: `alice` (uid 1000), or the number alone."""
    try:
        return f"`{pwd.getpwuid(uid).pw_name}` (uid {uid})"
    except KeyError:
        return f"uid {uid}"
