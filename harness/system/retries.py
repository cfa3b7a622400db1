"""System calls that a signal can break off, and that Python does not make again by itself: PEP 475 leaves them out."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import TypeVar

MOST = 100  # tries; what fails as often is not a signal's doing
Result = TypeVar("Result")


def uninterrupted(call: Callable[[], Result]) -> Result:
    """Return what a system call gives; it is made again after an EINTR. Raises OSError."""
    for _ in range(MOST - 1):
        try:
            return call()
        except InterruptedError:
            continue
    return call()


def socket_pair() -> tuple[socket.socket, socket.socket]:
    """Return two connected Unix stream sockets. Raises OSError."""
    return uninterrupted(lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM))
