"""The real command without its start: a clean process imports the command line once, and forks for each call.

The child goes on as `python -m harness` would: its own folder, environment, arguments and standard streams, no other
descriptor, default signals, and the interpreter's own end. What it does not do is start: a test about start-up, about
signals, or about how an interpreter ends takes a process of its own.
"""

from __future__ import annotations

import array
import atexit
import functools
import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from helpers.waiting import PATIENCE

FIXED = ("LANG", "LC_", "PYTHON")  # variables that an interpreter reads when it starts
ROOM = 1 << 20  # bytes of one request: arguments, folder and environment


def serve(wire: socket.socket) -> list[str]:
    """Fork for each request and tell how each child ended; in a child, return its words."""
    warm_up()
    os.set_blocking(wire.fileno(), True)
    waking, woken = os.pipe()
    os.set_blocking(woken, False)
    signal.set_wakeup_fd(woken)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    ends: dict[int, int] = {}
    while True:
        ready, _, _ = select.select([wire, waking], [], [])
        if waking in ready:
            os.read(waking, 4096)
        bury(ends)
        if wire in ready:
            message, fds = receive(wire)
            if not message:
                os._exit(0)
            words = json.loads(message)
            pid = os.fork()
            if pid == 0:
                wire.detach()
                return become(words, fds)
            ends[pid] = fds[3]
            os.write(fds[3], f"{pid}\n".encode())
            for fd in fds[:3]:
                os.close(fd)


def warm_up() -> None:
    """Import what commands import, also late, but for the API agent; say `--version` once."""
    import harness
    from harness.cli.funnel import start

    names = [module.name for module in pkgutil.walk_packages(harness.__path__, "harness.")]
    for name in (*names, "jinja2.sandbox", "rich.live", "watchfiles", "yaml"):
        if not name.startswith(("harness.__main__", "harness.agents.api.")):
            importlib.import_module(name)
    start(["--version"])
    gc.freeze()


def bury(ends: dict[int, int]) -> None:
    """Write down how the children that ended did."""
    while ends:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        fd = ends.pop(pid)
        os.write(fd, f"{os.waitstatus_to_exitcode(status)}\n".encode())
        os.close(fd)


def receive(wire: socket.socket) -> tuple[bytes, list[int]]:
    """Return a request and the descriptors that came with it; b"" when nobody asks any more."""
    fds = array.array("i")
    message, extra, _, _ = wire.recvmsg(ROOM, socket.CMSG_SPACE(4 * fds.itemsize))
    for _, _, data in extra:
        fds.frombytes(data)
    return message, list(fds)


def become(request: dict, fds: list[int]) -> list[str]:
    """Turn this child into what a new process would be."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for target, fd in enumerate(fds[:3]):
        os.dup2(fd, target)
    os.closerange(3, 1024)
    os.setsid()
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["environ"])
    sys.path[0] = request["cwd"]
    return request["words"]


class Forked:
    """A child of the server: what tests need of `subprocess.Popen`."""

    def __init__(self, words: Sequence[str], cwd: Path, environ: Mapping[str, str]) -> None:
        out, err = os.pipe(), os.pipe()
        self._end, end = os.pipe()
        self.args = ["harness", *words]
        nothing = os.open(os.devnull, os.O_RDONLY)
        request = json.dumps({"words": list(words), "cwd": str(cwd), "environ": dict(environ)}).encode()
        fds = array.array("i", [nothing, out[1], err[1], end])
        find_server().sendmsg([request], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])
        for fd in fds:
            os.close(fd)
        self._said = b""
        self.returncode: int | None = None
        self.stdout, self.stderr = (os.fdopen(pipe[0], encoding="utf-8") for pipe in (out, err))
        self.pid = int(self._read(PATIENCE) or 0)

    def _read(self, seconds: float) -> bytes:
        """Return the next line about the child; b"" when there is none in time."""
        while b"\n" not in self._said and select.select([self._end], [], [], seconds)[0]:
            self._said += os.read(self._end, 100)
        line, found, rest = self._said.partition(b"\n")
        if found:
            self._said = rest
        return line if found else b""

    def poll(self) -> int | None:
        return self._wait(0)

    def _wait(self, seconds: float) -> int | None:
        if self.returncode is None and (line := self._read(seconds)):
            self.returncode = int(line)
            os.close(self._end)
        return self.returncode

    def wait(self, timeout: float = PATIENCE) -> int:
        if self._wait(timeout) is None:
            raise subprocess.TimeoutExpired(self.args, timeout)
        return self.returncode

    def communicate(self, timeout: float = PATIENCE) -> tuple[str, str]:
        said = {}

        def read(name: str) -> None:
            with getattr(self, name) as file:
                said[name] = file.read()

        names = [name for name in ("stdout", "stderr") if not getattr(self, name).closed]
        readers = [threading.Thread(target=read, args=(name,)) for name in names]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join(timeout)
            if reader.is_alive():
                raise subprocess.TimeoutExpired(self.args, timeout)
        self.wait(timeout)
        return said.get("stdout", ""), said.get("stderr", "")

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


@functools.cache
def find_server() -> socket.socket:
    """Return the way to the server of this process, started when it is first asked for; it ends with this process."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, ROOM)
    server = subprocess.Popen(
        [sys.executable, __file__, str(theirs.fileno())], pass_fds=[theirs.fileno()], start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=None,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
    )  # fmt: skip
    theirs.close()
    atexit.register(lambda: (ours.close(), server.wait()))
    return ours


def can_fork(environ: Mapping[str, str]) -> bool:
    """Whether a forked child would be as one that starts with this environment: nothing is in it that a start reads."""
    return {name: value for name, value in environ.items() if name.startswith(FIXED)} == {
        name: value for name, value in os.environ.items() if name.startswith(FIXED)
    }


if __name__ == "__main__":
    sys.argv = ["harness", *serve(socket.socket(fileno=int(sys.argv[1])))]
    from harness.__main__ import main

    main()
