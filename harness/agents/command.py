"""A person's own agent: `command` and `dialect` of harness.yaml, as a profile like any other."""

from __future__ import annotations

from dataclasses import replace

from harness.agents.profile import Profile
from harness.agents.start import AgentOptions, Start
from harness.domain.agent import Dialect, ModelUse
from harness.domain.errors import AgentError


def command_line(start: Start) -> tuple[str, ...]:
    """Return the command, with a person's arguments behind it. Raises AgentError when there is none."""
    if not start.options.command:
        raise AgentError("agent `command` has no command line", "write `command:` in harness.yaml")
    return (*start.options.command, *start.options.agent_args)


def probe(argv: tuple[str, ...]) -> tuple[str, ...]:
    """Return a command that fails where the program is not there: nobody knows what it makes of `--version`."""
    look = 'command -v "$0" >/dev/null || { echo "there is no $0 inside" >&2; exit 1; }'
    return ("/bin/sh", "-c", look, argv[0])


def from_settings(options: AgentOptions) -> Profile:
    """Return the agent that a person describes in harness.yaml."""
    return replace(PROFILE, dialect=options.dialect)


# What it needs of the environment and the home, a person says with `env_pass`, `sandbox_read` and `sandbox_write`.
PROFILE = Profile(
    name="command",
    dialect=Dialect.TEXT,
    command_line=command_line,
    temporaries=(),
    model_use=ModelUse.PERHAPS,
    version=None,
    probe=probe,
    from_settings=from_settings,
)
