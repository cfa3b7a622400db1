"""An agent that cannot start inside is found before an attempt begins."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from helpers.marks import in_short
from helpers.world import FINISH, World

from harness.domain.errors import AgentError


@pytest.mark.deep
def test_an_agent_that_cannot_start_inside(confined: Any, tmp_path: Path) -> None:
    confined.spec("hello")
    (tmp_path / "codex").write_text("#!/bin/sh\ncat " + str(tmp_path / "needed") + "\n")
    (tmp_path / "codex").chmod(0o755)
    (tmp_path / "needed").write_text("codex 1\n")
    confined.environment["PATH"] = f"{tmp_path / 'tools'}:{os.environ['PATH']}"
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools/codex").symlink_to(tmp_path / "codex")
    confined.settings |= {"agent": "codex", "max_iterations": "1"}
    ran = confined.go(sandbox="auto")
    assert re.search(r"unconfined \(agent `codex` cannot start inside: .*No such file", ran.text), ran.text
    with pytest.raises(AgentError, match="agent `codex` cannot start inside the sandbox"):
        confined.go()
    ran = confined.go(sandbox_read=str(tmp_path / "needed"))
    assert "sandbox: bwrap" in ran.text


@pytest.mark.deep
def test_an_agent_that_cannot_start_inside_takes_no_other_out(crippled: Any, tmp_path: Path) -> None:
    crippled.spec("other", agent="codex")
    crippled.agent(f"test -e {tmp_path / 'needed'} && note sees what is outside; {FINISH}")
    ran = crippled.go(sandbox="auto", max_iterations="2")
    assert "sandbox: bwrap" in ran.text
    assert re.search(r"but outside the sandbox, as you: agent `codex` cannot start inside: .*No such file", ran.text)
    assert [(e["agent"], e["confined"]) for e in crippled.events("attempt_began")] == [
        ("command", True), ("codex", False)
    ]  # fmt: skip
    assert "sees what is outside" not in crippled.log("hello.log")


def test_who_stands_in_must_start_inside_too(crippled: Any) -> None:
    crippled.agent(FINISH)
    with pytest.raises(AgentError, match="agent `codex` cannot start inside the sandbox"):
        crippled.go(agents=["command", "codex"])


def test_an_agent_that_could_reach_no_model_does_not_start(crippled: Any, tmp_path: Path) -> None:
    with pytest.raises(AgentError, match="`sandbox_network: none`: agent `codex` could not reach a model"):
        crippled.go(agent="codex", sandbox="auto", sandbox_network="none")


@pytest.mark.parametrize("sandbox", in_short(["bwrap", "auto"], "auto"))
@pytest.mark.deep
def test_a_program_that_an_agent_put_on_path_is_run_by_nobody_outside(
    world: World, tmp_path: Path, sandbox: str
) -> None:
    if shutil.which("bwrap") is None:
        pytest.skip("BUBBLEWRAP IS NOT INSTALLED")
    planted = world.root / "tools" / "codex"
    planted.parent.mkdir()
    planted.write_text(f"#!/bin/sh\necho ran >> {tmp_path / 'proof'}; exit 3\n")
    planted.chmod(0o755)
    environ = {**world.environ, "PATH": f"{planted.parent}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    world.spec("a")
    world.settings |= {"agent": "codex", "sandbox": sandbox}
    with pytest.raises(AgentError, match="agent `codex` cannot start inside the sandbox: exit 3"):
        world.run(environ=environ)
    world.config_file(agent="codex")
    said = world.command("doctor", **{**environ, "HARNESS_SANDBOX": sandbox}).stdout
    assert "`codex` lies where an agent may have written it: not run" in said
    assert not (tmp_path / "proof").exists()
