"""The scripted agent, as a profile; its program is `scripted`, which runs on its own and imports nothing of ours."""

from __future__ import annotations

import sys
from pathlib import Path

from harness.agents.profile import Profile
from harness.agents.start import Start
from harness.domain.agent import Dialect, ModelUse
from harness.domain.errors import AgentError
from harness.system import files


def command_line(start: Start) -> tuple[str, ...]:
    """Return the arguments. Raises AgentError when there is no script."""
    if not start.options.script:
        raise AgentError("agent `scripted` has no script", "name its YAML file with `script:` in harness.yaml")
    script = start.root / start.options.script
    if not files.is_file(script):
        raise AgentError(f"the script `{start.options.script}` does not exist", "correct `script` in harness.yaml")
    return (sys.executable, "-I", str(Path(__file__).with_name("scripted.py")), str(script))


def probe(argv: tuple[str, ...]) -> tuple[str, ...]:
    """Return a command that fails where the library that reads the script is not there."""
    return (argv[0], "-I", "-c", "import yaml")


PROFILE = Profile(
    name="scripted",
    dialect=Dialect.CLAUDE,
    command_line=command_line,
    temporaries=(),
    model_use=ModelUse.NEVER,
    version=None,
    probe=probe,
)
