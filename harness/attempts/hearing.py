"""An agent is run and heard while it works."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.agents.stream import StreamReader
from harness.domain.agent import Dialect
from harness.domain.reply import Reply
from harness.run.site import Site
from harness.system.command import Bounds, Command

STREAM, STDERR = "stream.jsonl", "stderr.log"  # what an agent prints, in the folder of an attempt or a review


def hear(command: Command, dialect: Dialect, bounds: Bounds, *, key: str, folder: Path, site: Site) -> Reply:
    """Run an agent and return its reply, without secrets; what it prints goes into files in the folder."""
    reader = StreamReader(dialect)
    listener = AgentListener(key, site, reader)
    ended = site.supervisor.run(command, bounds, listener, stdout=folder / STREAM, stderr=folder / STDERR)
    return site.redactor.deep(Reply(ended, reader.transcript(ended)))


@dataclass(slots=True)
class AgentListener:
    """Hears the agent of an order: understands its stream, passes its words on, and asks whether it must stop."""

    key: str
    site: Site
    reader: StreamReader

    def line(self, line: bytes) -> None:
        """Understand it, and let the person see what it says."""
        if words := self.reader.feed(line):
            self.site.narrator.says(self.key, self.site.redactor.text(words))

    def busy(self) -> bool:
        """Whether a tool call is running."""
        return self.reader.busy()

    def finished(self) -> bool:
        """Whether its final result was printed."""
        return self.reader.finished()

    def stop(self) -> float | None:
        """A grace in seconds when it has to stop now."""
        return self.site.stop()
