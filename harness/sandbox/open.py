"""Which sandbox there is: the one that the settings ask for where it works, and the reason where it does not."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness.domain.agent import AllAgents
from harness.domain.errors import AgentError
from harness.sandbox.bubblewrap import Mounts, compose_arguments
from harness.sandbox.etc import Etc
from harness.sandbox.macos import MacSandbox
from harness.sandbox.mounts import find_mounts
from harness.sandbox.probe import try_command
from harness.sandbox.sandbox import ARGUMENTS_FD, NO_WAY_OUT, Sandbox
from harness.sandbox.seatbelt import PROGRAM as MAC_PROGRAM
from harness.sandbox.tools import find_named
from harness.settings.load import Config
from harness.settings.options import Settings
from harness.system import files
from harness.system.capture import find_program
from harness.system.command import Command, Confined
from harness.system.process import Supervisor
from harness.workspace.git_config import read_git_config
from harness.workspace.repositories import find_git, real_path

if TYPE_CHECKING:
    from harness.sandbox.network.broker import Broker

PROGRAM = "bwrap"
MAC_WAYS = (("auto", "host"), ("auto", "none"))  # settings that sandbox-exec can serve


class MountsError(AgentError):
    """The sandbox works here, but not around this project: something in it, perhaps an agent's, is in the way."""


def open_sandbox(
    config: Config, supervisor: Supervisor, environ: Mapping[str, str], temporary: Path, agents: AllAgents
) -> tuple[Sandbox | None, str]:
    """Return the sandbox that the settings ask for; None with the reason where the agent will be unconfined.

    `agents` says what holds whichever of them works.

    Raises AgentError when `bwrap` is asked for by name and does not work here, when it works and only this project
    cannot be mounted, and when keys are to stay outside (`sandbox_network: broker`) and there is no sandbox to keep
    them out of.
    """
    word, with_broker = config.settings.sandbox, config.settings.sandbox_network == "broker"
    if word in ("none", "container"):
        if with_broker:
            raise AgentError(f"`sandbox_network: broker` needs bubblewrap, and `sandbox` is `{word}`", NO_WAY_OUT)
        return None, word
    try:
        return _build(config, supervisor, environ, temporary, agents), ""
    except AgentError as error:
        if word == "bwrap" or isinstance(error, MountsError):
            raise
        if with_broker:
            raise AgentError(f"`sandbox_network: broker` needs a sandbox: {error.message}", NO_WAY_OUT) from error
        return None, error.message


def has_program(config: Config, environ: Mapping[str, str]) -> bool:
    """Whether what `sandbox: auto` looks for is installed; that it works shows when it is opened."""
    if sys.platform == "darwin":
        return os.access(MAC_PROGRAM, os.X_OK)
    return bool(find_program(PROGRAM, environ, *config.written))


def _build(
    config: Config, supervisor: Supervisor, environ: Mapping[str, str], temporary: Path, agents: AllAgents
) -> Sandbox:
    root = real_path(config.paths.root)
    home = real_path(environ.get("HOME", "")) if environ.get("HOME", "/") != "/" else Path("/nonexistent")
    on_mac = sys.platform == "darwin"
    if Path("/tmp").is_relative_to(root):
        hint = "move it to a folder of its own, or choose `sandbox: none`"
        raise MountsError(f"the project is `{root}`, and agents get a `/tmp` of their own there", hint)
    program = MAC_PROGRAM if on_mac else find_program(PROGRAM, environ, *config.written)
    if on_mac and (config.settings.sandbox, config.settings.sandbox_network) not in MAC_WAYS:
        raise AgentError("no bubblewrap on macOS", "choose `sandbox: auto` with `sandbox_network: host` or `none`")
    if not program:
        raise AgentError("`bwrap` is not on PATH", "install bubblewrap, or choose `sandbox: container` or `none`")
    if home.is_relative_to(root):
        raise AgentError(f"the project `{root}` contains your home folder", "move it to a folder of its own")
    for git in find_git(root)[1][:1]:
        for name in ("hooks", "info"):
            files.make_folder(git / name)  # as `git init` does: what is not there cannot be held
    git_config = read_git_config(root, environ, config.written)
    mounts = find_mounts(config, environ, root=root, home=home, agents=agents, git_config=git_config)
    mounts = replace(mounts, tied=not supervisor.namespace)
    sandbox = (MacSandbox if on_mac else Sandbox)(
        mounts=mounts,
        settings=config.settings,
        home=home,
        place=temporary,
        logs=real_path(config.paths.logs),
        program=program,
        limits=limits_of(config.settings),
        agents=agents,
        etc=Etc(temporary / "etc"),
        named=tuple(find_named(config.settings, root)),
        broker=_make_broker(config, supervisor, environ),
        git_config=git_config,
    )
    why = ""
    older, as_root = replace(mounts, closed=False), replace(mounts, user_namespace=False)
    variants = (mounts,) if on_mac else (mounts, older, *([as_root] if os.geteuid() == 0 else []))
    for variant in variants:
        sandbox.mounts = variant
        nothing = Command(("true",), root, {"PATH": os.defpath})
        _, problem = try_command(sandbox.confine(nothing, agent=None), supervisor)
        if not problem:
            return sandbox
        why = why or problem
    if not on_mac and any(_works_around_empty_folder(variant, program, temporary, supervisor) for variant in variants):
        said = f"the sandbox cannot be built around this project, though {sandbox.name} works here: {why}"
        raise MountsError(said, "move away what it names, unless you put it there; `harness doctor` looks again")
    raise AgentError(f"{sandbox.name} does not work here: {why}", "see `harness doctor`, or choose another `sandbox`")


def _works_around_empty_folder(mounts: Mounts, program: str, temporary: Path, supervisor: Supervisor) -> bool:
    """Whether mounts like these can be built around an empty folder of ours: nothing of the project is among them."""
    empty = temporary / "empty"
    files.make_folder(empty)
    bare = replace(mounts, workspace=empty, writable=(), readable=(), protected=(), masked=(), emptied=(), private=())
    told = "\0".join((*compose_arguments(bare), "")).encode("utf-8", "surrogateescape")
    confined = Confined((program, "--args", str(ARGUMENTS_FD), "--"), (told,), {})
    command = Command(("true",), empty, {"PATH": os.defpath}, confined=confined)
    return not try_command(command, supervisor)[1]


def _make_broker(config: Config, supervisor: Supervisor, environ: Mapping[str, str]) -> Broker | None:
    if config.settings.sandbox_network != "broker":
        return None
    from harness.sandbox.network.broker import Broker  # with it come http and ssl, which nothing else here needs

    return Broker(config.settings.sandbox_hosts, config.paths.logs / "network.txt", environ, supervisor.redactor)


def limits_of(settings: Settings) -> dict[str, int]:
    """Return the limits on each process; the number of processes is not counted for root."""
    limits = {"DATA": settings.sandbox_memory, "FSIZE": settings.sandbox_file_size, "CORE": 0}
    if os.geteuid() != 0:
        limits["NPROC"] = settings.sandbox_processes
    return {name: limit for name, limit in limits.items() if limit or name == "CORE"}
