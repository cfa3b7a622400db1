"""Limits on what agents leave for later agents: learnings are few and short, and logs hold no secrets."""

from __future__ import annotations

from pathlib import Path

from harness.domain.text import counted
from harness.records.notes import SHADOW_LIMIT, Note, Notes
from harness.system import files
from harness.system.redact import Redactor

LONGEST_LESSON = 500  # bytes of a line
MOST_LESSONS = 20  # lines of an attempt
_CUT = " … (cut)"


def mend_learnings(learnings: Notes, note: Note, redactor: Redactor) -> list[str]:
    """Cut what an attempt added to the learnings beyond its bounds, take secrets out, and say what was done."""
    if not note.size:
        return []
    raw = learnings.read_note(note)
    lines = [line for line in raw.decode("utf-8", "replace").splitlines() if line.strip()]
    long = sum(len(line.encode("utf-8", "replace")) > LONGEST_LESSON for line in lines[:MOST_LESSONS])
    clean = redactor.raw(raw)
    remarks = []
    if long:
        remarks.append(f"{counted(long, 'line')} of its learnings were over {LONGEST_LESSON} bytes and are cut")
    if len(lines) > MOST_LESSONS:
        remarks.append(f"it wrote {len(lines)} learnings: the first {MOST_LESSONS} are kept, the others are cut")
    if clean is not raw:
        remarks.append("its learnings held a secret, which is redacted")
    if remarks:
        kept = clean.decode("utf-8", "replace").splitlines()
        kept = [cut_line(line) for line in kept if line.strip()][:MOST_LESSONS]
        learnings.mend(note, "".join(f"{line}\n" for line in kept).encode("utf-8", "replace"))
    return remarks


def cut_line(line: str) -> str:
    """Return a line of at most LONGEST_LESSON bytes that says that it was cut."""
    raw = line.encode("utf-8", "replace")
    if len(raw) <= LONGEST_LESSON:
        return line
    return raw[: LONGEST_LESSON - len(_CUT.encode())].decode("utf-8", "ignore") + _CUT


def redact_log(log: Notes, note: Note, redactor: Redactor) -> list[str]:
    """Take the secrets out of a note, in the log and in its shadow, and say so."""
    if not note.size or note.size > SHADOW_LIMIT:
        return []
    raw = log.read_note(note)
    clean = redactor.raw(raw)
    if clean is raw:
        return []
    log.mend(note, clean)
    return ["its note held a secret, which is redacted in the log"]


def redact_file(path: Path, redactor: Redactor) -> None:
    """Take the secrets out of a small file that an agent wrote and harness keeps; no link is followed."""
    if files.is_link(path) or not files.is_file(path) or not 0 < files.size_of(path) <= SHADOW_LIMIT:
        return
    raw = files.read_span(path, 0, SHADOW_LIMIT)
    if (clean := redactor.raw(raw)) is not raw:
        files.write_atomic(path, clean, sync=False)
