"""The scripted agent plays replies and file effects from a YAML file."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from harness.agents import scripted

PROGRAM = scripted.__file__


def play(tmp_path: Path, *steps: dict, attempt: int = 1, slug: str = "a") -> subprocess.CompletedProcess[str]:
    """Start the program by its path, as harness does, with a prompt that names the marker."""
    (tmp_path / "logs").mkdir(exist_ok=True)
    (tmp_path / "script.yaml").write_text(yaml.safe_dump({"features": {"a": list(steps)}}))
    return subprocess.run(
        [sys.executable, PROGRAM, "script.yaml"],
        input=f"the marker is `{tmp_path}/logs/{slug}.done`.",
        cwd=tmp_path, env={"HARNESS_ATTEMPT": str(attempt)}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_step_has_its_effects_on_files_and_says_what_it_cost(tmp_path: Path) -> None:
    ran = play(
        tmp_path,
        {"files": {"src/x.py": "x"}, "append": {"n.txt": "1\n"}, "run": "cat src/x.py", "note": "did it", "cost": 0.25,
         "learning": "a lesson", "done": "finished", "say": "On it.", "events": [{"type": "odd"}]},
    )  # fmt: skip
    lines = [json.loads(line) for line in ran.stdout.splitlines()]
    assert (ran.returncode, lines[0]["type"], lines[-2], lines[-1]["total_cost_usd"]) == (
        0, "system", {"type": "odd"}, 0.25,
    )  # fmt: skip
    assert [(tmp_path / name).read_text() for name in ("src/x.py", "n.txt", "logs/a.log", "logs/a.done")] == [
        "x", "1\n", "did it\n", "finished\n",
    ]  # fmt: skip
    assert (tmp_path / "logs/learnings.md").read_text().endswith(": a lesson\n")


@pytest.mark.parametrize(("attempt", "exit"), [(1, 3), (2, 4), (9, 4)])
def test_each_attempt_plays_its_step_and_the_last_one_repeats(tmp_path: Path, attempt: int, exit: int) -> None:
    assert play(tmp_path, {"exit": 3}, {"exit": 4}, attempt=attempt).returncode == exit


def test_a_command_that_fails_ends_the_step_before_its_claim(tmp_path: Path) -> None:
    ran = play(tmp_path, {"run": "exit 7", "done": "finished"})
    assert (ran.returncode, (tmp_path / "logs/a.done").exists()) == (7, False)


def test_a_feature_without_a_step_is_told(tmp_path: Path) -> None:
    ran = play(tmp_path, {}, slug="b")
    assert (ran.returncode, ran.stderr) == (1, "the script has no steps for b\n")


@pytest.mark.parametrize("script", [b"- a", b"", b"a: [", b"features: [a]", b"features: {a: f\xfcr}"])
def test_a_script_that_is_none_is_told_in_a_sentence(tmp_path: Path, script: bytes) -> None:
    path = tmp_path / "script.yaml"
    path.write_bytes(script)
    with pytest.raises(SystemExit, match=r"the script script.yaml is not YAML with `features:` in UTF-8: "):
        scripted.choose_step(path, "a", tmp_path)


def test_a_review_has_steps_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "script.yaml").write_text(yaml.safe_dump({"reviews": {"a": [{"say": "[]", "cost": 0.5}]}}))
    ran = subprocess.run(
        [sys.executable, PROGRAM, "script.yaml"],
        input="review it", cwd=tmp_path, env={"HARNESS_REVIEW": "a"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    result = json.loads(ran.stdout.splitlines()[-1])
    assert (ran.returncode, result["result"], result["total_cost_usd"]) == (0, "[]", 0.5)
