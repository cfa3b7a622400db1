"""A signal that ends a command waits while a program is started: nobody would end one that is not known yet."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType


@dataclass(slots=True)
class _Interrupts:
    held: bool = False
    waits: bool = False


_interrupts = _Interrupts()


def interrupt(number: int, frame: FrameType | None) -> None:
    """Handle a signal as Ctrl-C, now or when nothing is held. Raises KeyboardInterrupt."""
    if _interrupts.held:
        _interrupts.waits = True
    else:
        raise KeyboardInterrupt


@contextmanager
def held() -> Iterator[None]:
    """Let interrupts wait for the end of the block; they come to the main thread alone. Raises KeyboardInterrupt."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _interrupts.held = True
    try:
        yield
    finally:
        _interrupts.held = False
        if _interrupts.waits:
            _interrupts.waits = False
            raise KeyboardInterrupt
