"""What a project asks for of who runs it, read from its files: settings, specs, their owners, and where they lie."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from harness.agents.loads import find_obeyed
from harness.agents.table import all_agents
from harness.domain.errors import SpecError
from harness.domain.feature import Feature
from harness.domain.text import one_line
from harness.records.trust_file import read_trusted
from harness.sandbox.open import has_program
from harness.sandbox.tools import find_named, find_python, find_tools, is_seen
from harness.settings.load import CONFIG_FILE, Config
from harness.settings.reach import OWNER, Reach, find_foreign, find_nested, find_reaches
from harness.specs.shelf import open_specs_folder
from harness.system import files
from harness.workspace.repositories import find_git, real_path

_PATHS = ("specs_dir", "logs_dir", "order_file", "template", "script")
_UNCONFINED = ("none", "container")  # words of `sandbox`


@dataclass(frozen=True, slots=True)
class Asked:
    """What a project asks for, and what of it this person trusts."""

    config: Config
    reaches: tuple[Reach, ...]
    trusted: frozenset[str]
    confined: bool  # as far as one can tell without trying

    @property
    def needed(self) -> tuple[Reach, ...]:
        """What would reach outside here and now."""
        return tuple(one for one in self.reaches if one.always or not self.confined)

    @property
    def untrusted(self) -> tuple[Reach, ...]:
        """What of it is not trusted."""
        return tuple(one for one in self.needed if one.digest not in self.trusted)

    @property
    def foreign(self) -> tuple[Reach, ...]:
        """Files of another user, that are not trusted."""
        return tuple(one for one in self.untrusted if one.key == OWNER)

    def settle(self) -> Config:
        """Return the configuration for who trusts all that is needed: the rest is done inside the sandbox, or not."""
        return replace(self.config, confined_only=any(one.digest not in self.trusted for one in self.reaches))


def read_asked(config: Config, environ: Mapping[str, str]) -> Asked:
    """Read what the project asks for. Specs that cannot be read ask for nothing: no command acts on them."""
    features: tuple[Feature, ...] = ()
    with suppress(SpecError):
        features = open_specs_folder(config).read().features
    found = (
        *_find_foreign(config, features, environ), *filter(None, [find_nested(config.paths.root)]),
        *find_reaches(config, features, _find_named(config, environ)),
        *_find_paths_out(config), *_find_files(config, features),
    )  # fmt: skip
    confined = config.settings.sandbox not in _UNCONFINED
    if config.settings.sandbox == "auto":
        confined = has_program(config, environ)
    return Asked(config, found, read_trusted(config.paths.root, environ), confined)


def _find_foreign(config: Config, features: tuple[Feature, ...], environ: Mapping[str, str]) -> Iterator[Reach]:
    """Yield the first file that is obeyed of each other user."""
    root, settings = config.paths.root, config.settings
    named = [settings.order_file, settings.template or "templates/prompt.md", settings.script]
    looked = [root, root / CONFIG_FILE, config.paths.specs, config.paths.specs / "order.txt", config.paths.logs]
    looked += [*(root / name for name in named if name), *sorted(root.glob(".env*"))]
    looked += [root / name for name in all_agents().guarded]
    looked += [path for feature in features for path in (feature.path.parent, feature.path)]
    yield from find_foreign(sorted(looked, key=lambda path: path == root), environ)  # it last: a file says more


def _find_named(config: Config, environ: Mapping[str, str]) -> list[str]:
    """Return the files outside that command lines of the settings let in, and that a sandbox does not show anyway."""
    root, home, agents = real_path(config.paths.root), real_path(environ.get("HOME", "/nonexistent")), all_agents()
    named = find_named(config.settings, root)
    shown = [find_git(root)[0], *find_tools(environ, home, root, agents.installed), *find_python()] if named else []
    return [str(path) for path in named if not is_seen(real_path(path), shown)]


def _find_paths_out(config: Config) -> Iterator[Reach]:
    """Yield what leads out of the project, by its name or by a link, and a person did not say."""
    root = Path(os.path.realpath(config.paths.root))
    for name in _PATHS:
        said = getattr(config.settings, name) or ("templates/prompt.md" if name == "template" else "")
        if said and config.origins[name] in (CONFIG_FILE, "default"):
            real = Path(os.path.realpath(root / files.expand_home(said)))
            if not real.is_relative_to(root):
                yield Reach(name, str(real), f"`{name}` leads out of the project, to `{one_line(str(real))}`")


def _find_files(config: Config, features: tuple[Feature, ...]) -> Iterator[Reach]:
    """Yield the files by whose content agents do what nobody prompted."""
    root, settings = config.paths.root, config.settings
    names = dict.fromkeys((*settings.chain, *(feature.agent for feature in features if feature.agent)))
    for path, content in find_obeyed(tuple(names), root, settings.setting_sources):
        says = f"`{path}`: the agent obeys it, the programs and addresses that it names among them"
        yield Reach(f"file {path}", sha256(content).hexdigest(), says)
    if settings.script and config.origins["script"] == CONFIG_FILE:
        digest = sha256(files.read_text(root / settings.script, 16 << 20).encode()).hexdigest()
        yield Reach("script", digest, f"`{one_line(settings.script)}` says what the agent does", always=False)
