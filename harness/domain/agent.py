"""An agent, ready to be started."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent, ready to be started: `argv` reads the prompt on stdin, `dialect` says how its output is read."""

    name: str
    dialect: str
    argv: tuple[str, ...]
    model: str
    passes: tuple[str, ...]
    own: Mapping[str, str]
    root: Path
