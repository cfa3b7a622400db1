"""The small process between harness and its agents: when an attempt ends, or harness dies, nothing is left alive.

    harness ──socket── supervisor ──fork── warden ──fork── init ──fork── agent
                       one a run           one an attempt  pid 1 of a namespace, where there is one

- The supervisor holds a copy of the run's lock, forks a warden for each attempt, and kills what a dead warden left.
- A warden starts the agent, ends it on a word from harness, at its time limit, or when harness or the supervisor is
  gone; then it kills the whole tree and reports. It takes in orphans (`PR_SET_CHILD_SUBREAPER`).
- With a pid namespace the kernel kills the tree with its init, and the init dies with its warden.

`process.py` starts it: `main(FD, "auto" or "off")`. FD is a Unix stream socket. Every message is a line of JSON.
Over FD: first `{"namespace", "why"}` to harness, then a byte with one descriptor for each attempt: its control socket.
Over the control socket: `{"argv", "cwd", "env", "hard_limit", "wrapped", "limits"}` with stdin, stdout, stderr and what
comes after as descriptors (`wrapped`: bwrap stands before the agent, with an init of its own), any number of
`{"op": "end", "grace": seconds}`, and back `{"code", "seconds", "strays", "error", "cause"}` when all are dead.
The measurements behind this design: process groups leave 4 to 7 of 7 hostile descendants alive; neither a supervisor
without a namespace nor a namespace without a supervisor survives the death of every part.
macOS has neither subreapers nor namespaces: there the process group and a walk over `ps` do what they can (untested).
"""

from __future__ import annotations

import ctypes
import errno
import gc
import json
import math
import os
import resource
import select
import signal
import socket
import sys
import time
import warnings  # noqa: F401  os.execvpe wants it: load it once here, not after each fork

TYPE_CHECKING = False  # `typing` itself takes as long to load as a third of the rest
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from typing import Any

LINUX = sys.platform.startswith("linux")
NEW_MOUNTS, NEW_USER, NEW_PIDS = 0x00020000, 0x10000000, 0x20000000  # linux/sched.h
MOUNT_RSLAVE = (1 << 14) | (1 << 19)  # MS_REC | MS_SLAVE
MOUNT_PROC = 2 | 4 | 8  # MS_NOSUID | MS_NODEV | MS_NOEXEC
PDEATHSIG, SUBREAPER = 1, 36  # linux/prctl.h
PATIENCE = 2.0  # seconds to wait for a child that we are not allowed to kill (a setuid program)
MOST_FDS = 8  # descriptors that come with one request
BWRAP_INIT = 1  # processes that bwrap adds beside itself while a wrapped agent runs: the init of its own namespace
IGNORED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE)

_libc = ctypes.CDLL(None, use_errno=True)


# --- the kernel's words ------------------------------------------------------------------------------------------


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def prctl(option: int, value: int) -> None:
    """Set an attribute of this process; does nothing outside Linux."""
    if LINUX:
        _check(_libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0), "prctl")


def enter_namespace(flags: int) -> None:
    """Let the next child be pid 1 of a new namespace; a new user namespace maps the user to itself."""
    uid, gid = os.geteuid(), os.getegid()
    _check(_libc.unshare(flags), "unshare")
    if flags & NEW_USER:
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"{uid} {uid} 1")
        _write("/proc/self/gid_map", f"{gid} {gid} 1")


def mount_proc() -> None:
    """Show only this namespace's processes in /proc; no mount leaks to the host."""
    _check(_libc.mount(None, b"/", None, ctypes.c_ulong(MOUNT_RSLAVE), None), "mount /")
    _check(_libc.mount(b"proc", b"/proc", b"proc", ctypes.c_ulong(MOUNT_PROC), None), "mount /proc")


def _write(path: str, text: str) -> None:
    fd = os.open(path, os.O_WRONLY)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)


def choose_namespace(word: str) -> tuple[int, str]:
    """The unshare flags that work here, tried for real; (0, why not) when none does."""
    if word == "off":
        return 0, "switched off"
    if not LINUX:
        return 0, f"no pid namespaces on {sys.platform}"
    plain = NEW_PIDS | NEW_MOUNTS
    why = ""
    for flags in (plain, plain | NEW_USER) if os.geteuid() == 0 else (plain | NEW_USER,):
        why = why_no_namespace(flags)
        if not why:
            return flags, ""
    return 0, why


def why_no_namespace(flags: int) -> str:
    """Start a namespace as an attempt would, and end it; empty when that worked."""
    reading, writing = os.pipe()

    def try_it() -> None:
        try:
            enter_namespace(flags)
            init = fork(mount_proc)
            os._exit(1 if os.waitpid(init, 0)[1] else 0)
        except OSError as error:
            os.write(writing, (error.strerror or str(error)).encode())
            os._exit(1)

    child = fork(try_it)
    os.close(writing)
    text = os.read(reading, 1000).decode()
    os.close(reading)
    _, status = os.waitpid(child, 0)
    return text or ("/proc cannot be mounted" if status else "")


# --- processes ---------------------------------------------------------------------------------------------------


def fork(work: Callable[[], object]) -> int:
    """Fork a child that does `work` and ends with 0, or with 1 when it raised; returns its pid."""
    pid = os.fork()
    if pid:
        return pid
    try:
        work()
        os._exit(0)
    finally:
        os._exit(1)


def watch_children() -> int:
    """A descriptor that becomes readable when a child ends."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    return reading


def drain(fd: int) -> None:
    """Read away what a wake-up descriptor holds."""
    try:
        while len(os.read(fd, 4096)) == 4096:
            pass
    except BlockingIOError:
        pass


def reap() -> dict[int, int] | None:
    """Wait status by pid of the children that have ended; None when there are no children at all."""
    ended: dict[int, int] = {}
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ended or None
        if pid == 0:
            return ended
        ended[pid] = status


def find_children(parent: int) -> Iterator[int]:
    """The pids whose parent is `parent`, newest first: a fork that flees is then not yet gone when we come to it."""
    if not LINUX:
        yield from (pid for pid, ppid, _ in read_ps() if ppid == parent)
        return
    try:
        with open(f"/proc/{parent}/task/{parent}/children", "rb") as file:  # noqa: PTH123  no pathlib at this price
            yield from map(int, reversed(file.read().split()))
    except FileNotFoundError:  # a kernel without CONFIG_PROC_CHILDREN
        yield from (pid for pid in find_pids() if read_parent(pid) == parent)


def find_pids() -> list[int]:
    """Every pid in /proc, newest first."""
    return sorted((int(name) for name in os.listdir("/proc") if name.isdecimal()), reverse=True)  # noqa: PTH208


def read_parent(pid: int) -> int | None:
    """The parent of a process from /proc; None when it is gone."""
    try:
        fd = os.open(f"/proc/{pid}/stat", os.O_RDONLY)
    except OSError:
        return None
    try:
        return int(os.read(fd, 4096).rpartition(b")")[2].split()[1])
    except (OSError, IndexError):
        return None
    finally:
        os.close(fd)


def count_descendants(top: int, besides: int) -> int:
    """How many processes are below `top`, without `besides`."""
    parents = {pid: read_parent(pid) for pid in find_pids()}
    found, size = {top}, 0
    while len(found) > size:
        size = len(found)
        found |= {pid for pid, parent in parents.items() if parent in found}
    return len(found - {top, besides})


def read_ps() -> list[tuple[int, int, int]]:
    """(pid, parent, group) of every process, where there is no /proc. Untested."""
    reading, writing = os.pipe()
    argv = ["/bin/ps", "-axo", "pid=,ppid=,pgid="]
    ps = os.posix_spawn(argv[0], argv, {}, file_actions=[(os.POSIX_SPAWN_DUP2, writing, 1)])
    os.close(writing)
    rows = [line.split() for line in read_all(reading).splitlines()]
    os.waitpid(ps, 0)
    return [(int(row[0]), int(row[1]), int(row[2])) for row in rows if len(row) == 3 and int(row[0]) != ps]


def read_all(fd: int) -> str:
    """Everything up to the end of a pipe, which is then closed."""
    parts = []
    while part := os.read(fd, 65536):
        parts.append(part)
    os.close(fd)
    return b"".join(parts).decode(errors="replace")


def signal_group(leader: int, number: signal.Signals) -> None:
    """Signal a process group, or its leader alone while it is not yet one."""
    try:
        os.killpg(leader, number)
    except (ProcessLookupError, PermissionError):
        try:
            os.kill(leader, number)
        except (ProcessLookupError, PermissionError):
            pass


def kill_children(keep: Collection[int] = ()) -> int:
    """Kill our own children but `keep`; returns how many. Their children become ours and are for the next call."""
    killed = 0
    for pid in find_children(os.getpid()):
        if pid in keep:
            continue
        try:
            os.kill(pid, signal.SIGKILL)
            killed += 1
        except (ProcessLookupError, PermissionError):
            pass
    return killed


def kill_until_none(children: int) -> None:
    """Kill our children, and what they leave us, until there are none; `children` is readable when one ends.

    Gives up on what it may not kill after PATIENCE; waits for ever on what the kernel does not let go.
    """
    nap, patience = 0.001, time.monotonic() + PATIENCE
    while reap() is not None:
        if kill_children():
            patience = time.monotonic() + PATIENCE
        elif time.monotonic() > patience:
            return
        wait_readable([children], nap)
        drain(children)
        nap = min(nap * 1.2, 0.01)


def kill_mac_tree(agent: int) -> int:
    """Kill the agent's group and what descends from it or us, until `ps` shows none; returns how many. Untested."""
    seen: set[int] = set()
    for _ in range(200):
        reap()
        rows, ours = read_ps(), {os.getpid(), agent}
        for _ in range(20):  # depth of the tree
            ours |= {pid for pid, ppid, group in rows if ppid in ours or group == agent}
        found = {pid for pid, _, _ in rows if pid in ours} - {os.getpid()}
        if not found:
            break
        seen |= found
        for pid in found:
            try:
                os.kill(pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                pass
    return len(seen - {agent})


# --- waiting and talking -----------------------------------------------------------------------------------------


def wait_readable(fds: Collection[int], seconds: float | None) -> set[int]:
    """Which descriptors can be read, have ended or are in error; waits at most `seconds`, None for ever."""
    poll = select.poll()
    for fd in fds:
        poll.register(fd, select.POLLIN)
    return {fd for fd, _ in poll.poll(None if seconds is None else math.ceil(max(0.0, seconds) * 1000))}


def send(channel: socket.socket, message: dict[str, Any]) -> None:
    """Send a message; a listener that is gone does not matter any more."""
    try:
        channel.setblocking(True)
        channel.sendall(json.dumps(message).encode() + b"\n")
    except OSError:
        pass


def receive_fds(channel: socket.socket, size: int, count: int) -> tuple[bytes, list[int]]:
    """Up to `size` bytes and `count` descriptors; no bytes mean the end."""
    room = socket.CMSG_SPACE(count * 4)
    try:
        data, notes, _, _ = channel.recvmsg(size, room, getattr(socket, "MSG_CMSG_CLOEXEC", 0))
    except OSError:
        return b"", []
    fds: list[int] = []
    for level, kind, content in notes:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            fds.extend(int.from_bytes(content[at : at + 4], sys.byteorder) for at in range(0, len(content) // 4 * 4, 4))
    for fd in fds:
        os.set_inheritable(fd, False)
    return data, fds


class Lines:
    """The messages that arrive on a control socket."""

    def __init__(self, channel: socket.socket) -> None:
        self.channel = channel
        self.pending = bytearray()
        self.fds: list[int] = []

    def first(self) -> dict[str, Any] | None:
        """Wait for a whole message, with its descriptors; None when the other side is gone."""
        while b"\n" not in self.pending:
            if not self._read():
                return None
        return self._take()[0]

    def arrived(self) -> list[dict[str, Any]] | None:
        """The messages that are there after the socket became readable; None when the other side is gone."""
        return self._take() if self._read() else None

    def _read(self) -> bool:
        data, fds = receive_fds(self.channel, 1 << 18, MOST_FDS)
        self.pending += data
        self.fds += fds
        return bool(data)

    def _take(self) -> list[dict[str, Any]]:
        *whole, rest = self.pending.split(b"\n")
        self.pending = rest
        return [json.loads(line) for line in whole]


# --- the agent and its two kinds of parent -----------------------------------------------------------------------


class NotStarted(Exception):
    """The agent could not be started; its text says why."""


def start_agent(request: dict[str, Any], fds: list[int]) -> tuple[int, int]:
    """Fork and exec the agent; its pid, and a pipe that ends when exec worked and else says why it did not."""
    reading, writing = os.pipe()
    pid = fork(lambda: become_agent(request, fds, writing))
    os.close(writing)
    return pid, reading


def become_agent(request: dict[str, Any], fds: list[int], complain: int) -> None:
    """Turn this process into the agent; only returns when that failed, after it said why."""
    signal.set_wakeup_fd(-1)
    prctl(PDEATHSIG, signal.SIGKILL)
    os.setsid()
    for number in signal.valid_signals():
        if number not in (signal.SIGKILL, signal.SIGSTOP) and signal.getsignal(number) != signal.SIG_DFL:
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    for target, fd in enumerate(fds):
        os.dup2(fd, target)  # 0, 1, 2, and what follows; every other descriptor of ours is close-on-exec
    argv, cwd = request["argv"], request["cwd"]
    set_limits(request["limits"])
    try:
        os.chdir(cwd)
    except OSError as error:
        os.write(complain, f"cannot work in `{cwd}`: {error.strerror}".encode())
        return
    try:
        os.execvpe(argv[0], argv, request["env"])
    except (OSError, ValueError) as error:
        os.write(
            complain, f"cannot start `{argv[0]}`: {explain(error, argv[0], request['env'].get('PATH', ''))}".encode()
        )


def set_limits(limits: dict[str, int]) -> None:
    """Bound what the agent may use, never beyond what we may ourselves."""
    for name, limit in limits.items():
        kind = getattr(resource, f"RLIMIT_{name}")
        hard = resource.getrlimit(kind)[1]
        most = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(kind, (most, most))


def find_addressees(agent: int, *, wrapped: bool) -> list[int]:
    """Who leads the process group that a TERM is for: of a wrapped agent, bwrap's init, whose group the agent is in.

    bwrap passes no signal on, and the init of a namespace is deaf to a TERM: only the agent hears it.
    """
    return (wrapped and list(find_children(agent))) or [agent]


def explain(error: OSError | ValueError, program: str, path: str) -> str:
    """The reason of a failed exec in words a person can act on."""
    number = getattr(error, "errno", None)
    if number == errno.EACCES and "/" not in program and not is_on(path, program):
        return "no such program"  # but a folder of PATH that nobody may search
    if number == errno.ENOENT and "/" in program and os.path.exists(program):  # noqa: PTH110
        return "the interpreter named in its first line does not exist"
    if number == errno.ENOENT:
        return "no such program"
    return getattr(error, "strerror", None) or str(error)


def is_on(path: str, program: str) -> bool:
    """Whether something of that name lies in a folder of PATH."""
    return any(os.path.lexists(f"{folder or '.'}/{program}") for folder in path.split(os.pathsep))


class PlainTree:
    """The agent as our own child; what it leaves behind comes to us, a subreaper, and is killed child by child."""

    def __init__(self, request: dict[str, Any], fds: list[int]) -> None:
        self.children = watch_children()
        self.wrapped: bool = request["wrapped"]
        self.began = time.monotonic()
        self.ended = 0.0
        self.status: int | None = None
        self.agent, self.complaint = start_agent(request, fds)
        self.fds = {self.children, self.complaint}

    def has_news(self, ready: set[int]) -> bool:
        """Take in what happened; True when the agent has ended. Raises NotStarted."""
        if self.complaint in ready:
            self.fds.discard(self.complaint)
            if text := read_all(self.complaint):
                raise NotStarted(text)
        if self.children in ready:
            drain(self.children)
            ended = reap() or {}
            if self.agent in ended:
                self.status, self.ended = ended[self.agent], time.monotonic()
        return self.status is not None

    def terminate(self) -> None:
        """Ask the agent's process group to end."""
        for leader in find_addressees(self.agent, wrapped=self.wrapped):
            signal_group(leader, signal.SIGTERM)

    def kill(self) -> int:
        """Kill everything that is left, wait until it is gone; returns how many there were beside the agent."""
        if not LINUX:
            return kill_mac_tree(self.agent)
        if reap() is None:
            return 0
        strays = count_descendants(os.getpid(), besides=self.agent)
        kill_until_none(self.children)
        return without_bwrap(strays, running=self.status is None) if self.wrapped else strays


class NamespaceTree:
    """The agent below the init of a pid namespace; killing the init makes the kernel kill every process in it."""

    def __init__(self, request: dict[str, Any], fds: list[int], flags: int) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])  # for the init: a TERM before it listens must wait
        enter_namespace(flags)
        self.pipe, writing = os.pipe()
        self.began = time.monotonic()
        self.ended = 0.0
        self.status: int | None = None
        self.strays: int | None = None
        self.wrapped: bool = request["wrapped"]
        self.init = fork(lambda: be_init(request, fds, self.pipe, writing))
        os.close(writing)
        self.fds = {self.pipe}
        self.heard = ""

    def has_news(self, ready: set[int]) -> bool:
        """Take in what the init tells; True when the agent has ended. Raises NotStarted."""
        if self.pipe not in ready:
            return self.status is not None
        text = os.read(self.pipe, 65536).decode(errors="replace")
        if not text:
            return True  # without a status: something killed the init, and the agent with it
        self.heard += text
        *lines, self.heard = self.heard.split("\n")
        for word, _, rest in (line.partition(" ") for line in lines):
            if word == "error":
                raise NotStarted(json.loads(rest))
            if word == "began":
                self.began = float(rest)
            if word == "ended":
                status, when, strays = rest.split()
                self.status, self.ended, self.strays = int(status), float(when), int(strays)
        return self.status is not None

    def terminate(self) -> None:
        """Ask the agent's process group to end, through the init."""
        os.kill(self.init, signal.SIGTERM)

    def kill(self) -> int:
        """Kill the namespace, wait until it is gone; returns how many processes there were beside init and agent."""
        strays = self.strays
        if strays is None:
            strays = count_namespace(besides=2)
            strays = without_bwrap(strays, running=True) if self.wrapped else strays
        os.kill(self.init, signal.SIGKILL)
        os.waitpid(self.init, 0)  # returns only when the whole namespace is dead
        return strays


def count_namespace(besides: int) -> int:
    """How many processes live in the namespace whose /proc we see, without the first `besides`: its init, the agent."""
    return sum(pid > besides and read_parent(pid) is not None for pid in find_pids())


def without_bwrap(strays: int, *, running: bool) -> int:
    """How many strays there are in truth: bwrap's init is none, nor, while it is running, the agent below it."""
    return max(0, strays - BWRAP_INIT - running)


def be_init(request: dict[str, Any], fds: list[int], warden: int, tell: int) -> None:
    """Be pid 1 of the namespace: start the agent, take in orphans, pass a TERM on, tell its end, and take all along."""
    prctl(PDEATHSIG, signal.SIGKILL)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
    os.close(warden)
    if wait_readable([tell], 0):  # nobody reads: the warden died before prctl, and no signal will come
        return
    try:
        mount_proc()
        began = time.monotonic()
        agent, complaint = start_agent(request, fds)
        for fd in fds:
            os.close(fd)
        if text := read_all(complaint):
            raise NotStarted(text)
    except (OSError, NotStarted) as error:
        os.write(tell, f"error {json.dumps(str(error))}\n".encode())
        return
    os.write(tell, f"began {began}\n".encode())
    while True:
        if signal.sigwait([signal.SIGCHLD, signal.SIGTERM]) == signal.SIGTERM:
            for leader in find_addressees(agent, wrapped=request["wrapped"]):
                signal_group(leader, signal.SIGTERM)
            continue
        ended = reap() or {}
        if agent in ended:
            ended_at = time.monotonic()
            strays = count_namespace(besides=1)
            strays = without_bwrap(strays, running=False) if request["wrapped"] else strays
            os.write(tell, f"ended {ended[agent]} {ended_at} {strays}\n".encode())
            return


# --- the warden --------------------------------------------------------------------------------------------------


class Warden:
    """One attempt: starts it, watches it, ends it, reports it."""

    def __init__(self, control: socket.socket, lifeline: int, flags: int) -> None:
        self.control = control
        self.lifeline = lifeline
        self.flags = flags
        self.lines = Lines(control)

    def run(self) -> None:
        """The whole attempt; when this returns, nothing of it is alive."""
        prctl(SUBREAPER, 1)
        request = self.lines.first()
        if request is None:
            return
        try:
            report = self._attempt(request)
        except (OSError, NotStarted) as error:
            report = {"code": None, "seconds": 0.0, "strays": 0, "error": str(error), "cause": "not started"}
        send(self.control, report)

    def _attempt(self, request: dict[str, Any]) -> dict[str, Any]:
        fds = self.lines.fds
        tree = NamespaceTree(request, fds, self.flags) if self.flags else PlainTree(request, fds)
        for fd in fds:
            os.close(fd)
        try:
            cause = self._watch(tree, request["hard_limit"])
        finally:
            strays = tree.kill()
        seconds = (tree.ended or time.monotonic()) - tree.began
        code = -signal.SIGKILL if tree.status is None else os.waitstatus_to_exitcode(tree.status)
        return {"code": code, "seconds": round(seconds, 4), "strays": strays, "error": "", "cause": cause}

    def _watch(self, tree: PlainTree | NamespaceTree, hard_limit: float) -> str:
        """Wait until the agent has ended by itself, or has to be killed now; says why."""
        limit = time.monotonic() + hard_limit if hard_limit else None
        kill_at: float | None = None
        while True:
            until = min((moment for moment in (limit, kill_at) if moment is not None), default=None)
            ready = wait_readable(
                [self.control.fileno(), self.lifeline, *tree.fds], None if until is None else until - time.monotonic()
            )
            if tree.has_news(ready):
                return "lost" if tree.status is None else "exited" if kill_at is None else "ended"
            if self.lifeline in ready:
                return "lost"
            if self.control.fileno() in ready:
                messages = self.lines.arrived()
                if messages is None:
                    return "lost"
                for message in messages:
                    if kill_at is None:
                        tree.terminate()
                    grace_ends = time.monotonic() + message["grace"]
                    kill_at = grace_ends if kill_at is None else min(kill_at, grace_ends)
            now = time.monotonic()
            if kill_at is not None and now >= kill_at:
                return "ended"
            if limit is not None and now >= limit:
                return "limit"


# --- the supervisor ----------------------------------------------------------------------------------------------


class Supervisor:
    """Forks wardens on request, keeps their control sockets open until their trees are dead, outlives them all."""

    def __init__(self, harness: socket.socket, flags: int, ended: str = "") -> None:
        self.harness: socket.socket | None = harness
        self.ended = ended  # the file that says when harness ended, "" for none
        self.flags = flags
        self.children = watch_children()
        self.lifeline, self.holds_lifeline = os.pipe()
        self.wardens: dict[int, socket.socket] = {}
        self.lost: list[socket.socket] = []  # control sockets of wardens that were killed
        self.orphans = False  # whether there may be some

    def run(self) -> None:
        """Serve until harness is gone and every warden has ended."""
        while self.harness is not None or self.wardens or self.orphans:
            fds = [self.children] + ([self.harness.fileno()] if self.harness is not None else [])
            ready = wait_readable(fds, 0.002 if self.orphans else None)
            if self.harness is not None and self.harness.fileno() in ready:
                self._take_request(self.harness)
            self._bury()
            if self.orphans:
                self._kill_orphans()
        kill_until_none(self.children)

    def _take_request(self, harness: socket.socket) -> None:
        data, fds = receive_fds(harness, 1, 1)
        if not data:
            harness.close()
            self.harness = None
            os.close(self.holds_lifeline)  # the wardens see its end and kill
            write_moment(self.ended)
        for fd in fds:
            self._start_warden(socket.socket(fileno=fd))

    def _start_warden(self, control: socket.socket) -> None:
        try:
            self.wardens[fork(lambda: self._be_warden(control))] = control
        except OSError as error:
            report = {"code": None, "seconds": 0.0, "strays": 0, "cause": "not started"}
            send(control, report | {"error": f"cannot fork: {error.strerror}"})
            control.close()

    def _be_warden(self, control: socket.socket) -> None:
        signal.set_wakeup_fd(-1)
        os.close(self.holds_lifeline)
        for other in (self.harness, *self.wardens.values(), *self.lost):
            if other is not None:
                other.close()
        Warden(control, self.lifeline, self.flags).run()

    def _bury(self) -> None:
        """Reap; a warden that ended well left nothing, after any other end there may be orphans."""
        drain(self.children)
        for pid, status in (reap() or {}).items():
            control = self.wardens.pop(pid, None)
            if control is not None and status == 0:
                control.close()
                continue
            if control is not None:
                self.lost.append(control)
            self.orphans = True

    def _kill_orphans(self) -> None:
        """Kill every child that is not a warden; when there is none, the harness of the lost ones may know.

        One that forks and dies under our eyes is not missed: its death shows, and makes us look again.
        """
        self.orphans = False
        killed = kill_children(keep=self.wardens)
        self._bury()
        self.orphans = self.orphans or killed > 0
        if not self.orphans:
            for control in self.lost:
                control.close()
            self.lost.clear()


def prepare() -> None:
    """Be deaf to what ends other processes, hand nothing of ours to an agent, and take in orphans."""
    for number in IGNORED:
        signal.signal(number, signal.SIG_IGN)
    for fd in [int(name) for name in os.listdir("/dev/fd") if int(name) > 2]:  # noqa: PTH208
        try:
            os.set_inheritable(fd, False)
        except OSError:  # the descriptor that listed the others
            pass
    os.chdir("/")
    prctl(SUBREAPER, 1)


def write_moment(path: str) -> None:
    """Write the time, in epoch seconds, into a file that is not a link; what keeps us from it changes nothing."""
    if not path:
        return
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
        os.write(fd, f"{time.time():.3f}\n".encode())
        os.close(fd)
    except OSError:
        pass


def main(fd: str, namespace: str, ended: str = "") -> None:
    """Serve the harness on the other end of descriptor `fd`; `namespace` is `auto` or `off`.

    `ended` is a file that gets the moment when harness is gone.
    """
    prepare()
    harness = socket.socket(fileno=int(fd))
    flags, why = choose_namespace(namespace)
    send(harness, {"namespace": bool(flags), "why": why})
    gc.disable()
    gc.freeze()  # children that never collect do not copy our pages
    Supervisor(harness, flags, ended).run()
