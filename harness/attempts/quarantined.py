"""What appeared, written down and told: markers and what would be obeyed outside, in quarantine, and `.env*` files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.attempts.attempt import Attempt
from harness.domain.listener import Tone
from harness.domain.text import printable
from harness.records.env_files import ENV_FILE_APPEARED, note_made
from harness.records.events import Foreign
from harness.records.lessons import redact_file
from harness.run.run import Run
from harness.system import files
from harness.workspace.held_links import put_links_back
from harness.workspace.quarantine import TOLD, Quarantined, say_rest, write_list


def tell_found(run: Run, slug: str, attempt: int, when: str, found: Quarantined) -> None:
    """Tell what came to be that programs would obey, an agent's or of what it made others run; `when` says how."""
    name = run.paths.shown(found.what)
    said = "; ".join(filter(None, (f"`{name}` {found.how} {when}, where {found.by} would obey it", found.back)))
    if not found.is_aside:
        run.write(Foreign(slug=slug, attempt=attempt, marker=name))
        run.tell(f"{slug}: {said}", Tone.NOTICE if found.left else Tone.BAD)
        return
    redact_file(found.where, run.redactor)
    tell_quarantined(run, slug, attempt, name, said, found.where.parent)


def tell_all_found(run: Run, slug: str, attempt: int, when: str, found: Sequence[Quarantined], folder: Path) -> None:
    """Tell what came to be, what is a person's first; of many the rest is listed in a file in `folder`."""
    found = sorted(found, key=lambda one: one.how == "appeared")
    for one in found[:TOLD]:
        tell_found(run, slug, attempt, when, one)
    if rest := found[TOLD:]:
        for one in rest:
            if one.is_aside:
                redact_file(one.where, run.redactor)
        redact_file(listed := write_list(rest, folder, run.paths), run.redactor)
        run.write(Foreign(slug=slug, attempt=attempt, marker=f"… and {len(rest)} more"))
        run.tell(f"{slug}: {say_rest(rest, when, run.paths.shown(listed))}", Tone.BAD)


def tell_env_files(run: Run, slug: str) -> None:
    """Tell which `.env*` files came to be: the next run goes by none of them."""
    for name in note_made(run.paths):
        run.tell(f"{slug}: `{printable(name)}` {ENV_FILE_APPEARED}", Tone.NOTICE)


def restore_links(run: Run, slug: str, attempt: int, when: str, folder: Path) -> None:
    """Put back the links by which the next run finds specs and settings, and tell of each."""
    for link in put_links_back(run.paths.root, run.held_links, folder):
        run.write(Foreign(slug=slug, attempt=attempt, marker=link))
        run.tell(f"{slug}: the link `{printable(link)}` was changed {when}; it is back", Tone.BAD)


def quarantine_marker(run: Run, attempt: Attempt, name: str, said: str) -> None:
    """Move a marker that is nobody's claim out of logs/ into the attempt's folder; `said` tells of it."""
    redact_file(files.move(run.paths.logs / name, attempt.folder / "foreign" / name), run.redactor)
    run.write(Foreign(slug=attempt.slug, attempt=attempt.number, marker=name))
    run.tell(f"{attempt.slug}: `{name}` {said}", Tone.BAD)


def tell_quarantined(run: Run, slug: str, attempt: int, name: str, what: str, where: Path) -> None:
    """Write down and say that something lies in the folder `where` now."""
    run.write(Foreign(slug=slug, attempt=attempt, marker=name))
    run.tell(f"{slug}: {what}; it is quarantined in {run.paths.shown(where)}", Tone.BAD)
