"""How a child ends: by itself, in silence, at its time, when somebody asks."""

import os
import signal
import socket
import threading
import time

import pytest
from helpers.children import NASTY, PYTHON, Ear, alive, children_of
from helpers.marks import LINUX
from helpers.waiting import PATIENCE, until

from harness.domain.reply import Ended
from harness.system.command import Bounds, Command
from harness.system.process import Supervisor


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
    monkeypatch.setattr("harness.system.process.SPARE", 0.0)

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
