"""Children die: whatever they do, whoever is killed, as root and as a plain user, with and without a namespace."""

import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from helpers.nobody import AS_NOBODY, python_of_nobody

from harness.domain.errors import StorageError
from harness.domain.reply import Ended
from harness.run.orphans import sweep
from harness.system.capture import capture
from harness.system.command import Bounds, Command
from harness.system.process import Supervisor

LINUX = sys.platform == "linux"
HERE = Path(__file__).parents[1]
NASTY = HERE / "fakes" / "nasty.py"
ROLES = ("main", "child", "deaf", "session", "daemon", "holder", "hydra")
PATIENCE = 20  # seconds a test waits for what must happen before it fails
PYTHON = (sys.executable, "-I", "-S")


class Ear:
    """A listener that remembers lines and answers what a test wants."""

    def __init__(self, *, busy=lambda: False, finished=lambda: False, stop=lambda: None):
        self.lines = []
        self.busy, self.finished, self.stop = busy, finished, stop

    def line(self, line):
        self.lines.append(line)


@pytest.fixture(scope="module", params=["namespace", "no namespace"])
def supervisor(request):
    word = "auto" if request.param == "namespace" else "off"
    with tempfile.TemporaryFile() as lock, Supervisor(lock_fd=lock.fileno(), namespace=word) as made:
        if request.param == "namespace" and not made.namespace:
            pytest.skip(f"no namespace here: {made.why}")
        yield made


@pytest.fixture
def run(supervisor, tmp_path):
    """Run a shell script or a Python program; gives the exit, the files are in tmp_path."""

    def run(script, ear=None, *, stdin=None, cwd=tmp_path, env=os.environ, argv=None, out="out", **bounds):
        command = Command(argv or ("sh", "-c", script), cwd, env, stdin)
        return supervisor.run(
            command, Bounds(**bounds), ear or Ear(), stdout=tmp_path / out if out else None, stderr=tmp_path / "err"
        )

    return run


def until(condition, what):
    """Wait for what must happen; fail, with words, when it does not."""
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.002)
    return found


def try_lock(file):
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def alive(folder):
    """The roles of nasty.py that live now."""

    def lives(path):
        with path.open("r+") as file:
            return not try_lock(file)

    return {role for role in ROLES if (folder / role).exists() and lives(folder / role)}


# --- nothing survives --------------------------------------------------------------------------------------------

DRIVER = """
import fcntl, json, os, sys
from dataclasses import asdict
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from harness.system.command import Bounds, Command
from harness.system.process import Supervisor

folder, nasty, namespace, ending, timeout = sys.argv[2:]

class Ear:
    def line(self, line): print("line", flush=True)
    def busy(self): return False
    def finished(self): return False
    def stop(self): return None

lock = os.open(folder + "/lock", os.O_RDWR | os.O_CREAT)
fcntl.flock(lock, fcntl.LOCK_EX)
with Supervisor(lock_fd=lock, namespace=namespace) as supervisor:
    print(json.dumps({"pid": supervisor.pid, "namespace": supervisor.namespace, "why": supervisor.why}), flush=True)
    command = Command((sys.executable, "-I", "-S", nasty, folder, ending), Path(folder), {"PATH": os.defpath})
    result = supervisor.run(command, Bounds(timeout=float(timeout), grace=0.05), Ear(), stdout=None, stderr=None)
    alive = []
    for role in ("main", "child", "deaf", "session", "daemon", "holder", "hydra"):
        with open(folder + "/" + role, "r+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                alive.append(role)
    print(json.dumps({**asdict(result), "alive": alive}), flush=True)
"""


@contextmanager
def drive(namespace, user, ending="stay", timeout=0):
    """A process that plays harness, with the nasty agent below it; gives it, its folder, and the supervisor's pid."""
    folder = Path(tempfile.mkdtemp(prefix="nasty-"))
    folder.chmod(0o777)
    python, who = (python_of_nobody(), AS_NOBODY) if user == "plain user" else (sys.executable, {})
    argv = [python, "-c", DRIVER, str(HERE.parent), str(folder), str(NASTY), namespace, ending, str(timeout)]
    driver = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, start_new_session=True, cwd="/", **who)
    bomb = threading.Timer(PATIENCE, driver.kill)  # a driver that hangs must not hang the test
    bomb.start()
    try:
        hello = json.loads(driver.stdout.readline())
        if namespace == "auto" and not hello["namespace"]:
            pytest.skip(f"no namespace here: {hello['why']}")
        yield driver, folder, hello["pid"]
    finally:
        bomb.cancel()
        driver.kill()
        driver.communicate()
        try:
            until(lambda: not alive(folder), f"still alive: {alive(folder)}")
        finally:
            kill_survivors(folder)
            shutil.rmtree(folder)


def kill_survivors(folder):
    """After a failed test only: the agents of this folder, by pid, until there are none."""
    while alive(folder):
        for path in Path("/proc").iterdir():
            with suppress(OSError):
                if path.name.isdecimal() and str(folder).encode() in (path / "cmdline").read_bytes().split(b"\0"):
                    os.kill(int(path.name), signal.SIGKILL)


@pytest.fixture(params=["as we are", "plain user"])
def user(request):
    if request.param == "plain user":
        if os.geteuid() != 0:
            pytest.skip("we are a plain user already")
        if python_of_nobody() is None:
            pytest.skip("uid 65534 cannot read this checkout or any Python >= 3.11")
    return request.param


@pytest.fixture(params=["auto", "off"], ids=["namespace", "no namespace"])
def namespace(request):
    if not LINUX:
        pytest.skip("needs Linux")
    return request.param


def all_beat(folder):
    until(lambda: all((folder / role).exists() and (folder / role).stat().st_size for role in ROLES), "seven beats")


def children_of(parent):
    found = []
    for path in Path("/proc").iterdir():
        if path.name.isdecimal():
            try:
                if int((path / "stat").read_text().rpartition(")")[2].split()[1]) == parent:
                    found.append(int(path.name))
            except (FileNotFoundError, ProcessLookupError):
                pass
    return found


def last_word(driver):
    """What the driver says about its attempt."""
    words = driver.stdout.read().splitlines()
    assert words and words[-1].startswith("{"), "the driver hung, or ended before its attempt"
    return json.loads(words[-1])


def test_nothing_survives_a_timeout(namespace, user):
    with drive(namespace, user, timeout=0.5) as (driver, folder, _):
        all_beat(folder)
        said = last_word(driver)
    assert (said["ended"], said["alive"], said["strays"] >= 5) == ("timed out", [], True)


def test_nothing_survives_a_kill_of_harness_and_the_lock_is_held_until_then(namespace, user):
    with drive(namespace, user) as (driver, folder, _):
        all_beat(folder)
        driver.kill()
        with (folder / "lock").open("r+") as lock:
            until(lambda: try_lock(lock), "the lock is free")
            assert alive(folder) == set()


def test_nothing_survives_a_kill_of_the_supervisor(namespace, user):
    with drive(namespace, user) as (driver, folder, supervisor):
        all_beat(folder)
        os.kill(supervisor, signal.SIGKILL)
        said = last_word(driver)
    assert (said["ended"], said["alive"]) == ("lost", [])


def test_nothing_survives_a_kill_of_the_warden(namespace, user):
    with drive(namespace, user) as (driver, folder, supervisor):
        all_beat(folder)
        [warden] = children_of(supervisor)
        os.kill(warden, signal.SIGKILL)
        said = last_word(driver)
    assert (said["ended"], said["alive"]) == ("lost", [])


def test_in_a_namespace_nothing_survives_even_a_kill_of_supervisor_and_warden(user):
    with drive("auto", user) as (_, folder, supervisor):
        all_beat(folder)
        [warden] = children_of(supervisor)
        os.kill(supervisor, signal.SIGSTOP)  # it must not help
        os.kill(warden, signal.SIGKILL)
        until(lambda: not alive(folder), "the init followed its warden")
        os.kill(supervisor, signal.SIGKILL)


def test_nothing_survives_an_agent_that_ends_and_leaves_daemons(namespace, user):
    with drive(namespace, user, ending="leave") as (driver, _, _):
        said = last_word(driver)
    assert (said["ended"], said["code"], said["alive"], said["strays"] >= 5) == ("exited", 0, [], True)


def test_the_lock_stays_held_when_harness_and_supervisor_are_killed_together(namespace, user):
    with drive(namespace, user) as (driver, folder, supervisor):
        all_beat(folder)
        driver.kill()
        os.kill(supervisor, signal.SIGKILL)
        with (folder / "lock").open("r+") as lock:
            until(lambda: try_lock(lock), "the lock is free")
            assert alive(folder) == set()


# --- how it is started -------------------------------------------------------------------------------------------


def test_an_agent_inherits_nothing_of_ours(run):
    ear = Ear()
    run("", ear, argv=(*PYTHON, "-c", "import os; print([fd for fd in range(99) if os.path.exists(f'/dev/fd/{fd}')])"))
    assert ear.lines == [b"[0, 1, 2]"]


def test_the_lock_is_free_when_the_supervisor_is_closed(tmp_path):
    with (tmp_path / "lock").open("w") as ours, (tmp_path / "lock").open("w") as theirs:
        fcntl.flock(ours, fcntl.LOCK_EX)
        with Supervisor(lock_fd=ours.fileno()):
            ours.close()
            assert not try_lock(theirs)
        assert try_lock(theirs)


def test_an_agent_gets_default_signals_no_mask_and_an_own_session(run):
    program = """
import os, signal
print(*[number.name for number in signal.Signals if signal.getsignal(number) == signal.SIG_IGN])
print(signal.pthread_sigmask(0, []), os.getsid(0) == os.getpid())
"""
    ear = Ear()
    run("", ear, argv=(*PYTHON, "-c", program))
    assert ear.lines == [b"SIGPIPE SIGXFSZ", b"set() True"]  # Python itself ignores these two


def test_a_prompt_of_5_mb_does_not_deadlock(run, tmp_path):
    (tmp_path / "prompt").write_bytes(b"p" * 5_000_000)
    ear = Ear()
    run("head -c 3000000 | wc -c; echo said; wc -c", ear, stdin=tmp_path / "prompt")
    assert ear.lines[0].strip() == b"3000000" and ear.lines[1] == b"said"


def test_without_stdin_an_agent_reads_nothing(run):
    assert run("wc -c | grep -qw 0").code == 0


def test_a_large_environment_and_bytes_that_are_no_text_arrive_whole(run):
    env = {"PATH": os.defpath, **{f"V{number}": "x" * 100_000 for number in range(5)}, "ODD": "a\udcffb"}
    ear = Ear()
    run("", ear, argv=("sh", "-c", 'echo ${#V0} ${#V4}; printf %s "$ODD" "$0"', "c\udcfed"), env=env)
    assert ear.lines == [b"100000 100000", b"a\xffbc\xfed"]


@pytest.mark.parametrize(
    ("argv", "cwd", "error"),
    [
        pytest.param(["nosuch"], ".", "cannot start `nosuch`: no such program", id="no such program"),
        pytest.param(["./text"], ".", "cannot start `./text`: Permission denied", id="not executable"),
        pytest.param(
            ["./script"],
            ".",
            "cannot start `./script`: the interpreter named in its first line does not exist",
            id="no interpreter",
        ),
        pytest.param(["true"], "gone", "cannot work in `{}/gone`: No such file or directory", id="no folder"),
        pytest.param(["true", "x" * 3_000_000], ".", "cannot start `true`: Argument list too long", id="too long"),
    ],
)
def test_what_cannot_be_started_says_why(run, tmp_path, argv, cwd, error):
    (tmp_path / "text").write_text("text")
    (tmp_path / "script").write_text("#!/nosuch/interpreter\n")
    (tmp_path / "script").chmod(0o755)
    ended = run("", argv=tuple(argv), cwd=tmp_path / cwd)
    assert (ended.ended, ended.code, ended.error) == (Ended.NOT_STARTED, None, error.format(tmp_path))


def test_a_prompt_that_is_not_there_is_an_error(run, tmp_path):
    with pytest.raises(StorageError, match=r"cannot read `.*gone`: no such file"):
        run("cat", stdin=tmp_path / "gone")


# --- how it ends -------------------------------------------------------------------------------------------------


def test_the_exit_code_or_the_signal_is_told(run):
    assert [run(script).code for script in ("exit 3", "kill -9 $$", "kill -15 $$")] == [3, -9, -15]


def test_stdout_closed_early_is_not_the_end(run):
    ear = Ear()
    ended = run("echo said; exec >&- 2>&-; sleep 0.05; exit 4", ear)
    assert (ended.ended, ended.code, ear.lines) == (Ended.EXITED, 4, [b"said"])


def test_a_stray_that_holds_stdout_delays_nothing(run):
    assert run("sleep 1000 & echo said").strays == 1


def test_a_stranger_who_was_handed_stdout_delays_nothing(run, tmp_path):
    program = """
import socket, sys
stranger = socket.socket(socket.AF_UNIX)
stranger.connect(sys.argv[1])
socket.send_fds(stranger, [b"x"], [1])
stranger.recv(1)
"""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        server.listen()
        held = []

        def hold():
            with server.accept()[0] as connection:
                held.extend(socket.recv_fds(connection, 1, 1)[1])
                connection.send(b"x")

        thread = threading.Thread(target=hold)
        thread.start()
        ended = run("", argv=(*PYTHON, "-c", program, str(tmp_path / "s")))
        thread.join()
    assert ended.ended is Ended.EXITED
    os.close(held[0])


def test_term_comes_first_and_a_good_end_within_the_grace_keeps_its_code(run):
    ear = Ear(stop=lambda: PATIENCE if ear.lines else None)
    ended = run("trap 'echo bye; exit 7' TERM; echo up; while :; do sleep 0.01; done", ear)
    assert (ended.ended, ended.code, ear.lines) == (Ended.STOPPED, 7, [b"up", b"bye"])


def test_kill_follows_when_term_is_ignored(run):
    ended = run("trap '' TERM; echo up; while :; do sleep 0.01; done", timeout=0.2, grace=0.05)
    assert (ended.ended, ended.code) == (Ended.TIMED_OUT, -9)


def test_a_person_in_a_hurry_shortens_a_grace(run):
    ear = Ear(stop=lambda: 0 if len(ear.lines) == 2 else None)
    ended = run("trap 'echo no' TERM; echo up; while :; do sleep 0.01; done", ear, timeout=0.1, grace=1000)
    assert (ended.ended, ended.code, ear.lines) == (Ended.TIMED_OUT, -9, [b"up", b"no"])


def test_an_agent_that_ended_by_itself_in_the_same_instant_has_exited(run):
    ear = Ear(stop=lambda: (time.sleep(0.05), 0)[1])  # it is dead when we ask for its end
    assert run("exit 5", ear).ended is Ended.EXITED


def test_silence_is_idle(run):
    assert run("echo up; sleep 1000", idle_timeout=0.05).ended is Ended.IDLE


def test_a_word_on_stderr_is_not_silence(run):
    ended = run("for i in 1 2 3 4 5 6 7 8; do sleep 0.05; echo $i >&2; done", idle_timeout=0.3)
    assert ended.ended is Ended.EXITED


def test_idle_waits_for_a_tool_but_a_timeout_does_not(run):
    assert run("sleep 0.3", Ear(busy=lambda: True), idle_timeout=0.02).ended is Ended.EXITED
    assert run("sleep 1000", Ear(busy=lambda: True), idle_timeout=0.02, timeout=0.3).ended is Ended.TIMED_OUT


def test_who_hangs_after_the_result_is_ended_and_has_finished(run):
    ear = Ear(finished=lambda: bool(ear.lines))
    ended = run("echo result; sleep 1000", ear, finish_grace=0.05, timeout=1000, idle_timeout=1000)
    assert (ended.ended, ear.lines) == (Ended.FINISHED, [b"result"])


def test_who_goes_after_the_result_has_exited(run):
    ear = Ear(finished=lambda: bool(ear.lines))
    assert run("echo result; exit 1", ear, finish_grace=PATIENCE).ended is Ended.EXITED


def test_a_wake_up_descriptor_makes_us_ask(tmp_path):
    reading, writing = os.pipe()
    woken = threading.Event()
    ear = Ear(stop=lambda: 0 if woken.is_set() else None)

    def wake():
        until((tmp_path / "up").exists, "it is up")
        woken.set()
        os.write(writing, b"!")
        os.close(writing)

    with Supervisor(wake_fds=[reading]) as supervisor:
        thread = threading.Thread(target=wake)
        thread.start()
        command = Command(("sh", "-c", "touch up; sleep 1000"), tmp_path, os.environ)
        ended = supervisor.run(command, Bounds(), ear, stdout=None, stderr=None)
        thread.join()
    assert ended.ended is Ended.STOPPED
    os.close(reading)


def test_the_limit_holds_when_harness_itself_hangs(run, tmp_path, monkeypatch):
    monkeypatch.setattr("harness.system.watch.SPARE", 0.0)

    def hang():
        if (tmp_path / "main").exists():
            until(lambda: "main" not in alive(tmp_path), "the warden ends it")

    ended = run("", Ear(stop=hang), argv=(*PYTHON, str(NASTY), str(tmp_path), "stay"), timeout=0.5, grace=0.05)
    assert (ended.ended, alive(tmp_path)) == (Ended.TIMED_OUT, set())


def test_a_listener_that_fails_takes_the_tree_with_it(run, tmp_path):
    ear = Ear()
    ear.line = lambda line: 1 / 0
    with pytest.raises(ZeroDivisionError):
        run("", ear, argv=(*PYTHON, str(NASTY), str(tmp_path), "stay"))
    assert alive(tmp_path) == set()


def test_a_new_supervisor_replaces_one_that_was_killed(tmp_path):
    with Supervisor() as supervisor:
        os.kill(supervisor.pid, signal.SIGKILL)
        os.waitid(os.P_PID, supervisor.pid, os.WEXITED | os.WNOWAIT)
        command = Command(("sh", "-c", "exit 6"), tmp_path, os.environ)
        assert supervisor.run(command, Bounds(), Ear(), stdout=None, stderr=None).code == 6


def test_attempts_in_several_threads_do_not_meet(run):
    def one(number, ended):
        ear = Ear()
        code = run(f"echo {number}; sleep 1000 & exit {number}", ear, out=None).code
        ended[number] = (code, ear.lines)

    ended = {}
    threads = [threading.Thread(target=one, args=(number, ended)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ended == {number: (number, [str(number).encode()]) for number in range(8)}


def test_one_killed_warden_does_not_touch_its_neighbours(tmp_path):
    if not LINUX:
        pytest.skip("needs Linux")
    with Supervisor(namespace="off") as supervisor:

        def one(name):
            command = Command(("sh", "-c", f"echo $$ >{name}; sleep 0.5; exit 5"), tmp_path, os.environ)
            ended[name] = supervisor.run(command, Bounds(), Ear(), stdout=None, stderr=None).ended

        ended = {}
        threads = [threading.Thread(target=one, args=(name,)) for name in ("first", "second")]
        for thread in threads:
            thread.start()
        until(
            lambda: all((tmp_path / name).exists() and (tmp_path / name).read_text() for name in ("first", "second")),
            "up",
        )
        first = int((tmp_path / "first").read_text())
        [warden] = [pid for pid in children_of(supervisor.pid) if first in children_of(pid)]
        os.kill(warden, signal.SIGKILL)
        for thread in threads:
            thread.join()
    assert ended == {"first": Ended.LOST, "second": Ended.EXITED}


# --- what it prints ----------------------------------------------------------------------------------------------


def test_output_is_kept_raw_and_heard_line_by_line(run, tmp_path):
    ear = Ear()
    ended = run("printf 'one\\n\\ntwo\\r\\nthr'; printf 'ee'; printf 'Fehler: \\303\\244 \\377' >&2", ear)
    assert (tmp_path / "out").read_bytes() == b"one\n\ntwo\r\nthree"
    assert ear.lines == [b"one", b"", b"two\r", b"three"]
    assert (ended.stdout_bytes, ended.stderr_bytes, ended.stderr_tail) == (15, 12, "Fehler: ä \ufffd")
    assert (tmp_path / "err").read_bytes() == "Fehler: ä ".encode() + b"\xff"


def test_silence_leaves_no_files(run, tmp_path):
    run("exit 0")
    assert not (tmp_path / "out").exists() and not (tmp_path / "err").exists()


def test_output_beyond_the_cap_is_dropped_counted_and_still_heard(run, tmp_path):
    ear = Ear()
    ended = run("echo 12345678; echo 12345678; echo result", ear, output_cap=12)
    assert (tmp_path / "out").read_bytes() == b'12345678\n123\n{"type": "harness", "dropped_bytes": 13}\n'
    assert (ended.stdout_bytes, ended.dropped_bytes, ear.lines[-1]) == (25, 13, b"result")


def test_stderr_keeps_its_head_in_the_file_and_its_tail_in_the_exit(run, tmp_path):
    ended = run("seq 1 5000 >&2", stderr_cap=10)
    assert (tmp_path / "err").read_bytes() == b"1\n2\n3\n4\n5\n"
    assert (len(ended.stderr_tail), ended.stderr_tail[-10:]) == (4096, "4999\n5000\n")


@pytest.mark.parametrize("size", [9, 10, 11, 300_000])
def test_a_long_line_is_cut_counted_and_followed_by_the_next(run, size):
    ear = Ear()
    ended = run(f"echo first; head -c {size} /dev/zero | tr '\\0' x; echo; echo last", ear, line_cap=10)
    assert (ear.lines, ended.long_lines) == ([b"first", b"x" * min(size, 10), b"last"], int(size > 10))


FLOOD = """
import os, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from harness.system.command import Bounds, Command
from harness.system.process import Supervisor
class Ear:
    count = longest = 0
    def line(self, line): self.count += 1; self.longest = max(self.longest, len(line))
    def busy(self): return False
    def finished(self): return False
    def stop(self): return None
ear = Ear()
with Supervisor() as supervisor:
    command = Command(("sh", "-c", sys.argv[2]), Path("/"), os.environ)
    ended = supervisor.run(command, Bounds(output_cap=1 << 20), ear, stdout=Path(sys.argv[3]), stderr=None)
peak = [line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")]  # kB, of this program alone
print(ended.stdout_bytes, ear.count, ear.longest, ended.long_lines, *peak)
"""


def flood(script, tmp_path):
    if not LINUX:
        pytest.skip("needs Linux")
    argv = [sys.executable, "-c", FLOOD, str(HERE.parent), script, str(tmp_path / "out")]
    return map(int, subprocess.run(argv, stdout=subprocess.PIPE, check=True).stdout.split())


def test_300_mb_of_lines_cost_neither_memory_nor_disk(tmp_path):
    size, count, longest, _, peak = flood(f"yes {'x' * 99} | head -c 300000000", tmp_path)
    assert (size, count, longest) == (300_000_000, 3_000_000, 99)
    assert (tmp_path / "out").stat().st_size < 1.1e6
    assert peak < 64_000


def test_a_line_of_100_mb_is_cut(tmp_path):
    size, count, longest, long_lines, peak = flood("head -c 100000000 /dev/zero; echo; echo end", tmp_path)
    assert (size, count, longest, long_lines) == (100_000_005, 2, 8 << 20, 1)
    assert peak < 64_000


def test_a_full_disk_ends_the_tree_and_is_an_error(supervisor, tmp_path):
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    command = Command((*PYTHON, str(NASTY), str(tmp_path), "stay"), tmp_path, os.environ)
    with pytest.raises(StorageError, match="cannot write `/dev/full`: no space left on device"):
        supervisor.run(command, Bounds(grace=0.05), Ear(), stdout=Path("/dev/full"), stderr=None)
    assert alive(tmp_path) == set()


def test_a_link_or_a_fifo_in_place_of_the_stream_is_an_error(run, tmp_path):
    (tmp_path / "victim").write_text("precious")
    (tmp_path / "out").symlink_to("victim")
    os.mkfifo(tmp_path / "fifo")
    for name in ("out", "fifo"):
        with pytest.raises(StorageError, match=f"cannot write `.*{name}`"):
            run("echo said", out=name)
    assert (tmp_path / "victim").read_text() == "precious"


# --- short trusted commands --------------------------------------------------------------------------------------


def test_capture_gives_code_and_outputs(tmp_path):
    got = capture(["sh", "-c", "pwd; echo no >&2; exit 3"], cwd=tmp_path)
    assert (got.code, got.stdout, got.stderr) == (3, f"{tmp_path.resolve()}\n".encode(), b"no\n")


def test_capture_raises_when_the_machine_is_too_ill_to_start_anything(tmp_path):
    program = (
        "import os, resource; from pathlib import Path; from harness.system.capture import capture\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir('/proc/self/fd')) + 1,) * 2)\n"
        "capture(['true'], cwd=Path('/'))"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False).stderr
    assert "StorageError: cannot start `true`: too many open files" in said


def test_capture_feeds_5_mb_through_a_pipe_and_caps_what_comes_back(tmp_path):
    got = capture(["cat"], cwd=tmp_path, stdin=b"x" * 5_000_000, cap=4_000_000)
    assert (got.code, len(got.stdout), got.truncated) == (0, 4_000_000, True)


def test_capture_survives_a_program_that_does_not_read(tmp_path):
    assert capture(["true"], cwd=tmp_path, stdin=b"x" * 5_000_000).code == 0


def test_capture_kills_the_whole_group_at_its_timeout(tmp_path):
    script = f"exec 9>{tmp_path / 'lock'}; flock 9; sleep 1000 & echo up; sleep 1000"
    got = capture(["sh", "-c", script], cwd=tmp_path, timeout=0.3)
    assert (got.code, got.stdout, got.timed_out) == (-9, b"up\n", True)
    with (tmp_path / "lock").open("r+") as lock:
        until(lambda: try_lock(lock), "both are dead")


def test_capture_does_not_wait_for_what_holds_its_output(tmp_path):
    got = capture(["sh", "-c", "sleep 1000 & echo $!"], cwd=tmp_path, timeout=PATIENCE)
    os.kill(int(got.stdout), signal.SIGKILL)
    assert (got.code, got.timed_out) == (0, False)


@pytest.mark.parametrize(("program", "code"), [("nosuch", 127), ("/etc/passwd", 126)])
def test_capture_tells_of_a_missing_program_by_its_code(tmp_path, program, code):
    got = capture([program], cwd=tmp_path)
    assert (got.code, got.stderr.startswith(f"cannot start `{program}`".encode())) == (code, True)


# --- sweep -------------------------------------------------------------------------------------------------------


def test_sweep_ends_what_a_dead_run_left_and_nothing_else(tmp_path):
    if not LINUX:
        pytest.skip("needs Linux")
    ours, other = uuid.uuid4().hex, uuid.uuid4().hex
    stranger = subprocess.Popen(["sleep", "1000"], env={"HARNESS_RUN_ID": other + "0", "X": f"HARNESS_RUN_ID={ours}"})
    nasty = subprocess.Popen(
        [*PYTHON, str(NASTY), str(tmp_path), "stay"],
        env={"HARNESS_RUN_ID": ours},
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    all_beat(tmp_path)
    killed = sweep({ours, other})
    assert (killed >= 7, alive(tmp_path), stranger.poll()) == (True, set(), None)
    assert sweep({ours}) == sweep(()) == 0
    for process in (stranger, nasty):
        process.kill()
        process.wait()
