"""What is wrong with a profile that cannot be right: looked at before its agent is started."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from harness.agents.dialects import LANGUAGES
from harness.agents.profile import Profile
from harness.domain.hosts import parse_listed


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
