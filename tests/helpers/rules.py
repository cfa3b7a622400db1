"""The rules that decisions are made by, as the settings give them."""

from __future__ import annotations

from typing import Any

from harness.domain.rules import Rules
from harness.settings.options import Settings


def rules_with(**given: Any) -> Rules:
    """The rules of a project that sets these and nothing else."""
    return Settings(**given).rules
