"""Programs on a PATH, and choices among agents."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from harness.agents.from_settings import agent_options
from harness.agents.start import AgentOptions
from harness.settings.options import Settings


def choices(**given) -> AgentOptions:
    return agent_options(replace(Settings(), **given))


def put(folder: Path, name: str) -> None:
    (folder / name).write_text("#!/bin/sh\n")
    (folder / name).chmod(0o755)
