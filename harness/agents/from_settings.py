"""Who works: what the settings, a feature and the chain of stand-ins say about agents becomes one agent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

from harness.agents.api.launch import ApiOptions
from harness.agents.choose import choose_agent, options_for_stand_in
from harness.agents.start import AgentOptions, AttemptLimits
from harness.domain.agent import Agent, Dialect
from harness.domain.feature import Feature
from harness.settings.load import Config
from harness.settings.options import Settings


def choose_from_settings(
    config: Config,
    feature: Feature | None,
    temporary: Path,
    environ: Mapping[str, str],
    attempt_limits: AttemptLimits | None = None,
    name: str = "",
) -> Agent:
    """Return the agent that the settings and the feature ask for; `name` is who of the chain works. Raises AgentError.

    What is set for the first of the chain alone is not given to those who stand in for it.
    """
    options = agent_options(config.settings)
    if name not in ("", options.agent) and (feature is None or feature.agent is None):
        options, feature = options_for_stand_in(options, feature, name)
    return choose_agent(options, feature, config.paths.root, temporary, environ, attempt_limits)


def agent_options(settings: Settings) -> AgentOptions:
    """Return what the settings say about agents."""
    said = {name.name: getattr(settings, name.name) for name in fields(AgentOptions) if name.name != "api"}
    said |= {"agent": settings.chain[0], "dialect": Dialect(settings.dialect), "api": api_options(settings)}
    return AgentOptions(**said)


def api_options(settings: Settings) -> ApiOptions:
    """Return what the settings say about the API agent."""
    return ApiOptions(**{name.name: getattr(settings, name.name) for name in fields(ApiOptions)})
