"""Which sandbox there is, and that nobody is left unconfined in silence."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers.marks import needs_bwrap
from helpers.world import FINISH

from harness.domain.errors import AgentError
from harness.sandbox import open as gate
from harness.sandbox.bubblewrap import Mounts


def test_auto_says_in_one_line_why_the_agent_is_unconfined(world: Any, tmp_path: Path) -> None:
    world.spec("hello")
    world.agent(FINISH)
    for name in ("git", "sh", "cat", "grep", "head", "basename", "dirname", "ls", "wc"):
        (tmp_path / name).symlink_to(shutil.which(name))
    ran = world.run(sandbox="auto", environ={**world.environ, "PATH": str(tmp_path)})
    assert ran.code == 0
    assert "sandbox: none: the agent runs as you, unconfined (`bwrap` is not on PATH)" in ran.lines
    with pytest.raises(AgentError, match="`bwrap` is not on PATH"):
        world.run(sandbox="bwrap", environ={**world.environ, "PATH": str(tmp_path)})


def test_a_container_of_ones_own_is_taken_at_its_word(world: Any) -> None:
    world.spec("hello")
    world.agent(FINISH)
    assert "sandbox" not in world.run(sandbox="container").text


@needs_bwrap
def test_walls_that_cannot_be_built_here_alone_leave_nobody_unconfined(
    confined: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    describe = gate.find_mounts

    def with_one_too_many(*given: Any, **named: Any) -> Mounts:
        mounts = describe(*given, **named)
        return replace(mounts, protected=(*mounts.protected, Path("/proc/2/nothing")))

    monkeypatch.setattr(gate, "find_mounts", with_one_too_many)
    confined.spec("hello")
    confined.agent(FINISH)
    with pytest.raises(AgentError, match=r"cannot be built around this project.*/proc/2/nothing"):
        confined.go(sandbox="auto")
    assert not confined.has("made.txt")
