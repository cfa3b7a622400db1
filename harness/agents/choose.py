"""Which agent does the work: a name becomes a command line, an environment and a dialect."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from harness.agents import claude, presets
from harness.agents.api import launch as api
from harness.domain.agent import Agent
from harness.domain.errors import AgentError
from harness.domain.feature import Feature
from harness.domain.reply import ModelPrice
from harness.system.environment import clean_environment

NAMES = ("auto", "claude", "api", "codex", "gemini", "opencode", "command", "scripted")


@dataclass(frozen=True, slots=True)
class AgentOptions:
    """What the settings say about agents."""

    agent: str
    model: str
    command: tuple[str, ...]
    dialect: str
    script: str
    agent_args: tuple[str, ...]
    permission_mode: str
    setting_sources: str
    env_pass: tuple[str, ...]
    timeout: float
    logs_dir: str
    prices: tuple[ModelPrice, ...]
    api: api.ApiOptions


@dataclass(frozen=True, slots=True)
class AttemptLimits:
    """What only the run knows when an attempt is about to begin: dollars it may cost at most (None: no line), and
    whether the next attempt is likely to be more than five minutes away."""

    max_cost: float | None = None
    long_cache: bool = False


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
    if name not in NAMES:
        raise AgentError(f"there is no agent `{name}`", f"choose one of {', '.join(NAMES)}")
    if name == "auto":
        name = _find_agent(options, environ)
    timeout = options.timeout if feature is None or feature.timeout is None else feature.timeout
    start = _Start(options, model, timeout, root, temporary, environ, attempt_limits or AttemptLimits())
    argv, dialect, passes, own = start.parts(name)
    if shutil.which(argv[0], path=environ.get("PATH")) is None:
        is_path = os.sep in argv[0]
        raise AgentError(
            f"agent `{name}`: `{argv[0]}` {'is not there, or not executable' if is_path else 'is not on PATH'}",
            "install it, mend PATH, or choose another with `--agent`: " + ", ".join(NAMES[1:]),
        )
    shown = model or (api.DEFAULT_MODEL if name == "api" else "")
    return Agent(name, dialect, argv, shown, passes, own, root)


def environment_of(agent: Agent, environ: Mapping[str, str], env_pass: tuple[str, ...], run: str) -> dict[str, str]:
    """Return the cleaned environment of one attempt; what the person set wins over what harness would set.

    But for TMPDIR: an agent that leaves files behind gets a folder of its own, which goes with the run.
    """
    clean = clean_environment(environ, agent.passes, env_pass)
    temporary = {"TMPDIR": agent.own["TMPDIR"]} if "TMPDIR" in agent.own else {}
    return {**agent.own, **clean, **temporary, "HARNESS_RUN_ID": run}


def prepare_prompt(agent: Agent, prompt: str) -> str:
    """Return the prompt as this agent must get it."""
    return claude.prepare_prompt(prompt, agent.root) if agent.name == "claude" else prompt


def stand_in(options: AgentOptions, feature: Feature | None, name: str) -> tuple[AgentOptions, Feature | None]:
    """Return options and feature for an agent that goes on in another's place: without what was said to that alone.

    Arguments are the first one's; a model is too, but between Claude Code and the API agent, which have the same.
    """
    if not {options.agent, name} <= {"auto", "claude", "api"}:
        options, feature = replace(options, model=""), None if feature is None else replace(feature, model=None)
    return replace(options, agent=name, agent_args=()), feature


def _find_agent(options: AgentOptions, environ: Mapping[str, str]) -> str:
    """Return what `auto` stands for: Claude Code where it is installed, else the API agent where it has a key."""
    if shutil.which(claude.PROGRAM, path=environ.get("PATH")) is not None:
        return "claude"
    if options.api.base_url or api.find_key(options.api, environ):
        return "api"
    raise AgentError(
        f"no agent found: `claude` is not on PATH, and there is no {api.KEY} for `api`",
        "install Claude Code, set the key, or choose one with `--agent`: codex, gemini, opencode, command, scripted",
    )


Parts = tuple[tuple[str, ...], str, tuple[str, ...], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class _Start:
    """Everything a command line is made of."""

    options: AgentOptions
    model: str
    timeout: float
    root: Path
    temporary: Path
    environ: Mapping[str, str]
    attempt_limits: AttemptLimits

    def parts(self, name: str) -> Parts:
        """Return command line, dialect, environment patterns and own environment of the agent of that name."""
        match name:
            case "claude":
                return self._claude()
            case "api":
                return self._api()
            case "scripted":
                return self._scripted()
            case "command":
                if not self.options.command:
                    raise AgentError("agent `command` has no command line", "write `command:` in harness.yaml")
                return (*self.options.command, *self.options.agent_args), self.options.dialect, (), {}
        preset = presets.PRESETS[name]
        line = presets.command_line(preset, model=self.model, args=self.options.agent_args)
        own = {"TMPDIR": str(self.temporary), **preset.own_environment}
        return line, preset.dialect, preset.environment, own

    def _claude(self) -> Parts:
        line = claude.command_line(
            model=self.model,
            permission_mode=self.options.permission_mode,
            setting_sources=self.options.setting_sources,
            max_cost=self.attempt_limits.max_cost,
            args=self.options.agent_args,
        )
        return line, claude.DIALECT, claude.ENVIRONMENT, claude.own_environment(self.temporary)

    def _api(self) -> Parts:
        options = self.options.api
        api.check_start(options, self.model, self.environ)
        logs = (self.root / Path(self.options.logs_dir).expanduser()).resolve()
        line = api.command_line(
            options,
            model=self.model,
            environ=self.environ,
            also=() if logs.is_relative_to(self.root.resolve()) else (logs,),
            prices=tuple(map(api.write_price, self.options.prices)),
            max_cost=self.attempt_limits.max_cost,
            timeout=self.timeout,
            long_cache=self.attempt_limits.long_cache,
        )
        passes = (*api.ENVIRONMENT, *filter(None, (options.api_key_env,)))
        return (*line, *self.options.agent_args), api.DIALECT, passes, {"TMPDIR": str(self.temporary)}

    def _scripted(self) -> Parts:
        if not self.options.script:
            raise AgentError("agent `scripted` has no script", "name its YAML file with `script:` in harness.yaml")
        script = self.root / self.options.script
        if not script.is_file():
            raise AgentError(f"the script `{self.options.script}` does not exist", "mend `script` in harness.yaml")
        here = Path(__file__).with_name("scripted.py")
        return (sys.executable, "-I", str(here), str(script)), "claude", (), {}
