"""The limits that decisions are made by."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rules:
    """The settings that decisions are made by; their defaults are those of the settings. Durations in seconds, 0: none.

    A decision says here what it needs and knows no default, so that there is one place for each.
    """

    stuck_limit: int
    stuck_bytes: int
    max_iterations: int
    max_attempts: int
    max_time: float
    keep_going: bool
    fault_backoff: float
    outage_limit: float
    fault_limit: int
    on_limit: str  # or wait
    max_cost: float  # dollars, like those that follow
    max_cost_per_feature: float
    max_cost_per_attempt: float
    monthly_budget: float
    monthly_stop: float
    expected_cost: float
