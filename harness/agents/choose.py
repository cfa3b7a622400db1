"""Which agent does the work: a name becomes a command line, an environment and a dialect."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.agents import claude, presets
from harness.domain import Feature
from harness.environ import clean_environment
from harness.errors import AgentError

NAMES = ("auto", "claude", "codex", "gemini", "opencode", "command", "scripted")


@dataclass(frozen=True, slots=True)
class Choices:
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

    def environment(self, environ: Mapping[str, str], env_pass: tuple[str, ...], run: str) -> dict[str, str]:
        """Return the cleaned environment of one attempt; what the person set wins over what harness would set.

        But for TMPDIR: an agent that leaves files behind gets a folder of its own, which goes with the run.
        """
        clean = clean_environment(environ, self.passes, env_pass)
        temporary = {"TMPDIR": self.own["TMPDIR"]} if "TMPDIR" in self.own else {}
        return {**self.own, **clean, **temporary, "HARNESS_RUN_ID": run}

    def prepare(self, prompt: str) -> str:
        """Return the prompt as this agent must get it."""
        return claude.prepare_prompt(prompt, self.root) if self.name == "claude" else prompt


def choose_agent(choices: Choices, feature: Feature | None, root: Path, temporary: Path) -> Agent:
    """Return the agent for a feature (None: for the run). Raises AgentError naming the choices when there is none."""
    name = (feature.agent if feature is not None else None) or choices.agent
    model = (feature.model if feature is not None else None) or choices.model
    if name not in NAMES:
        raise AgentError(f"there is no agent `{name}`", f"choose one of {', '.join(NAMES)}")
    if name == "auto":
        if shutil.which(claude.PROGRAM) is None:
            raise AgentError(
                "no agent found: `claude` is not on PATH",
                "install Claude Code, or choose one with `--agent`: codex, gemini, opencode, command, scripted",
            )
        name = "claude"
    argv, dialect, passes, own = _parts(name, choices, model, root, temporary)
    if shutil.which(argv[0], path=os.environ.get("PATH")) is None:
        is_path = os.sep in argv[0]
        raise AgentError(
            f"agent `{name}`: `{argv[0]}` {'is not there, or not executable' if is_path else 'is not on PATH'}",
            "install it, mend PATH, or choose another with `--agent`: " + ", ".join(NAMES[1:]),
        )
    return Agent(name, dialect, argv, model, passes, own, root)


Parts = tuple[tuple[str, ...], str, tuple[str, ...], Mapping[str, str]]


def _parts(name: str, choices: Choices, model: str, root: Path, temporary: Path) -> Parts:
    """Return command line, dialect, environment patterns and own environment of the agent of that name."""
    if name == "claude":
        line = claude.command_line(
            model=model,
            permission_mode=choices.permission_mode,
            setting_sources=choices.setting_sources,
            args=choices.agent_args,
        )
        return line, claude.DIALECT, claude.ENVIRONMENT, claude.own_environment(temporary)
    if name == "scripted":
        if not choices.script:
            raise AgentError("agent `scripted` has no script", "name its YAML file with `script:` in harness.yaml")
        script = root / choices.script
        if not script.is_file():
            raise AgentError(f"the script `{choices.script}` does not exist", "mend `script` in harness.yaml")
        here = Path(__file__).with_name("scripted.py")
        return (sys.executable, "-I", str(here), str(script)), "claude", (), {}
    if name == "command":
        if not choices.command:
            raise AgentError("agent `command` has no command line", "write `command:` in harness.yaml")
        return (*choices.command, *choices.agent_args), choices.dialect, (), {}
    preset = presets.PRESETS[name]
    line = presets.command_line(preset, model=model, args=choices.agent_args)
    return line, preset.dialect, preset.environment, {"TMPDIR": str(temporary), **preset.own_environment}
