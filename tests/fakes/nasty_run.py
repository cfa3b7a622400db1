"""Plays harness for `nasty.py`: a forked process that runs it by the real supervisor, and says how that went."""

import ctypes
import fcntl
import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

from harness.agents.table import all_agents
from harness.domain.errors import HarnessError
from harness.sandbox.open import open_sandbox
from harness.settings.load import load_config
from harness.system.command import Bounds, Command, Quiet
from harness.system.process import Supervisor
from harness.system.yamls import parse_yaml

NASTY = Path(__file__).with_name("nasty.py")
NOBODY = 65534
GRACE = 0.05  # seconds


def become_plain():
    """Give up being root."""
    parse_yaml("a: [1]")  # what is imported late must be there before we may not read it any more
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # PR_SET_DUMPABLE: as after an exec
    if not os.access(sys.executable, os.X_OK):
        sys.executable = "/usr/bin/python3"


def start(folder, row, *, plain, ending, timeout, token):
    """Fork a harness; gives its pid, and a file of its words: first its supervisor, then how the attempt ended."""
    folder.chmod(0o777)
    read, write = os.pipe()
    if pid := os.fork():
        os.close(write)
        return pid, os.fdopen(read, "r", encoding="utf-8")
    code = 1
    try:
        os.close(read)
        os.setsid()
        if plain:
            become_plain()
        play(folder, row, ending, timeout, token, lambda words: os.write(write, json.dumps(words).encode() + b"\n"))
        code = 0
    finally:
        os._exit(code)


def play(folder, row, ending, timeout, token, say):
    """Run the nasty agent in a namespace, in the sandbox, without either, or (`bare`) as anybody would."""
    root, home = folder / "project", folder / "home"
    for place in (root, home, root / "logs", folder / "temporary"):
        place.mkdir()
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    environ = {"PATH": os.defpath, "HOME": str(home), "BENCH_TOKEN": token}
    command = Command((sys.executable, "-I", "-S", str(NASTY), str(root), ending), root, environ)
    if row == "bare":
        run_bare(command, timeout, say)
        return
    with Supervisor(lock_fd=lock, namespace="off" if row == "no namespace" else "auto") as supervisor:
        if row == "bwrap":
            try:
                config = load_config(root, {"sandbox": "bwrap", "sandbox_read": str(NASTY)}, {})
                sandbox, _ = open_sandbox(config, supervisor, environ, folder / "temporary", all_agents())
            except HarnessError as error:
                say({"skip": error.message})
                return
            command = sandbox.confine(command, agent=None)
        skip = supervisor.why if row == "namespace" and not supervisor.namespace else ""
        say({"supervisor": supervisor.pid, "skip": skip})
        ended = supervisor.run(command, Bounds(timeout=timeout, grace=GRACE), Quiet(), stdout=None, stderr=None)
        say(asdict(ended))


def run_bare(command, timeout, say):
    """What a harness without a supervisor would do."""
    say({"supervisor": 0, "skip": ""})
    with subprocess.Popen(command.argv, env=command.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as agent:
        try:
            agent.wait(timeout or None)
        except subprocess.TimeoutExpired:
            agent.kill()
    say({})
