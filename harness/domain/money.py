"""Sums of dollars: what is known, and what of it is not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Sum:
    """Dollars of `known` attempts; `unknown` more attempts cost nobody knows what."""

    dollars: float = 0.0
    known: int = 0
    unknown: int = 0

    def plus(self, dollars: float | None) -> Sum:
        """Return the sum with one attempt more."""
        if dollars is None:
            return Sum(self.dollars, self.known, self.unknown + 1)
        return Sum(self.dollars + dollars, self.known + 1, self.unknown)

    @property
    def shown(self) -> float | None:
        """The dollars for a reader; None where attempts were made and the cost of none is known."""
        return None if self.unknown and not self.known else self.dollars


class GroupBy(StrEnum):
    """What the rows of `harness cost` are about."""

    FEATURE = "feature"
    MODEL = "model"
    DAY = "day"


Who = tuple[str, str]  # an agent and the model it was asked for, "" for its own choice


@dataclass(frozen=True, slots=True)
class Spend:
    """What was spent besides the features' own sums, and what attempts cost so far, newest last."""

    run: Sum = Sum()
    month: Sum = Sum()
    month_name: str = ""  # 2026-11, in UTC
    costs: tuple[tuple[Who, float], ...] = ()
    asked: Mapping[tuple[str | None, str | None], Who] = field(default_factory=dict)  # agent and model of a spec -> who
    stopping: frozenset[str] = frozenset()  # agents that are told their line, and end at it
    reserved: float = 0.0  # dollars that the attempts in flight are expected to cost
