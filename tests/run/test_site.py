"""Where commands run: a project that has run confined stays so."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from helpers.world import FINISH

from harness.domain.errors import AgentError


def without_bwrap(place: Path) -> dict[str, str]:
    place.mkdir()
    for name in ("git", "sh", "cat", "grep", "head", "basename", "dirname"):
        (place / name).symlink_to(str(shutil.which(name)))
    return {"PATH": str(place)}


def test_a_project_that_has_run_confined_does_not_run_unconfined_unasked(confined: Any, tmp_path: Path) -> None:
    confined.spec("hello", checks=["true"])
    confined.agent(FINISH)
    confined.go(sandbox="auto")
    confined.spec("more")
    confined.environment |= without_bwrap(tmp_path / "few")
    with pytest.raises(AgentError, match=r"has run in a sandbox, and now there is none: `bwrap` is not on PATH"):
        confined.go(sandbox="auto")
    assert confined.go(sandbox="none").code == 0


@pytest.mark.deep
def test_nor_are_its_checks_tried_or_verified_unconfined(confined: Any, tmp_path: Path) -> None:
    confined.spec("hello", checks=["touch ran.txt"])
    confined.agent(FINISH)
    confined.go()
    (confined.root / "ran.txt").unlink()
    confined.spec("more", checks=["touch ran.txt"])
    confined.config_file(sandbox="auto")
    home = {**confined.environment, **without_bwrap(tmp_path / "few"), "HARNESS_SANDBOX": ""}
    told = "has run in a sandbox, and now there is none"
    for words in (("verify",), ("dry-run", "more"), ("run",), ("doctor",)):
        said = confined.command(*words, **home)
        assert (said.returncode, told in said.stderr + said.stdout) == (2, True), (words, said)
    assert not confined.has("ran.txt")


@pytest.mark.deep
def test_an_agent_whose_program_stopped_working_inside_is_not_let_out(crippled: Any, tmp_path: Path) -> None:
    crippled.agent(FINISH)
    crippled.go("hello", sandbox="auto")
    crippled.spec("other", agent="codex")
    with pytest.raises(AgentError, match="has run in a sandbox, and agent `codex` cannot start inside it"):
        crippled.go(sandbox="auto")
