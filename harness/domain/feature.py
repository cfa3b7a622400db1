"""What a person asked for: a spec, read, and the checks that prove it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.domain.review import Review


@dataclass(frozen=True, slots=True)
class Check:
    """A shell command that harness runs before it believes a claim; `timeout` in seconds, None for the default.

    One that is to `fix` files, as a formatter does, runs first where the agent worked: what it changes is committed.
    """

    command: str
    timeout: float | None = None
    fix: bool = False
    proves: tuple[int, ...] = ()  # acceptance criteria, by their numbers in the spec


@dataclass(frozen=True, slots=True)
class Feature:
    """A spec, read. `problem` is a sentence when it cannot be worked on (broken front matter, empty, too large)."""

    slug: str
    path: Path
    sha256: str = ""
    size: int = 0
    title: str = ""
    depends_on: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()
    reviews: tuple[Review, ...] = ()  # of a claim whose checks passed
    held_out: tuple[Check, ...] = ()  # that the agent does not see, nor what they print
    agent: str | None = None
    model: str | None = None
    timeout: float | None = None
    stuck_bytes: int | None = None
    stuck_limit: int | None = None
    priority: int = 0
    paths: tuple[str, ...] = ()  # patterns of where its work is to be; () for anywhere
    may_change: tuple[str, ...] = ()  # patterns of what programs obey, or what judges, and it may change
    problem: str | None = None
    hint: str = ""
