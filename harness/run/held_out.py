"""What specs hold out from agents, and could be read by them all the same."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from harness.run.run import Run


def find_in_git(run: Run, folders: Iterable[Path]) -> list[str]:
    """Return which of the folders the last commit holds something of, from the top of the work tree."""
    if not run.workspace.has_git:
        return []
    top, names = run.workspace.top, run.workspace.commits.list_names("HEAD")
    inside = (str(folder.relative_to(top)) for folder in folders if folder.is_relative_to(top))
    return [one for one in inside if any(name.startswith(f"{one}/") for name in names)]
