"""What appeared where nothing was, and would be obeyed outside the sandbox: set aside, recorded and told."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from harness.domain.listener import Tone
from harness.records.events import Foreign
from harness.records.lessons import redact_file
from harness.run.run import Run
from harness.workspace.quarantine import quarantine_absent


def tell_appeared(run: Run, slug: str, attempt: int, folder: Path, absent: Iterable[str], when: str) -> None:
    """Set aside what was `absent`: an agent's work, or that of what it made others run; `when` is said of it."""
    for what, where in quarantine_absent(run.paths, folder, absent):
        redact_file(where, run.redactor)
        name = run.paths.shown(what)
        tell_quarantined(run, slug, attempt, folder, name, f"`{name}` appeared {when}")


def tell_quarantined(run: Run, slug: str, attempt: int, folder: Path, name: str, what: str) -> None:
    """Write down and say that something lies in `folder`/foreign now."""
    run.write(Foreign(slug=slug, attempt=attempt, marker=name))
    run.tell(f"{slug}: {what} and is set aside, in {run.paths.shown(folder / 'foreign')}", Tone.BAD)
