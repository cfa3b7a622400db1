"""A policy: what a machine, a person or a folder demands of every project in it, and what no project loosens."""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from harness.domain.errors import ConfigError
from harness.domain.feature import Check, Feature
from harness.domain.review import Review
from harness.domain.text import printable
from harness.settings.options import OPTIONS, Settings
from harness.settings.tighten import least
from harness.system import files
from harness.system.owners import find_owner, name_user

ABOVE = "harness-policy.yaml"  # in a folder above the project's root
MACHINE = Path("/etc/harness/policy.yaml")
_T = TypeVar("_T", bound=Check | Review)
ROOT = 0  # whose files are the machine's


@dataclass(frozen=True, slots=True)
class Demand:
    """A value that a policy demands of a setting, and where it says so."""

    name: str
    value: Any
    where: str


def find_policies(root: Path, environ: Mapping[str, str]) -> Iterator[tuple[Path, str]]:
    """Yield the policy files that hold for a project, each with why it is not read, "" where it is."""
    homes = dict.fromkeys((environ.get("HOME", ""), _find_home()))  # no variable leads away from what a person said
    places = (environ.get("XDG_CONFIG_HOME", ""), *(f"{home}/.config" for home in homes if home))
    persons = [Path(one) / "harness" / "policy.yaml" for one in places if one.startswith("/")]
    for path in (MACHINE, *dict.fromkeys(persons), *(folder / ABOVE for folder in root.parents)):
        if files.exists(path):
            owner = find_owner(path, environ)
            stranger = owner not in (None, ROOT) or path.is_relative_to(root)
            yield path, (f"it belongs to {name_user(owner)}" if owner else "it lies in the project") if stranger else ""


def _find_home() -> str:
    with suppress(KeyError):
        return pwd.getpwuid(os.geteuid()).pw_dir
    return ""


def check_demand(name: str, where: str) -> None:
    """Raise ConfigError where a policy cannot tighten a setting."""
    if OPTIONS[name].tighten is None:
        can = ", ".join(one.name for one in OPTIONS.values() if one.tighten is not None)
        raise ConfigError(f"{where}: a policy cannot tighten `{name}`", f"it can tighten {can}")


def tighten_settings(
    settings: Settings, origins: Mapping[str, str], demands: Sequence[Demand]
) -> tuple[Settings, dict[str, str], list[str]]:
    """Return the settings that no demand finds too loose, where each comes from now, and what a person is to know."""
    now, told = dict(origins), list[str]()
    for demand in demands:
        option, own = OPTIONS[demand.name], getattr(settings, demand.name)
        assert option.tighten is not None
        value = option.tighten(own, demand.value)
        if value == own:
            continue
        settings = replace(settings, **{demand.name: value})
        if now[demand.name] != "default":
            shown = option.kind.show(value)
            told.append(f"`{demand.name}` is {shown}, tightened by the policy `{printable(demand.where)}`")
        is_mixed = isinstance(own, tuple) and bool(own)
        now[demand.name] = now[demand.name] if is_mixed else demand.where
    return replace(settings, checks=tighten_checks(settings.checks, demands)), now, told


def tighten_checks(checks: tuple[_T, ...], demands: Sequence[Demand]) -> tuple[_T, ...]:
    """Return checks, or reviews, whose own time limits are no higher than what is demanded of `check_timeout`."""
    for limit in (demand.value for demand in demands if demand.name == "check_timeout"):
        checks = tuple(
            one if one.timeout is None else replace(one, timeout=least(one.timeout, limit)) for one in checks
        )
    return checks


def tighten_feature(feature: Feature, demands: Sequence[Demand]) -> Feature:
    """Return a feature whose own limits are no looser than a policy's."""
    if not demands:
        return feature
    feature = replace(
        feature,
        checks=tighten_checks(feature.checks, demands),
        held_out=tighten_checks(feature.held_out, demands),
        reviews=tighten_checks(feature.reviews, demands),
    )
    for demand in demands:
        own = getattr(feature, demand.name, None) if demand.name in ("timeout", "stuck_limit") else None
        if own is not None and (tighten := OPTIONS[demand.name].tighten) is not None:
            feature = replace(feature, **{demand.name: tighten(own, demand.value)})
    return feature
