"""What a person sees while it runs: a line per event on stderr, and on a terminal a small live status below."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.text import Text

from harness.domain.listener import Tone
from harness.domain.text import one_line
from harness.domain.units import format_duration

_STYLES = {Tone.PLAIN: "", Tone.GOOD: "green", Tone.NOTICE: "yellow", Tone.BAD: "bold red"}


class _Stderr(Console):
    """A console whose reader may go away: rich would end the whole run with exit 1 (`Console.on_broken_pipe`)."""

    def on_broken_pipe(self) -> None:
        """Be quiet from now on."""
        self.quiet = True


@dataclass(slots=True)
class _Status:
    """What one attempt is at: its title, since when (by the steady clock), and the agent's last words."""

    title: str
    since: float
    words: str = ""


class Terminal:
    """Narrates on stderr. A reader that goes away (`| head -1`) silences it and disturbs nothing else."""

    def __init__(self, *, quiet: bool = False, verbose: bool = False, console: Console | None = None) -> None:
        """`quiet` shows only what needs a person, `verbose` also what the agent says."""
        self._console = console or _Stderr(stderr=True, highlight=False, soft_wrap=True, markup=False, emoji=False)
        self._quiet, self._verbose = quiet, verbose
        self._live: Live | None = None
        self._on: dict[str, _Status] = {}  # by key; who began or spoke last is at the end
        self._mutex = threading.Lock()
        self._dollars: float | None = None
        self._gone = False

    def __enter__(self) -> Self:
        """Show the live status from now on, where there is a terminal."""
        lively = self._console.is_terminal and not self._console.is_dumb_terminal and not os.environ.get("CI")
        if lively and not self._quiet:
            self._live = Live(
                get_renderable=self._status, console=self._console, refresh_per_second=4, transient=True,
                redirect_stdout=False, redirect_stderr=False,
            )  # fmt: skip
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Take the live status away."""
        if self._live is not None:
            try:
                self._live.stop()
            except (OSError, ValueError):
                self._gone = True
            self._live = None

    def tell(self, line: str, tone: Tone = Tone.PLAIN) -> None:
        """Show one event, one line."""
        if self._quiet and tone not in (Tone.BAD, Tone.GOOD):
            return
        self._print(Text(f"{time.strftime('%H:%M:%S')} {line}", style=_STYLES[tone]))

    def began(self, key: str, title: str) -> None:
        """Show the title in the live status, and the time since now."""
        with self._mutex:
            self._on.pop(key, None)
            self._on[key] = _Status(title, time.monotonic())

    def says(self, key: str, words: str) -> None:
        """Show the agent's last words in the live status; as lines of their own with --verbose."""
        with self._mutex:
            if (status := self._on.pop(key, None)) is not None:
                self._on[key] = replace(status, words=words)
        if self._verbose:
            self._print(Text(f"         {one_line(words, 160)}", style="dim"))

    def cost(self, dollars: float | None) -> None:
        """Show what the run has cost so far."""
        self._dollars = dollars

    def ended(self, key: str) -> None:
        """Show it no longer."""
        with self._mutex:
            self._on.pop(key, None)

    def _print(self, text: Text) -> None:
        if self._gone:
            return
        try:
            self._console.print(text)
        except (OSError, ValueError):
            self._gone = True

    def _status(self) -> Text:
        with self._mutex:
            if not self._on:
                return Text("")
            *others, last = self._on.values()
        elapsed = format_duration(float(round(time.monotonic() - last.since)))
        more = f" (and {len(others)} more)" if others else ""
        cost = "" if not self._dollars else f" · ${self._dollars:.2f}"
        room = max(20, self._console.width - 1)
        said = f"▸ {last.title}{more} · {elapsed}{cost} · {last.words or '…'}"
        return Text(one_line(said, room), style="cyan", end="")
