"""What an agent loads from the repository by itself: instructions, settings, and hooks that it executes."""

from __future__ import annotations

import json
from pathlib import Path

from harness.system import files

_FILES = {
    "claude": ("CLAUDE.md", "CLAUDE.local.md", ".claude/settings.json", ".claude/settings.local.json", ".mcp.json"),
    "codex": ("AGENTS.md", ".codex/config.toml"),
    "gemini": ("GEMINI.md", ".gemini/settings.json"),
    "opencode": ("AGENTS.md", "opencode.json", "opencode.jsonc"),
}
_SETTINGS_LIMIT = 1 << 20  # bytes


def find_loaded(agent: str, root: Path, setting_sources: str) -> list[str]:
    """Return a line per file that the agent would load; hooks are named, because they are executed."""
    sources = [one.strip() for one in setting_sources.split(",")] if setting_sources else ["project", "local"]
    found = []
    for name in _FILES.get(agent, ()):
        if not (root / name).is_file() or (agent == "claude" and not {"project", "local"} & set(sources)):
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
