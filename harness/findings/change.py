"""A file of a change, as it was before the work and as it is at the claim; and what was seen in one."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

from harness.decide.judge_files import Role


@dataclass(frozen=True)
class Change:
    """A file, by its path from the project: None for what is not there; its role is None for what is worked on."""

    name: str
    before: bytes | None
    now: bytes | None
    role: Role | None = None
    executable: bool = False

    @cached_property
    def old(self) -> str:
        """What it held, as text; "" where it was not there, or is binary."""
        return _as_text(self.before)

    @cached_property
    def new(self) -> str:
        """What it holds, as text; "" where it is not there, or is binary."""
        return _as_text(self.now)

    @property
    def is_binary(self) -> bool:
        """Whether it is no text now."""
        return self.now is not None and b"\0" in self.now[:8000]


def _as_text(content: bytes | None) -> str:
    if content is None or b"\0" in content[:8000]:
        return ""
    return content.decode("utf-8", "replace").removeprefix("\ufeff")


@dataclass(frozen=True, slots=True)
class Assertion:
    """An assertion: its text in one line, the same without what formats it, its shape without values.

    It may always hold, or ask for little.
    """

    line: int
    text: str
    key: str
    shape: str
    constant: bool = False
    weak: bool = False
    counted: bool = True  # False for a condition that a test compares with, and then fails by itself


@dataclass(frozen=True, slots=True)
class Body:
    """What is in a test: its text without what formats it, its assertions, and the names of what it calls."""

    text: str
    asserts: tuple[Assertion, ...]
    calls: frozenset[str]

    @property
    def count(self) -> int:
        """How many assertions there are."""
        return sum(one.counted for one in self.asserts)


@dataclass(frozen=True)
class Test:
    """A test: its name, its source as it stands, and why it is not run ("" where it is)."""

    name: str
    line: int
    source: str
    skipped: str
    read: Callable[[], Body]
    sometimes: bool = False  # skipped under a condition, or run in another way
    cases: int | None = None  # that it is given, where that is known

    @cached_property
    def body(self) -> Body:
        """What is in it, read when it is asked for: most tests of a change are as they were."""
        with suppress(RecursionError):
            return self.read()
        return Body("", (), frozenset())


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that a rule looks for: `what` tells it from others of its kind, `says` is the sentence about it."""

    rule: str
    line: int
    what: str
    says: str


@dataclass(frozen=True, slots=True)
class Outline:
    """What is in a source file: its tests, and its marks; `exact` if it is known by the syntax tree."""

    tests: tuple[Test, ...] = ()
    marks: tuple[Mark, ...] = ()
    exact: bool = True
    parsed: bool = True
    branches: tuple[Branch, ...] = ()


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch on equality with literals that returns a literal: the inputs, and the answer, as they are written."""

    line: int
    inputs: tuple[str, ...]
    answer: str
