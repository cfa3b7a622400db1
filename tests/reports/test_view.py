"""A project as a reader sees it: nothing is locked, mended or written."""

from __future__ import annotations

import time
from typing import Any

import pytest
from helpers.files import tree
from helpers.marks import in_short
from helpers.stages import blocked
from helpers.world import World

from harness.domain.listener import Silent
from harness.domain.reply import Limit, LimitKind
from harness.domain.verdict import Outcome
from harness.records.events import AttemptBegan, AttemptEnded, RunBegan
from harness.records.journal import Journal
from harness.reports.view import read_view
from harness.run.limits import restore_limits
from harness.run.open import open_run
from harness.settings.load import load_config
from harness.system.clocks import Clocks


def test_who_only_looks_writes_nothing(world: World, harness) -> None:
    blocked(world)
    before = tree(world.root)
    for words in ("status", "why", "why a", "log a", "config", "lint", "doctor", "dry-run", "answer b x", "new a"):
        harness(*words.split())
        assert tree(world.root) == before, words


def test_nobody_who_looks_makes_a_folder_for_logs(world: World, harness) -> None:
    world.spec("a")
    before = tree(world.root)
    for command in ("status", "why", "lint", "config", "doctor", "dry-run"):
        harness(command)
    assert tree(world.root) == before


# --- limits that a killed run had met ------------------------------------------------------------------------------

BOTH = ["command", "scripted"]
MET: dict[str, tuple[dict[str, Any], list[tuple[str, str, int]]]] = {
    "one agent, and the default is to stop": ({}, [("command", "a", 3600)]),
    "one agent, and it waits": ({"on_limit": "wait"}, [("command", "a", 3600)]),
    "another stands in": ({"agents": BOTH}, [("command", "a", 3600)]),
    "another stands in though it would wait": ({"agents": BOTH, "on_limit": "wait"}, [("command", "a", 3600)]),
    "the one that stood in has met its own": (
        {"agents": BOTH, "on_limit": "wait"}, [("command", "a", 3600), ("scripted", "b", 60)],
    ),
    "both have met one, the later opens first": (
        {"agents": BOTH, "on_limit": "wait"}, [("scripted", "a", 7200), ("command", "b", 60)],
    ),
    "none but those that cannot start": ({"agents": ["command", "codex"]}, [("command", "a", 3600)]),
    "one that cannot start, then one that can": (
        {"agents": ["command", "claude", "scripted"]}, [("command", "a", 3600)],
    ),
    "the next cannot start": ({"agents": ["command", "claude"], "on_limit": "wait"}, [("command", "a", 3600)]),
    "so many in a row": (
        {"agents": BOTH, "on_limit": "wait", "fault_limit": 2}, [("command", "a", 3600), ("scripted", "b", 60)],
    ),
    "of a feature that names its agent": ({"agents": BOTH, "on_limit": "wait"}, [("scripted", "own", 3600)]),
    "of a feature that names its agent, and of the chain": (
        {"agents": BOTH, "on_limit": "wait"}, [("command", "own", 3600), ("command", "a", 60)],
    ),
    "of a chain's agent, then of a feature that names it": (
        {"agents": BOTH}, [("command", "a", 60), ("command", "own", 3600)],
    ),
}  # fmt: skip


MET_IN_SHORT = (
    "one agent, and it waits",
    "another stands in",
    "both have met one, the later opens first",
    "so many in a row",
)


@pytest.mark.parametrize(
    ("given", "met"), in_short([pytest.param(*one, id=name) for name, one in MET.items()], *MET_IN_SHORT)
)
def test_what_is_foreseen_of_limits_is_what_the_next_run_decides(
    world: World, monkeypatch: pytest.MonkeyPatch, given: dict[str, Any], met: list[tuple[str, str, int]]
) -> None:
    for slug in "ab":
        world.spec(slug)
    world.spec("own", agent="command")
    (world.root / "script.yaml").write_text("features: {default: [{note: nothing}]}\n")
    now = float(int(time.time()))
    killed_at_limits(world, now, met)
    environ = {**world.environ, "PATH": "/usr/bin:/bin"}
    monkeypatch.setenv("PATH", environ["PATH"])
    monkeypatch.setattr("harness.reports.view.time.time", lambda: now)
    config = load_config(world.root, {**world.settings, "script": "script.yaml", **given}, environ)
    look = read_view(config).look
    with open_run(config, Silent(), environ=environ, clocks=Clocks(lambda: now, jitter=lambda: 0.0)) as run:
        restore_limits(run)
        assert (look.wait, look.pending_stop) == (run.failover.turn.wait, run.failover.turn.stop)


def killed_at_limits(world: World, now: float, met: list[tuple[str, str, int]]) -> None:
    """Leave the journal of a run that was killed after its agents had met these limits."""
    (world.root / "logs").mkdir()
    journal = Journal(world.root / "logs", "r", lambda: now - 60)
    journal.append(RunBegan(pid=1, started="1"))
    for number, (agent, slug, seconds) in enumerate(met, start=1):
        limit = Limit(LimitKind.USAGE, "used up", now + seconds)
        journal.append(AttemptBegan(slug=slug, attempt=number, agent=agent))
        journal.append(AttemptEnded(slug=slug, attempt=number, outcome=Outcome.FAULT, limit=limit, agent=agent))
    journal.close()
