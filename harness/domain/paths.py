"""Where everything lies in a project that uses harness: names only, nothing is read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.domain.text import printable


@dataclass(frozen=True, slots=True)
class Paths:
    """The files of a project, all absolute."""

    root: Path
    specs: Path
    logs: Path

    @property
    def halt(self) -> Path:
        """The HALT file that a person touches."""
        return self.root / "HALT"

    @property
    def halts(self) -> tuple[Path, Path]:
        """Both places where HALT is looked for."""
        return self.halt, self.logs / "HALT"

    @property
    def lock(self) -> Path:
        """The lock of the run."""
        return self.logs / ".lock"

    @property
    def journal(self) -> Path:
        """The journal."""
        return self.logs / "journal.jsonl"

    @property
    def obeyed(self) -> Path:
        """What programs of the person obey in the tree, as it stood before the attempts in flight."""
        return self.kept / "obeyed.json"

    @property
    def held_links(self) -> Path:
        """Where the links led to what agents may not change, before the attempts in flight."""
        return self.kept / "links.json"

    @property
    def heartbeat(self) -> Path:
        """The last sign of life of the run."""
        return self.logs / "heartbeat.json"

    @property
    def learnings(self) -> Path:
        """Lessons across features."""
        return self.logs / "learnings.md"

    @property
    def ended(self) -> Path:
        """When the last run ended, as its supervisor saw it."""
        return self.kept / "ended"

    @property
    def kept(self) -> Path:
        """The folder of harness's own shadow of the logs."""
        return self.logs / ".kept"

    def log(self, slug: str) -> Path:
        """Progress notes of one feature."""
        return self.logs / f"{slug}.log"

    def done(self, slug: str) -> Path:
        """The claim, then the receipt."""
        return self.logs / f"{slug}.done"

    def blocked(self, slug: str) -> Path:
        """The question that only a person can answer."""
        return self.logs / f"{slug}.blocked"

    def answer(self, slug: str) -> Path:
        """What a person answered."""
        return self.logs / f"{slug}.answer"

    def attempts(self, slug: str) -> Path:
        """The folder of a feature's attempts."""
        return self.logs / "attempts" / slug

    def attempt(self, slug: str, number: int) -> Path:
        """The folder of one attempt."""
        return self.attempts(slug) / f"{number:04d}"

    def shown(self, path: Path) -> str:
        """Return the path as a person in the project's root would type it."""
        return printable(str(path.relative_to(self.root) if path.is_relative_to(self.root) else path))
