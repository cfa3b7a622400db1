"""What an agent loads from the repository on its own: instructions, settings, and hooks that it runs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from harness.agents import claude
from harness.agents.table import AGENTS, AUTO
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
        if not files.is_file(root / name):
            continue
        hooks = _find_hooks(root / name) if name.endswith(".json") else ()
        found.append(name + (f" (hooks that will be executed: {', '.join(hooks)})" if hooks else ""))
    return found


def find_obeyed(agents: Sequence[str], root: Path, setting_sources: str) -> list[tuple[str, bytes]]:
    """Return the settings in a project that these agents obey, each with what of it counts.

    Permissions do not: agents work without asking for any, and a person changes them with every tool that is allowed.
    """
    found: dict[str, bytes] = {}
    sources = {one.strip() for one in setting_sources.split(",")} if setting_sources else _OF_A_PROJECT
    for agent in agents:
        profile = AGENTS.get(claude.PROFILE.name if agent == AUTO else agent)
        if profile is None or (profile.loads.by_source and not _OF_A_PROJECT & sources):
            continue
        for name in profile.loads.settings:
            if files.is_file(root / name) and (content := _without_permissions(files.read_text(root / name))):
                found[name] = content
    return list(found.items())


def find_steering() -> frozenset[str]:
    """Return the names of files and folders, at any depth, by which a project tells some agent what to do."""
    loads = [profile.loads for profile in AGENTS.values()]
    return frozenset(name.partition("/")[0] for one in loads for name in (*one.instructions, *one.settings))


def _without_permissions(text: str) -> bytes:
    """Return what settings say besides permissions; b"" for nothing."""
    try:
        settings = json.loads(text)
    except (ValueError, RecursionError):
        return text.encode()
    if isinstance(settings, dict):
        settings = {name: value for name, value in settings.items() if name not in ("permissions", "$schema")}
    return json.dumps(settings, sort_keys=True).encode() if settings else b""


def _find_hooks(path: Path) -> tuple[str, ...]:
    try:
        settings = json.loads(files.read_text(path, _SETTINGS_LIMIT))
    except (ValueError, RecursionError):
        return ()
    hooks = settings.get("hooks") if isinstance(settings, dict) else None
    return tuple(sorted(map(str, hooks))) if isinstance(hooks, dict) else ()
