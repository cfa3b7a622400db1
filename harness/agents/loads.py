"""What an agent loads from the repository on its own: instructions, settings, and hooks that it runs."""

from __future__ import annotations

import json
from pathlib import Path

from harness.agents.table import AGENTS
from harness.system import files

_SETTINGS_LIMIT = 1 << 20  # bytes
_OF_A_PROJECT = {"project", "local"}  # the words of `setting_sources`


def find_loaded(agent: str, root: Path, setting_sources: str) -> list[str]:
    """Return a line per file that the agent would load; hooks are named, because they are executed."""
    if agent not in AGENTS:  # `auto`, and nobody was found
        return []
    loads = AGENTS[agent].loads
    sources = {one.strip() for one in setting_sources.split(",")} if setting_sources else _OF_A_PROJECT
    if loads.by_source and not _OF_A_PROJECT & sources:
        return []
    found = []
    for name in (*loads.instructions, *loads.settings):
        if not (root / name).is_file():
            continue
        hooks = _find_hooks(root / name) if name.endswith(".json") else ()
        found.append(name + (f" (hooks that will be executed: {', '.join(hooks)})" if hooks else ""))
    return found


def _find_hooks(path: Path) -> tuple[str, ...]:
    try:
        settings = json.loads(files.read_text(path, _SETTINGS_LIMIT))
    except ValueError:
        return ()
    hooks = settings.get("hooks") if isinstance(settings, dict) else None
    return tuple(sorted(map(str, hooks))) if isinstance(hooks, dict) else ()
