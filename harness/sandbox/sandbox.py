"""The sandbox of a run: a command is put inside, with what its agent needs of the home, and a network of its own."""

from __future__ import annotations

import json
import os
import secrets
import string
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import harness
from harness.domain.agent import Access, Agent, AllAgents, Home, ModelUse, Named, StateFile
from harness.domain.errors import AgentError
from harness.sandbox.bubblewrap import SYSTEM, Mounts, compose_arguments
from harness.sandbox.etc import Etc
from harness.sandbox.mounts import AUTHORITIES, existing
from harness.sandbox.network.credentials import LENGTH, Substituted, substitute_for_agent, substitute_for_check
from harness.sandbox.probe import try_command
from harness.sandbox.seccomp import compose_filter
from harness.sandbox.tools import is_plain_tool, program_of
from harness.sandbox.view import find_differences
from harness.settings.options import Settings
from harness.system import files, untrusted
from harness.system.command import Command, Confined, Door
from harness.system.process import Supervisor
from harness.workspace.clean_checkout import OBJECTS, Checkout
from harness.workspace.git_config import GitConfig, holds_hooks
from harness.workspace.quarantine import allowed_paths

if TYPE_CHECKING:
    from harness.sandbox.network.broker import Broker

ARGUMENTS_FD, FILTER_FD = 3, 4
WRITABLE = "run harness as the user that owns the project, or make it writable"
_TRY_TO_WRITE = 'made=.harness-$$; mkdir "$made" && rmdir "$made"'
NO_WAY_OUT = "only bubblewrap can keep keys outside: make it work here, or choose `sandbox_network: host`"


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
    agents: AllAgents
    etc: Etc
    named: tuple[Path, ...] = ()  # files outside that the settings name for an agent, as they were when it was opened
    broker: Broker | None = None  # with `sandbox_network: broker`
    git_config: GitConfig = field(default_factory=GitConfig)
    reads: bool = False  # what is inside only reads
    reveals: bool = False  # what is held out is seen: nothing that an agent sees later may be written
    name: ClassVar[str] = "bwrap"
    has_private_logs: ClassVar[bool] = True  # whether an agent can see another folder where logs/ is
    shows_checkouts: ClassVar[bool] = True  # whether a clean checkout can be seen where the project is
    scratches: dict[str, Path] = field(default_factory=dict)  # the private folders of each attempt in flight
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    filter: bytes = field(default_factory=lambda: compose_filter(os.uname().machine))

    def confine(
        self,
        command: Command,
        *,
        agent: Agent | None,
        private_logs: Path | None = None,
        whose: str = "check",
        attempt: str = "",
        may_change: tuple[str, ...] = (),
    ) -> Command:
        """Return the command, inside: with the agent's own credentials, or without any for a check.

        With a broker, keys stay outside, and its channel is the command's network; `whose` it is, its log says. Of one
        `attempt` a single command may be inside at a time ("" for those of none). What is read-only inside, a spec
        may let its agent change (`may_change`).
        """
        substituted = self.substitute(command, agent)
        scratch = self.new_scratch(agent, substituted, attempt)
        logs = private_logs or scratch / "logs"
        inside = self._put_inside(command, agent, substituted, scratch, logs, may_change)
        return self._connect(inside, agent, substituted, whose, attempt)

    def showing(self, checkout: Checkout) -> Sandbox:
        """Return the same sandbox, with a clean checkout in the place of the project's work tree."""
        within = [("--ro-bind", checkout.objects, checkout.top / OBJECTS)]
        copies = {path: copy for copy, path in checkout.copies}
        for path in checkout.brought:
            is_written = path in copies or (files.is_dir(path) and not self.reveals)
            within.append(("--bind" if is_written else "--ro-bind", copies.get(path, path), path))
        within += [("--ro-bind", path, path) for path in checkout.held]
        mounts = replace(self.mounts, instead=(checkout.top, checkout.folder), within=tuple(within))
        if self.reveals:
            mounts = replace(mounts, writable=(), readable=(*mounts.readable, *mounts.writable))
        return replace(self, mounts=mounts)

    def reading(self, checkout: Checkout) -> Sandbox:
        """Return the same sandbox for who reads a checkout and writes nothing: no folder of the person's, no host but
        the agent's own where there is a broker, and of the project what the commit holds and the script of an agent."""
        shown = self.showing(replace(checkout, brought=(), held=(), copies=()))
        script = self.mounts.workspace / self.settings.script
        within = shown.mounts.within
        within += (("--ro-bind", script, script),) if self.settings.script and files.is_file(script) else ()
        mounts = replace(shown.mounts, within=within, writable=(), protected=(), sealed=(checkout.top,))
        return replace(shown, mounts=mounts, reads=True)

    def revealing(self, folder: Path) -> Sandbox:
        """Return the same sandbox, in which a folder is seen that is held out from all others.

        In a checkout, what it has of the project is read-only then: code could leave there what it saw.
        """
        left = tuple(one for one in self.mounts.emptied if one != folder)
        return replace(self, mounts=replace(self.mounts, emptied=left), reveals=True)

    def confine_helper(self, command: Command) -> Command | None:
        """Return a helper of ours, inside as a check is; its private folders stay while other commands come and go.

        They are those of the helper before it, emptied: one of them lives at a time. None where there is no helper.
        """
        substituted, scratch = self.substitute(command, None), self.place / "helper"
        untrusted.remove_tree(scratch)
        self._fill_scratch(scratch, None, substituted)
        inside = self._put_inside(command, None, substituted, scratch, scratch / "logs")
        return self._connect(inside, None, substituted, "check")

    def _put_inside(
        self,
        command: Command,
        agent: Agent | None,
        substituted: Substituted,
        scratch: Path,
        logs: Path,
        may_change: tuple[str, ...] = (),
    ) -> Command:
        command = replace(command, argv=substituted.argv, env=substituted.env)
        private = ((self.home, scratch / "home"), (Path("/tmp"), scratch / "tmp"), (self.logs, logs))
        mounts = replace(self.mounts_for(command, agent, substituted), private=private)
        mounts = replace(mounts, etc=self.etc.folder, etc_mounted=self.etc.refresh())
        if may_change:
            free = allowed_paths(self.mounts.workspace, self.agents.guarded, may_change)
            mounts = replace(mounts, protected=tuple(one for one in mounts.protected if one not in free))
        arguments = compose_arguments(mounts, filter_fd=FILTER_FD if self.filter else None)
        inputs: tuple[bytes, ...] = ("\0".join((*arguments, "")).encode("utf-8", "surrogateescape"),)
        inputs += (self.filter,) if self.filter else ()
        line: tuple[str, ...] = (self.program, "--args", str(ARGUMENTS_FD), "--")
        temporaries = ("TMPDIR", *(agent.temporaries if agent is not None else ()))
        environ = {**command.env, **{name: "/tmp" for name in temporaries if name in command.env}}
        return replace(command, env=environ, confined=Confined(line, inputs, self.limits))

    def _connect(
        self, inside: Command, agent: Agent | None, substituted: Substituted, whose: str, attempt: str = ""
    ) -> Command:
        """Return a command that is inside with its network, where that is the broker's."""
        if self.broker is None or inside.confined is None:
            return inside
        line = (*inside.confined.argv, *_inlet(ARGUMENTS_FD + len(inside.confined.inputs), self.broker.ports))
        door = self._open_door(substituted, agent, whose, attempt)
        return replace(inside, confined=replace(inside.confined, argv=line, door=door))

    def mounts_for(self, command: Command, agent: Agent | None, substituted: Substituted) -> Mounts:
        """Return the mounts around one command: with what its agent needs of the home, but no login beside a key."""
        home, access = (Home(), Access()) if agent is None else (agent.home, agent.access)
        hidden = {self.home / name for name in access.logins if substituted.holds_key}
        reads = [*(self.home / name for name in home.reads), *command.needed, *(() if agent is None else self.named)]
        reads += [one.path for one in (() if agent is None else agent.named) if one.own and is_plain_tool(one.path)]
        reads += [Path(command.env[name]) for name in AUTHORITIES if command.env.get(name, "").startswith("/")]
        writes = [self.home / name for name in home.writes]
        return replace(
            self.mounts,
            readable=existing((*self.mounts.readable, *reads, *program_of(command, self.mounts.workspace)), hidden),
            writable=existing((*self.mounts.writable, *writes), hidden),
        )

    def find_unseen(self, agent: Agent) -> list[Named]:
        """Return the programs that the agent's settings name and that are not there inside."""
        mounts = self.mounts_for(Command(agent.argv, self.mounts.workspace, {}), agent, Substituted((), {}))
        return [one for one in agent.named if not _shows(mounts, one.path)]

    def compare(self, environ: Mapping[str, str]) -> tuple[list[str], list[str]]:
        """Return what commands of the person find and those inside do not; then what is merely downloaded again."""
        mounts = self.mounts_for(Command(("true",), self.mounts.workspace, environ), None, Substituted((), {}))
        return find_differences(mounts, environ, self.home)

    def explain_hooks(self) -> str:
        """Return what a person should know where git's hooks are in a folder that is not there inside; "" else."""
        hooks = self.git_config.hooks
        if hooks is None or not holds_hooks(hooks) or _shows(self.mounts, hooks):
            return ""
        return f"git's hooks in `{hooks}` are not there inside: commits are made without them"

    def substitute(self, command: Command, agent: Agent | None) -> Substituted:
        """Return arguments and environment as they are inside: as they are, but with a broker."""
        if self.broker is None:
            return Substituted(command.argv, command.env)
        relay, providers = self.broker.relay, self.agents.providers
        if agent is None:
            return substitute_for_check(command, providers, relay=relay)
        return substitute_for_agent(
            command, agent.access, providers, relay=relay, word=_random_word, passed=self.settings.env_pass
        )

    def _open_door(self, substituted: Substituted, agent: Agent | None, whose: str, attempt: str) -> Door:
        """Return the network of one command: without a key outside, an agent's login needs hosts of its own."""
        assert self.broker is not None
        access = Access() if agent is None else agent.access
        also = access.login_hosts if agent is not None and self.find_login(agent, substituted) else ()
        quiet = (*access.login_hosts, *access.startup_hosts)
        listed = not self.reads
        return self.broker.open_channel(whose, substituted.routes, also, quiet, attempt, listed=listed)

    def take_refused(self, attempt: str) -> tuple[str, ...]:
        """Return a remark on the hosts that an attempt asked for in vain since this was last asked."""
        return () if self.broker is None else self.broker.take_refused(attempt)

    def find_login(self, agent: Agent, substituted: Substituted) -> str:
        """Return which file of the home has to be inside, because no key for the agent is outside; "" for none."""
        logins = () if substituted.holds_key else agent.access.logins
        names = [name for name in logins if files.exists(self.home / name)]
        return f"~/{names[0]}" if names else ""

    def explain_keys(self, agent: Agent, environ: Mapping[str, str]) -> list[str]:
        """Return what a person should know about an agent's keys under a broker, in a few words each."""
        if self.broker is None:
            return []
        substituted = self.substitute(Command(agent.argv, self.mounts.workspace, environ), agent)
        login = self.find_login(agent, substituted)
        said = [f"{login} itself is inside, since {agent.name} has no key in the environment"] if login else []
        if substituted.kept:
            said.append(f"{', '.join(substituted.kept)} stays outside, and has no substitute inside")
        return said

    def new_scratch(self, agent: Agent | None, substituted: Substituted, attempt: str = "") -> Path:
        """Make a private home and temporary folder in place of the attempt's last; nothing of one reaches the next."""
        self.remove_scratch(attempt)
        scratch = self.scratches[attempt] = self.place / f"scratch-{next(self.numbers)}"
        self._fill_scratch(scratch, agent, substituted)
        return scratch

    def _fill_scratch(self, scratch: Path, agent: Agent | None, substituted: Substituted) -> None:
        for name in ("home", "tmp", "logs"):
            files.make_folder(scratch / name)
        for name, text in substituted.files.items():
            files.write_atomic(scratch / "tmp" / name, text, sync=False)
        files.write_atomic(scratch / "home" / ".gitconfig", self.git_config.text, sync=False)
        home = Home() if agent is None else agent.home
        for name in home.folders:
            files.make_folder(scratch / "home" / name)
        if home.state is not None:
            root = self.mounts.workspace
            if state := read_state(self.home, home.state, root, with_keys=not substituted.holds_key):
                files.write_atomic(scratch / "home" / home.state.path, state, sync=False)

    def remove_scratch(self, attempt: str) -> None:
        """Remove what the last command of an attempt left in its private folders."""
        if (scratch := self.scratches.pop(attempt, None)) is not None:
            untrusted.remove_tree(scratch)

    def why_read_only(self, supervisor: Supervisor) -> str:
        """Return why a command inside cannot write in the project's folder, "" where it can: it is tried."""
        root = self.mounts.workspace
        write = Command(("/bin/sh", "-c", _TRY_TO_WRITE), root, {"PATH": os.defpath, "LC_ALL": "C"})
        problem = try_command(self.confine(write, agent=None, whose="probe"), supervisor)[1]
        return problem + explain_owner(root) if problem else ""

    def try_agent(self, agent: Agent, supervisor: Supervisor, environ: Mapping[str, str]) -> tuple[str, str]:
        """Return the version that the agent says inside, and why it cannot start there ("" when it can).

        Raises AgentError for one that needs a model and could reach none there.
        """
        if not self.mounts.network and self.broker is None and agent.model_use is ModelUse.ALWAYS:
            said = f"`sandbox_network: none`: agent `{agent.name}` could not reach a model"
            raise AgentError(said, "choose `host`, or `broker`, which lets its calls through and nothing else")
        inside = self.confine(Command(agent.argv, self.mounts.workspace, environ), agent=agent, whose="probe")
        version, problem = try_command(replace(inside, argv=agent.probe), supervisor)
        if problem and self.broker is not None:
            raise AgentError(f"agent `{agent.name}` cannot start inside the sandbox: {problem}", NO_WAY_OUT)
        return version, problem


def _shows(mounts: Mounts, path: Path) -> bool:
    shown: list[str | Path] = [*SYSTEM, *mounts.readable, *mounts.writable, mounts.workspace]
    return any(path.is_relative_to(folder) for folder in shown)


def explain_owner(root: Path) -> str:
    """Return who owns a project that root, without its powers inside, may not write."""
    owner = root.stat().st_uid
    return f" (it belongs to user {owner}, and root has no power over it inside)" if os.geteuid() == 0 != owner else ""


def read_state(home: Path, file: StateFile, root: Path, *, with_keys: bool = True) -> bytes:
    """Return a copy of an agent's state without what it remembers of other projects; "" when there is none."""
    try:
        state = json.loads(files.read_text(home / file.path, 64 << 20))
    except ValueError:
        return b""
    if not isinstance(state, dict):
        return b""
    projects = state.get(file.projects)
    if isinstance(projects, dict):
        state[file.projects] = {name: project for name, project in projects.items() if name == str(root)}
    for name in () if with_keys else file.keys:
        state.pop(name, None)
    return json.dumps(state).encode()


def _random_word() -> str:
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(LENGTH))


def _inlet(fd: int, ports: Iterable[int]) -> tuple[str, ...]:
    """Return what stands before a command inside: the program that opens its one way out."""
    program = str(Path(harness.__file__).parent / "sandbox" / "network" / "inlet.py")
    return (sys.executable, "-I", "-S", "-X", "utf8", program, str(fd), ",".join(map(str, ports)))
