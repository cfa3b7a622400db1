"""What a person sees while it runs: a line per event on stderr, and on a terminal a small live status below."""

from __future__ import annotations

import os
import time
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


class Terminal:
    """Narrates on stderr. A reader that goes away (`| head -1`) silences it and disturbs nothing else."""

    def __init__(self, *, quiet: bool = False, verbose: bool = False, console: Console | None = None) -> None:
        """`quiet` shows only what needs a person, `verbose` also what the agent says."""
        self._console = console or _Stderr(stderr=True, highlight=False, soft_wrap=True, markup=False, emoji=False)
        self._quiet, self._verbose = quiet, verbose
        self._live: Live | None = None
        self._title = ""
        self._words = ""
        self._since = 0.0
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

    def began(self, title: str) -> None:
        """Show the title in the live status, and the time since now."""
        self._title, self._words, self._since = title, "", time.monotonic()

    def says(self, words: str) -> None:
        """Show the agent's last words in the live status; as lines of their own with --verbose."""
        self._words = words
        if self._verbose:
            self._print(Text(f"         {one_line(words, 160)}", style="dim"))

    def cost(self, dollars: float | None) -> None:
        """Show what the run has cost so far."""
        self._dollars = dollars

    def ended(self) -> None:
        """Show that nothing runs."""
        self._title = ""

    def _print(self, text: Text) -> None:
        if self._gone:
            return
        try:
            self._console.print(text)
        except (OSError, ValueError):
            self._gone = True

    def _status(self) -> Text:
        if not self._title:
            return Text("")
        elapsed = format_duration(float(round(time.monotonic() - self._since)))
        cost = "" if not self._dollars else f" · ${self._dollars:.2f}"
        room = max(20, self._console.width - 1)
        return Text(one_line(f"▸ {self._title} · {elapsed}{cost} · {self._words or '…'}", room), style="cyan", end="")
