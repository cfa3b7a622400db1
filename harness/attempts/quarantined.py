"""What lies in quarantine now, written down and told: markers, and files that would be obeyed outside the sandbox."""

from __future__ import annotations

from pathlib import Path

from harness.domain.listener import Tone
from harness.records.events import Foreign
from harness.records.lessons import redact_file
from harness.run.run import Run


def tell_appeared(run: Run, slug: str, attempt: int, when: str, what: Path, where: Path) -> None:
    """Tell that something appeared where nothing was, an agent's or of what it made others run; `when` says how."""
    redact_file(where, run.redactor)
    name = run.paths.shown(what)
    tell_quarantined(run, slug, attempt, name, f"`{name}` appeared {when}", where.parent)


def tell_quarantined(run: Run, slug: str, attempt: int, name: str, what: str, where: Path) -> None:
    """Write down and say that something lies in the folder `where` now."""
    run.write(Foreign(slug=slug, attempt=attempt, marker=name))
    run.tell(f"{slug}: {what} and is set aside, in {run.paths.shown(where)}", Tone.BAD)
