"""The fixtures of all rooms: a world, the command line in this process, the real command as a child, the API agent."""

from __future__ import annotations

import atexit
import gc
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import helpers.laws  # noqa: F401  the profiles
import pytest
from fakes.api_agent import Agent, run_agent
from fakes.outside import Outside
from helpers.waiting import HANGS, Leash
from helpers.world import AT_EASE, BUBBLEWRAP, GIT, SECRET, TRUSTED, Command, World
from hypothesis import settings

from harness.cli.funnel import start as start_command
from harness.domain.paths import Paths

settings.load_profile("quick")
for name in [name for name in os.environ if name.startswith(("GIT_", "XDG_", "PYTHONUNB"))]:
    del os.environ[name]
HOME = tempfile.mkdtemp(prefix="home-of-tests-")  # nobody's git identity is picked up, and nobody's settings
atexit.register(shutil.rmtree, HOME, ignore_errors=True)
# What is ignored here (Ctrl-C in the background of a script, a hang-up below nohup) would be ignored by every child.
signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, lambda number, frame: None)  # children get the default, and pytest lives on
os.environ |= {"HOME": HOME, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}


def pytest_xdist_auto_num_workers() -> int:
    """Two more workers than there are processors: many tests wait for others."""
    return len(os.sched_getaffinity(0)) + 2 if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1) + 2


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest: at the end it would keep one worker busy while the others have nothing to do."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def pytest_collection_finish() -> None:
    """Leave what was collected out of every collection of garbage, here and in each fork: it stays to the end."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """End a test that hangs, by a signal: some only wait for what never comes, and would wait for ever."""

    def ring(number: int, frame: object) -> None:
        raise TimeoutError(f"{item.nodeid} hangs")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(HANGS * (10 if item.get_closest_marker("deep") or item.get_closest_marker("slow") else 1))
    try:
        return (yield)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """An empty project."""
    root = tmp_path / "project"
    root.mkdir()
    made = World(root)
    made.agent('note "worked on $slug"')
    return made


@pytest.fixture
def harness(world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Any]:
    """Run a command of the CLI in this process, in the world's root: `harness("status", "--json").json`."""
    monkeypatch.chdir(world.root)
    for name in [name for name in os.environ if name.startswith("HARNESS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HARNESS_SANDBOX", "none")
    for name, value in (GIT | AT_EASE | TRUSTED).items():
        monkeypatch.setenv(name, value)

    def call(*words: str) -> Command:
        capsys.readouterr()
        code = start_command(words)
        said = capsys.readouterr()
        return Command(code, said.out, said.err)

    yield call


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Agent:
    """Run the API agent once against a server, in a folder of its own; keywords become its command line."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANTHROPIC_API_KEY", "key-of-a-test")
    monkeypatch.setattr("harness.agents.api.failure.FIRST_WAIT", 0.1)
    return partial(run_agent, tmp_path)


@pytest.fixture
def leash(tmp_path: Path) -> Iterator[Leash]:
    made = Leash(tmp_path / "leash")
    yield made
    os.close(made.fd)


@pytest.fixture
def start(world: World) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start `harness` with the world's settings as a child; what a test leaves running is killed."""
    started: list[Any] = []

    def call(*words: str, **named: Any) -> Any:
        started.append(world.start(*words, **named))
        return started[-1]

    yield call
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def confined(world: Any, tmp_path: Path) -> Any:
    """A world whose runs are confined, with a home of its own."""
    if not BUBBLEWRAP:
        pytest.skip("BUBBLEWRAP IS NOT INSTALLED")
    (tmp_path / "home").mkdir()
    world.settings |= {"sandbox": "bwrap"}
    world.environment = {**world.environ, "HOME": str(tmp_path / "home")}
    world.go = lambda *wanted, **flags: world.run(*wanted, environ=world.environment, **flags)
    return world


@pytest.fixture
def small_disk(world: World) -> Iterator[Path]:
    """The world's logs/ on a disk of its own of 1 MiB."""
    logs = world.root / "logs"
    logs.mkdir()
    if os.geteuid() != 0 or sys.platform != "linux":
        pytest.skip("a disk of its own needs root on Linux")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "harness-test", logs], check=False)
    if mounted.returncode != 0:
        pytest.skip("mount is not allowed here")
    yield logs
    subprocess.run(["umount", "--lazy", logs], check=True)


# --- calls ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def outside() -> Iterator[Outside]:
    with Outside() as server:
        yield server


# --- runs -----------------------------------------------------------------------------------------------------------


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


@pytest.fixture
def place(tmp_path: Path) -> Paths:
    """A project, and a home beside it that holds a secret."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home/settings.json").write_text(SECRET)
    root = tmp_path / "project"
    root.mkdir()
    return Paths(root, root / "specs", root / "logs")
