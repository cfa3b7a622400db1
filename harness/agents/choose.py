"""Which agent does the work: a name becomes a command line, an environment and a dialect."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from harness.agents import claude
from harness.agents.api import launch as api
from harness.agents.dialects import LANGUAGES
from harness.agents.mistakes import find_mistakes
from harness.agents.profile import Profile
from harness.agents.start import AgentOptions, AttemptLimits, Start
from harness.agents.table import AGENTS, AUTO, names, profile_of
from harness.domain.agent import Agent, Named
from harness.domain.errors import AgentError
from harness.domain.feature import Feature
from harness.domain.provider import Provider
from harness.system.environment import clean_environment


def choose_agent(
    options: AgentOptions,
    feature: Feature | None,
    root: Path,
    temporary: Path,
    environ: Mapping[str, str] | None = None,
    attempt_limits: AttemptLimits | None = None,
) -> Agent:
    """Return the agent for a feature (None: for the run). Raises AgentError naming the options when there is none."""
    environ = os.environ if environ is None else environ
    name = (feature.agent if feature is not None else None) or options.agent
    model = (feature.model if feature is not None else None) or options.model
    if name not in names():
        raise AgentError(f"there is no agent `{name}`", f"choose one of {', '.join(names())}")
    if name == AUTO:
        name = _find_agent(options, environ)
    profile = profile_of(name, options)
    for mistake in find_mistakes(profile):
        raise AgentError(f"agent `{name}` cannot be used: {mistake}", "correct its profile in harness/agents")
    timeout = options.timeout if feature is None or feature.timeout is None else feature.timeout
    start = Start(options, model, timeout, root, temporary, environ, attempt_limits or AttemptLimits())
    argv = profile.command_line(start)
    if shutil.which(argv[0], path=environ.get("PATH")) is None:
        is_path = os.sep in argv[0]
        raise AgentError(
            f"agent `{name}`: `{argv[0]}` {'is not there, or not executable' if is_path else 'is not on PATH'}",
            "install it, correct PATH, or choose another with `--agent`: " + ", ".join(AGENTS),
        )
    return _compose(profile, argv, start)


def _compose(profile: Profile, argv: tuple[str, ...], start: Start) -> Agent:
    """Return what its profile says about an agent with this command line."""
    version = () if profile.version is None else profile.version(argv)
    access = profile.access
    if profile.settle_providers is not None:
        access = replace(access, providers=profile.settle_providers(argv, start.environ))
    return Agent(
        name=profile.name,
        dialect=profile.dialect,
        argv=argv,
        model=start.model or profile.default_model,
        passes=profile.passes,
        own={**dict.fromkeys(profile.temporaries, str(start.temporary)), **profile.own},
        root=start.root,
        home=profile.home,
        access=access,
        named=_find_named(profile, start),
        probe=version if profile.probe is None else profile.probe(argv),
        version=version,
        temporaries=profile.temporaries,
        model_use=profile.model_use,
        fallbacks=start.options.api.fallback_models if profile.has_fallbacks else (),
        cost=LANGUAGES[profile.dialect].cost if profile.cost is None else profile.cost,
        stops_itself=profile.stops_itself,
    )


def _find_named(profile: Profile, start: Start) -> tuple[Named, ...]:
    home = start.environ.get("HOME", "")
    if profile.find_named is None or not home.startswith("/"):
        return ()
    return profile.find_named(Path(home), start.root, start.options.setting_sources)


def environment_of(agent: Agent, environ: Mapping[str, str], env_pass: tuple[str, ...], run: str) -> dict[str, str]:
    """Return the cleaned environment of one attempt; what the person set wins over what harness would set.

    But for TMPDIR: an agent that leaves files behind gets a folder of its own, which goes with the run.
    """
    clean = clean_environment(environ, agent.passes, env_pass)
    temporary = {"TMPDIR": agent.own["TMPDIR"]} if "TMPDIR" in agent.own else {}
    return {**agent.own, **clean, **temporary, "HARNESS_RUN_ID": run}


def prepare_prompt(agent: Agent, prompt: str) -> str:
    """Return the prompt as this agent must get it."""
    return AGENTS[agent.name].prepare_prompt(prompt, agent.root)


def options_for_stand_in(
    options: AgentOptions, feature: Feature | None, name: str
) -> tuple[AgentOptions, Feature | None]:
    """Return options and feature for an agent that goes on in another's place: without what was said to that alone.

    Arguments are the first one's; a model is too, but between agents of one and the same provider.
    """
    providers = _providers_of(options.agent)
    if len(providers) != 1 or providers != _providers_of(name):
        options, feature = replace(options, model=""), None if feature is None else replace(feature, model=None)
    return replace(options, agent=name, agent_args=()), feature


def _providers_of(name: str) -> tuple[Provider, ...]:
    """Return whom the agent of that name calls; both that `auto` stands for call the same."""
    profile = AGENTS.get(claude.PROFILE.name if name == AUTO else name)
    return () if profile is None else profile.access.providers


def _find_agent(options: AgentOptions, environ: Mapping[str, str]) -> str:
    """Return what `auto` stands for: Claude Code where it is installed, else the API agent where it has a key."""
    if shutil.which(claude.PROGRAM, path=environ.get("PATH")) is not None:
        return "claude"
    if options.api.base_url or api.find_key(options.api, environ):
        return "api"
    others = ", ".join(name for name in AGENTS if name not in ("claude", "api"))
    raise AgentError(
        f"no agent found: `claude` is not on PATH, and there is no {api.KEY} for `api`",
        f"install Claude Code, set the key, or choose one with `--agent`: {others}",
    )
