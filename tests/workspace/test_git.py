"""What an agent leaves behind to hold harness up or lock it out holds up nothing: locks, fifos, modes, many files."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from helpers.nobody import AS_NOBODY, REPOSITORY, python_of_nobody
from helpers.world import GIT, World
from hypothesis import given
from hypothesis import strategies as st

from harness.domain.paths import Paths
from harness.records.notes import Mark
from harness.system.command import Confined
from harness.system.process import Supervisor
from harness.system.redact import LineRedactor, Redactor
from harness.workspace import in_place as workspace
from harness.workspace.in_place import InPlace
from harness.workspace.private_logs import MOST_STRANGE, import_private_logs, prepare_private_logs

BEGIN, END = b"-----BEGIN " + b"PRIVATE KEY-----", b"-----END " + b"PRIVATE KEY-----"
KNOWN = "Zk93jfTq8812LmQx"
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")


# --- redaction takes its time, and no more --------------------------------------------------------------------------


def cost(work: Callable[[], Any]) -> float:
    """The least processor time of some tries."""
    tries = []
    for _ in range(7):
        began = time.process_time()
        work()
        tries.append(time.process_time() - began)
    return min(tries)


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(BEGIN + b"!", id="keys that begin"),
        pytest.param(BEGIN + b"!" + b'"' + END, id="keys with a quote in them"),
        pytest.param(b"-----END " + BEGIN + b"!", id="ends that are none"),
        pytest.param(BEGIN + b" " * 90 + b"!", id="keys of blanks"),
        pytest.param(KNOWN.encode() + b"!", id="a known value"),
    ],
)
def test_sixteen_times_the_text_costs_about_sixteen_times_as_much(line: bytes) -> None:
    redactor, few = Redactor({"PAY_TOKEN": KNOWN}), 1024 // len(line) + 1
    little, much = line * few, line * few * 16
    huge, whole = line * few * 64, line * few * 1024
    assert cost(lambda: redactor.raw(much)) < 64 * cost(lambda: redactor.raw(little))  # squared it is 256 times
    assert cost(lambda: redactor.raw(whole)) < 64 * cost(lambda: redactor.raw(huge))


BY_PATTERN = re.compile(  # the same rule as one pattern, which looks at 16 KiB behind each first line
    rb"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY-----(?:[^\"]{1,16384}?-----END [A-Z0-9 ]{0,30}PRIVATE KEY-----"
    rb"|[A-Za-z0-9+/=\\\s:,-]{0,16384}[A-Za-z0-9+/=])?"
)


@given(st.lists(st.sampled_from([BEGIN, END, b"QUJD\n", b"!", b'"', b" ", b"-", b"!" * 16_380, b"Q" * 16_380])))
def test_a_key_ends_where_its_last_line_is(parts: list[bytes]) -> None:
    text = b"".join(parts)
    assert Redactor().raw(text) == BY_PATTERN.sub(b"[redacted private key]", text)


def test_a_flood_of_keys_that_begin_is_heard_in_pieces_as_fast() -> None:
    def hear(data: bytes) -> None:
        lines = LineRedactor(Redactor())
        for at in range(0, len(data), 4096):
            lines.feed(data[at : at + 4096])
        lines.end()

    line = (BEGIN + b"!") * 10 + b"\n"
    assert cost(lambda: hear(line * 1600)) < 40 * cost(lambda: hear(line * 100))


# --- git ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def checkout(world: World) -> tuple[World, InPlace]:
    """A repository with a change in it."""
    (world.root / "kept").write_text("1")
    world.repository()
    paths = Paths(world.root, world.root / "specs", world.root / "logs")
    made = InPlace(paths, {**os.environ, **GIT})
    (world.root / "kept").write_text("2")
    return world, made


@pytest.mark.parametrize("name", ["HEAD", "index", "packed-refs", "info/exclude"])
def test_a_fifo_that_git_would_read_makes_nobody_wait(
    checkout: tuple[World, InPlace], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    world, place = checkout
    asked: list[object] = []
    monkeypatch.setattr("harness.workspace.git.capture", lambda *words, **_: asked.append(words))
    path = world.root / ".git" / name
    path.unlink(missing_ok=True)
    path.parent.mkdir(exist_ok=True)
    os.mkfifo(path)
    assert (place.snapshot().head, set(place.snapshot().files)) == ("", {"kept"})
    assert place.commit("a", "words", 1).failure == "git does not answer here any more"
    again = InPlace(Paths(world.root, world.root / "specs", world.root / "logs"), {**os.environ, **GIT})
    assert (again.has_git, "would wait for ever" in again.why_no_git) == (False, True)
    assert asked == []


def ask_to_stop(place: InPlace, asked: Callable[[], float | None], confined: bool) -> Supervisor:
    supervisor = Supervisor(namespace="off")
    if confined:
        bare = Confined((), (), {}, wraps=False)
        place.confine_git(supervisor, lambda command: replace(command, confined=bare), asked)
    else:
        place.confine_git(supervisor, lambda command: command, asked)
    return supervisor


@pytest.mark.parametrize("confined", [False, True], ids=["as we are", "in the sandbox"])
def test_a_look_that_hangs_ends_when_everything_has_to_stop(
    checkout: tuple[World, InPlace], monkeypatch: pytest.MonkeyPatch, confined: bool
) -> None:
    world, place = checkout
    monkeypatch.setattr("harness.workspace.git.LOOK_ON", 0.3)
    monkeypatch.setattr("harness.workspace.git.AT_LEAST", 0.3)
    monkeypatch.setattr("harness.workspace.git.TIMEOUT", 30.0)
    os.mkfifo(world.root / ".gitignore")
    began = time.monotonic()
    with ask_to_stop(place, lambda: 5.0 if time.monotonic() > began + 0.5 else None, confined):
        assert place.snapshot().head == ""
    assert time.monotonic() - began < 20  # and not 30


def test_a_look_in_good_time_is_made_though_everything_has_to_stop(checkout: tuple[World, InPlace]) -> None:
    _, place = checkout
    with ask_to_stop(place, lambda: 5.0, confined=True):
        assert set(place.snapshot().files) == {"kept"}
        assert place.snapshot().head


def test_nobody_waits_for_a_lock_when_everything_has_to_stop(checkout: tuple[World, InPlace]) -> None:
    world, place = checkout
    lock = world.root / ".git/index.lock"
    lock.touch()
    began = time.monotonic()
    with ask_to_stop(place, lambda: 5.0, confined=False):
        assert "index.lock" in place.commit("a", "words", 1).failure
    assert (time.monotonic() - began < 30, lock.exists()) == (True, True)


@on_linux
def test_a_lock_that_nobody_holds_is_moved_aside_and_told(
    checkout: tuple[World, InPlace], monkeypatch: pytest.MonkeyPatch
) -> None:
    world, place = checkout
    monkeypatch.setattr(workspace, "STALE", 0.5)
    lock = world.root / ".git/index.lock"
    lock.write_text("mine")
    made = place.commit("a", "words", 1)
    assert (made.made, made.failure) == (True, "")
    assert "index.lock.aside" in made.remark
    assert (lock.exists(), lock.with_name("index.lock.aside").read_text()) == (False, "mine")


@on_linux
def test_a_lock_that_a_person_s_git_holds_is_waited_for(
    checkout: tuple[World, InPlace], monkeypatch: pytest.MonkeyPatch
) -> None:
    world, place = checkout
    monkeypatch.setattr(workspace, "STALE", 0.2)
    monkeypatch.setattr(workspace, "TIMEOUT", 2.0)
    editor = {**os.environ, **GIT, "GIT_EDITOR": "sleep 60; false"}  # `commit --all` locks while a message is written
    theirs = subprocess.Popen(["git", "commit", "--all"], cwd=world.root, env=editor, start_new_session=True)
    try:
        lock = world.root / ".git/index.lock"
        until = time.monotonic() + 20
        while not lock.exists() and time.monotonic() < until:
            time.sleep(0.01)
        assert "index.lock" in place.commit("a", "words", 1).failure
        assert lock.exists()
    finally:
        os.killpg(theirs.pid, 9)
        theirs.wait()


def test_a_repository_inside_this_one_keeps_nothing_from_being_committed(world: World) -> None:
    world.repository()
    world.spec("a", checks="true")
    world.agent('note hi; git init -q sub; (cd sub; git commit -q --allow-empty -m x); echo y > y; echo ok > "$done"')
    ran = world.run()
    assert (ran.code, world.events("commit_failed")) == (0, [])
    assert "y" in world.git("show", "--name-only", "--format=").split()
    assert "sub/" not in world.git("ls-files")


# --- what an agent leaves in logs/ ----------------------------------------------------------------------------------


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
(folder / "foreign/settings.json").read_text()
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
            "('d',) () new finished", "settings.json settings.json", "inner inner",
        ], ran.stdout  # fmt: skip


# --- checks.log -----------------------------------------------------------------------------------------------------


def test_a_secret_that_control_codes_cut_in_two_is_none_in_checks_log(world: World) -> None:
    split = KNOWN[:8] + r"\033[0m" + KNOWN[8:]
    world.spec("a", checks=f"head -c 1048560 /dev/zero | tr '\\0' .; printf 'is {split} it\\n'")
    world.agent('note hi; echo ok > "$done"')
    assert world.run(environ={**world.environ, "PAY_TOKEN": KNOWN}).code == 0
    said = world.log("attempts/a/0001/checks.log")
    assert KNOWN not in said
    assert "is [redacted PAY_TOKEN] it" in said
