"""What a confined agent sees as logs/: the ends of its feature's log and of the learnings, nothing of anybody else.

The folder lies in the attempt's own (`attempts/<slug>/0003/private_logs/`) and is mounted where the prompt says logs/
is. When the attempt has ended, or at the next start of harness after a kill -9, what was added to it is imported into
the real logs: a note, a lesson, a claim. It is read as a hostile place: no link is followed, no fifo waited for.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from harness.domain.paths import Paths
from harness.records.notes import Mark, lines_after_common_prefix
from harness.system import files, untrusted

PRIVATE_LOGS = "private_logs"  # the folder in the attempt's own
IGNORE = ".gitignore"
_BEFORE = "private_logs.before"  # what it held at first
TAIL = 128 * 1024  # bytes of a log that the agent sees: more than its prompt holds
ADDED_LIMIT = 4 * 1024 * 1024  # bytes that one attempt may add to a log
CLAIM_LIMIT = 8 * 1024  # bytes of a claim
MOST_STRANGE = 20  # files that are quarantined one by one


@dataclass(frozen=True, slots=True)
class Imported:
    """What the import found strange: `rewritten` logs, files `quarantined`, logs of which too much was added.

    Where many were quarantined, the first of them are named, and how many more there are.
    """

    rewritten: tuple[str, ...] = ()
    quarantined: tuple[str, ...] = ()
    cut: tuple[str, ...] = ()


def prepare_private_logs(folder: Path, paths: Paths, slug: str) -> Path:
    """Make the private logs of an attempt in its folder, and beside it a copy of what it holds at first."""
    private, before = folder / PRIVATE_LOGS, folder / _BEFORE
    for place in (private, before):
        files.make_folder(place)
    for log in (paths.log(slug), paths.learnings):
        text = read_shown(log)
        for place in (private, before):
            files.write_atomic(place / log.name, text, sync=False)
    files.write_atomic(private / IGNORE, "*\n", sync=False)  # as in the real ones: `git add -A` takes nothing of them
    return private


def read_shown(log: Path) -> bytes:
    """Return the end of a log, whole lines of it where there are any."""
    size = files.size_of(log)
    data = files.read_span(log, max(0, size - TAIL), TAIL)
    return data if size <= TAIL else data[data.find(b"\n") + 1 :]


def has_claim(folder: Path, slug: str) -> bool:
    """Whether a claim lies in the private logs of an attempt, not yet imported."""
    with files.storage(folder / PRIVATE_LOGS, "open"):
        untrusted.open_up(folder / PRIVATE_LOGS)
    return os.path.lexists(folder / PRIVATE_LOGS / f"{slug}.done")


_OURS = (".done", ".log", ".md", ".blocked", ".answer")  # ends of names in logs/, which no program obeys


def import_private_logs(folder: Path, paths: Paths, slug: str, log: Mark, learnings: Mark) -> Imported:
    """Take over what the agent added, and remove the private logs; does nothing where there is none.

    `log` and `learnings` say where the real ones ended when the attempt began. Killed at any moment it can be done
    again: what stands behind a mark already is not added twice.
    """
    private = folder / PRIVATE_LOGS
    if files.is_link(private) or not files.is_dir(private):
        return Imported()
    with files.storage(private, "open"):
        untrusted.open_up(private)  # an agent may have forbidden it to us
    rewritten, cut = [], []
    for target, mark in ((paths.log(slug), log), (paths.learnings, learnings)):
        added, whole = _read_added(private / target.name, folder / _BEFORE / target.name)
        if not whole:
            rewritten.append(target.name)
        if len(added) > ADDED_LIMIT:
            added = added[:ADDED_LIMIT]
            cut.append(target.name)
        if added and files.is_plain(target):
            _append_once(target, mark, added)
    done = private / f"{slug}.done"
    if os.path.lexists(done):
        claim = untrusted.read_plain(done, CLAIM_LIMIT) or b""
        files.write_atomic(paths.done(slug), b" ".join(claim.split()) + b"\n")  # a receipt has more lines than one
    known = {paths.log(slug).name, paths.learnings.name, done.name, IGNORE}
    with files.storage(private, "look at"):
        names = os.listdir(private)  # noqa: PTH208
    strange = sorted(name for name in names if name not in known or not files.is_plain(private / name))
    many = len(strange) - MOST_STRANGE
    for name in strange[:MOST_STRANGE]:
        files.move(private / name, foreign := quarantined_as(folder, name))
        untrusted.make_inert(foreign)
    if many > 0:  # one by one, each on the disk for sure, would take a minute
        files.move(private, folder / "foreign" / "rest")
        untrusted.make_inert(folder / "foreign" / "rest")
        strange[MOST_STRANGE:] = [f"… and {many} more, in `rest`"]
    _remove(folder / _BEFORE)
    _remove(private)
    return Imported(tuple(rewritten), tuple(strange), tuple(cut))


def quarantined_as(folder: Path, name: str) -> Path:
    """Return where what was left in logs/ lies after the import: under a name that no program obeys."""
    return folder / "foreign" / (name if name.endswith(_OURS) else f"{name}{untrusted.INERT}")


def _read_added(shown: Path, before: Path) -> tuple[bytes, bool]:
    """Return what was added to a log in the private logs, and whether what was there before still is."""
    old = files.read_span(before, 0, TAIL)
    new = untrusted.read_plain(shown, len(old) + ADDED_LIMIT + 1)
    if new is None:
        return b"", False
    if new.startswith(old):
        return new[len(old) :], True
    return lines_after_common_prefix(old, new), False


def _append_once(log: Path, mark: Mark, added: bytes) -> None:
    """Append, unless an import that was killed has done so already."""
    behind = files.read_span(log, mark.size, len(added) + TAIL)
    if added.strip() in behind:
        return
    end = files.read_span(log, max(0, files.size_of(log) - 1), 1)
    gap = b"" if end in (b"", b"\n") or added.startswith(b"\n") else b"\n"
    files.append(log, gap + added)


def _remove(folder: Path) -> None:
    with files.storage(folder, "remove"):
        for name in os.listdir(folder) if files.is_dir(folder) else ():  # noqa: PTH208
            (folder / name).unlink()
        if files.is_dir(folder):
            folder.rmdir()
