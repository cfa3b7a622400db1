"""Every agent that harness knows, and what holds for all of them together."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from harness.agents import claude, codex, command, gemini, opencode, scripted_profile
from harness.agents.api import profile as api
from harness.agents.dialects import LANGUAGES
from harness.agents.profile import Profile
from harness.agents.start import AgentOptions
from harness.domain.agent import AllAgents
from harness.domain.hosts import parse_listed

# The only table of agents: whoever adds one writes a module with its profile, and a line here.
AGENTS: dict[str, Profile] = {
    "claude": claude.PROFILE,
    "api": api.PROFILE,
    "codex": codex.PROFILE,
    "gemini": gemini.PROFILE,
    "opencode": opencode.PROFILE,
    "command": command.PROFILE,
    "scripted": scripted_profile.PROFILE,
}
AUTO = "auto"  # Claude Code where it is installed, else the API agent where it has a key


def names() -> tuple[str, ...]:
    """Return every word that `agent` can be, `auto` first."""
    return (AUTO, *AGENTS)


def profile_of(name: str, options: AgentOptions) -> Profile:
    """Return the agent of that name, as the settings have it. Raises KeyError."""
    profile = AGENTS[name]
    return profile if profile.from_settings is None else profile.from_settings(options)


def all_agents() -> AllAgents:
    """Return what holds whichever agent works."""
    profiles = AGENTS.values()
    providers = {one.name: one for profile in profiles for one in profile.access.providers}
    guarded = dict.fromkeys(name for profile in profiles for name in profile.loads.settings)
    installed = dict.fromkeys(folder for profile in profiles for folder in profile.installed)
    return AllAgents(tuple(providers.values()), tuple(guarded), tuple(installed))


def those_that_stop() -> frozenset[str]:
    """Return the names of agents that are told a line in dollars, and end there."""
    return frozenset(name for name, profile in AGENTS.items() if profile.stops_itself)


def explain(setting: str, help: str) -> str:
    """Return what a setting is for; of the one that names an agent, with the names."""
    return f"{help}: {', '.join(names())}" if setting == "agent" else help


# --- a profile that cannot be right -----------------------------------------------------------------------------------


def find_mistakes(profile: Profile) -> list[str]:
    """Return what is wrong with a profile, a sentence each: it is looked at before its agent is started."""
    return [*_find_mistakes_of_words(profile), *_find_mistakes_of_files(profile)]


def _find_mistakes_of_words(profile: Profile) -> Iterator[str]:
    if profile.dialect not in LANGUAGES:
        yield f"there is no reader for its dialect, `{profile.dialect}`"
    providers = {one.name for one in profile.access.providers}
    for one in profile.credentials:
        if one.provider not in providers and not one.reason:
            yield f"it takes `{one.variable}`, and neither its provider nor a reason is given"
        if not any(fnmatchcase(one.variable, pattern) for pattern in profile.passes):
            yield f"it takes `{one.variable}`, and its environment does not let that through"
    for host in (*profile.access.login_hosts, *profile.access.startup_hosts):
        try:
            parse_listed(host)
        except ValueError as error:
            yield f"its hosts {error}"


def _find_mistakes_of_files(profile: Profile) -> Iterator[str]:
    home = profile.home
    seen = (*home.reads, *home.writes, *home.folders, *profile.installed, *profile.access.logins)
    loaded = (*profile.loads.instructions, *profile.loads.settings)
    for path in (*seen, *loaded):
        if path.startswith(("/", "~")) or ".." in path.split("/"):
            yield f"`{path}` is not a path below the home or the project"
    for login in profile.access.logins:
        if login not in (*home.reads, *home.writes):
            yield f"its login `{login}` is among neither the files that it reads nor those that it writes"
        if any(login.startswith(f"{folder}/") for folder in profile.installed):
            yield f"its login `{login}` lies in a folder that every command inside can read"
