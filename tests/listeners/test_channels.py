"""A night alone: it stays awake, gives signs of life, tells people what happens, and transcripts take little room."""

from __future__ import annotations

import errno
import gzip
import json
import os
import re
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from helpers.waiting import until
from helpers.world import CLAIM, World

from harness.listeners import channels as notify
from harness.records.transcripts import open_transcript, pack_old
from harness.settings.load import load_config
from harness.system import files

ASK = 'note "tried"; echo "BLOCKED: which client?" >> "$log"'
INHIBIT = """#!/bin/sh
echo "$@" > {said}
while [ "${{1#--}}" != "$1" ]; do shift; done
echo $$ > {pid}
exec "$@"
"""


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False


# --- awake --------------------------------------------------------------------------------------------------------


@pytest.fixture
def inhibit(world: World) -> Iterator[tuple[Path, Path, dict[str, str]]]:
    """A systemd-inhibit that is first on the PATH: what it was told, its pid, and the environment to use."""
    tools = world.root.parent / "tools"
    tools.mkdir()
    said, pid = tools / "said", tools / "pid"
    (tools / "systemd-inhibit").write_text(INHIBIT.format(said=said, pid=pid))
    (tools / "systemd-inhibit").chmod(0o755)
    yield said, pid, {"PATH": f"{tools}:{os.environ['PATH']}", "HARNESS_INHIBIT_SLEEP": "auto"}


def test_sleep_is_held_off_while_a_run_is_on_and_no_longer(world: World, inhibit) -> None:
    said, pid, environ = inhibit
    world.spec("a")
    world.agent(f'while ! [ -s {pid} ]; do sleep 0.01; done; kill -0 "$(cat {pid})" && {CLAIM}')
    world.settings["pid_namespace"] = "off"
    assert world.run(environ={**world.environ, **environ}).code == 0
    assert said.read_text().split() == [
        "--what=sleep:idle", "--who=harness", "--why=a", "run", "in", "project", "--mode=block", "cat",
    ]  # fmt: skip
    assert not alive(int(pid.read_text()))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=lambda one: one.name)
def test_a_killed_run_lets_the_machine_sleep(world: World, inhibit, number: signal.Signals) -> None:
    _, pid, environ = inhibit
    world.spec("a")
    world.agent("sleep 60")
    world.config_file()
    run = world.start("run", **environ)
    until(lambda: pid.exists() and pid.read_text())
    assert alive(int(pid.read_text()))
    run.send_signal(number)
    run.communicate(timeout=30)
    until(lambda: not alive(int(pid.read_text())))


def test_where_nothing_keeps_it_awake_it_is_told_once(world: World, inhibit) -> None:
    said, _, environ = inhibit
    (said.parent / "systemd-inhibit").write_text("#!/bin/sh\necho 'no bus' >&2\nexit 1\n")
    world.spec("a")
    world.agent('sleep 0.4; [ "$attempt" = 1 ] && note "half" || { ' + CLAIM + "; }")
    ran = world.run(environ={**world.environ, **environ})
    assert [line for line in ran.lines if "awake" in line] == [
        "nothing keeps this machine awake: `systemd-inhibit` failed: no bus"
    ]
    assert ran.code == 0


# --- signs of life ------------------------------------------------------------------------------------------------


def test_a_run_gives_signs_of_life_that_status_shows_and_takes_them_away(world: World, harness) -> None:
    world.spec("a")
    world.agent('while ! [ -e "$logs/go" ]; do sleep 0.01; done; ' + CLAIM)
    world.config_file()
    run = world.start("run")
    until(lambda: world.has("logs/heartbeat.json") and '"working"' in world.log("heartbeat.json"))
    beat = json.loads(world.log("heartbeat.json"))
    assert (beat["pid"], beat["phase"], beat["feature"], beat["attempt"]) == (run.pid, "working", "a", 1)
    assert beat.keys() >= {"started", "run", "at", "monotonic", "tree"}
    assert re.search(r"last sign of life \d{1,2}s ago \(a attempt 1, working\)\n", harness("status").out)
    late = {**beat, "monotonic": beat["monotonic"] - 150}
    (world.root / "logs/heartbeat.json").write_text(json.dumps(late))
    assert re.search(r"2m\d\ds ago \(a attempt 1, working\): it hangs; `harness halt --now`", harness("status").out)
    assert harness("status", "--json").json["run"]["beat"]["hung"]
    (world.root / "logs/go").touch()
    run.communicate(timeout=30)
    assert not world.has("logs/heartbeat.json")


def test_a_sign_of_life_comes_at_least_every_30_s_and_costs_little(tmp_path: Path, monkeypatch) -> None:
    from harness.records import heartbeat

    heart = heartbeat.Heartbeat(tmp_path / "heartbeat.json", {"pid": 1}, time.time)
    now = time.monotonic()
    monkeypatch.setattr(heartbeat.time, "monotonic", lambda: now)
    written = []
    monkeypatch.setattr(heartbeat.files, "write_atomic", lambda path, text, sync: written.append(json.loads(text)))
    heart.phase("starting", silent=True)
    heart.phase("working", feature="a")
    heart.beat()
    for seconds in (0.1, 29, 1):
        now += seconds
        heart.beat()
    assert [one["phase"] for one in written] == ["starting", "working", "working"]
    assert written[2]["monotonic"] - written[1]["monotonic"] == pytest.approx(30, abs=0.01)


def test_the_sign_of_a_killed_run_is_not_taken_for_a_living_one(world: World, harness) -> None:
    world.spec("a")
    world.agent("sleep 60")
    world.config_file()
    run = world.start("run")
    until(lambda: world.has("logs/heartbeat.json") and "working" in world.log("heartbeat.json"))
    run.kill()
    run.communicate(timeout=30)
    assert world.has("logs/heartbeat.json")
    assert "sign of life" not in harness("status").out


# --- telling ------------------------------------------------------------------------------------------------------


class Hook:
    """A webhook that keeps what it was told and answers as it is said."""

    def __init__(self, *answers: int) -> None:
        self.heard: list[dict[str, Any]] = []
        left = list(answers)
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                hook.heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(left.pop(0) if left else 204)
                self.send_header("Location", "http://127.0.0.1:1/elsewhere")
                self.end_headers()

            def log_message(self, *words: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/T0KEN"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})

    def __enter__(self) -> Hook:
        self.thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    @property
    def events(self) -> list[str]:
        return [one["event"] for one in self.heard]


@pytest.fixture(autouse=True)
def soon(monkeypatch) -> None:
    """Tries follow one another at once, and no proxy stands before loopback."""
    monkeypatch.setattr(notify, "PAUSE", 0.01)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def test_the_end_is_told_with_the_result_as_json_gives_it(world: World, harness) -> None:
    world.spec("a", checks="true")
    world.agent(CLAIM)
    with Hook() as hook:
        world.config_file(webhook=hook.url, on_finish='cat > told; env | grep "^HARNESS_" | sort > variables')
        ran = harness("run", "--json")
    assert (ran.code, hook.events) == (0, ["finished"])
    assert hook.heard[0]["result"] == ran.json == json.loads((world.root / "told").read_text())
    assert hook.heard[0]["text"].endswith("exit 0")
    assert (world.root / "variables").read_text().splitlines() == [
        "HARNESS_EVENT=finished", "HARNESS_EXIT=0", "HARNESS_HALT=ALL_DONE", f"HARNESS_RUN_ID={ran.json['run']}",
    ]  # fmt: skip


def test_a_question_is_told_when_it_is_asked(world: World, harness) -> None:
    world.spec("a")
    world.agent(ASK)
    with Hook() as hook:
        world.config_file(webhook=hook.url)
        assert harness("run").code == 4
    assert hook.events == ["blocked", "finished"]
    assert hook.heard[0].items() >= {"slug": "a", "attempt": 1, "question": "which client?"}.items()


def test_silence_and_no_progress_are_told(world: World, harness) -> None:
    world.spec("a")
    world.agent("sleep 30")
    with Hook() as hook:
        world.config_file(webhook=hook.url, idle_timeout="0.2s", stuck_limit=1)
        assert harness("run").code == 5
    assert hook.events == ["silent", "stuck", "finished"]


def test_a_limit_and_four_fifths_of_a_budget_are_told(world: World, harness) -> None:
    world.spec("a")
    event = {"type": "result", "is_error": True, "api_error": "usage_limit_reached", "result": "resets", "usage": {}}
    line = json.dumps({**event, "subtype": "success", "total_cost_usd": 0.9})
    world.agent(f"cat <<'EOF'\n{line}\nEOF\nexit 1")
    with Hook() as hook:
        world.config_file(webhook=hook.url, dialect="claude", max_cost=1)
        assert harness("run").code == 6
    assert sorted(hook.events[:-1]) == ["budget", "limit"]
    assert hook.events[-1] == "finished"


def test_an_error_in_the_middle_is_told_too(world: World, harness) -> None:
    world.spec("a")
    world.agent('rm -rf "$logs/a.log"; mkdir "$logs/a.log"')
    world.config_file(on_finish="cat > told")
    ran = harness("run")
    assert ran.code == json.loads((world.root / "told").read_text())["code"]


@pytest.mark.parametrize(
    ("answers", "tries", "why"),
    [
        ((500, 204), 2, None),
        ((500, 503, 500), 3, "it answered 500"),
        ((404,), 1, "it answered 404"),
        ((302,), 1, "it answered 302"),
    ],
    ids=["heals", "stays broken", "is wrong", "redirects"],
)
def test_a_webhook_that_fails_is_tried_again_told_once_and_changes_nothing(
    world: World, harness, answers: tuple[int, ...], tries: int, why: str | None
) -> None:
    world.spec("a", checks="true")
    world.agent(CLAIM)
    with Hook(*answers) as hook:
        world.config_file(webhook=hook.url)
        ran = harness("run")
    assert (ran.code, len(hook.heard)) == (0, tries)
    assert [e["why"] for e in world.events("notify_failed")] == ([why] if why else [])
    assert ran.err.count("webhook could not be told") == bool(why)
    assert "T0KEN" not in ran.err + world.log("journal.jsonl") + world.log("run.log")


@pytest.mark.parametrize(
    ("command", "why"), [("echo sorry >&2; exit 3", "exit 3: sorry"), ("sleep 60", "ended after 0.3s")]
)
def test_a_command_that_fails_changes_nothing(world: World, harness, monkeypatch, command: str, why: str) -> None:
    monkeypatch.setattr(notify, "COMMAND_BOUND", 0.3)
    world.spec("a", checks="true")
    world.agent(CLAIM)
    world.config_file(on_finish=command)
    ran = harness("run")
    assert ran.code == 0
    assert f"on_finish could not be told: {why}" in ran.err
    assert [e["channel"] for e in world.events("notify_failed")] == ["on_finish"]


def test_an_address_is_never_shown(world: World, harness) -> None:
    world.spec("a")
    world.config_file(webhook="https://u:pw@hooks.example.com/T0KEN", notify=["slack://T0KEN/b/c"])
    shown = harness("config").out
    assert "https://hooks.example.com/…" in shown and "[slack://…]" in shown
    assert "T0KEN" not in shown and "pw@" not in shown
    for name, value in (("webhook", "ftp://x/T0KEN"), ("notify", "T0KEN")):
        world.config_file(**{name: value})
        wrong = harness("config")
        assert wrong.code == 2 and "T0KEN" not in wrong.err + wrong.out


def test_channels_without_apprise_are_told_with_the_command_that_mends_it(world: World, monkeypatch) -> None:
    monkeypatch.setattr(notify.importlib.util, "find_spec", lambda name: None)
    world.spec("a")
    world.agent(ASK)
    ran = world.run(notify=["ntfy://topic"])
    assert [line for line in ran.lines if "apprise" in line] == [notify.MISSING]
    assert (ran.code, world.events("notify_failed")) == (4, [])


def test_each_channel_of_people_is_told_by_apprise(world: World) -> None:
    pytest.importorskip("apprise")
    world.spec("a")
    world.agent(ASK)
    with Hook() as hook:
        ran = world.run(notify=[hook.url.replace("http://", "json://"), "wrong://T0KEN"])
    assert ran.code == 4
    first = hook.heard[0]
    assert first["title"].startswith("harness: blocked in ")
    assert first["message"].startswith("a is blocked: which client?")
    assert {(e["channel"], e["why"]) for e in world.events("notify_failed")} == {
        ("wrong", "apprise does not know such an address")
    }
    assert "T0KEN" not in ran.text


# --- disks --------------------------------------------------------------------------------------------------------


def old_attempts(world: World, number: int, size: int = 20_000) -> None:
    for one in range(1, number + 1):
        folder = world.root / f"logs/attempts/a/{one:04d}"
        folder.mkdir(parents=True)
        (folder / "outcome.json").write_text("{}")
        (folder / "stream.jsonl").write_bytes(b"x" * size)
        (folder / "stderr.log").write_bytes(b"small")


def transcripts(world: World) -> list[str]:
    return sorted(str(p.relative_to(world.root / "logs/attempts/a")) for p in world.root.rglob("stream.jsonl*"))


def test_older_transcripts_are_compressed_and_read_as_before(world: World) -> None:
    world.spec("a")
    old_attempts(world, 3)
    (world.root / "logs/attempts/a/0002/outcome.json").unlink()
    world.agent("head -c 9000 /dev/zero | tr '\\0' y; " + CLAIM)
    assert world.run(keep_transcripts="1").code == 0
    assert transcripts(world) == [
        "0001/stream.jsonl.gz", "0002/stream.jsonl", "0003/stream.jsonl.gz", "0004/stream.jsonl",
    ]  # fmt: skip
    first = world.root / "logs/attempts/a/0001"
    assert gzip.decompress((first / "stream.jsonl.gz").read_bytes()) == b"x" * 20_000
    assert (first / "stderr.log").read_bytes() == b"small"
    file = open_transcript(first / "stream.jsonl")
    assert file is not None
    with file:
        assert file.readline(5) == b"xxxxx"


def test_with_0_everything_is_kept_as_it_is(world: World) -> None:
    world.spec("a")
    old_attempts(world, 3)
    world.agent(CLAIM)
    assert world.run(keep_transcripts="0").code == 0
    assert not [name for name in transcripts(world) if name.endswith(".gz")]


def test_a_few_files_at_a_time_are_compressed_the_oldest_first(world: World) -> None:
    old_attempts(world, 10)
    paths = load_config(world.root, {}, {}).paths
    (world.root / "specs").mkdir(exist_ok=True)
    assert pack_old(paths, "a", newest=10, keep=1) == 6
    assert pack_old(paths, "a", newest=10, keep=1, packed=6) == 9
    assert [name[-3:] for name in transcripts(world)] == [".gz"] * 9 + ["onl"]


def test_an_agents_traps_in_the_place_of_a_transcript_are_left_alone(world: World) -> None:
    old_attempts(world, 3)
    first, second = (world.root / f"logs/attempts/a/{one:04d}" for one in (1, 2))
    secret = world.root / "secret"
    secret.write_bytes(b"s" * 9000)
    (first / "stream.jsonl").unlink()
    (first / "stream.jsonl").symlink_to(secret)
    (second / "stream.jsonl.gz").mkdir()
    paths = load_config(world.root, {}, {}).paths
    assert pack_old(paths, "a", newest=3, keep=1) == 1
    assert secret.read_bytes() == b"s" * 9000
    assert (second / "stream.jsonl").read_bytes() == b"x" * 20_000
    assert not list(second.glob(".*.tmp"))


def test_a_small_disk_is_told_before_the_first_attempt(world: World, monkeypatch) -> None:
    monkeypatch.setattr("harness.run.preflight.free_bytes", lambda folder: 300 << 20)
    world.spec("a")
    world.agent(CLAIM)
    assert "only 300 MiB free on the disk of `logs`" in world.run().lines


def test_a_disk_that_an_agent_fills_halts_the_run_with_whole_files(world: World, harness, small_disk: Path) -> None:
    world.spec("a", checks="true")
    world.agent("[ -e go ] && { " + CLAIM + '; exit; }; note "began"; head -c 3000000 /dev/zero | tr "\\0" "x\\n"; ')
    world.config_file(on_finish="cat > told")
    ran = harness("run")
    assert ran.code == 2
    assert "no space left on device" in ran.err.lower()
    assert "no space left on device" in json.loads((world.root / "told").read_text())["error"]
    for path in [path for path in small_disk.rglob("*.json*") if path.name != "stream.jsonl"]:
        lines = path.read_text().splitlines() if path.suffix == ".jsonl" else [path.read_text()]
        assert all(json.loads(line) for line in lines)
    assert not list(small_disk.rglob(".*.tmp"))
    for stream in small_disk.rglob("stream.jsonl"):
        stream.unlink()
    (world.root / "go").touch()
    assert harness("run").code == 0


def test_a_full_disk_keeps_a_transcript_from_being_compressed_and_harms_nothing(world: World, small_disk: Path) -> None:
    old_attempts(world, 2)
    stream = world.root / "logs/attempts/a/0001/stream.jsonl"
    noise = os.urandom(60_000)
    stream.write_bytes(noise)
    with (small_disk / "filler").open("wb", buffering=0) as file, pytest.raises(OSError) as full:
        while True:
            file.write(b"x" * 4096)
    assert full.value.errno == errno.ENOSPC
    assert pack_old(load_config(world.root, {}, {}).paths, "a", newest=2, keep=1) == 0
    assert stream.read_bytes() == noise
    assert [path.name for path in stream.parent.iterdir() if path.suffix in (".gz", ".tmp")] == []
    (small_disk / "filler").unlink()
    assert files.compress(stream) == 60_000
    assert shutil.disk_usage(small_disk).free
