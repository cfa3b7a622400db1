"""Whose keys there are, and what a command whose key stays outside is told instead. Pure values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Provider:
    """Whose key it is: the variables that hold one, each with how its values begin; the variable and the default of the
    address; the variable of headers that are sent with each call ("" for none).

    `settled`: the agent calls `upstream`, whatever the variable says, and also without a key.
    """

    name: str
    keys: Mapping[str, str]
    variable: str
    upstream: str
    headers: str = ""
    settled: bool = False


@dataclass(frozen=True, slots=True)
class Redirected:
    """A command whose calls go to the broker: its arguments and environment with stand-ins for keys, the broker's
    address for each provider that can be reached, whether any stand-in is there, and files for its /tmp."""

    argv: tuple[str, ...]
    env: Mapping[str, str]
    addresses: Mapping[str, str]  # by the provider's name
    has_stand_in: bool = False
    files: Mapping[str, str] = field(default_factory=dict)
