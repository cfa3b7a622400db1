"""Runs commands for harness inside a sandbox, one after the other, and tells of each how it ended.

Started inside as `python -I -S -X utf8 inside.py FILE…`; the files are named so that they are mounted, and not read.
Descriptor 0 is a Unix stream socket to harness. A request is eight bytes of length, then fields between zero bytes: the
folder, how many arguments there are, the arguments (the program first, by its path), the environment. With its first
byte come four descriptors: the command's stdin, stdout, stderr, and one that it gets as number 3. It says `ready` once,
and the answer is a line:

    ended CODE alone|crowded    it ended; `crowded` where the kernel knows of another process here than bwrap and us
    moved                       nothing was run: what is mounted here is not what was mounted when we began
    failed TEXT                 nothing was run: it cannot be started

After one of these two it ends, and where harness is gone.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # what `signal` and `socket` are made of: those take twice as long to import as Python to start
import _socket
import os
import sys

DEAF = (_signal.SIGTERM, _signal.SIGINT, _signal.SIGHUP)  # a TERM is for the command: we tell how it ended
AS_USUAL = (*DEAF, _signal.SIGPIPE, _signal.SIGXFSZ)  # and the command hears them as any other does
LENGTH, FDS = 8, 4


def read_mounts() -> bytes:
    """Return what is mounted here, as the kernel says it."""
    fd, parts = os.open("/proc/self/mountinfo", os.O_RDONLY | os.O_CLOEXEC), []
    while part := os.read(fd, 1 << 16):
        parts.append(part)
    os.close(fd)
    return b"".join(parts)


def receive(channel: _socket.socket) -> tuple[list[bytes], list[int]]:
    """Wait for a request: its fields and descriptors, none of both where harness is gone."""
    data, notes, _, _ = channel.recvmsg(1 << 16, _socket.CMSG_SPACE(FDS * 4), _socket.MSG_CMSG_CLOEXEC)
    fds = [
        int.from_bytes(content[at : at + 4], sys.byteorder)
        for level, kind, content in notes
        if (level, kind) == (_socket.SOL_SOCKET, _socket.SCM_RIGHTS)
        for at in range(0, len(content) // 4 * 4, 4)
    ]
    while data and (len(data) < LENGTH or len(data) < LENGTH + int.from_bytes(data[:LENGTH], "big")):
        part = channel.recv(1 << 16)
        data = data + part if part else b""
    return (data[LENGTH:].split(b"\0") if data else []), fds


def run(fields: list[bytes], fds: list[int]) -> str:
    """Run one command to its end; returns the answer."""
    folder, count, *rest = fields
    argv, environ = rest[: int(count)], dict(pair.split(b"=", 1) for pair in rest[int(count) :])
    try:
        os.chdir(folder)
        pid = os.posix_spawn(
            argv[0], argv, environ, setsigdef=AS_USUAL, setsigmask=(),
            file_actions=[(os.POSIX_SPAWN_DUP2, fd, number) for number, fd in enumerate(fds)],
        )  # fmt: skip
    except OSError as error:
        return f"failed cannot start `{os.fsdecode(argv[0])}`: {error.strerror}"
    for fd in fds:
        os.close(fd)  # whoever reads sees the end of it with the command's
    _, status = os.waitpid(pid, 0)
    return f"ended {os.waitstatus_to_exitcode(status)} {'alone' if is_alone() else 'crowded'}"


def is_alone() -> bool:
    """Whether nobody else is here: signal 0 goes to all but us and the first process, and does nothing."""
    try:
        os.kill(-1, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    return False


def main() -> None:
    """Serve until harness is gone."""
    for number in DEAF:
        _signal.signal(number, _signal.SIG_IGN)
    channel = _socket.socket(fileno=os.dup(0))
    os.set_inheritable(channel.fileno(), False)
    mounts = read_mounts()
    channel.sendall(b"ready\n")
    while True:
        fields, fds = receive(channel)
        if not fields:
            return
        answer = run(fields, fds) if read_mounts() == mounts else "moved"
        channel.sendall(answer.replace("\n", " ").encode("utf-8", "replace") + b"\n")
        if not answer.startswith("ended"):
            return


if __name__ == "__main__":
    main()
