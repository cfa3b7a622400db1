"""Every agent that harness knows, and what holds for all of them together."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from importlib import import_module
from typing import TYPE_CHECKING, cast

from harness.domain.agent import AllAgents

if TYPE_CHECKING:
    from harness.agents.profile import Profile
    from harness.agents.start import AgentOptions


class Profiles(MutableMapping[str, "Profile"]):
    """Profiles by the names of their agents; a module is imported when its profile is first wanted.

    Who only wants the names (`--help`) waits for none of them.
    """

    def __init__(self, modules: dict[str, str]) -> None:
        """`modules` says where below `harness.agents` each profile is."""
        self._modules = modules
        self._profiles: dict[str, Profile] = {}

    def __getitem__(self, name: str) -> Profile:
        if name not in self._profiles:
            self._profiles[name] = cast("Profile", import_module(f"harness.agents.{self._modules[name]}").PROFILE)
        return self._profiles[name]

    def __setitem__(self, name: str, profile: Profile) -> None:
        self._profiles[name] = profile

    def __delitem__(self, name: str) -> None:
        del self._profiles[name]

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys((*self._modules, *self._profiles)))

    def __len__(self) -> int:
        return len(self._modules.keys() | self._profiles.keys())


# The only table of agents: whoever adds one writes a module with its PROFILE, and a line here.
AGENTS = Profiles(
    {
        "claude": "claude",
        "api": "api.profile",
        "codex": "codex",
        "gemini": "gemini",
        "opencode": "opencode",
        "command": "command",
        "scripted": "scripted_profile",
    }
)
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
