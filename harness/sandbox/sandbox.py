"""The sandbox of a run: a command is put inside, with what its agent needs of the home, and a network of its own."""

from __future__ import annotations

import json
import os
import secrets
import string
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import harness
from harness.domain.agent import Agent
from harness.domain.errors import AgentError
from harness.sandbox.bubblewrap import Mounts, compose_arguments
from harness.sandbox.mounts import AUTHORITIES, existing, named_files, program_of
from harness.sandbox.network.credentials import (
    LENGTH,
    LOGINS,
    STARTUP_HOSTS,
    Substituted,
    substitute_for_agent,
    substitute_for_check,
)
from harness.sandbox.probe import probe_of, try_command
from harness.sandbox.seccomp import compose_filter
from harness.settings.options import Settings
from harness.system import files, untrusted
from harness.system.command import Command, Confined, Door
from harness.system.process import Supervisor

if TYPE_CHECKING:
    from harness.sandbox.network.broker import Broker

ARGUMENTS_FD, FILTER_FD = 3, 4
CHECKS = "checks"  # who is inside when no agent is
NO_WAY_OUT = "keys stay outside of bubblewrap or nowhere: mend it, or choose `sandbox_network: host`"
_KEYS_OF_CLAUDE = ("primaryApiKey", "customApiKeyResponses")  # in ~/.claude.json

# What each agent needs of the home: what it reads, and what it must be able to write in truth. A file of credentials is
# the real one: a token that is refreshed in a copy would log the person out.
_READS = {
    "claude": tuple(f".claude/{name}" for name in ("settings.json", "settings.local.json", "CLAUDE.md", "agents",
                    "commands", "skills", "plugins", "output-styles", "rules", "keybindings.json")),
    "codex": tuple(f".codex/{name}" for name in ("config.toml", "AGENTS.md", "prompts", "rules", "skills")),
    "gemini": tuple(f".gemini/{name}" for name in ("settings.json", "GEMINI.md", "extensions", "google_accounts.json",
                    "installation_id", ".env")),
    "opencode": (".config/opencode",),
    "api": (".config/anthropic",),
}  # fmt: skip
_WRITES = {
    "claude": (".claude/.credentials.json",),
    "codex": (".codex/auth.json",),
    "gemini": (".gemini/oauth_creds.json",),
    "opencode": (".local/share/opencode/auth.json",),
}


@dataclass(slots=True)
class Sandbox:
    """Puts commands into the sandbox of this run, by bubblewrap; made by `open_sandbox`."""

    mounts: Mounts
    settings: Settings
    home: Path
    place: Path  # where private folders are made, new for each command
    logs: Path
    program: str
    limits: Mapping[str, int]
    broker: Broker | None = None  # with `sandbox_network: broker`
    name: ClassVar[str] = "bwrap"
    has_private_logs: ClassVar[bool] = True  # whether an agent can see another folder where logs/ is
    scratch_folders: int = 0
    filter: bytes = field(default_factory=lambda: compose_filter(os.uname().machine))

    def confine(
        self, command: Command, *, agent: Agent | None, private_logs: Path | None = None, whose: str = "check"
    ) -> Command:
        """Return the command, inside: with the agent's own credentials, or without any for a check.

        With a broker, keys stay outside, and its channel is the command's network; `whose` it is, its log says.
        """
        substituted = self.substitute(command, agent)
        command = replace(command, argv=substituted.argv, env=substituted.env)
        scratch = self.new_scratch(agent, substituted)
        logs = private_logs or scratch / "logs"
        private = ((self.home, scratch / "home"), (Path("/tmp"), scratch / "tmp"), (self.logs, logs))
        mounts = replace(self.mounts_for(command, agent, substituted), private=private)
        arguments = compose_arguments(mounts, filter_fd=FILTER_FD if self.filter else None)
        inputs: tuple[bytes, ...] = ("\0".join((*arguments, "")).encode("utf-8", "surrogateescape"),)
        inputs += (self.filter,) if self.filter else ()
        line: tuple[str, ...] = (self.program, "--args", str(ARGUMENTS_FD), "--")
        environ = {**command.env, **{name: "/tmp" for name in ("TMPDIR", "CLAUDE_CODE_TMPDIR") if name in command.env}}
        if self.broker is None:
            return replace(command, env=environ, confined=Confined(line, inputs, self.limits))
        line += _inlet(ARGUMENTS_FD + len(inputs), self.broker.ports)
        door = self._open_door(substituted, agent, whose)
        return replace(command, env=environ, confined=Confined(line, inputs, self.limits, door))

    def mounts_for(self, command: Command, agent: Agent | None, substituted: Substituted) -> Mounts:
        """Return the mounts around one command: with what its agent needs of the home, but no login beside a key."""
        who, logins = CHECKS if agent is None else agent.name, _logins_of(agent)
        own = (*_READS.get(who, ()), *_WRITES.get(who, ()))
        hidden = {self.home / name for name in own if substituted.holds_key and name in logins}
        reads = [*(self.home / name for name in _READS.get(who, ())), *named_files(command.argv)]
        reads += [Path(command.env[name]) for name in AUTHORITIES if command.env.get(name, "").startswith("/")]
        writes = [self.home / name for name in _WRITES.get(who, ())]
        return replace(
            self.mounts,
            readable=existing((*self.mounts.readable, *reads, *program_of(command, self.home)), hidden),
            writable=existing((*self.mounts.writable, *writes), hidden),
        )

    def substitute(self, command: Command, agent: Agent | None) -> Substituted:
        """Return arguments and environment as they are inside: as they are, but with a broker."""
        if self.broker is None:
            return Substituted(command.argv, command.env)
        relay = self.broker.relay
        if agent is None:
            return substitute_for_check(command.argv, command.env, relay=relay)
        return substitute_for_agent(
            agent.name, command.argv, command.env, relay=relay, word=_random_word, passed=self.settings.env_pass
        )

    def _open_door(self, substituted: Substituted, agent: Agent | None, whose: str) -> Door:
        """Return the network of one command: without a key outside, an agent's login needs hosts of its own."""
        assert self.broker is not None
        hosts = LOGINS[agent.name][1] if agent is not None and agent.name in LOGINS else ()
        also = hosts if agent is not None and self.find_login(agent, substituted) else ()
        startup_hosts = STARTUP_HOSTS.get(agent.name, ()) if agent is not None else ()
        return self.broker.open_channel(whose, substituted.routes, also=also, quiet=(*hosts, *startup_hosts))

    def take_refused(self) -> tuple[str, ...]:
        """Return a remark on the hosts that were asked for in vain since this was last asked."""
        return () if self.broker is None else self.broker.take_refused()

    def find_login(self, agent: Agent, substituted: Substituted) -> str:
        """Return which file of the home has to be inside, because no key for the agent is outside; "" for none."""
        names = [] if substituted.holds_key else [name for name in _logins_of(agent) if (self.home / name).exists()]
        return f"~/{names[0]}" if names else ""

    def explain_keys(self, agent: Agent, environ: Mapping[str, str]) -> list[str]:
        """Return what a person should know about an agent's keys under a broker, in a few words each."""
        if self.broker is None:
            return []
        substituted = self.substitute(Command(agent.argv, self.mounts.workspace, environ), agent)
        login = self.find_login(agent, substituted)
        said = [f"{login} itself is inside, since {agent.name} has no key in the environment"] if login else []
        if substituted.kept:
            said.append(f"{', '.join(substituted.kept)} stays outside, and nothing stands in for it")
        return said

    def new_scratch(self, agent: Agent | None, substituted: Substituted) -> Path:
        """Make a private home and temporary folder; nothing of one attempt reaches the next."""
        untrusted.remove_tree(self.place / f"scratch-{self.scratch_folders}")
        self.scratch_folders += 1
        scratch = self.place / f"scratch-{self.scratch_folders}"
        for name in ("home", "tmp", "logs"):
            files.make_folder(scratch / name)
        for name, text in substituted.files.items():
            files.write_atomic(scratch / "tmp" / name, text, sync=False)
        if agent is not None and agent.name == "claude":
            files.make_folder(scratch / "home" / ".claude")
            without = _KEYS_OF_CLAUDE if substituted.holds_key else ()
            if state := read_claude_state(self.home / ".claude.json", self.mounts.workspace, without):
                files.write_atomic(scratch / "home" / ".claude.json", state, sync=False)
        return scratch

    def try_agent(self, agent: Agent, supervisor: Supervisor, environ: Mapping[str, str]) -> tuple[str, str]:
        """Return the version that the agent says inside, and why it cannot start there ("" when it can).

        Raises AgentError for one that needs a model and could reach none there.
        """
        if not self.mounts.network and self.broker is None and agent.name not in ("command", "scripted"):
            said = f"`sandbox_network: none`: agent `{agent.name}` could reach no model"
            raise AgentError(said, "choose `host`, or `broker`, which lets its calls through and nothing else")
        inside = self.confine(Command(agent.argv, self.mounts.workspace, environ), agent=agent, whose="probe")
        version, problem = try_command(replace(inside, argv=probe_of(agent)), supervisor)
        if problem and self.broker is not None:
            raise AgentError(f"agent `{agent.name}` cannot start inside the sandbox: {problem}", NO_WAY_OUT)
        return version, problem


def read_claude_state(path: Path, root: Path, without: Iterable[str] = ()) -> bytes:
    """Return a copy of Claude Code's ~/.claude.json without what it remembers of other projects, and of `without`."""
    try:
        state = json.loads(files.read_text(path, 64 << 20))
    except ValueError:
        return b""
    if not isinstance(state, dict):
        return b""
    projects = state.get("projects")
    if isinstance(projects, dict):
        state["projects"] = {name: project for name, project in projects.items() if name == str(root)}
    for name in without:
        state.pop(name, None)
    return json.dumps(state).encode()


def _logins_of(agent: Agent | None) -> tuple[str, ...]:
    """Return the files of the home that may hold an agent's login."""
    return LOGINS.get(agent.name, ((), ()))[0] if agent is not None else ()


def _random_word() -> str:
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(LENGTH))


def _inlet(fd: int, ports: Iterable[int]) -> tuple[str, ...]:
    """Return what stands before a command inside: the program that opens its one way out."""
    program = str(Path(harness.__file__).parent / "sandbox" / "network" / "inlet.py")
    return (sys.executable, "-I", "-S", "-X", "utf8", program, str(fd), ",".join(map(str, ports)))
