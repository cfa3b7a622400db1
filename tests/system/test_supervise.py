"""Nothing survives: whoever is killed, as root and as a plain user, with and without a namespace."""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from helpers.children import NASTY, alive, all_beat, children_of, try_lock
from helpers.files import REPOSITORY
from helpers.marks import LINUX
from helpers.nobody import AS_NOBODY, python_of_nobody
from helpers.waiting import PATIENCE, until

from harness.system.process import Supervisor

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
    argv = [python, "-c", DRIVER, str(REPOSITORY), str(folder), str(NASTY), namespace, ending, str(timeout)]
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


AS_PLAIN_USER = pytest.param("plain user", marks=pytest.mark.deep)  # CI runs everything as one too


@pytest.fixture(params=["as we are", AS_PLAIN_USER] if os.geteuid() == 0 else ["as we are"])
def user(request):
    if request.param == "plain user" and python_of_nobody() is None:
        pytest.skip("uid 65534 cannot read this checkout or any Python >= 3.11")
    return request.param


@pytest.fixture(params=["auto", "off"], ids=["namespace", "no namespace"])
def namespace(request):
    if not LINUX:
        pytest.skip("needs Linux")
    return request.param


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


def test_the_lock_is_free_when_the_supervisor_is_closed(tmp_path):
    with (tmp_path / "lock").open("w") as ours, (tmp_path / "lock").open("w") as theirs:
        fcntl.flock(ours, fcntl.LOCK_EX)
        with Supervisor(lock_fd=ours.fileno()):
            ours.close()
            assert not try_lock(theirs)
        assert try_lock(theirs)
