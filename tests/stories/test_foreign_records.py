"""Records of earlier runs that came with a project, as in a clone that holds `logs/`: they reach nothing outside."""

from __future__ import annotations

import base64
import json
import stat
from pathlib import Path
from typing import Any

import pytest
from helpers.world import World

from harness.records.journal import encode_event


def bring_journal(world: World, *events: dict[str, Any]) -> None:
    """A journal of these events, and of a run that was killed."""
    (world.root / "logs").mkdir(exist_ok=True)
    head = {"at": "2026-01-01T00:00:00.000Z", "run": "0" * 32}
    first = {"event": "run_began", "pid": 1, "started": "1"}
    lines = [{"seq": number, **head, **event} for number, event in enumerate((first, *events), start=1)]
    (world.root / "logs/journal.jsonl").write_bytes(b"".join(map(encode_event, lines)))


def test_a_receipt_of_no_feature_writes_no_file(world: World, tmp_path: Path) -> None:
    world.spec("a")
    world.repository()
    for slug in ("../../out", "x" * 5_000, "", "a/../../out"):
        bring_journal(world, {"event": "accepted", "slug": slug, "receipt": "evil\n"})
        assert world.run(max_iterations=1).code == 1
    assert sorted(one.name for one in tmp_path.iterdir()) == ["agent.sh", "project"]


def test_no_file_of_a_person_is_moved_into_the_project(world: World, tmp_path: Path) -> None:
    world.spec("a")
    world.repository()
    key = tmp_path / "home/.ssh/key"
    key.parent.mkdir(parents=True)
    key.write_text("a person's")
    named = [str(key), f"{world.root}/../home/.ssh/key", f"{world.root}/specs", str(world.root / ".git/objects")]
    bring_journal(world, {"event": "attempt_began", "slug": "a", "attempt": 1, "absent": named})
    assert world.run(max_iterations=1).code == 1
    assert key.read_text() == "a person's"
    assert list((world.root / "logs/attempts/a/0001").rglob("foreign/*")) == []


@pytest.mark.parametrize("name", ["../out", "x/../../out", ".git/hooks/out", "out"])
def test_nothing_is_put_back_that_this_project_never_held(world: World, tmp_path: Path, name: str) -> None:
    world.spec("a")
    world.repository()
    bring_journal(world, {"event": "attempt_began", "slug": "a", "attempt": 1})
    content = base64.b64encode(b"evil\n").decode()
    thing = {"by": "a shell", "may_change": False, "signature": [1, 5, 1, stat.S_IFREG | 0o755], "content": content}
    (world.root / "logs/.kept").mkdir()
    (world.root / "logs/.kept/obeyed.json").write_text(json.dumps({"folder": 1, "things": {name: thing}}))
    assert world.run(max_iterations=1).code == 1
    assert list(tmp_path.rglob("out")) == []
