"""The programs that Claude Code's settings name: its hooks, its key helpers, its MCP servers."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from harness.domain.agent import Named
from harness.system import files

_LIMIT = 16 << 20  # bytes of a file
_BESIDE = 200  # files in ~/.claude/hooks
_HELPERS = ("apiKeyHelper", "awsAuthRefresh", "awsCredentialExport", "otelHeadersHelper")
_PROGRAMS = (".sh", ".bash", ".zsh", ".py", ".js", ".mjs", ".cjs", ".ts", ".rb", ".pl", ".php")
_PATH = re.compile(r"(?:(?<=^)|(?<=[\s\"'=;|&(]))(?:~|\$HOME|\$\{HOME\})?/[^\s\"';|&<>()$`]+")


def find_named(home: Path, root: Path, setting_sources: str) -> tuple[Named, ...]:
    """Return the programs that exist and that settings name, the person's own first; what lies beside their hooks."""
    sources = {one.strip() for one in setting_sources.split(",")} if setting_sources else {"user", "project", "local"}
    found: list[Named] = []
    if "user" in sources:
        found += _of_settings(home / ".claude/settings.json", "~/.claude/settings.json", home, own=True)
        beside = islice((home / ".claude/hooks").rglob("*"), _BESIDE) if files.is_dir(home / ".claude/hooks") else ()
        found += [Named(one, "~/.claude/hooks", own=True) for one in beside if files.is_file(one)]
    for source, name in (("project", "settings.json"), ("local", "settings.local.json")):
        if source in sources:
            found += _of_settings(root / ".claude" / name, f".claude/{name}", home, own=False)
    state = _read(home / ".claude.json")
    project = state.get("projects", {}).get(str(root), {}) if isinstance(state.get("projects"), dict) else {}
    for settings, own in ((state, True), (project, True), (_read(root / ".mcp.json"), False)):
        found += _of_servers(settings, home, own=own)
    return tuple({one.path: one for one in reversed(found)}.values())[::-1]


def _of_settings(path: Path, shown: str, home: Path, *, own: bool) -> Iterator[Named]:
    settings = _read(path)
    for key in _HELPERS:
        yield from _programs(settings.get(key), home, Named(path, f"{key} of {shown}", own=own))
    hooks = settings.get("hooks")
    if not isinstance(hooks, dict) or settings.get("disableAllHooks") is True:
        return
    for event, groups in hooks.items():
        for command in _commands(groups):
            yield from _programs(command, home, Named(path, f"hook {event} of {shown}", own=own, guards=True))


def _commands(groups: object) -> Iterator[Any]:
    for group in groups if isinstance(groups, list) else ():
        inner = group.get("hooks") if isinstance(group, dict) else None
        for hook in inner if isinstance(inner, list) else ():
            if isinstance(hook, dict):
                yield hook.get("command")


def _of_servers(settings: object, home: Path, *, own: bool) -> Iterator[Named]:
    servers = settings.get("mcpServers") if isinstance(settings, dict) else None
    for name, server in servers.items() if isinstance(servers, dict) else ():
        if isinstance(server, dict):
            words = [server.get("command"), *(server["args"] if isinstance(server.get("args"), list) else ())]
            line = shlex.join(word for word in words if isinstance(word, str))
            yield from _programs(line, home, Named(home, f"MCP server {name}", own=own))


def _programs(command: object, home: Path, named: Named) -> Iterator[Named]:
    """Yield the files that a command line runs, by whole paths; data that it reads is not among them."""
    if not isinstance(command, str):
        return
    try:
        words = shlex.split(command)
    except ValueError:
        words = command.split()
    for word in dict.fromkeys((*words, *_PATH.findall(command))):
        path = Path(re.sub(r"^(?:~|\$HOME|\$\{HOME\})(?=/)", lambda _: str(home), word))
        if path.is_absolute() and len(word) < 4096 and files.is_file(path) and _is_program(path):
            yield Named(path, named.by, own=named.own, guards=named.guards)


def _is_program(path: Path) -> bool:
    return path.suffix in _PROGRAMS or bool(path.stat().st_mode & 0o111)


def _read(path: Path) -> dict[str, Any]:
    try:
        said = json.loads(files.read_text(path, _LIMIT))
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}
