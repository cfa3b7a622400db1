"""Who hears an agent while it works."""

from __future__ import annotations

from dataclasses import dataclass

from harness.agents.stream import StreamReader
from harness.run.site import Site


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
