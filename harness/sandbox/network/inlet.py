"""The one way out of a sandbox without network: ports on its loopback that harness, outside, answers.

Started inside as `python -I -S inlet.py FD PORT,… COMMAND…`; FD is a Unix socket to harness. It binds the ports in the
sandbox's own network namespace, hands the listening sockets out over FD and becomes the command. A socket stays in the
namespace it was made in, so harness takes its connections from outside, and nothing of ours runs on inside: there is no
process that an agent could kill, count or imitate, and no descriptor that it could use.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # what `signal` and `socket` are made of: those take twice as long to import as Python to start
import _socket
import os
import sys

WAITING = 128  # connections that wait to be taken


def open_inlets(fd: int, ports: list[int]) -> None:
    """Bind the ports and hand them out; nothing stays open here."""
    inlets = []
    for port in ports:
        inlet = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
        inlet.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, 1)
        inlet.bind(("127.0.0.1", port))
        inlet.listen(WAITING)
        inlets.append(inlet)
    harness = _socket.socket(fileno=fd)
    descriptors = b"".join(inlet.fileno().to_bytes(4, sys.byteorder) for inlet in inlets)
    harness.sendmsg([b"+"], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, descriptors)])
    for one in (harness, *inlets):
        one.close()


def read_environment() -> dict[bytes, bytes]:
    """Return the environment as we were given it: Python adds LC_CTYPE to its own where there is no locale."""
    with open("/proc/self/environ", "rb") as file:  # noqa: PTH123  no pathlib at this price
        pairs = (entry.partition(b"=") for entry in file.read().split(b"\0") if b"=" in entry)
        return {name: value for name, _, value in pairs}


def main() -> None:
    """Open the inlets, then be the command: its exit code, signals and stdin are its own."""
    command = [os.fsencode(word) for word in sys.argv[3:]]
    open_inlets(int(sys.argv[1]), [int(port) for port in sys.argv[2].split(",")])
    environment = read_environment()
    for number in (_signal.SIGPIPE, _signal.SIGXFSZ):  # which Python ignores, and a command would inherit that
        _signal.signal(number, _signal.SIG_DFL)
    try:
        os.execvpe(command[0], command, environment)
    except OSError as error:
        shown = os.fsdecode(command[0]).encode("utf-8", "replace").decode()
        sys.stderr.write(f"cannot start `{shown}`: {error.strerror}\n")
        sys.exit(127 if isinstance(error, FileNotFoundError) else 126)


if __name__ == "__main__":
    main()
