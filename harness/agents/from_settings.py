"""Who works: what the settings, a feature and the chain of stand-ins say about agents becomes one agent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path

from harness.agents.api.launch import ApiOptions
from harness.agents.choose import choose_agent, options_for_stand_in
from harness.agents.start import AgentOptions, AttemptLimits
from harness.domain.agent import Agent, Dialect
from harness.domain.errors import AgentError
from harness.domain.feature import Feature
from harness.domain.review import Review
from harness.settings.load import Config
from harness.settings.options import Settings
from harness.system import files


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


def choose_reviewer(
    config: Config,
    review: Review,
    temporary: Path,
    environ: Mapping[str, str],
    attempt_limits: AttemptLimits | None = None,
    *,
    confined: bool = True,
) -> Agent:
    """Return the agent that is to answer a question about a claim. Raises AgentError.

    It is told to leave out what the project says to agents, and it asks for no permission that only a sandbox bounds.
    """
    options = agent_options(config.settings)
    if review.agent not in ("", options.agent):
        options, _ = options_for_stand_in(options, None, review.agent)
    timeout = config.settings.check_timeout if review.timeout is None else review.timeout
    mode = options.permission_mode if confined else "default"
    options = replace(
        options, model=review.model or options.model, setting_sources="user", permission_mode=mode, timeout=timeout
    )
    root = config.paths.root
    agent = choose_agent(options, None, root, temporary, environ, attempt_limits)
    if options.script and agent.name == "scripted":
        return agent  # the script is read-only to agents
    if inside := [word for word in agent.argv if word and files.is_file(root / word) and _is_within(root, word)]:
        said = f"the reviewer `{agent.name}` is started with `{inside[0]}`, which the agent that it judges can change"
        raise AgentError(said, "put that outside of the project")
    return agent


def _is_within(root: Path, word: str) -> bool:
    return (root / word).resolve().is_relative_to(root.resolve())


def agent_options(settings: Settings) -> AgentOptions:
    """Return what the settings say about agents."""
    said = {name.name: getattr(settings, name.name) for name in fields(AgentOptions) if name.name != "api"}
    said |= {"agent": settings.chain[0], "dialect": Dialect(settings.dialect), "api": api_options(settings)}
    return AgentOptions(**said)


def api_options(settings: Settings) -> ApiOptions:
    """Return what the settings say about the API agent."""
    return ApiOptions(**{name.name: getattr(settings, name.name) for name in fields(ApiOptions)})
