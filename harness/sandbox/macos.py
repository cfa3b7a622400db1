"""The sandbox on macOS: sandbox-exec with a profile for each command. Never run by those who wrote it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from harness.domain.agent import Agent
from harness.sandbox.sandbox import Sandbox
from harness.sandbox.seatbelt import compose_profile
from harness.system.command import Command, Confined
from harness.workspace.clean_checkout import Checkout
from harness.workspace.quarantine import find_absent


class MacSandbox(Sandbox):
    """Puts commands into the sandbox of this run, by sandbox-exec; made by `open_sandbox`.

    Nothing is mounted: the home is the real one, of which most cannot be read, and an agent writes the real logs.
    """

    name: ClassVar[str] = "sandbox-exec"
    has_private_logs: ClassVar[bool] = False
    shows_checkouts: ClassVar[bool] = False

    def confine(
        self,
        command: Command,
        *,
        agent: Agent | None,
        private_logs: Path | None = None,
        whose: str = "check",
        attempt: str = "",
        may_change: tuple[str, ...] = (),
    ) -> Command:
        """As a Sandbox does; `private_logs` says whose logs the agent may touch."""
        substituted = self.substitute(command, agent)
        scratch = self.new_scratch(agent, substituted, attempt).resolve() / "tmp"
        profile = compose_profile(
            self.mounts_for(command, agent, substituted),
            scratch=scratch,
            logs=self.logs,
            own=() if private_logs is None else self._own_logs(private_logs),
            absent=map(Path, find_absent(self.mounts.workspace, self.agents.guarded)),
        )
        confined = Confined((self.program, "-p", profile), (), self.limits, wraps=False)
        return replace(command, env={**command.env, "TMPDIR": str(scratch)}, confined=confined)

    def reading(self, checkout: Checkout) -> Sandbox:
        """For who reads a checkout: nothing can be mounted, so it works where that lies, a copy that goes."""
        mounts = replace(self.mounts, workspace=checkout.folder, writable=(), protected=())
        return replace(self, mounts=mounts, reads=True)

    def confine_helper(self, command: Command) -> Command | None:
        """None: nothing there keeps what a program leaves apart from what the next one meets."""
        return None

    def _own_logs(self, private_logs: Path) -> Iterable[Path]:
        """Return the logs of the feature whose private_logs, in attempts/SLUG/NUMBER, would be this."""
        slug = private_logs.parent.parent.name
        return [self.logs / name for name in (f"{slug}.log", f"{slug}.done", "learnings.md")]
