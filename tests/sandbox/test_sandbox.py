"""The sandbox holds: each attack succeeds without it and fails in it, as root and as a plain user; work still works."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers.waiting import wait_until_ready
from helpers.world import BUBBLEWRAP, FINISH

from harness.domain.errors import AgentError
from harness.domain.paths import Paths
from harness.records.notes import Mark
from harness.sandbox.bubblewrap import Mounts, compose_arguments
from harness.sandbox.macos import MacSandbox
from harness.sandbox.sandbox import read_claude_state
from harness.sandbox.seatbelt import compose_profile
from harness.sandbox.seccomp import ARCHITECTURES, compose_filter
from harness.settings.options import Settings
from harness.system.command import Command
from harness.workspace.private_logs import ADDED_LIMIT, has_claim, import_private_logs, prepare_private_logs
from harness.workspace.quarantine import find_absent, find_git

TESTS = Path(__file__).parents[1]
needs_bwrap = pytest.mark.skipif(not BUBBLEWRAP, reason="BUBBLEWRAP IS NOT INSTALLED: nothing of the sandbox is proven")

WORK = (
    "python", "sh and grep", "edit a file", "git commit", "scratch space", "processes", "the feature's log",
    "a file of the home that is let in",
)  # fmt: skip
NETWORK = (
    "connect to the host's loopback", "connect to an abstract socket", "send a datagram", "connect to another host",
    "ask a proxy for the host's loopback",
)  # fmt: skip
KEYS = ("find the model's key",)  # it is inside, unless a broker keeps it outside
ROOT_ONLY = ("write the kernel's settings", "read /etc/shadow")
NOT_AS_ROOT = ("fork without end",)  # the kernel does not count the processes of root
PROGRAM = (TESTS / "fakes/attacks.py").read_text().split("WORK = ")[0]
ATTACKS = tuple(re.findall(r'^    "([^"]+)": ', PROGRAM, re.MULTILINE))
ALREADY_CLOSED = {  # by the kernel, even without a sandbox: for whom
    "mount": {"plain user"},
    "type into the terminal": {"root", "plain user"},  # where dev.tty.legacy_tiocsti is 0
    "make a user namespace": {"root", "plain user"},  # where the system forbids them
    "use the kernel's keyring": {"root", "plain user"},  # in some containers
}

_besieged: dict[tuple[str, str], dict[str, Any]] = {}


def besiege(user: str, profile: str) -> dict[str, Any]:
    """What came of every attack; run once for each user and profile."""
    if user == "root" and os.geteuid() != 0:
        pytest.skip("we are a plain user")
    who = "plain user" if user == "plain user" and os.geteuid() == 0 else "as we are"
    closed = [folder for folder in TESTS.parents if not folder.stat().st_mode & 0o001]
    if who == "plain user" and closed:
        pytest.skip(f"NOT TESTED AS A PLAIN USER: `{closed[0]}` is closed to others, and this checkout lies in it")
    if (who, profile) not in _besieged:
        folder = Path(tempfile.mkdtemp(prefix="besieged-"))
        line = [sys.executable, str(TESTS / "fakes/besieged.py"), str(folder), who, profile]
        environ = {**os.environ, "PYTHONPATH": str(TESTS.parent)}
        ran = subprocess.run(line, capture_output=True, text=True, timeout=60, env=environ, check=False)
        shutil.rmtree(folder, ignore_errors=True)
        assert ran.returncode == 0, ran.stderr
        _besieged[who, profile] = json.loads(ran.stdout)
    found = _besieged[who, profile]
    if "skip" in found:
        pytest.skip(f"THE SANDBOX CANNOT BE TESTED HERE: {found['skip']}")
    return found


USERS = pytest.mark.parametrize("user", ["root", "plain user"])
group = pytest.mark.xdist_group("sandbox")  # one worker, so that each siege is run once


@group
@needs_bwrap
@USERS
@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_that_succeeds_without_a_sandbox(user: str, attack: str) -> None:
    if attack in ROOT_ONLY and user != "root":
        pytest.skip("an attack of root")
    open_without = besiege(user, "none")[attack]
    if not open_without and user in ALREADY_CLOSED.get(attack, ()):
        pytest.skip("this kernel refuses it anyway")
    assert open_without, "an attack that proves nothing"


@group
@needs_bwrap
@USERS
@pytest.mark.parametrize("attack", [attack for attack in ATTACKS if attack not in NETWORK + KEYS])
@pytest.mark.parametrize("profile", ["bwrap", "bwrap, broker"])
def test_fails_in_the_sandbox(user: str, attack: str, profile: str) -> None:
    if attack in NOT_AS_ROOT and user == "root":
        assert besiege(user, profile)[attack], "it holds for root too: say so in the README"
        return
    assert not besiege(user, profile)[attack]


@group
@needs_bwrap
@USERS
@pytest.mark.parametrize("attack", NETWORK)
def test_the_network_is_open_with_host_and_closed_with_none_and_with_a_broker(user: str, attack: str) -> None:
    assert [besiege(user, one)[attack] for one in ("bwrap", "bwrap, no network", "bwrap, broker")] == [
        True,
        False,
        False,
    ]


@group
@needs_bwrap
@USERS
@pytest.mark.parametrize("attack", KEYS)
def test_a_key_is_inside_unless_a_broker_keeps_it_outside(user: str, attack: str) -> None:
    assert [besiege(user, one)[attack] for one in ("bwrap", "bwrap, no network", "bwrap, broker")] == [
        True,
        True,
        False,
    ]


@group
@needs_bwrap
@USERS
def test_a_host_is_reached_where_it_is_listed(user: str) -> None:
    reached = [besiege(user, one)["a host that is listed"] for one in ("bwrap, broker", "bwrap, no network")]
    assert reached == [True, False]


@group
@needs_bwrap
@USERS
@pytest.mark.parametrize("profile", ["none", "bwrap", "bwrap, no network", "bwrap, broker"])
@pytest.mark.parametrize("work", WORK)
def test_work_is_possible(user: str, profile: str, work: str) -> None:
    assert besiege(user, profile)[work]


@group
@needs_bwrap
@USERS
@pytest.mark.parametrize("profile", ["bwrap", "bwrap, broker"])
def test_no_mask_leaves_a_stub_and_bwrap_is_no_stray(user: str, profile: str) -> None:
    found = besiege(user, profile)
    expected = [".git", "attacks.py", "big", "code.py", "harness.yaml", "logs", "specs", "templates", "work.txt"]
    assert (found["left in the project"], found["strays"]) == (expected, 0)


# --- the line, and the filter ---------------------------------------------------------------------------------------


def mounts_of(mounts: Mounts) -> list[str]:
    words = compose_arguments(mounts)
    told = words[words.index("/run") + 1 : words.index("--remount-ro")]
    return [f"{told[at][2:]} {told[at + 1]} {told[at + 2]}" for at in range(0, len(told), 3)]


def paths(*names: str) -> tuple[Path, ...]:
    return tuple(map(Path, names))


def test_the_more_specific_path_wins_and_parents_come_first() -> None:
    mounts = Mounts(
        workspace=Path("/home/u/code/app"),
        writable=paths("/home/u/code/app/.git"),
        readable=paths("/home/u/.cargo", "/home/u/.cargo/bin", "/home/u/code", "/home/u/code/app/tools"),
        protected=paths("/home/u/code/app/.git/hooks", "/home/u/code/app/a/b/c.json"),
        masked=paths("/home/u/.cargo/credentials"),
        private=((Path("/home/u"), Path("/scratch/home")), (Path("/home/u/code/app/logs"), Path("/private"))),
    )
    assert mounts_of(mounts) == [
        "bind /scratch/home /home/u",
        "ro-bind /home/u/.cargo /home/u/.cargo",
        "ro-bind /dev/null /home/u/.cargo/credentials",
        "ro-bind /home/u/code /home/u/code",
        "bind /home/u/code/app /home/u/code/app",
        "bind /home/u/code/app/.git /home/u/code/app/.git",
        "ro-bind /home/u/code/app/.git/hooks /home/u/code/app/.git/hooks",
        "bind /home/u/code/app/a /home/u/code/app/a",
        "bind /home/u/code/app/a/b /home/u/code/app/a/b",
        "ro-bind /home/u/code/app/a/b/c.json /home/u/code/app/a/b/c.json",
        "bind /private /home/u/code/app/logs",
    ]


def test_the_folders_above_what_is_mounted_in_the_project_are_pinned() -> None:
    mounts = Mounts(
        workspace=Path("/app"),
        writable=paths("/app/a/b/c", "/repo", "/repo/worktrees/mine"),
        protected=paths("/repo/worktrees", "/repo/worktrees/mine/gitdir"),
        private=((Path("/app/build/logs"), Path("/private")),),
    )
    assert mounts_of(mounts) == [
        "bind /app /app",
        "bind /app/a /app/a",
        "bind /app/a/b /app/a/b",
        "bind /app/a/b/c /app/a/b/c",
        "bind /app/build /app/build",
        "bind /private /app/build/logs",
        "bind /repo /repo",
        "ro-bind /repo/worktrees /repo/worktrees",
        "bind /repo/worktrees/mine /repo/worktrees/mine",
        "ro-bind /repo/worktrees/mine/gitdir /repo/worktrees/mine/gitdir",
    ]


@pytest.mark.parametrize(
    ("mounts", "word", "there"),
    [
        (Mounts(Path("/w")), "--unshare-net", False),
        (Mounts(Path("/w"), network=False), "--unshare-net", True),
        (Mounts(Path("/w")), "--disable-userns", True),
        (Mounts(Path("/w"), closed=False), "--disable-userns", False),
        (Mounts(Path("/w"), user_namespace=False), "--unshare-user", False),
        (Mounts(Path("/w")), "/proc/sys", False),
        (Mounts(Path("/w"), proc_sys=True), "/proc/sys", True),
        (Mounts(Path("/w"), tied=True), "--die-with-parent", True),
    ],
)
def test_each_wish_is_a_word_of_the_line(mounts: Mounts, word: str, there: bool) -> None:
    assert (word in compose_arguments(mounts)) == there


def test_nothing_of_etc_that_holds_a_secret_is_let_in() -> None:
    let_in = {word for word in compose_arguments(Mounts(Path("/w"))) if word.startswith("/etc")}
    assert not let_in & {"/etc", "/etc/shadow", "/etc/ssh", "/etc/pip.conf", "/etc/npmrc", "/etc/sudoers"}


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_the_filter_is_a_whole_program_whose_jumps_stay_inside(machine: str) -> None:
    program = compose_filter(machine)
    steps = [program[at : at + 8] for at in range(0, len(program), 8)]
    assert all(at + 1 + max(step[2], step[3]) < len(steps) for at, step in enumerate(steps) if step[0] & 7 == 5)
    assert steps[-1] == bytes.fromhex("06000000 0000ff7f")


def test_an_unknown_processor_has_no_filter() -> None:
    assert compose_filter("pdp11") == b""


# --- private_logs logs -----------------------------------------------------------------------------------------------


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


# --- what is looked up ----------------------------------------------------------------------------------------------


def test_the_folders_of_a_worktree_are_its_own_and_the_common_one(tmp_path: Path) -> None:
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b.invalid", "-C"]
    subprocess.run(["git", "init", "-q", str(tmp_path / "main")], check=True)
    subprocess.run([*git, str(tmp_path / "main"), "commit", "-q", "--allow-empty", "-m", "x"], check=True)
    subprocess.run([*git, str(tmp_path / "main"), "worktree", "add", "-q", str(tmp_path / "side")], check=True)
    common = (tmp_path / "main/.git").resolve()
    assert find_git(tmp_path / "main") == (tmp_path / "main", [common])
    assert find_git(tmp_path / "side") == (tmp_path / "side", [common, common / "worktrees/side"])


def test_claude_codes_memory_of_other_projects_stays_outside(tmp_path: Path) -> None:
    state = {"oauthAccount": {"x": 1}, "projects": {"/here": {"a": 1}, "/elsewhere": {"history": ["secret"]}}}
    (tmp_path / ".claude.json").write_text(json.dumps(state))
    copy = json.loads(read_claude_state(tmp_path / ".claude.json", Path("/here")))
    assert copy == {"oauthAccount": {"x": 1}, "projects": {"/here": {"a": 1}}}
    assert read_claude_state(tmp_path / "absent", Path("/here")) == b""


# --- runs -----------------------------------------------------------------------------------------------------------


@group
def test_a_confined_attempt_becomes_a_receipt_and_a_commit(confined: Any) -> None:
    confined.spec("hello", checks=["test -f made.txt", 'test -z "$(ls logs)"'])
    confined.repository()
    confined.agent(FINISH)
    ran = confined.go()
    assert (ran.code, confined.outcomes()) == (0, ["done"]), ran.text
    assert confined.log("hello.log") == "did hello, and this makes the note long enough to count\n"
    assert confined.log("learnings.md") == "- 2026-11-21: a lesson\n"
    assert confined.log("hello.done").startswith("finished\n")
    assert confined.git("show", "--name-only", "--format=") == "made.txt"
    assert "sandbox: bwrap: agents and checks see this project and their tools alone, with your network" in ran.lines


@group
def test_a_check_is_confined_too(confined: Any, tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("")
    confined.spec("hello", checks=[f"test ! -e {tmp_path}/outside"])
    confined.agent(FINISH)
    assert confined.go().code == 0


@group
def test_a_file_that_would_be_obeyed_outside_is_set_aside(confined: Any) -> None:
    confined.spec("hello")
    confined.repository()
    confined.agent(
        "mkdir -p .claude; echo '{\"hooks\": {}}' > .claude/settings.json; echo 'sandbox: none' > harness.yaml;"
        f"echo ../evil > .git/commondir; {FINISH}"
    )
    ran = confined.go()
    assert ran.code == 0, ran.text
    assert not any(confined.has(name) for name in (".claude/settings.json", "harness.yaml", ".git/commondir"))
    assert {event["marker"] for event in confined.events("foreign")} == {
        ".claude/settings.json", "harness.yaml", ".git/commondir"
    }  # fmt: skip
    assert confined.log("attempts/hello/0001/foreign/harness.yaml") == "sandbox: none\n"


@group
def test_the_marker_of_another_feature_is_nobodys_claim(confined: Any) -> None:
    confined.spec("hello")
    confined.spec("other")
    confined.agent(f"echo mine, $PAY_TOKEN > $logs/other.done; {FINISH}")
    confined.environment |= {"PAY_TOKEN": "q8Zr7Lm2-x9-not-for-logs", "HARNESS_ENV_PASS": "PAY_TOKEN"}
    ran = confined.go("hello")
    assert (ran.code, confined.has("logs/other.done")) == (0, False)
    assert confined.log("attempts/hello/0001/foreign/other.done") == "mine, [redacted PAY_TOKEN]\n"
    assert "hello: `other.done` was left in logs/ and is set aside, in logs/attempts/hello/0001/foreign" in ran.lines


@group
def test_a_term_reaches_the_agent_itself(confined: Any) -> None:
    confined.spec("hello")
    confined.agent('trap "note heard the TERM; exit 0" TERM; while :; do sleep 0.05; done')
    ran = confined.go(timeout="0.7s", max_iterations="1")
    assert (confined.outcomes(), confined.log("hello.log")[:14]) == (["timed_out"], "heard the TERM"), ran.text


@group
def test_strays_are_counted_without_bwrap_itself(confined: Any) -> None:
    confined.spec("hello")
    confined.agent(f"setsid sleep 1000 & setsid sleep 1000 & {FINISH}")
    confined.go()
    assert confined.events("attempt_ended")[0]["strays"] == 2


@group
def test_what_a_killed_run_left_in_the_cell_is_judged_at_the_next_start(confined: Any) -> None:
    confined.spec("hello", checks=["test -f made.txt"])
    confined.agent(f"{FINISH}; touch ready; exec sleep 1000")
    confined.config_file(sandbox="bwrap")
    home = {"HOME": confined.environment["HOME"], "HARNESS_SANDBOX": ""}
    run = confined.start("run", **home)
    wait_until_ready(confined, run)
    run.send_signal(signal.SIGKILL)
    run.communicate()
    assert not confined.has("logs/hello.done")
    ran = confined.command("run", **home)
    assert ran.returncode == 0, ran.stderr
    assert confined.outcomes() == ["done"]
    assert confined.log("hello.log").count("did hello") == 1


@group
def test_settings_that_a_cut_off_attempt_left_are_not_obeyed(confined: Any) -> None:
    confined.spec("hello")
    confined.agent("echo 'sandbox: none' > harness.yaml; touch ready; exec sleep 1000")
    flags = ("run", "--agent", "command", "--sandbox", "bwrap")
    home = {"HOME": confined.environment["HOME"], "HARNESS_COMMAND": shlex.join(confined.settings["command"])}
    run = confined.start(*flags, **home)
    wait_until_ready(confined, run)
    run.send_signal(signal.SIGKILL)
    run.communicate()
    ran = confined.command(*flags, **home)
    assert (ran.returncode, confined.has("harness.yaml")) == (2, False)
    assert "`harness.yaml` appeared during attempt 1 of hello, which was cut off" in ran.stderr


@group
def test_auto_says_in_one_line_why_the_agent_is_unconfined(world: Any, tmp_path: Path) -> None:
    world.spec("hello")
    world.agent(FINISH)
    for name in ("git", "sh", "cat", "grep", "head", "basename", "dirname", "ls", "wc"):
        (tmp_path / name).symlink_to(shutil.which(name))
    ran = world.run(sandbox="auto", environ={**world.environ, "PATH": str(tmp_path)})
    assert ran.code == 0
    assert "sandbox: none: the agent runs as you, unconfined (`bwrap` is not on PATH)" in ran.lines
    with pytest.raises(AgentError, match="`bwrap` is not on PATH"):
        world.run(sandbox="bwrap", environ={**world.environ, "PATH": str(tmp_path)})


@group
def test_an_agent_that_cannot_start_inside(confined: Any, tmp_path: Path) -> None:
    confined.spec("hello")
    (tmp_path / "codex").write_text("#!/bin/sh\ncat " + str(tmp_path / "needed") + "\n")
    (tmp_path / "codex").chmod(0o755)
    (tmp_path / "needed").write_text("codex 1\n")
    confined.environment["PATH"] = f"{tmp_path / 'tools'}:{os.environ['PATH']}"
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools/codex").symlink_to(tmp_path / "codex")
    confined.settings |= {"agent": "codex", "max_iterations": "1"}
    ran = confined.go(sandbox="auto")
    assert re.search(r"unconfined \(agent `codex` cannot start inside: .*No such file", ran.text), ran.text
    with pytest.raises(AgentError, match="agent `codex` cannot start inside the sandbox"):
        confined.go()
    ran = confined.go(sandbox_read=str(tmp_path / "needed"))
    assert "sandbox: bwrap" in ran.text


@pytest.fixture
def crippled(confined: Any, tmp_path: Path) -> Any:
    """A project with a `codex` on PATH that cannot start inside: it needs a file that is not let in."""
    tools, needed = tmp_path / "tools", tmp_path / "needed"
    tools.mkdir()
    needed.write_text("")
    (tools / "codex").write_text(f"#!/bin/sh\ncat {needed} || exit 1\necho codex 1\n")
    (tools / "codex").chmod(0o755)
    confined.environment["PATH"] = f"{tools}:{os.environ['PATH']}"
    confined.spec("hello")
    return confined


@group
def test_an_agent_that_cannot_start_inside_takes_no_other_out(crippled: Any, tmp_path: Path) -> None:
    crippled.spec("other", agent="codex")
    crippled.agent(f"test -e {tmp_path / 'needed'} && note sees what is outside; {FINISH}")
    ran = crippled.go(sandbox="auto", max_iterations="2")
    assert "sandbox: bwrap" in ran.text
    assert re.search(r"but unconfined, as you: agent `codex` cannot start inside: .*No such file", ran.text)
    assert [(e["agent"], e["confined"]) for e in crippled.events("attempt_began")] == [
        ("command", True), ("codex", False)
    ]  # fmt: skip
    assert "sees what is outside" not in crippled.log("hello.log")


@group
def test_who_stands_in_must_start_inside_too(crippled: Any) -> None:
    crippled.agent(FINISH)
    with pytest.raises(AgentError, match="agent `codex` cannot start inside the sandbox"):
        crippled.go(agents=["command", "codex"])


@group
def test_an_agent_that_could_reach_no_model_does_not_start(crippled: Any, tmp_path: Path) -> None:
    with pytest.raises(AgentError, match="`sandbox_network: none`: agent `codex` could reach no model"):
        crippled.go(agent="codex", sandbox="auto", sandbox_network="none")


@group
def test_a_dry_run_confines_the_checks(crippled: Any, tmp_path: Path) -> None:
    crippled.spec("hello", checks=[f"test ! -e {tmp_path / 'needed'}"])
    crippled.agent(FINISH)
    crippled.config_file(sandbox="bwrap")
    ran = crippled.command("dry-run", HOME=crippled.environment["HOME"], HARNESS_SANDBOX="")
    assert "already green" in ran.stdout, ran.stdout + ran.stderr


@group
def test_what_a_check_of_a_dry_run_plants_is_set_aside(crippled: Any) -> None:
    crippled.spec("hello", checks=["mkdir -p .claude && echo '{}' > .claude/settings.json"])
    crippled.agent(FINISH)
    crippled.config_file(sandbox="bwrap")
    crippled.command("dry-run", HOME=crippled.environment["HOME"], HARNESS_SANDBOX="")
    assert not crippled.has(".claude/settings.json")
    assert crippled.has("logs/.kept/foreign/settings.json")


@group
def test_memory_is_bounded_where_that_is_asked_for(confined: Any) -> None:
    confined.spec("hello")
    confined.agent("if python3 -c 'bytearray(1 << 30)' 2>/dev/null; then note plenty; else note bounded; fi")
    confined.go(max_iterations="1")
    confined.go(max_iterations="1", sandbox_memory="512M")
    assert [line.split(",")[0] for line in confined.log("hello.log").splitlines()] == ["plenty", "bounded"]


@group
def test_specs_behind_a_link_are_held_too(confined: Any) -> None:
    confined.spec("hello")
    (confined.root / "specs").rename(confined.root / "wanted")
    (confined.root / "specs").symlink_to("wanted")
    confined.agent(f'(echo planted >> wanted/hello/spec.md) 2>/dev/null && note "edited it"; {FINISH}')
    assert confined.go().code == 0
    assert "planted" not in (confined.root / "wanted/hello/spec.md").read_text()


@group
def test_a_container_of_ones_own_is_taken_at_its_word(world: Any) -> None:
    world.spec("hello")
    world.agent(FINISH)
    assert "sandbox" not in world.run(sandbox="container").text


def test_what_is_absent_is_looked_for_where_it_would_be_obeyed(tmp_path: Path) -> None:
    (tmp_path / "harness.yaml").write_text("")
    (tmp_path / ".git").mkdir()
    absent = find_absent(tmp_path)
    assert str(tmp_path / "harness.yaml") not in absent
    assert {str(tmp_path / name) for name in (".mcp.json", ".git/commondir", ".git/hooks")} <= set(absent)


# --- macOS, as far as it can be seen from here ---------------------------------------------------------------------


def test_the_profile_for_macos_denies_what_it_does_not_allow_and_quotes_paths() -> None:
    work = Path('/Users/me/a "b"')
    mounts = Mounts(work, readable=(Path("/Users/me/.nvm"),), protected=(work / ".git/config",), network=False)
    text = compose_profile(
        mounts, scratch=Path("/private/tmp/x"), logs=work / "logs", own=[work / "logs/a.log"], absent=[work / ".envrc"]
    )
    rules = text.splitlines()
    assert rules[1] == "(deny default)"
    quoted = '(subpath "/Users/me/a \\"b\\"/'
    assert f'(deny file-write* {quoted}.git/config") {quoted}.envrc"))' in rules
    assert rules[-2:] == [
        '(deny file-read* file-write* (subpath "/Users/me/a \\"b\\"/logs"))',
        '(allow file-read* file-write* (subpath "/Users/me/a \\"b\\"/logs/a.log"))',
    ]
    assert '(literal "/Users/me/a \\"b\\"/.git")' in text
    assert "(allow network*)" not in text
    assert text.count("(") == text.count(")")
    assert "(allow network*)" in compose_profile(replace(mounts, network=True), scratch=work, logs=work / "logs")


def test_on_macos_an_agent_may_touch_its_own_logs_alone(tmp_path: Path) -> None:
    mac = MacSandbox(Mounts(tmp_path), Settings(), tmp_path / "home", tmp_path / "place", tmp_path / "logs", "mac", {})
    inside = mac.confine(
        Command(("true",), tmp_path, {"PATH": "/bin", "TMPDIR": "/tmp"}),
        agent=None,
        private_logs=tmp_path / "logs/attempts/pay/0003/private_logs",
    )
    assert inside.confined is not None
    assert (inside.confined.argv[:2], inside.confined.wraps) == (("mac", "-p"), False)
    assert f'(subpath "{tmp_path}/logs/pay.done") (subpath "{tmp_path}/logs/learnings.md"))' in inside.confined.argv[2]
    assert inside.env["TMPDIR"].startswith(str(tmp_path / "place"))
