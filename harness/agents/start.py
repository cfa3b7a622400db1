"""Everything a command line is made of: what the settings say, and what the run knows when an attempt begins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.agents.api.launch import ApiOptions
from harness.domain.agent import Dialect
from harness.domain.reply import ModelPrice


@dataclass(frozen=True, slots=True)
class AgentOptions:
    """What the settings say about agents."""

    agent: str
    model: str
    command: tuple[str, ...]
    dialect: Dialect
    script: str
    agent_args: tuple[str, ...]
    permission_mode: str
    setting_sources: str
    env_pass: tuple[str, ...]
    timeout: float
    logs_dir: str
    prices: tuple[ModelPrice, ...]
    api: ApiOptions


@dataclass(frozen=True, slots=True)
class AttemptLimits:
    """What only the run knows when an attempt is about to begin: dollars it may cost at most (None: no line), and
    whether the next attempt is likely to be more than five minutes away."""

    max_cost: float | None = None
    long_cache: bool = False


@dataclass(frozen=True, slots=True)
class Start:
    """Everything a command line is made of; `timeout` in seconds, `temporary` a folder that goes with the run."""

    options: AgentOptions
    model: str
    timeout: float
    root: Path
    temporary: Path
    environ: Mapping[str, str]
    attempt_limits: AttemptLimits


@dataclass(frozen=True, slots=True)
class Line:
    """A command line that differs by the model and a person's own arguments alone; `{model}` is replaced."""

    program: str
    args: tuple[str, ...]
    model_args: tuple[str, ...] = ()
    last_args: tuple[str, ...] = ()

    def __call__(self, start: Start) -> tuple[str, ...]:
        """Return the arguments; the prompt goes to stdin."""
        chosen = tuple(word.replace("{model}", start.model) for word in self.model_args) if start.model else ()
        return (self.program, *self.args, *chosen, *start.options.agent_args, *self.last_args)
