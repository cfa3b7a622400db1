"""Whether something works inside: a command is tried there, and what it says is kept."""

from __future__ import annotations

from harness.domain.agent import Agent
from harness.domain.text import one_line
from harness.system.command import Bounds, Command, Kept
from harness.system.process import Supervisor

PROBE = 20.0  # seconds


def probe_of(agent: Agent) -> tuple[str, ...]:
    """Return a command that shows whether the agent can start, without a model."""
    match agent.name:
        case "api":
            look = "import importlib.util as u, harness.agents.api.launch; assert u.find_spec('anthropic')"
            return (agent.argv[0], "-P", "-c", look)
        case "scripted":
            return (agent.argv[0], "-I", "-c", "import yaml")
        case "command":
            look = 'command -v "$0" >/dev/null || { echo "there is no $0 inside" >&2; exit 1; }'
            return ("/bin/sh", "-c", look, agent.argv[0])
    return (agent.argv[0], "--version")


def try_command(command: Command, supervisor: Supervisor) -> tuple[str, str]:
    """Return what a command says, and why it failed ("" when it did not)."""
    heard = Kept()
    ended = supervisor.run(command, Bounds(timeout=PROBE, grace=0.5), heard, stdout=None, stderr=None)
    said = one_line(b" ".join(heard.lines).decode("utf-8", "replace"), 60)
    if ended.code == 0:
        return said, ""
    return said, one_line(ended.error or ended.stderr_tail, 200) or f"exit {ended.code}"
