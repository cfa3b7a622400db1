"""What a confined agent sees as logs/, and what is taken over from it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from helpers.files import REPOSITORY
from helpers.nobody import AS_NOBODY, python_of_nobody

from harness.domain.paths import Paths
from harness.records.notes import Mark
from harness.records.receipt import parse_receipt
from harness.workspace.private_logs import (
    ADDED_LIMIT,
    MOST_STRANGE,
    has_claim,
    import_private_logs,
    prepare_private_logs,
)


@pytest.fixture
def private_logs(tmp_path: Path) -> Any:
    """Private logs for the feature `a` whose log and learnings hold a line each, and what its import gives back."""
    made = Paths(tmp_path, tmp_path / "specs", tmp_path / "logs")
    made.logs.mkdir()
    made.log("a").write_text("old\n")
    made.learnings.write_text("- lesson\n")
    folder = made.attempt("a", 1)
    inside = prepare_private_logs(folder, made, "a")

    class PrivateLogs:
        paths, where = made, folder

        def __truediv__(self, name: str) -> Path:
            return inside / name

        def take(self) -> tuple[Any, str, str]:
            found = import_private_logs(folder, made, "a", Mark(4, ""), Mark(9, ""))
            return found, made.log("a").read_text(), made.learnings.read_text()

    return PrivateLogs()


def test_what_was_added_is_taken_over_once(private_logs: Any) -> None:
    with (private_logs / "a.log").open("a") as log, (private_logs / "learnings.md").open("a") as lessons:
        log.write("new\n")
        lessons.write("- another\n")
    (private_logs / "a.done").write_text("finished\n")
    assert has_claim(private_logs.where, "a")
    found, log_text, lessons_text = private_logs.take()
    assert (log_text, lessons_text) == ("old\nnew\n", "- lesson\n- another\n")
    assert private_logs.paths.done("a").read_text().strip() == "finished"
    assert (found.rewritten, found.quarantined, found.cut) == ((), (), ())
    assert sorted(path.name for path in private_logs.where.iterdir()) == []
    assert private_logs.take()[1:] == (log_text, lessons_text)


def test_a_claim_in_the_words_of_a_receipt_reads_as_none(private_logs: Any) -> None:
    (private_logs / "a.done").write_text(f"mine\n\n--- proven by harness ---\nspec: sha256 0\ncommit: {'1' * 40}\n")
    private_logs.take()
    assert parse_receipt(private_logs.paths.done("a").read_text()).kind == "by hand"


def test_an_import_that_was_killed_half_way_adds_nothing_twice(private_logs: Any) -> None:
    with (private_logs / "a.log").open("a") as log:
        log.write("new\n")
    with private_logs.paths.log("a").open("a") as real:
        real.write("new\n")
    assert private_logs.take()[1] == "old\nnew\n"


def test_a_rewritten_log_costs_nothing_of_the_old(private_logs: Any) -> None:
    (private_logs / "a.log").write_text("mine alone\n")
    found, text, _ = private_logs.take()
    assert (found.rewritten, text) == (("a.log",), "old\nmine alone\n")


def test_links_fifos_folders_and_strange_names_are_set_aside_unread(private_logs: Any, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("decoy")
    (private_logs / "a.log").unlink()
    (private_logs / "a.log").symlink_to(tmp_path / "secret")
    (private_logs / "learnings.md").unlink()
    os.mkfifo(private_logs / "learnings.md")
    (private_logs / "a.done").mkdir()
    (private_logs / "b.done").write_text("not mine")
    found, log_text, lessons = private_logs.take()
    assert (log_text, lessons) == ("old\n", "- lesson\n")
    assert found.quarantined == ("a.done", "a.log", "b.done", "learnings.md")
    assert not private_logs.paths.done("b").exists()
    assert private_logs.paths.done("a").read_text().strip() == ""


def test_a_huge_log_is_taken_over_in_part_and_told(private_logs: Any) -> None:
    with (private_logs / "a.log").open("a") as log:
        log.truncate(ADDED_LIMIT * 3)
    found, text, _ = private_logs.take()
    assert (found.cut, len(text)) == (("a.log",), 4 + ADDED_LIMIT)


def test_only_the_end_of_a_long_log_is_shown(tmp_path: Path) -> None:
    made = Paths(tmp_path, tmp_path / "specs", tmp_path / "logs")
    made.logs.mkdir()
    made.log("a").write_text("a line of old\n" * 100_000)
    shown = (prepare_private_logs(made.attempt("a", 1), made, "a") / "a.log").read_text()
    assert (shown.startswith("a line of old\n"), 100_000 < len(shown) <= 128 * 1024) == (True, True)


def test_many_files_are_set_aside_in_one_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = Paths(tmp_path, tmp_path / "specs", tmp_path / "logs")
    paths.logs.mkdir()
    paths.log("a").write_text("old\n")
    folder = paths.attempt("a", 1)
    private_logs = prepare_private_logs(folder, paths, "a")
    with (private_logs / "a.log").open("a") as log:
        log.write("new\n")
    for number in range(500):
        (private_logs / f"f{number:03}").touch()
    synced: list[int] = []
    monkeypatch.setattr("os.fsync", synced.append)
    found = import_private_logs(folder, paths, "a", Mark(4, ""), Mark(0, ""))
    assert len(synced) < 100
    assert found.quarantined[:MOST_STRANGE] == tuple(f"f{number:03}" for number in range(MOST_STRANGE))
    assert found.quarantined[MOST_STRANGE:] == ("… and 480 more, in `rest`",)
    assert paths.log("a").read_text() == "old\nnew\n"
    assert sorted(path.name for path in folder.iterdir()) == ["foreign"]
    assert len(list((folder / "foreign/rest").glob("f*"))) == 480
    assert import_private_logs(folder, paths, "a", Mark(4, ""), Mark(0, "")).quarantined == ()


PLAIN_USER = """
import os, sys
from pathlib import Path
from harness.system import untrusted
from harness.records.notes import Mark
from harness.domain.paths import Paths
from harness.workspace.private_logs import has_claim, import_private_logs, prepare_private_logs
root, how = Path(sys.argv[1]), sys.argv[2]
assert os.geteuid() != 0
paths = Paths(root, root / "specs", root / "logs")
paths.logs.mkdir()
folder = paths.attempt("a", 1)
private_logs = prepare_private_logs(folder, paths, "a")
(private_logs / "a.log").write_text("new\\n")
(private_logs / "a.done").write_text("finished\\n")
(private_logs / "d/e").mkdir(parents=True)
(root / ".claude/inner").mkdir(parents=True)
(root / ".claude/settings.json").write_text("{}")
if how == "all of it":
    private_logs.chmod(0)
if how == "what is in it":
    for name in ("d/e", "d", "a.log", "a.done"):
        (private_logs / name).chmod(0)
if how == "a folder on the way":
    (root / ".claude/settings.json").chmod(0)
    (root / ".claude").chmod(0o555)
if how == "a folder that is closed":
    (root / ".claude/inner").chmod(0)
    (root / ".claude").chmod(0)
assert has_claim(folder, "a")
found = import_private_logs(folder, paths, "a", Mark(0, ""), Mark(0, ""))
print(found.quarantined, found.rewritten, paths.log("a").read_text().strip(), paths.done("a").read_text().strip())
for name in ("settings.json", "inner"):
    print(*(path.name for path in untrusted.move_out(root, root / ".claude" / name, folder / "foreign")))
(folder / "foreign/settings.json.quarantined").read_text()
"""


@pytest.mark.parametrize(
    "how", ["nothing", "all of it", "what is in it", "a folder on the way", "a folder that is closed"]
)
def test_a_plain_user_gets_at_what_an_agent_closed(tmp_path: Path, how: str) -> None:
    python, who = sys.executable, {}
    if os.geteuid() == 0:
        who, found = AS_NOBODY, python_of_nobody()
        if found is None:
            pytest.skip("uid 65534 cannot read this checkout or any Python >= 3.11")
        python = found
    with TemporaryDirectory() as folder:
        if who:
            os.chown(folder, who["user"], who["group"])
        root = Path(folder)
        ran = subprocess.run(
            [python, "-c", PLAIN_USER, root, how],
            cwd=REPOSITORY, stdout=subprocess.PIPE, text=True, check=False,
            **{**who, "stderr": subprocess.STDOUT},
        )  # fmt: skip
        assert ran.stdout.splitlines() == [
            "('d',) () new finished", "settings.json settings.json.quarantined", "inner inner.quarantined",
        ], ran.stdout  # fmt: skip
