"""What a project asks for that reaches outside its sandbox: the part of its settings and specs that needs trust.

Whatever a flag or a HARNESS_* variable says, the person said; only what the project's own files say is listed. A limit,
a model or the prose of a spec is not: an agent that obeys it is inside.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from harness.domain.feature import Feature
from harness.domain.text import one_line, plain
from harness.settings.load import CONFIG_FILE, Config, is_root
from harness.settings.options import OPTIONS
from harness.system import files
from harness.system.owners import find_owner, name_user

OWNER = "owner"  # the key of a file that belongs to somebody else


@dataclass(frozen=True, slots=True)
class Reach:
    """One thing that a project asks for; where it is not `always` outside, it is so without a sandbox."""

    key: str
    value: str  # it may hold a secret: `says` is what a person is shown
    says: str
    always: bool = True

    @property
    def digest(self) -> str:
        """What is remembered of it."""
        return sha256(f"{self.key}\0{self.value}".encode("utf-8", "surrogateescape")).hexdigest()


def find_reaches(config: Config, features: Iterable[Feature], named: Sequence[str] = ()) -> tuple[Reach, ...]:
    """Return what settings and specs ask for, each thing once; `named` are files outside that a command line names."""
    features = tuple(features)
    looks = (_find_openings, _find_addresses)
    found = [*_find_commands(config, named), *(one for look in looks for one in look(config))]
    found += [*_find_changes(features), *_find_unconfined(config, features)]
    return tuple(dict.fromkeys(found))


def find_nested(root: Path) -> Reach | None:
    """Return that a project lies within another where an agent may have made it; None where it does not.

    That is another of the same repository, or one that harness has worked in.
    """
    own = next((name for name in (CONFIG_FILE, "specs") if files.exists(root / name)), CONFIG_FILE)
    for folder in root.parents:
        worked_on = files.exists(folder / "logs/journal.jsonl")
        if is_root(folder) and (worked_on or any(files.exists(one / ".git") for one in (folder, *folder.parents))):
            outer = folder / (CONFIG_FILE if files.is_file(folder / CONFIG_FILE) else "specs")
            said = f"`{one_line(str(root / own))}` lies below the project's own, `{one_line(str(outer))}`"
            return Reach("nested", str(outer), said)
    return None


def find_foreign(paths: Iterable[Path], environ: Mapping[str, str]) -> Iterator[Reach]:
    """Yield the first of these files of each other user."""
    seen = set[int]()
    for path, owner in ((path, find_owner(path, environ)) for path in paths):
        if owner is not None and owner not in seen:
            seen.add(owner)
            yield Reach(OWNER, str(owner), f"`{one_line(str(path))}` belongs to {name_user(owner)}")


def _is_of_project(config: Config, name: str) -> bool:
    return config.origins[name] == CONFIG_FILE


def _find_commands(config: Config, named: Sequence[str]) -> Iterator[Reach]:
    settings = config.settings
    into = f", and lets it read {', '.join(map(_code, named))}" if named else ""
    if settings.on_finish and _is_of_project(config, "on_finish"):
        yield Reach("on_finish", settings.on_finish, f"`on_finish` runs as you: {_code(settings.on_finish)}")
    if settings.agent_args and _is_of_project(config, "agent_args"):
        said = shlex.join(settings.agent_args)
        says = f"`agent_args` tells the agent what it may do and whom it asks: {_code(said)}{into}"
        yield Reach("agent_args", "\0".join((said, *named)), says)
    if settings.command and _is_of_project(config, "command"):
        said = shlex.join(settings.command)
        says = f"`command` is run as the agent: {_code(said)}{into}"
        yield Reach("command", "\0".join((said, *named)), says, bool(named))


def _find_openings(config: Config) -> Iterator[Reach]:
    settings = config.settings
    if settings.sandbox in ("none", "container") and _is_of_project(config, "sandbox"):
        said = f"`sandbox: {settings.sandbox}`: agent and checks work as you, without a sandbox of harness"
        yield Reach("sandbox", settings.sandbox, said)
    lists = {
        "sandbox_write": "can be written inside the sandbox",
        "sandbox_read": "can be read inside the sandbox",
        "env_pass": "of your environment is given to agent and checks",
    }
    for name, means in lists.items():
        if _is_of_project(config, name):
            yield from (Reach(name, one, f"`{name}`: {_code(one)} {means}") for one in getattr(settings, name))
    if settings.sandbox_network == "broker" and not _is_of_project(config, "sandbox_network"):
        hosts = settings.sandbox_hosts if _is_of_project(config, "sandbox_hosts") else ()
        yield from (Reach("sandbox_hosts", one, f"`sandbox_hosts`: {_code(one)} can be reached") for one in hosts)


def _find_changes(features: tuple[Feature, ...]) -> Iterator[Reach]:
    for feature in features:
        for one in feature.may_change:
            said = f"the agent of `{feature.slug}` may change what programs obey: {_code(one)}"
            yield Reach("may_change", f"{feature.slug}\0{one}", said)


def _find_addresses(config: Config) -> Iterator[Reach]:
    settings = config.settings
    if any(_is_of_project(config, name) for name in ("base_url", "api_key_env")):
        key = f"the key in `{one_line(settings.api_key_env, 80)}`" if settings.api_key_env else ""
        key = key or ("your Anthropic key" if settings.api_server == "anthropic" else "")
        to = f"`base_url` {_code(settings.base_url)}" if settings.base_url else "the server of agent `api`"
        said = f"{to} gets {key + ' and ' if key else ''}all prompts"
        yield Reach("base_url", "\0".join((settings.base_url, settings.api_key_env, settings.api_server)), said)
    if settings.webhook and _is_of_project(config, "webhook"):
        shown = OPTIONS["webhook"].kind.show(settings.webhook)
        yield Reach("webhook", settings.webhook, f"`webhook` {_code(shown)} is told how runs go")
    if _is_of_project(config, "notify"):
        for url in settings.notify:
            shown = f"{url.partition(':')[0]}://…"
            yield Reach("notify", url, f"`notify` {_code(shown)} is told how runs go")


def _find_unconfined(config: Config, features: tuple[Feature, ...]) -> Iterator[Reach]:
    """Yield what is harmless inside the sandbox, and done as the person where there is none."""
    if features and not (config.settings.sandbox in ("none", "container") and _is_of_project(config, "sandbox")):
        said = "without a sandbox of harness, agents do as you, with all that you may do, what the specs say"
        yield Reach("unconfined", "", said, always=False)
    own = config.settings.commands if _is_of_project(config, "checks") else ()
    for check in (*own, *(check for feature in features for check in feature.checks)):
        yield Reach("check", check.command, f"a check runs {_code(check.command)}", always=False)
    for one in config.settings.workspace_setup if _is_of_project(config, "workspace_setup") else ():
        yield Reach("setup", one.command, f"`workspace_setup` runs {_code(one.command)}", always=False)


def _code(text: str) -> str:
    """Return a text that may be run, to its end: what stands behind a line end is not part of a comment before it."""
    return f"`{plain(text).strip().replace(chr(10), chr(92) + 'n')}`"
