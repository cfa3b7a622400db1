"""What one agent is: all that the program knows about it, in one value. A module each makes one; `table` lists them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.agents.error_patterns import ErrorTexts
from harness.agents.start import AgentOptions, Start
from harness.domain.agent import Access, CostSource, Dialect, Home, ModelUse, Named
from harness.domain.provider import Provider


@dataclass(frozen=True, slots=True)
class Credential:
    """A variable that lets an agent in: it holds a provider's key, or `reason` says why no stand-in replaces it."""

    variable: str
    provider: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Loads:
    """What an agent loads from a project by itself, as paths below its root.

    `settings` it obeys, hooks and servers that they name among them: none may appear during an attempt.
    """

    instructions: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    by_source: bool = False  # whether `setting_sources` can leave them out


@dataclass(frozen=True, slots=True)
class RootRule:
    """What an agent refuses for root: an argument, unless a variable is 1, which says that this is a container."""

    argument: str
    unless: str

    def refuses(self, argv: tuple[str, ...], environ: Mapping[str, str]) -> bool:
        """Whether root would be refused with this command line."""
        return self.argument in argv and environ.get(self.unless) != "1"


def ask_version(argv: tuple[str, ...]) -> tuple[str, ...]:
    """Return the command by which most programs say their version."""
    return (argv[0], "--version")


def keep_prompt(prompt: str, root: Path) -> str:
    """Return the prompt as it is."""
    return prompt


@dataclass(frozen=True, slots=True)
class Profile:
    """One agent. Whoever adds one fills this in, and names it in `AGENTS`; what has a default fits most."""

    name: str  # as a person chooses it: `agent: NAME`
    dialect: Dialect  # whose lines it prints
    command_line: Callable[[Start], tuple[str, ...]]  # arguments that read the prompt on stdin; raises AgentError
    program: str = ""  # what must be on PATH; "" for our own Python, and for a person's own command
    title: str = ""  # what people call it, where that is not its name

    # The prompt and the environment.
    prepare_prompt: Callable[[str, Path], str] = keep_prompt  # what its prompt must not contain by accident
    passes: tuple[str, ...] = ()  # patterns of the variables that it needs
    own: Mapping[str, str] = field(default_factory=dict)  # variables that it gets where the person has not set them
    temporaries: tuple[str, ...] = ("TMPDIR",)  # variables that name its folder for temporary files

    # Models and money.
    default_model: str = ""  # the model where none is named; "" where only the agent knows
    has_fallbacks: bool = False  # whether it goes on with `fallback_models`
    model_use: ModelUse = ModelUse.ALWAYS
    cost: CostSource | None = None  # how it is known what an attempt cost; None: as its dialect tells
    stops_itself: bool = False  # whether it is told a line in dollars, and ends there

    # The home, keys and the network.
    home: Home = field(default_factory=Home)
    installed: tuple[str, ...] = ()  # folders of the home that hold the program, besides those of PATH
    access: Access = field(default_factory=Access)
    credentials: tuple[Credential, ...] = ()  # variables that let it in; the first is the one to be told to set
    find_key: Callable[[AgentOptions, Mapping[str, str]], str] | None = None  # what lets it in, where settings name it
    # Whom it calls, by its command line and its environment, where these say more than `access`.
    settle_providers: Callable[[tuple[str, ...], Mapping[str, str]], tuple[Provider, ...]] | None = None

    # The project.
    loads: Loads = field(default_factory=Loads)

    # The programs that its settings name, by the home, the project's root and `setting_sources`.
    find_named: Callable[[Path, Path, str], tuple[Named, ...]] | None = None

    # How it is tried, and how it fails.
    version: Callable[[tuple[str, ...]], tuple[str, ...]] | None = ask_version  # prints its version; None: has none
    probe: Callable[[tuple[str, ...]], tuple[str, ...]] | None = None  # shows whether it can start; None: its version
    check: Callable[[tuple[str, ...]], tuple[str, ...]] | None = None  # asks, for nothing, whether it is let in
    root_rule: RootRule | None = None
    # The words in which it fails, besides those of its dialect; looked at first.
    errors: ErrorTexts = field(default_factory=ErrorTexts)
    from_settings: Callable[[AgentOptions], Profile] | None = None  # the same, where the settings say more about it

    @property
    def called(self) -> str:
        """What people call it."""
        return self.title or self.name
