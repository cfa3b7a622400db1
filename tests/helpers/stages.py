"""A project, brought to where a test begins."""

from __future__ import annotations

import json
import subprocess

import yaml
from helpers.waiting import until
from helpers.world import CLAIM, NOTE, World

from harness.records.run_lock import find_holder

GOOD = """\
Log people in.

## Acceptance criteria
- [ ] `sh test.sh` exits 0

## Out of scope
- Passwords.
"""


def proven(world: World, *slugs: str) -> None:
    """Bring features to their receipts, each with the check `sh test.sh`."""
    (world.root / "test.sh").write_text("true\n")
    for slug in slugs:
        world.spec(slug, GOOD, checks="sh test.sh")
    world.agent(CLAIM)
    world.config_file()
    assert world.run().code == 0


def blocked(world: World, slug: str = "a") -> None:
    """Bring a feature to its question."""
    world.spec(slug)
    world.agent('echo "BLOCKED: which port?" >> "$log"')
    world.config_file()
    assert world.run().code == 4


# --- the command line itself --------------------------------------------------------------------------------------


REPORTS = {
    ("run", "--max-iterations", "1"): {"halt", "code", "because", "advice", "features", "iterations"},
    ("dry-run",): {"queue", "next", "prompts", "loads", "agent"},
    ("verify",): {"features", "drifted"},
    ("lint",): {"features", "findings", "warnings"},
    ("status",): {"features", "done", "run", "last_end", "limits", "halt", "warnings"},
    ("why",): {"next", "last_end", "limits", "features"},
    ("why", "a"): {"next", "feature", "history"},
    ("config",): {"settings", "file"},
    ("doctor",): {"ok", "checks"},
    ("cost",): {"rows", "total", "month", "proven", "dollars_per_proven", "warnings"},
}


# --- status, why, log ---------------------------------------------------------------------------------------------


def killed(world: World, run: subprocess.Popen[str], event: str, number: int = 1) -> None:
    """Kill a run with -9 once its journal holds so many events of a kind, and wait until its supervisor is gone."""
    try:
        until(lambda: world.has("logs/journal.jsonl") and len(world.events(event)) >= number)
    finally:
        run.kill()
        run.communicate()
    until(lambda: find_holder(world.root / "logs" / ".lock", world.root) is None)


def begun(world: World, code: str, **settings: object) -> subprocess.Popen[str]:
    """Start a run of an agent that is so many words of shell."""
    world.agent(code)
    world.config_file(**settings)
    return world.start("run")


# --- stories ------------------------------------------------------------------------------------------------------


def scripted(world: World, *steps: dict, **others: list[dict]) -> None:
    """Let the scripted agent play these steps for every feature, the last one again and again."""
    usual = {"note": NOTE, "append": {"work.txt": "one more line\n"}}
    features = {"default": [{**usual, **step} for step in steps], **others}
    (world.root / "script.yaml").write_text(yaml.safe_dump({"features": features}))
    world.settings = {"agent": "scripted", "script": "script.yaml"}


# --- before anything is run ---------------------------------------------------------------------------------------


CODEX_LINES = [
    {"type": "thread.started", "thread_id": "t"},
    {"type": "turn.completed", "usage": {"input_tokens": 1_000_000, "cached_input_tokens": 0, "output_tokens": 0}},
]


def codex(world: World) -> None:
    """Let a shell script print what Codex would."""
    said = "\n".join(json.dumps(line) for line in CODEX_LINES)
    world.agent(f"note one\ncat <<'END'\n{said}\nEND")
    world.settings["dialect"] = "codex"
