"""The tools that a sandbox lets in: programs and what is installed with them, never what else lies beside them."""

from __future__ import annotations

import os
import shutil
import site
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import harness
from harness.sandbox.bubblewrap import SYSTEM
from harness.settings.options import Settings
from harness.system import files
from harness.system.command import Command
from harness.workspace.repositories import real_path

# What lies beside a `bin` and belongs to its programs: the names of the FHS, of venv, of conda. With a file that only
# one kind of installation has, more: Go (go.env), a JDK (release), Homebrew (Cellar), pyenv and its like (versions).
_BESIDE_BIN = ("lib", "lib32", "lib64", "libexec", "include", "share", "ssl")
_BY_SIGN = {
    "go.env": ("go.env", "VERSION", "pkg", "src"),
    "release": ("release", "conf", "jmods", "legal"),
    "Cellar": ("Cellar", "opt", "etc/ca-certificates", "etc/openssl@3"),
    "versions": ("versions", "version", "plugins"),
    "installs": ("installs", "plugins"),
}
_BINS = ("bin", "sbin", "shims")
_INSTALLATIONS = ("VIRTUAL_ENV", "CONDA_PREFIX", "GOROOT", "JAVA_HOME")  # variables that name one


@dataclass(frozen=True, slots=True)
class Manager:
    """A manager of tools: where it keeps them in a home, which variable says otherwise, and what of it is let in.

    The rest of its folder is its own: settings, caches and, of some, tokens.
    """

    place: str
    variable: str = ""
    parts: tuple[str, ...] = ("",)


MANAGERS = (
    *(Manager(f".{name}", f"{name.upper()}_ROOT") for name in ("pyenv", "rbenv", "nodenv", "goenv", "jenv")),
    Manager(".nvm", "NVM_DIR", ("alias", "nvm.sh", "nvm-exec", "versions")),
    Manager(".rustup", "RUSTUP_HOME", ("settings.toml", "toolchains")),
    Manager(".cargo", "CARGO_HOME", ("bin", "env", "git", "registry")),
    Manager("go", "GOPATH", ("bin", "pkg")),
    Manager(".asdf", "ASDF_DATA_DIR", ("asdf.sh", "bin", "installs", "lib", "plugins", "shims")),
    Manager(".local/share/mise", "MISE_DATA_DIR", ("installs", "plugins", "shims")),
    Manager(".bun", "BUN_INSTALL", ("bin", "install")),
    Manager(".deno", "DENO_INSTALL", ("bin",)),
    Manager(".volta", "VOLTA_HOME", ("bin", "tools")),
    Manager(".sdkman/candidates", "SDKMAN_CANDIDATES_DIR"),
    Manager(".local/share/pipx", "PIPX_HOME", ("py", "shared", "venvs")),
    Manager(".local/pipx", "", ("py", "shared", "venvs")),
    Manager(".local/share/uv", "", ("python", "tools")),
    Manager(".local/share/pnpm", "PNPM_HOME"),
    Manager(".local/share/fnm", "FNM_DIR", ("aliases", "node-versions")),
    Manager(".local/lib"),
)

# Files that hold a credential, wherever they lie: in a folder that is let in they are there, empty.
_CREDENTIALS = {"credentials", "credentials.toml", "credentials.json", ".credentials.json", "auth.json", ".env",
                ".npmrc", ".pypirc", ".netrc", ".condarc", ".yarnrc.yml", "access-tokens.json"}  # fmt: skip
_KEYS = {".ssh", ".gnupg", ".aws", ".azure", ".kube", ".docker", ".password-store", "gcloud", "keyrings"}  # folders
LONGEST_PATH = 4096  # bytes
_SHALLOW = (".local", ".config", ".cache")  # folders of a home that hold more than tools


def find_tools(environ: Mapping[str, str], home: Path, root: Path, of_agents: Iterable[str] = ()) -> list[Path]:
    """Return what is let in of tools that are not the system's: the folders on PATH, and what is installed with them.

    `of_agents` are folders of the home where agents are installed.
    """
    found: list[Path] = []
    for folder in _on_path(environ, root):
        found += installation(folder.parent) if folder.name in _BINS and is_narrow(folder.parent, home, root) else ()
        found.append(folder)
    for name in _INSTALLATIONS:
        found += [part for prefix in _named(environ, name, root) for part in installation(prefix)]
    for manager in MANAGERS:
        folders = [home / manager.place, *(_named(environ, manager.variable, root))]
        found += [folder / part for folder in folders for part in manager.parts]
    found += [home / name for name in of_agents]
    return list(dict.fromkeys(path for path in found if is_narrow(path, home, root)))


def find_credentials(
    tools: Iterable[Path], environ: Mapping[str, str], root: Path, strict: Iterable[Path] = ()
) -> Iterator[os.DirEntry[str]]:
    """Yield what lies in the folders of tools and is no tool: files that hold credentials.

    On PATH and in the folders that are `strict`, also what is hidden.
    """
    on_path = {*_on_path(environ, root), *strict}
    for tool in tools:
        with suppress(OSError), os.scandir(tool) as entries:
            for entry in entries:
                if entry.name in _CREDENTIALS or (tool in on_path and entry.name.startswith(".")):
                    yield entry


def is_plain_tool(path: Path) -> bool:
    """Whether a program may be let in by itself: neither hidden, nor a credential, nor beside keys."""
    return path.name not in _CREDENTIALS and not path.name.startswith(".") and _KEYS.isdisjoint(path.parts)


def installation(prefix: Path) -> list[Path]:
    """Return what belongs to the programs in a prefix's `bin`; nothing of a checkout of git, where anything may lie."""
    if files.exists(prefix / "pyvenv.cfg"):
        return [prefix]  # a virtual environment holds nothing else; each mount costs
    if files.exists(prefix / ".git"):
        return []
    signed = [name for sign, names in _BY_SIGN.items() if files.exists(prefix / sign) for name in names]
    return [prefix / name for name in (*_BINS, *_BESIDE_BIN, *signed)]


def find_python() -> list[Path]:
    """Return what our own Python needs to run a program of ours: its prefixes, its packages, and harness itself."""
    packages = [*site.getsitepackages(), *([site.getusersitepackages()] if site.ENABLE_USER_SITE else [])]
    prefixes = dict.fromkeys(Path(one) for one in (sys.prefix, sys.base_prefix, sys.exec_prefix))
    parts = [part for one in prefixes if one not in (Path("/usr"), Path("/")) for part in installation(one)]
    return [*parts, *map(Path, packages), *find_harness()]


def find_harness() -> list[Path]:
    """Return where harness itself lies: its package, and its templates where they lie beside it."""
    ours = Path(harness.__file__).parent
    return [ours, ours.parent / "templates"]


def find_own_code(writable: Iterable[Path]) -> list[Path]:
    """Return what of our own Python and of harness lies where agents may write: it is to be read-only to them."""
    python = [Path(one) for one in dict.fromkeys((sys.prefix, sys.base_prefix, sys.exec_prefix))]
    places = [real_path(one) for one in writable]
    ours = [real_path(one) for one in (*python, *find_harness())]
    return [one for one in ours if any(one.is_relative_to(place) and one != place for place in places)]


def find_named(settings: Settings, root: Path) -> list[Path]:
    """Return the files outside the project that its settings name for an agent: a program, a script, a configuration.

    However they are written, relative or by links: as the word says, and where it leads in truth.
    """
    program, words = settings.command[:1], (*settings.command[1:], *settings.agent_args, settings.script)
    found = [path for word in program for path in _lead_out(word, root, whole=True)]
    found += [path for word in words for path in _lead_out(word, root, whole=False)]
    return list(dict.fromkeys(found))


def _lead_out(word: str, root: Path, *, whole: bool) -> list[Path]:
    """Return where a word leads out of the project to a file; of a program in a node_modules, all of that."""
    path = root / word
    if not word or len(word) > LONGEST_PATH or not files.is_file(path):
        return []
    real = _whole_program(real_path(path)) if whole else real_path(path)
    return [one for one in (real_path(path.parent) / path.name, real) if not one.is_relative_to(root)]


def is_seen(path: Path, folders: Iterable[Path]) -> bool:
    """Whether a sandbox shows a file anyway: as one of the system's, or in one of the folders."""
    return any(path.is_relative_to(folder) for folder in (*map(Path, SYSTEM), *folders))


def program_of(command: Command, root: Path) -> list[Path]:
    """Return where the program of a command lies in truth, behind its links: the file, or its whole node_modules.

    Of one that is found in the project, nothing: an agent can make a link there. Nor of one that a path leads to from
    there.
    """
    found = shutil.which(command.argv[0], path=command.env.get("PATH"))
    if found is None or not found.startswith("/") or Path(os.path.normpath(found)).is_relative_to(root):
        return []
    real = _whole_program(real_path(found))
    return [] if real.is_relative_to("/usr") else [real]


def _whole_program(real: Path) -> Path:
    """Return the file of a program, or the whole node_modules that it lies in."""
    return next((folder for folder in reversed(real.parents) if folder.name == "node_modules"), real)


def _on_path(environ: Mapping[str, str], root: Path) -> list[Path]:
    """Return the folders on PATH that are neither the system's nor in the project.

    What is in the project is seen anyway, and a link out of it may be an agent's.
    """
    named = environ.get("PATH", "").split(os.pathsep)
    own = [one for one in named if one.startswith("/") and not one.startswith(("/usr/", "/opt/", "/bin", "/sbin"))]
    return [real_path(one) for one in own if not Path(one).is_relative_to(root)]


def _named(environ: Mapping[str, str], variable: str, root: Path) -> list[Path]:
    """Return the folder that a variable names outside the project."""
    value = environ.get(variable, "")
    return [real_path(value)] if value.startswith("/") and not Path(value).is_relative_to(root) else []


def is_narrow(path: Path, home: Path, root: Path) -> bool:
    """Whether a folder holds tools alone: neither a home, nor the project, nor half of the machine."""
    broad = {*map(Path, ("/", "/usr", "/home", "/tmp", "/var")), *(home / name for name in _SHALLOW)}
    return path not in broad and not root.is_relative_to(path) and not home.is_relative_to(path)
