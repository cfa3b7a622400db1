"""The sandbox on macOS: sandbox-exec with a profile for each command. Never run by those who wrote it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from harness.domain.agent import Agent
from harness.sandbox.sandbox import Cage
from harness.sandbox.seatbelt import compose_profile
from harness.system.command import Command, Confined
from harness.workspace.quarantine import find_absent


class Belt(Cage):
    """Puts commands into the sandbox of this run, by sandbox-exec; made by `open_cage`.

    Nothing is mounted: the home is the real one, of which most cannot be read, and an agent writes the real logs.
    """

    name: ClassVar[str] = "sandbox-exec"
    mounts: ClassVar[bool] = False

    def confine(
        self, command: Command, *, agent: Agent | None, cell: Path | None = None, whose: str = "check"
    ) -> Command:
        """As a Cage does; `cell` says whose logs the agent may touch."""
        outfit = self.dress(command, agent)
        scratch = self.new_box(agent, outfit).resolve() / "tmp"
        profile = compose_profile(
            self.walls_for(command, agent, outfit),
            scratch=scratch,
            logs=self.logs,
            own=() if cell is None else self._own_logs(cell),
            absent=map(Path, find_absent(self.walls.workspace)),
        )
        confined = Confined((self.program, "-p", profile), (), self.limits, wraps=False)
        return replace(command, env={**command.env, "TMPDIR": str(scratch)}, confined=confined)

    def _own_logs(self, cell: Path) -> Iterable[Path]:
        """Return the logs of the feature whose cell, in attempts/SLUG/NUMBER, would be this."""
        slug = cell.parent.parent.name
        return [self.logs / name for name in (f"{slug}.log", f"{slug}.done", "learnings.md")]
