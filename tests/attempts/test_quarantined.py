"""What a check or a hook forges is set aside before anybody obeys it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from helpers.forger import FORGE, FORGED, forger, standing
from helpers.marks import in_short, needs_bwrap
from helpers.world import FINISH


@pytest.mark.deep
@needs_bwrap
@pytest.mark.parametrize("by", in_short(["a check", "a hook"], "a check"))
def test_what_a_check_or_a_hook_forges_is_set_aside(confined: Any, tmp_path: Path, by: str) -> None:
    confined.spec("hello", checks=["sh check.sh" if by == "a check" else "test -f made.txt"], may_change=[".husky"])
    (confined.root / ".gitignore").write_text("evil*\n.mcp.json\nlogs/\nspecs/\n")
    confined.repository()
    confined.git("config", "core.hooksPath", ".husky")
    where = "check.sh" if by == "a check" else ".husky/post-commit"
    confined.agent(f"{forger(tmp_path, where)}\n{FINISH}")
    ran = confined.go(prove="tree")  # in a clean checkout a check forges nothing that stays
    assert (ran.code, standing(confined)) == (0, []), ran.text
    assert {event["marker"] for event in confined.events("foreign")} == set(FORGED)
    confined.spec("other")
    confined.git("config", "core.hooksPath", ".none")
    confined.agent(f"test -e .mcp.json && note it is mounted; {FINISH}; echo more > more.txt")
    assert confined.go().code == 0
    assert ((tmp_path / "ran").exists(), "mounted" in confined.log("other.log")) == (False, False)


@needs_bwrap
@pytest.mark.deep
def test_what_a_check_forges_when_it_is_run_again_is_set_aside(confined: Any, tmp_path: Path) -> None:
    confined.spec("hello", checks=["sh check.sh"])
    confined.repository()
    confined.agent(f"echo true > check.sh; {FINISH}")
    assert confined.go().code == 0
    script = FORGE.format(ran=tmp_path / "ran", home=tmp_path / "home")
    (confined.root / "check.sh").write_text(script)
    confined.config_file(sandbox="bwrap")
    ran = confined.command("verify", HOME=confined.environment["HOME"], HARNESS_SANDBOX="")
    assert (ran.returncode, standing(confined)) == (0, []), ran.stdout + ran.stderr
    assert {event["marker"] for event in confined.events("foreign")} == set(FORGED)
    assert (confined.root / "logs/.kept/foreign/.mcp.json.quarantined").is_symlink()
