"""Whether something works inside: a command is tried there, and what it says is kept."""

from __future__ import annotations

from harness.domain.text import one_line
from harness.system.command import Bounds, Command, Kept
from harness.system.process import Supervisor

PROBE = 20.0  # seconds


def try_command(command: Command, supervisor: Supervisor) -> tuple[str, str]:
    """Return what a command says, and why it failed ("" when it did not)."""
    heard = Kept()
    ended = supervisor.run(command, Bounds(timeout=PROBE, grace=0.5), heard, stdout=None, stderr=None)
    said = one_line(b" ".join(heard.lines).decode("utf-8", "replace"), 60)
    if ended.code == 0:
        return said, ""
    return said, one_line(ended.error or ended.stderr_tail, 200) or f"exit {ended.code}"
