"""A helper runs one command after the other as if it were alone, tells when it was not, and dies with harness."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from helpers.waiting import until

from harness.system.command import Command
from harness.system.helper import Answer, Helper, HelperLost, helper_line
from harness.system.process import Supervisor

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a helper lives in a sandbox of Linux")
KILLS = 12


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    with Supervisor() as made:
        yield made


@pytest.fixture
def helper(supervisor: Supervisor, tmp_path: Path) -> Iterator[Helper]:
    if not supervisor.namespace:
        pytest.skip(f"no pid namespaces here: {supervisor.why}")
    made = Helper(supervisor, Command(helper_line(), tmp_path, {"PATH": os.defpath}))
    yield made
    made.close()


def run(
    helper: Helper, code: str, *, stdin: bytes = b"", timeout: float = 60.0, stop: Callable[[], bool] = lambda: False
) -> Answer:
    line, env = ("/bin/sh", "-c", code), {"PATH": os.defpath, "A": "b=c"}
    return helper.run(line, cwd=Path("/usr"), env=env, stdin=stdin, timeout=timeout, must_end=stop)


def test_commands_run_in_one_helper_one_after_the_other(helper: Helper) -> None:
    first = run(helper, 'echo "$A" "$PPID"; pwd; cat; echo no >&2; echo said >&3; exit 3', stdin=b"told\n")
    assert (first.said.code, first.said.stderr, first.report, first.alone) == (3, b"no\n", b"said\n", True)
    greeting, folder, told = first.said.stdout.decode().splitlines()
    assert (folder, told) == ("/usr", "told")
    assert run(helper, 'echo "$A" "$PPID"').said.stdout.decode().split("\n") == [greeting, ""]
    assert run(helper, "kill -9 $$").said.code == -9


def test_a_command_gets_four_descriptors_and_no_signal_is_ignored(helper: Helper) -> None:
    assert run(helper, "ls /proc/self/fd").said.stdout.split() == [b"0", b"1", b"2", b"3", b"4"]  # 4 is that of `ls`
    ignored = run(helper, "grep SigIgn /proc/self/status").said.stdout.split()[1]
    assert int(ignored, 16) % (1 << 31) == 0  # what glibc keeps for itself stands above


def test_much_goes_in_and_comes_out(helper: Helper) -> None:
    told = b"0123456789abcde\0" * 400_000
    answer = run(helper, "cat; head -c 100000 /dev/zero | tr '\\0' x >&2; echo the end >&2", stdin=told)
    assert answer.said.stdout == told
    assert (len(answer.said.stderr), answer.said.stderr[-9:]) == (4096, b"xthe end\n")


@pytest.mark.parametrize("stray", ["sleep 300 &", "sleep 300 >/dev/null 2>&1 3>&- </dev/null &"])
def test_a_command_that_leaves_somebody_was_not_alone(helper: Helper, stray: str) -> None:
    answer = run(helper, f"{stray} echo done")
    assert (answer.said.stdout, answer.alone) == (b"done\n", False)


@pytest.mark.deep
def test_a_report_that_is_too_long_is_none(helper: Helper) -> None:
    answer = run(helper, "head -c 3000000 /dev/zero >&3")
    assert (answer.report, answer.alone) == (None, False)


def test_what_was_reported_cannot_be_taken_back(helper: Helper) -> None:
    answer = run(helper, "echo said >&3; cat </proc/self/fd/3 2>/dev/null; cat <&3 & sleep 0.2; kill $!; wait")
    assert answer.report == b"said\n"


def test_a_stop_gives_a_command_time_to_clean_up_and_ends_the_helper(helper: Helper, tmp_path: Path) -> None:
    code = f"trap 'echo cleaned; exit' TERM; touch {tmp_path}/ready; while :; do sleep 0.01; done"
    answer = run(helper, code, stop=(tmp_path / "ready").exists)
    assert (answer.said.stdout, answer.said.timed_out, answer.alone) == (b"cleaned\n", True, False)
    with pytest.raises(HelperLost):
        run(helper, "true")


@pytest.mark.deep
def test_a_command_deaf_to_it_is_killed_after_its_time(helper: Helper, tmp_path: Path) -> None:
    alive = f"(setsid sh -c 'while :; do date >{tmp_path}/alive; sleep 0.01; done' &)"
    code = f"trap '' TERM; {alive}; head -c 3000000 /dev/zero; sleep 60"
    answer = run(helper, code, timeout=0.5)
    assert answer.said.timed_out
    (tmp_path / "alive").unlink(missing_ok=True)
    time.sleep(0.1)
    assert not (tmp_path / "alive").exists()


def test_a_program_that_is_not_there_is_not_begun(helper: Helper) -> None:
    with pytest.raises(HelperLost, match="cannot start `/nowhere/git`: No such file") as lost:
        helper.run(("/nowhere/git",), cwd=Path("/"), env={}, stdin=b"", timeout=60.0, must_end=lambda: False)
    assert not lost.value.begun


def test_a_helper_that_is_killed_in_the_middle_is_lost(helper: Helper) -> None:
    with pytest.raises(HelperLost) as lost:
        run(helper, "kill -9 $PPID; sleep 60")
    assert lost.value.begun


def test_a_helper_that_cannot_start_says_why(supervisor: Supervisor, tmp_path: Path) -> None:
    helper = Helper(supervisor, Command(("/bin/sh", "-c", "echo no sandbox here >&2; exit 1"), tmp_path, {}))
    with pytest.raises(HelperLost, match="no sandbox here") as lost:
        run(helper, "true")
    assert not lost.value.begun


def test_a_helper_lives_through_the_death_of_the_supervisor_as_little_as_others(
    supervisor: Supervisor, helper: Helper
) -> None:
    os.kill(supervisor.pid, signal.SIGKILL)
    with pytest.raises(HelperLost):
        run(helper, "sleep 60")
    again = Helper(supervisor, Command(helper_line(), Path("/"), {}))
    assert run(again, "echo here").said.stdout == b"here\n"
    again.end()


HOLD = """
import os, sys
from pathlib import Path
from harness.system.command import Command
from harness.system.helper import Helper, helper_line
from harness.system.process import Supervisor
env = {"PATH": os.defpath, "TOKEN": sys.argv[1]}
supervisor = Supervisor()
helper = Helper(supervisor, Command(helper_line(), Path("/"), env))
print("begun", flush=True)
while True:
    for code in ("true", "sleep 0.02", "setsid sleep 60 & true"):
        line = ("/bin/sh", "-c", code)
        helper.run(line, cwd=Path("/"), env=env, stdin=b"", timeout=60.0, must_end=lambda: False)
        print(code, flush=True)
"""


def alive(token: str) -> list[str]:
    """What carries the token in its environment, but for harness itself."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdecimal() and f"TOKEN={token}".encode() in (folder / "environ").read_bytes():
                found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            pass
    return found


@pytest.mark.deep
def test_nothing_is_left_when_harness_is_killed_at_any_moment(tmp_path: Path) -> None:
    chance = random.Random(7)
    for number in range(KILLS):
        token = f"{tmp_path}-{number}"
        harness = subprocess.Popen([sys.executable, "-c", HOLD, token], stdout=subprocess.PIPE)
        assert harness.stdout is not None
        for _ in range(chance.randrange(6)):
            assert harness.stdout.readline()
        time.sleep(chance.uniform(0, 0.03))
        harness.kill()
        harness.communicate()
        until(lambda token=token: not alive(token))
