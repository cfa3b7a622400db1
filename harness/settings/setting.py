"""What is known of one setting besides its value, kept on its field; everything that names settings reads it there."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeVar

from harness.settings.kinds import Kind
from harness.settings.tighten import Tighten

T = TypeVar("T")


class Group(Enum):
    """What a setting is about, and how the manual heads the rows of such settings (in Markdown)."""

    AGENT = "Who does the work"
    LIMITS = "How long, and how often"
    OUTAGES = "[Limits and outages](#limits-and-outages)"
    MONEY = "[Money](#money)"
    PROOF = "Checks and commits"
    FILES = "Files"
    API = "[The API agent](#the-api-agent)"
    SANDBOX = "[The sandbox](#the-sandbox)"
    NIGHT = "[The night](#the-night)"
    OUTPUT = "What is printed"


@dataclass(frozen=True, slots=True)
class Option:
    """One setting: its name and default, how it is written, what it is for, and where else it can be given."""

    name: str
    default: Any
    kind: Kind[Any]
    help: str  # one sentence for `--help`, `harness config`, editors and the manual
    group: Group
    more: str = ""  # what the manual alone says, in Markdown
    examples: tuple[Any, ...] = ()  # values as one would write them in harness.yaml
    tighten: Tighten | None = None  # how a policy does it; None where none can
    is_flag: bool = False  # of `run`, `dry-run` and `config`; a command may take any other too
    short: str = ""

    @property
    def flag(self) -> str:
        """How it is written on the command line."""
        return "--" + self.name.replace("_", "-")

    @property
    def choices(self) -> tuple[str, ...]:
        """The words that a value must be one of; empty where it may be something else."""
        return tuple(choice for choice in self.kind.schema.get("enum", ()) if choice)


def setting(  # every keyword but the group is one fact that some settings have
    default: T,
    kind: Kind[T],
    help: str,
    group: Group,
    *,
    flag: bool | str = False,
    more: str = "",
    examples: tuple[Any, ...] = (),
    tighten: Tighten | None = None,
) -> T:
    """Return the field of a setting; `flag` is True for a flag of `run`, or the short one that it also has."""
    short = flag if isinstance(flag, str) else ""
    option = Option("", default, kind, help, group, more, examples, tighten, bool(flag), short)
    return field(default=default, metadata={"option": option})
