"""The sandbox holds: each attack succeeds without it and fails in it, as root and as a plain user; work still works."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from helpers.marks import needs_bwrap
from helpers.waiting import PATIENCE

from harness.agents.table import AGENTS
from harness.sandbox.sandbox import read_state

TESTS = Path(__file__).parents[1]
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
    who = "plain user" if user == "plain user" and os.geteuid() == 0 else "as we are"
    closed = [folder for folder in TESTS.parents if not folder.stat().st_mode & 0o001]
    if who == "plain user" and closed:
        pytest.skip(f"NOT TESTED AS A PLAIN USER: `{closed[0]}` is closed to others, and this checkout lies in it")
    if (who, profile) not in _besieged:
        folder = Path(tempfile.mkdtemp(prefix="besieged-"))
        line = [sys.executable, str(TESTS / "fakes/besieged.py"), str(folder), who, profile]
        environ = {**os.environ, "PYTHONPATH": str(TESTS.parent)}
        ran = subprocess.run(line, capture_output=True, text=True, timeout=PATIENCE, env=environ, check=False)
        shutil.rmtree(folder, ignore_errors=True)
        assert ran.returncode == 0, ran.stderr
        _besieged[who, profile] = json.loads(ran.stdout)
    found = _besieged[who, profile]
    if "skip" in found:
        pytest.skip(f"THE SANDBOX CANNOT BE TESTED HERE: {found['skip']}")
    return found


AS_PLAIN_USER = pytest.param("plain user", marks=pytest.mark.deep) if os.geteuid() == 0 else "plain user"
USERS = pytest.mark.parametrize("user", ["root", AS_PLAIN_USER] if os.geteuid() == 0 else [AS_PLAIN_USER])
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


def test_claude_codes_memory_of_other_projects_stays_outside(tmp_path: Path) -> None:
    state = {"oauthAccount": {"x": 1}, "projects": {"/here": {"a": 1}, "/elsewhere": {"history": ["secret"]}}}
    (tmp_path / ".claude.json").write_text(json.dumps(state))
    file = AGENTS["claude"].home.state
    copy = json.loads(read_state(tmp_path, file, Path("/here")))
    assert copy == {"oauthAccount": {"x": 1}, "projects": {"/here": {"a": 1}}}
    assert read_state(tmp_path / "absent", file, Path("/here")) == b""
