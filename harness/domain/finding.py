"""What the text of a change says against the claim that it is done, and what follows: the rules and their levels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """What a finding does: it makes the claim red, it stands in the receipt, or it is not looked for."""

    STRICT = "strict"
    WARN = "warn"
    OFF = "off"


# Every rule, with its level where a person says nothing: strict is only what makes a check worthless.
RULES: Mapping[str, Level] = {
    "runner-patched": Level.STRICT,  # code assigns into what tests it
    "equals-anything": Level.STRICT,  # a type that is equal to everything
    "exit-on-import": Level.STRICT,  # code ends the process that imports it
    "program-shadowed": Level.STRICT,  # a file takes the place of a program that a check calls
    "test-removed": Level.WARN,
    "test-skipped": Level.WARN,
    "test-emptied": Level.WARN,  # it asserts nothing any more
    "assertion-removed": Level.WARN,
    "assertion-constant": Level.WARN,  # it holds whatever the code does
    "assertion-weaker": Level.WARN,
    "expected-changed": Level.WARN,  # the value, or the snapshot, that a test compares with
    "failure-ignored": Level.WARN,  # `|| true`, `set +e`, `--passWithNoTests`
    "selection-narrowed": Level.WARN,  # `-k`, `--deselect`, `--ignore`
    "threshold-lowered": Level.WARN,
    "test-hook": Level.WARN,  # conftest, sitecustomize, plug-ins
    "suppression-added": Level.WARN,
    "stub-left": Level.WARN,
    "special-cased": Level.WARN,  # an input of a test, answered with what that expects
    "outside-paths": Level.WARN,  # a file that is in none of the spec's `paths`
    "secret": Level.WARN,  # what has the shape of a token
    "binary": Level.WARN,
    "large-file": Level.WARN,
}


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """A place in a change, a sentence about it, and the rule that it was found by; `line` is 0 for the whole file."""

    file: str
    line: int
    says: str
    rule: str

    def __str__(self) -> str:
        """Return it in one line."""
        return f"{self.file}{f':{self.line}' if self.line else ''}: {self.says} ({self.rule})"


@dataclass(frozen=True, slots=True)
class Guards:
    """The level of every rule, as a person set it: of all (`every`), or of some (`own`)."""

    every: Level | None = None
    own: tuple[tuple[str, Level], ...] = ()

    def level_of(self, rule: str) -> Level:
        """Return what a finding by a rule does."""
        return dict(self.own).get(rule) or self.every or RULES[rule]

    @property
    def off(self) -> bool:
        """Whether nothing is looked for."""
        return all(self.level_of(rule) is Level.OFF for rule in RULES)
