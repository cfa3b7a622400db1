"""The sandbox of a run: what of this machine is let in, whether bubblewrap works here, and a command put inside."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import site
import string
import sys
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import harness
from harness import files
from harness.agents.choose import Agent
from harness.capture import find_program
from harness.config import Config, Settings
from harness.errors import AgentError, StorageError
from harness.keys import ERRANDS, LENGTH, LOGINS, Outfit, dress_agent, dress_check
from harness.process import Bounds, Command, Confined, Door, Quiet, Supervisor
from harness.sandbox import Walls, compose_arguments
from harness.seccomp import compose_filter
from harness.text import one_line

if TYPE_CHECKING:
    from harness.broker import Broker

PROGRAM = "bwrap"
ARGUMENTS_FD, FILTER_FD = 3, 4
CHECKS = "checks"  # who is inside when no agent is
PROBE = 20.0  # seconds
_NO_WAY_OUT = "keys stay outside of bubblewrap or nowhere: mend it, or choose `sandbox_network: host`"
_KEYS_OF_CLAUDE = ("primaryApiKey", "customApiKeyResponses")  # in ~/.claude.json

# What the project holds that would be obeyed outside the sandbox. What is there is read-only inside; what was not there
# and appears during an attempt is set aside. Of `.git`: where its configuration and its hooks come from.
GUARDED = (
    "harness.yaml", "templates/prompt.md", ".claude/settings.json", ".claude/settings.local.json", ".mcp.json",
    ".codex/config.toml", ".gemini/settings.json", ".envrc", ".vscode/settings.json", ".vscode/tasks.json",
)  # fmt: skip
GUARDED_OF_GIT = ("hooks", "config", "config.worktree", "commondir", "info", "modules")

# Where tools live that are not of the system, besides what PATH says; of each, what holds a credential is masked.
_TOOL_VARIABLES = ("VIRTUAL_ENV", "CONDA_PREFIX", "PYENV_ROOT", "NVM_DIR", "CARGO_HOME", "RUSTUP_HOME", "GOROOT",
                   "GOPATH", "JAVA_HOME")  # fmt: skip
_TOOL_FOLDERS = (".pyenv", ".nvm", ".rustup", ".cargo", ".asdf", ".bun", ".deno", ".volta", ".sdkman/candidates",
                 ".local/share/claude", ".local/share/pipx", ".local/share/uv", ".local/share/mise",
                 ".local/share/pnpm", ".local/share/fnm", ".local/pipx", ".local/lib", ".claude/local")  # fmt: skip
_CREDENTIALS = ("credentials", "credentials.toml", ".npmrc", ".pypirc", ".netrc", ".credentials.json", "auth.json")
_IDENTITY = (".gitconfig", ".config/git/config", ".config/git/ignore", ".config/git/attributes")
_AUTHORITIES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
_SHALLOW = (".local", ".config", ".cache")  # folders of a home that hold more than tools

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
class Cage:
    """Puts commands into the sandbox of this run; made by `open_cage`."""

    walls: Walls
    settings: Settings
    home: Path
    place: Path  # where private folders are made, new for each command
    logs: Path
    program: str
    limits: Mapping[str, int]
    broker: Broker | None = None  # with `sandbox_network: broker`
    boxes: int = 0
    filter: bytes = field(default_factory=lambda: compose_filter(os.uname().machine))

    def confine(
        self, command: Command, *, agent: Agent | None, cell: Path | None = None, whose: str = "check"
    ) -> Command:
        """Return the command, inside: with the agent's own credentials, or without any for a check.

        With a broker, keys stay outside, and its box is the command's network; `whose` it is, its log says.
        """
        outfit = self._dress(command, agent)
        command = replace(command, argv=outfit.argv, env=outfit.env)
        box = self._new_box(agent, outfit)
        who = CHECKS if agent is None else agent.name
        logins = _logins_of(agent)
        own = (*_READS.get(who, ()), *_WRITES.get(who, ()))
        hidden = {self.home / name for name in own if outfit.holds_key and name in logins}
        reads = [*(self.home / name for name in _READS.get(who, ())), *_named_files(command.argv)]
        reads += [Path(command.env[name]) for name in _AUTHORITIES if command.env.get(name, "").startswith("/")]
        writes = [self.home / name for name in _WRITES.get(who, ())]
        walls = replace(
            self.walls,
            readable=_existing((*self.walls.readable, *reads, *_program_of(command, self.home)), hidden),
            writable=_existing((*self.walls.writable, *writes), hidden),
            private=((self.home, box / "home"), (Path("/tmp"), box / "tmp"), (self.logs, cell or box / "logs")),
        )
        arguments = compose_arguments(walls, filter_fd=FILTER_FD if self.filter else None)
        inputs: tuple[bytes, ...] = ("\0".join((*arguments, "")).encode("utf-8", "surrogateescape"),)
        inputs += (self.filter,) if self.filter else ()
        line: tuple[str, ...] = (self.program, "--args", str(ARGUMENTS_FD), "--")
        environ = {**command.env, **{name: "/tmp" for name in ("TMPDIR", "CLAUDE_CODE_TMPDIR") if name in command.env}}
        if self.broker is None:
            return replace(command, env=environ, confined=Confined(line, inputs, self.limits))
        line += _inlet(ARGUMENTS_FD + len(inputs), self.broker.ports)
        door = self._open_door(outfit, agent, whose)
        return replace(command, env=environ, confined=Confined(line, inputs, self.limits, door))

    def _dress(self, command: Command, agent: Agent | None) -> Outfit:
        """Return arguments and environment as they are inside: as they are, but with a broker."""
        if self.broker is None:
            return Outfit(command.argv, command.env)
        relay = self.broker.relay
        if agent is None:
            return dress_check(command.argv, command.env, relay=relay)
        passed = self.settings.env_pass
        return dress_agent(agent.name, command.argv, command.env, relay=relay, word=_random_word, passed=passed)

    def _open_door(self, outfit: Outfit, agent: Agent | None, whose: str) -> Door:
        """Return the network of one command: without a key outside, an agent's login needs hosts of its own."""
        assert self.broker is not None
        hosts = LOGINS[agent.name][1] if agent is not None and agent.name in LOGINS else ()
        also = hosts if agent is not None and self.find_login(agent, outfit) else ()
        errands = ERRANDS.get(agent.name, ()) if agent is not None else ()
        return self.broker.box(whose, outfit.routes, also=also, quiet=(*hosts, *errands))

    def take_refused(self) -> tuple[str, ...]:
        """Return a remark on the hosts that were asked for in vain since this was last asked."""
        return () if self.broker is None else self.broker.take_refused()

    def find_login(self, agent: Agent, outfit: Outfit) -> str:
        """Return which file of the home has to be inside, because no key for the agent is outside; "" for none."""
        names = [] if outfit.holds_key else [name for name in _logins_of(agent) if (self.home / name).exists()]
        return f"~/{names[0]}" if names else ""

    def explain_keys(self, agent: Agent, environ: Mapping[str, str]) -> list[str]:
        """Return what a person should know about an agent's keys under a broker, in a few words each."""
        if self.broker is None:
            return []
        outfit = self._dress(Command(agent.argv, self.walls.workspace, environ), agent)
        login = self.find_login(agent, outfit)
        said = [f"{login} itself is inside, since {agent.name} has no key in the environment"] if login else []
        said += [f"{', '.join(outfit.kept)} stays outside, and nothing stands in for it"] if outfit.kept else []
        return said

    def _new_box(self, agent: Agent | None, outfit: Outfit) -> Path:
        """Make a private home and temporary folder; nothing of one attempt reaches the next."""
        files.remove_tree(self.place / f"box-{self.boxes}")
        self.boxes += 1
        box = self.place / f"box-{self.boxes}"
        for name in ("home", "tmp", "logs"):
            files.make_folder(box / name)
        for name, text in outfit.files.items():
            files.write_atomic(box / "tmp" / name, text, sync=False)
        if agent is not None and agent.name == "claude":
            files.make_folder(box / "home" / ".claude")
            without = _KEYS_OF_CLAUDE if outfit.holds_key else ()
            if state := read_claude_state(self.home / ".claude.json", self.walls.workspace, without):
                files.write_atomic(box / "home" / ".claude.json", state, sync=False)
        return box

    def try_agent(self, agent: Agent, supervisor: Supervisor, environ: Mapping[str, str]) -> tuple[str, str]:
        """Return the version that the agent says inside, and why it cannot start there ("" when it can)."""
        inside = self.confine(Command(agent.argv, self.walls.workspace, environ), agent=agent, whose="probe")
        version, problem = _try(replace(inside, argv=_probe_of(agent)), supervisor)
        if problem and self.broker is not None:
            raise AgentError(f"agent `{agent.name}` cannot start inside the sandbox: {problem}", _NO_WAY_OUT)
        return version, problem


def open_cage(
    config: Config, supervisor: Supervisor, environ: Mapping[str, str], temporary: Path
) -> tuple[Cage | None, str]:
    """Return the sandbox that the settings ask for; None with the reason where the agent will be unconfined.

    Raises AgentError when `bwrap` is asked for by name and does not work here, and when keys are to stay outside
    (`sandbox_network: broker`) and there is no sandbox to keep them out of.
    """
    word, with_broker = config.settings.sandbox, config.settings.sandbox_network == "broker"
    if word in ("none", "container"):
        if with_broker:
            raise AgentError(f"`sandbox_network: broker` needs bubblewrap, and `sandbox` is `{word}`", _NO_WAY_OUT)
        return None, word
    try:
        return _build(config, supervisor, environ, temporary), ""
    except AgentError as error:
        if word == "bwrap":
            raise
        if with_broker:
            raise AgentError(f"`sandbox_network: broker` needs a sandbox: {error.message}", _NO_WAY_OUT) from error
        return None, error.message


def _build(config: Config, supervisor: Supervisor, environ: Mapping[str, str], temporary: Path) -> Cage:
    root = config.paths.root.resolve()
    home = Path(environ.get("HOME", "")).resolve() if environ.get("HOME", "/") != "/" else Path("/nonexistent")
    program = find_program(PROGRAM, environ, root)
    if not sys.platform.startswith("linux"):
        raise AgentError(f"no bubblewrap on {sys.platform}", "choose `sandbox: container` or `none`")
    if not program:
        raise AgentError("`bwrap` is not on PATH", "install bubblewrap, or choose `sandbox: container` or `none`")
    if home.is_relative_to(root):
        raise AgentError(f"the project `{root}` holds your home folder", "move it to a folder of its own")
    for git in find_git(root)[1][:1]:
        for name in ("hooks", "info"):
            files.make_folder(git / name)  # as `git init` does: what is not there cannot be held
    walls = describe_walls(config, environ, root=root, home=home)
    walls = replace(walls, tied=not supervisor.namespace)
    cage = Cage(
        walls=walls,
        settings=config.settings,
        home=home,
        place=temporary,
        logs=config.paths.logs.resolve(),
        program=program,
        limits=limits_of(config.settings),
        broker=_make_broker(config, supervisor, environ),
    )
    why = ""
    older, as_root = replace(walls, closed=False), replace(walls, user_namespace=False)
    for variant in (walls, older, *([as_root] if os.geteuid() == 0 else [])):
        cage.walls = variant
        _, problem = _try(cage.confine(Command(("true",), root, {"PATH": os.defpath}), agent=None), supervisor)
        if not problem:
            return cage
        why = why or problem
    raise AgentError(f"bubblewrap does not work here: {why}", "see `harness doctor`, or choose another `sandbox`")


def _make_broker(config: Config, supervisor: Supervisor, environ: Mapping[str, str]) -> Broker | None:
    if config.settings.sandbox_network != "broker":
        return None
    from harness.broker import Broker  # with it come http and ssl, which nothing else here needs

    return Broker(config.settings.sandbox_hosts, config.paths.logs / "network.txt", environ, supervisor.redactor)


def describe_walls(config: Config, environ: Mapping[str, str], *, root: Path, home: Path) -> Walls:
    """Return what every command inside sees, the agent's own files and logs/ left out."""
    settings, paths = config.settings, config.paths
    top, gits = find_git(root)
    named = [root / name for name in (settings.order_file, settings.template, settings.script) if name]
    guarded = [paths.specs, *named, *_guards(root)]
    for git in gits:
        guarded += [git / name for name in GUARDED_OF_GIT]
    if (top / ".git").is_file():
        guarded.append(top / ".git")  # where git looks for the repository
    tools = find_tools(environ, home, root)
    prefix = Path(sys.prefix).resolve()
    if prefix.is_relative_to(root) and Path(harness.__file__).resolve().is_relative_to(prefix):
        guarded.append(prefix)  # harness itself would run what is written there
    return Walls(
        workspace=root,
        writable=_existing((*gits, *(_expand(path, root, home) for path in settings.sandbox_write))),
        readable=_existing(
            ([top] if top != root else [])
            + [*tools, *find_python(), *(home / name for name in _IDENTITY)]
            + [_expand(path, root, home) for path in settings.sandbox_read]
        ),
        protected=_existing(path.resolve() for path in guarded),
        masked=_existing(tool / name for tool in tools for name in _CREDENTIALS),
        shortcuts=tuple((name, os.readlink(f"/{name}")) for name in _links_at_root()),  # noqa: PTH115
        network=settings.sandbox_network == "host",
        proc_sys=os.geteuid() == 0,
    )


def find_absent(root: Path) -> tuple[str, ...]:
    """Return what would be obeyed outside the sandbox and is not there: if it appears, an attempt made it."""
    _, gits = find_git(root)
    looked = [root / ".git", *_guards(root), *(git / name for git in gits for name in GUARDED_OF_GIT)]
    return tuple(str(path) for path in looked if not os.path.lexists(path))


def _guards(root: Path) -> list[Path]:
    return [root / name for name in GUARDED]


def find_git(root: Path) -> tuple[Path, list[Path]]:
    """Return the top of the work tree that holds `root`, and the folders where its repository keeps itself.

    These an agent may write, so a `.git` that leads elsewhere is believed only where git itself leads back to it.
    """
    for folder in (root, *root.parents):
        dot = folder / ".git"
        if dot.is_symlink():
            return folder, []
        if dot.is_dir():
            return folder, [dot.resolve()]
        if dot.is_file():  # a worktree or a submodule: "gitdir: PATH"
            own = (folder / files.read_text(dot, 4096).removeprefix("gitdir:").strip()).resolve()
            return folder, _follow_back(own, folder)
    return root, []


def _follow_back(own: Path, folder: Path) -> list[Path]:
    """Return the folders of a worktree's or a submodule's repository; none where it knows nothing of `folder`."""
    try:
        if back := files.read_text(own / "gitdir", 4096).strip():
            common = (own / files.read_text(own / "commondir", 4096).strip()).resolve()
            known = (own / back).resolve() == folder.resolve() / ".git" and own.parent == common / "worktrees"
            return [common, own] if known else []
        tree = re.search(r"^\s*worktree\s*=\s*(.+?)\s*$", files.read_text(own / "config", 1 << 20), re.MULTILINE)
    except StorageError:  # it leads to something that is no repository
        return []
    return [own] if tree and (own / tree[1].strip('"')).resolve() == folder.resolve() else []


def find_tools(environ: Mapping[str, str], home: Path, root: Path) -> list[Path]:
    """Return the folders of tools that are not of the system: what PATH names, with the folder around a `bin`."""
    found = []
    for entry in environ.get("PATH", "").split(os.pathsep):
        if entry.startswith("/") and not entry.startswith(("/usr/", "/opt/", "/bin", "/sbin")):
            folder = Path(entry).resolve()
            if Path(entry).is_relative_to(root):  # it is seen anyway, and a link out of the project may be an agent's
                continue
            around = folder.parent
            whole = folder.name in ("bin", "sbin", "shims") and _is_narrow(around, home, root)
            found.append(around if whole else folder)
    named = [Path(environ[name]) for name in _TOOL_VARIABLES if environ.get(name, "").startswith("/")]
    found += [path.resolve() for path in named if not path.is_relative_to(root)]
    found += [home / name for name in _TOOL_FOLDERS]
    return list(dict.fromkeys(path for path in found if _is_narrow(path, home, root)))


def _is_narrow(path: Path, home: Path, root: Path) -> bool:
    """Whether a folder holds tools alone: neither a home, nor the project, nor half of the machine."""
    broad = {*map(Path, ("/", "/usr", "/home", "/tmp", "/var")), *(home / name for name in _SHALLOW)}
    return path not in broad and not root.is_relative_to(path) and not home.is_relative_to(path)


def find_python() -> list[Path]:
    """Return what our own Python needs to run a program of ours: its prefixes, its packages, and harness itself."""
    packages = [*site.getsitepackages(), *([site.getusersitepackages()] if site.ENABLE_USER_SITE else [])]
    ours = Path(harness.__file__).parent
    folders = [sys.prefix, sys.base_prefix, sys.exec_prefix, *packages, ours, ours.parent / "templates"]
    return [Path(folder) for folder in dict.fromkeys(map(str, folders)) if folder not in ("/usr", "/")]


def limits_of(settings: Settings) -> dict[str, int]:
    """Return the limits on each process; the number of processes is not counted for root."""
    limits = {"DATA": settings.sandbox_memory, "FSIZE": settings.sandbox_file_size, "CORE": 0}
    if os.geteuid() != 0:
        limits["NPROC"] = settings.sandbox_processes
    return {name: limit for name, limit in limits.items() if limit or name == "CORE"}


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


def _probe_of(agent: Agent) -> tuple[str, ...]:
    """Return a command that shows whether the agent can start, without a model."""
    match agent.name:
        case "api":
            look = "import importlib.util as u, harness.agents.api.launch; assert u.find_spec('anthropic')"
            return (agent.argv[0], "-P", "-c", look)
        case "scripted":
            return (agent.argv[0], "-I", "-c", "import yaml")
        case "command":
            look = 'command -v "$0" >/dev/null || { echo "there is no $0 inside" >&2; exit 1; }'
            return ("/bin/sh", "-c", look, agent.argv[0])
    return (agent.argv[0], "--version")


class _Ear(Quiet):
    """Keeps what a probe says."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []

    def line(self, line: bytes) -> None:
        self.lines.append(line)


def _try(command: Command, supervisor: Supervisor) -> tuple[str, str]:
    ear = _Ear()
    ended = supervisor.run(command, Bounds(timeout=PROBE, grace=0.5), ear, stdout=None, stderr=None)
    said = one_line(b" ".join(ear.lines).decode("utf-8", "replace"), 60)
    if ended.code == 0:
        return said, ""
    return said, one_line(ended.error or ended.stderr_tail, 200) or f"exit {ended.code}"


def _named_files(argv: Iterable[str]) -> list[Path]:
    """Return the files that a command line names: a script, a configuration."""
    return [Path(word) for word in argv if word.startswith("/") and len(word) < 4096 and Path(word).is_file()]


def _program_of(command: Command, home: Path) -> list[Path]:
    """Return where the program of a command lies in truth, behind its links: the file, or its whole node_modules."""
    found = shutil.which(command.argv[0], path=command.env.get("PATH"))
    if found is None:
        return []
    real = Path(found).resolve()
    for folder in reversed(real.parents):
        if folder.name == "node_modules":
            return [folder]
    return [] if real.is_relative_to("/usr") else [real]


def _expand(path: str, root: Path, home: Path) -> Path:
    """Return a path of the settings: below the project, or the home for `~`."""
    return home / path[2:] if path.startswith("~/") else root / path


def _existing(paths: Iterable[Path], besides: Collection[Path] = ()) -> tuple[Path, ...]:
    there = (path for path in paths if path not in besides and os.path.exists(path))  # noqa: PTH110  what we may not see is not there
    return tuple(dict.fromkeys(there))


def _logins_of(agent: Agent | None) -> tuple[str, ...]:
    """Return the files of the home that may hold an agent's login."""
    return LOGINS.get(agent.name, ((), ()))[0] if agent is not None else ()


def _random_word() -> str:
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(LENGTH))


def _inlet(fd: int, ports: Iterable[int]) -> tuple[str, ...]:
    """Return what stands before a command inside: the program that opens its one way out."""
    program = str(Path(harness.__file__).with_name("inlet.py"))
    return (sys.executable, "-I", "-S", "-X", "utf8", program, str(fd), ",".join(map(str, ports)))


def _links_at_root() -> list[str]:
    with os.scandir("/") as entries:
        return sorted(entry.name for entry in entries if entry.is_symlink() and entry.name in
                      ("bin", "sbin", "lib", "lib32", "lib64", "libx32"))  # fmt: skip
