"""What is run and within which bounds: a command line, its confinement, its limits, and who hears it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

MIB = 1 << 20


class Door(Protocol):
    """Something of ours that a command may use for as long as it runs."""

    def open(self) -> int:
        """Return the descriptor that the command gets; it is closed here when the command has it."""

    def close(self) -> None:
        """The command has ended, or was never started."""


@dataclass(frozen=True, slots=True)
class Confined:
    """The program that confines a command: its arguments before the command's own, what it reads from descriptors 3,
    4, …, and limits on resources by their names in `resource` without RLIMIT_, in that module's units. The descriptor
    behind the last input is the `door`'s."""

    argv: tuple[str, ...]
    inputs: tuple[bytes, ...]
    limits: Mapping[str, int]
    door: Door | None = None
    wraps: bool = True  # it stands before the command with an init of its own, as bwrap does


@dataclass(frozen=True, slots=True)
class Command:
    """What to start. `stdin` is a regular file, so that a long prompt cannot deadlock; None gives /dev/null.

    `needed` are files of ours that it names. No other word of a line lets a file in: many come from the project.
    """

    argv: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str]
    stdin: Path | None = None
    confined: Confined | None = None
    needed: tuple[Path, ...] = ()
    sealed: bool = False  # nobody can open its stdout by a path, as `/proc/PID/fd/1`


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long, in seconds (0 = no limit), and how much, in bytes."""

    timeout: float = 0
    idle_timeout: float = 0  # without a byte on stdout or stderr
    grace: float = 5.0  # from TERM to KILL
    finish_grace: float = 10.0  # for going away after the final result
    output_cap: int = 64 * MIB  # of stdout kept on disk
    line_cap: int = 8 * MIB  # of one line handed to the listener
    stderr_cap: int = 1 * MIB  # of stderr kept on disk


class Listener(Protocol):
    """Who hears an agent's output, and knows what it means."""

    def line(self, line: bytes) -> None:
        """Take a line of stdout, without its newline, cut at `line_cap`."""

    def busy(self) -> bool:
        """Whether a tool call is running: the idle limit waits for it, the timeout does not."""

    def finished(self) -> bool:
        """Whether it printed its final result: if it does not end within `finish_grace`, it is ended."""

    def stop(self) -> float | None:
        """A grace in seconds when it has to stop now; asked at every wake, at least each 200 ms."""


class Quiet:
    """A listener without an opinion: what is heard by others, they add."""

    def line(self, line: bytes) -> None:
        """Let it pass."""

    def busy(self) -> bool:
        """No tool call is known of."""
        return False

    def finished(self) -> bool:
        """No final result is known of."""
        return False

    def stop(self) -> float | None:
        """Nobody asks it to stop."""
        return None


class Kept(Quiet):
    """Keeps the lines that are said."""

    def __init__(self) -> None:
        """None is said yet."""
        self.lines: list[bytes] = []

    def line(self, line: bytes) -> None:
        """Keep it."""
        self.lines.append(line)
