"""An agent, ready to be started, and what the rooms that know none by name are told about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from harness.domain.provider import Provider, Redirected


class Dialect(StrEnum):
    """Whose lines an agent prints; the words of `dialect` in harness.yaml."""

    TEXT = "text"
    CLAUDE = "claude"
    CODEX = "codex"
    GEMINI = "gemini"
    OPENCODE = "opencode"


class CostSource(StrEnum):
    """How one knows what an attempt has cost."""

    REPORTED = "reported"  # the agent says dollars
    DERIVED = "derived"  # it says tokens, whose prices are looked up
    UNKNOWN = "unknown"  # it says neither


class ModelUse(StrEnum):
    """Whether an agent asks a model over the network."""

    ALWAYS = "always"
    PERHAPS = "perhaps"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class StateFile:
    """A JSON file of the home of which an agent gets a copy, without what it remembers of other projects."""

    path: str  # below the home
    projects: str  # its field that holds what is remembered, by the path of a project
    keys: tuple[str, ...] = ()  # its fields that hold a key; left out where the key is used outside


@dataclass(frozen=True, slots=True)
class Home:
    """What an agent needs of the home, as paths below it. What it `writes` is the real file: a token that is refreshed
    in a copy would log the person out. `folders` it finds there, empty."""

    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    state: StateFile | None = None


@dataclass(frozen=True, slots=True)
class Access:
    """How an agent is let in: whose keys it takes, or which files of the home hold its login; and its hosts.

    A login is inside only where no key is used outside, and then so are `login_hosts`. That a program asks for
    `startup_hosts` by itself is refused without a word. `redirect` tells it where the broker is, where the variables
    of the providers are not enough.
    """

    providers: tuple[Provider, ...] = ()
    logins: tuple[str, ...] = ()
    login_hosts: tuple[str, ...] = ()
    startup_hosts: tuple[str, ...] = ()
    redirect: Callable[[Redirected], Redirected] | None = None


@dataclass(frozen=True, slots=True)
class Named:
    """A program that an agent's settings name, `by` what in them: the person's `own`, or a project's.

    One that `guards` is a hook: without it an agent does what the person forbade.
    """

    path: Path
    by: str
    own: bool
    guards: bool = False


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent, ready to be started: `argv` reads the prompt on stdin, `dialect` says how its output is read."""

    name: str
    dialect: Dialect
    argv: tuple[str, ...]
    model: str
    passes: tuple[str, ...]  # patterns of the variables that it gets
    own: Mapping[str, str]  # variables that it gets from harness
    root: Path
    home: Home = Home()
    access: Access = Access()
    named: tuple[Named, ...] = ()
    probe: tuple[str, ...] = ()  # a command that shows, without a model, whether it can start
    version: tuple[str, ...] = ()  # a command that prints its version; () for none
    temporaries: tuple[str, ...] = ()  # variables that name its temporary folder, besides TMPDIR
    model_use: ModelUse = ModelUse.PERHAPS
    fallbacks: tuple[str, ...] = ()  # models that it may go on with
    cost: CostSource = CostSource.UNKNOWN
    stops_itself: bool = False  # it is told how many dollars it may cost, and ends there


@dataclass(frozen=True, slots=True)
class AllAgents:
    """What holds whichever agent works: whose keys stay outside, which files of a project agents obey, and the folders
    of the home where they are installed."""

    providers: tuple[Provider, ...] = ()
    guarded: tuple[str, ...] = ()
    installed: tuple[str, ...] = ()
