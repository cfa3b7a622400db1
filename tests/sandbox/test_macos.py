"""The sandbox on macOS, as far as it can be seen from here."""

from __future__ import annotations

from pathlib import Path

from harness.agents.table import all_agents
from harness.sandbox.bubblewrap import Mounts
from harness.sandbox.etc import Etc
from harness.sandbox.macos import MacSandbox
from harness.settings.options import Settings
from harness.system.command import Command


def test_on_macos_an_agent_may_touch_its_own_logs_alone(tmp_path: Path) -> None:
    places = (tmp_path / "home", tmp_path / "place", tmp_path / "logs")
    mac = MacSandbox(Mounts(tmp_path), Settings(), *places, "mac", {}, all_agents(), Etc(tmp_path / "etc"))
    inside = mac.confine(
        Command(("true",), tmp_path, {"PATH": "/bin", "TMPDIR": "/tmp"}),
        agent=None,
        private_logs=tmp_path / "logs/attempts/pay/0003/private_logs",
    )
    assert inside.confined is not None
    assert (inside.confined.argv[:2], inside.confined.wraps) == (("mac", "-p"), False)
    assert f'(subpath "{tmp_path}/logs/pay.done") (subpath "{tmp_path}/logs/learnings.md"))' in inside.confined.argv[2]
    assert inside.env["TMPDIR"].startswith(str(tmp_path / "place"))
