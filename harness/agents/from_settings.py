"""Who works: what the settings, a feature and the chain of stand-ins say about agents becomes one agent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

from harness.agents.api.launch import Wishes
from harness.agents.choose import Bearings, Choices, choose_agent, stand_in
from harness.domain.agent import Agent
from harness.domain.feature import Feature
from harness.settings.load import Config
from harness.settings.options import Settings


def choose_for(
    config: Config,
    feature: Feature | None,
    temporary: Path,
    environ: Mapping[str, str],
    bearings: Bearings | None = None,
    name: str = "",
) -> Agent:
    """Return the agent that the settings and the feature ask for; `name` is who of the chain works. Raises AgentError.

    What is set for the first of the chain alone is not given to those who stand in for it.
    """
    choices = choices_of(config.settings)
    if name not in ("", choices.agent) and (feature is None or feature.agent is None):
        choices, feature = stand_in(choices, feature, name)
    return choose_agent(choices, feature, config.paths.root, temporary, environ, bearings)


def choices_of(settings: Settings) -> Choices:
    """Return what the settings say about agents."""
    said = {name.name: getattr(settings, name.name) for name in fields(Choices) if name.name != "api"}
    return Choices(**{**said, "agent": settings.chain[0]}, api=wishes_of(settings))


def wishes_of(settings: Settings) -> Wishes:
    """Return what the settings say about the API agent."""
    return Wishes(**{name.name: getattr(settings, name.name) for name in fields(Wishes)})
