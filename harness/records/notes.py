"""The logs that agents write: where a note begins and ends, and a shadow against those who cut a log instead."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.domain.text import plain
from harness.system import files

NOTE_LIMIT = 256 * 1024  # bytes of a note that are read; what is longer stays in the log
SHADOW_LIMIT = 8 * 1024 * 1024  # bytes of a log that was there before harness that are copied into the shadow


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a log ended when an attempt began: its size in bytes and the digest of its last 64 KiB."""

    size: int
    digest: str


@dataclass(frozen=True, slots=True)
class Note:
    """What an agent added to a log; `tampered` when it had cut or changed what was there, and that was restored."""

    text: str
    size: int
    tampered: bool = False
    restored: bool = True  # False when the shadow was gone as well


class Notes:
    """One append-only log with its shadow in logs/.kept."""

    def __init__(self, path: Path, kept: Path) -> None:
        """`path` is the log, `kept` the folder of shadows."""
        self.path = path
        self.shadow = kept / path.name

    def mark(self) -> Mark:
        """Say where the log ends now, and bring the shadow up to it: what a person wrote meanwhile is right."""
        if not files.is_plain(self.path):
            self._set_aside()
        size = files.size_of(self.path)
        mark = Mark(size, files.tail_digest(self.path, size))
        kept = files.size_of(self.shadow)
        if size and files.tail_digest(self.shadow, kept) != mark.digest:
            files.copy_tail(self.path, self.shadow, SHADOW_LIMIT)
        elif not size and kept:
            files.remove(self.shadow)
        return mark

    def take_note(self, mark: Mark) -> Note:
        """Return what was added since the mark; a log that shrank or changed is restored first, nothing is lost."""
        if not files.is_plain(self.path):
            self._set_aside()
            return self._restore(mark)
        size = files.size_of(self.path)
        if size < mark.size or files.tail_digest(self.path, mark.size) != mark.digest:
            return self._restore(mark)
        raw = files.read_span(self.path, mark.size, NOTE_LIMIT)
        if raw:
            self._keep_up(mark, size)
        return Note(plain(raw.decode("utf-8", "replace")), size - mark.size)

    def _keep_up(self, mark: Mark, size: int) -> None:
        """Bring the shadow up to the log; a run that was killed may have done so already, in part or as a whole."""
        end = files.tail_digest(self.shadow, files.size_of(self.shadow))
        if end == mark.digest and size - mark.size <= SHADOW_LIMIT:
            files.append(self.shadow, files.read_span(self.path, mark.size, size - mark.size), sync=False)
        elif end != files.tail_digest(self.path, size):
            files.copy_tail(self.path, self.shadow, SHADOW_LIMIT)

    def mend(self, note: Note, mended: bytes) -> None:
        """Put `mended` in the place of a note that was just taken, in the log and in its shadow."""
        files.replace_end(self.path, files.size_of(self.path) - note.size, mended)
        files.copy_tail(self.path, self.shadow, SHADOW_LIMIT)

    def read_note(self, note: Note) -> bytes:
        """Return a note that was just taken as the agent wrote it, at most SHADOW_LIMIT bytes."""
        return files.read_span(self.path, files.size_of(self.path) - note.size, min(note.size, SHADOW_LIMIT))

    def add(self, text: str) -> None:
        """Append harness's own lines: never part of a note."""
        mark_of_end = files.read_span(self.path, max(0, files.size_of(self.path) - 1), 1)
        gap = "" if mark_of_end in (b"", b"\n") else "\n"
        files.append(self.path, gap + text)
        files.append(self.shadow, gap + text, sync=False)

    def _set_aside(self) -> None:
        """Move what is no plain file (a folder, a link, a fifo) out of the way, to where nothing reads it."""
        files.move(self.path, self.shadow.with_name(f"{self.path.name}.strange"))

    def _restore(self, mark: Mark) -> Note:
        """Put the old text back, with the agent's own lines behind it.

        The shadow of a log that was long before harness saw it holds only its end: what comes before that is left as
        it stands, so that a huge log costs neither its beginning nor the memory to read it.
        """
        old = files.read_span(self.shadow, 0, files.size_of(self.shadow))
        start = min(max(0, mark.size - len(old)), files.size_of(self.path))
        new = files.read_span(self.path, start, len(old) + SHADOW_LIMIT)
        own = lines_after_common_prefix(old, new)
        gap = b"\n" if old and own and not old.endswith(b"\n") else b""
        if start:
            files.replace_end(self.path, start, old + gap + own)
        else:
            files.write_atomic(self.path, old + gap + own)
        files.write_atomic(self.shadow, old + gap + own)
        return Note(
            plain(own[:NOTE_LIMIT].decode("utf-8", "replace")),
            len(own),
            tampered=True,
            restored=bool(old) or not mark.size,
        )


def lines_after_common_prefix(old: bytes, new: bytes) -> bytes:
    """Return the lines of `new` that are not simply the beginning of `old` written again."""
    old_lines, new_lines = old.splitlines(keepends=True), new.splitlines(keepends=True)
    same = 0
    for one, other in zip(old_lines, new_lines, strict=False):
        if one.rstrip() != other.rstrip():
            break
        same += 1
    return b"".join(new_lines[same:])
