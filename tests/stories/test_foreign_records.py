"""Records of earlier runs that came with a project, as in a clone that holds `logs/`: they reach nothing outside."""

from __future__ import annotations

import base64
import json
import stat
from pathlib import Path
from typing import Any

import pytest
from helpers.marks import in_short
from helpers.world import World

from harness.domain.errors import StorageError
from harness.records.journal import encode_event


def bring_journal(world: World, *events: dict[str, Any]) -> None:
    """A journal of these events, and of a run that was killed."""
    (world.root / "logs").mkdir(exist_ok=True)
    head = {"at": "2026-01-01T00:00:00.000Z", "run": "0" * 32}
    first = {"event": "run_began", "pid": 1, "started": "1"}
    lines = [{"seq": number, **head, **event} for number, event in enumerate((first, *events), start=1)]
    (world.root / "logs/journal.jsonl").write_bytes(b"".join(map(encode_event, lines)))


@pytest.mark.deep
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


@pytest.mark.parametrize("name", in_short(["../out", "x/../../out", ".git/hooks/out", "out"], "x/../../out"))
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


# --- links in logs/ -------------------------------------------------------------------------------------------------


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """What a link of a clone leads to."""
    made = tmp_path / "home"
    made.mkdir()
    (made / "thesis.txt").write_text("a person's")
    (made / ".bashrc").write_text("a person's")
    return made


def cut_off(world: World, home: Path, name: str, target: str = "") -> None:
    """A clone whose attempt at `a` was cut off, and left a file for harness to move; `name` is a link out."""
    world.spec("a")
    world.repository()
    bring_journal(world, {"event": "attempt_began", "slug": "a", "attempt": 1})
    link = world.root / "logs" / name
    left = world.root / "logs/attempts/a/0001/private_logs/.profile"
    if not left.is_relative_to(link):
        left.parent.mkdir(parents=True)
        left.write_text("evil")
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(home / target)


LINKS = {
    ".lock": ".bashrc", ".temporary": ".bashrc", "heartbeat.json": ".bashrc", "run.log": ".bashrc", ".kept": "",
    ".kept/a.log": ".bashrc", ".kept/obeyed.json": "", "attempts": "", "attempts/a": "", "attempts/a/0001": "",
    "attempts/a/0001/foreign": "", "attempts/a/0001/private_logs": "", "attempts/a/0001/private_logs.before": "",
    "attempts/a/0001/outcome.json": ".bashrc", "a.log": ".bashrc", "learnings.md": ".bashrc", "a.answer": ".bashrc",
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "target"),
    in_short(
        [pytest.param(*one, id=one[0]) for one in LINKS.items()],
        ".lock", "attempts/a/0001",
    ),
)  # fmt: skip
def test_a_link_in_logs_leads_no_run_out_of_it(world: World, home: Path, name: str, target: str) -> None:
    cut_off(world, home, name, target)
    ran = world.run(max_iterations=1)
    assert ran.code == 1
    assert {one.name: one.read_text() for one in home.iterdir()} == {
        "thesis.txt": "a person's", ".bashrc": "a person's",
    }  # fmt: skip
    assert f"`logs/{name}` is a link that leads out of `logs`, to `{home / target}`: it was moved" in ran.text
    assert "a person's" not in world.prompt("a", 2)


def test_a_journal_that_is_a_link_is_refused(world: World, home: Path) -> None:
    world.spec("a")
    (world.root / "logs").mkdir()
    (world.root / "logs/journal.jsonl").symlink_to(home / "thesis.txt")
    with pytest.raises(StorageError, match=r"`logs/journal.jsonl` is a link that leads out of `logs`"):
        world.run(max_iterations=1)


@pytest.mark.parametrize("words", [("dry-run",), ("accept", "a", "yes"), ("reset", "a")], ids=lambda words: words[0])
def test_a_link_in_logs_is_refused_by_what_does_not_run(world: World, harness: Any, home: Path, words: Any) -> None:
    world.config_file()
    world.spec("a", checks=["echo evil > .npmrc; false"])
    (world.root / "logs/.kept").mkdir(parents=True)
    (world.root / "logs/.kept/foreign").symlink_to(home)
    (world.root / "logs/.lock").symlink_to(home / ".bashrc")
    ran = harness(*words)
    assert (ran.code, sorted(one.name for one in home.iterdir())) == (2, [".bashrc", "thesis.txt"])
    assert (home / ".bashrc").read_text() == "a person's"
    assert "`logs/.lock` is a link that leads out of `logs`" in ran.err


def test_a_link_that_an_agent_makes_in_logs_is_not_followed(world: World, home: Path) -> None:
    world.spec("a")
    world.repository()
    world.agent(f'note "did it"; ln -s {home} "$logs/attempts/a/0001/foreign"; echo evil > .npmrc')
    assert world.run(max_iterations=1).code == 1
    assert sorted(one.name for one in home.iterdir()) == [".bashrc", "thesis.txt"]
    assert (world.root / "logs/attempts/a/0001/foreign/.npmrc.quarantined").read_text() == "evil\n"


def test_a_link_within_logs_is_left(world: World) -> None:
    world.spec("a")
    (world.root / "logs").mkdir()
    (world.root / "logs/latest").symlink_to("attempts/a/0001")
    assert world.run(max_iterations=1).code == 1
    assert (world.root / "logs/latest").is_symlink()
