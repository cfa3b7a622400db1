"""The journal: what happened and why, append-only, a JSON line with its checksum per event; and run.log beside it."""

from __future__ import annotations

import errno
import json
import os
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar, cast

from harness.domain.errors import JournalError
from harness.domain.text import plain
from harness.records.event_fields import Fields, describe_event, parse_event
from harness.records.events import Accepted, Event
from harness.system import files
from harness.system.folders import RACY
from harness.system.redact import Redactor

_E = TypeVar("_E", bound=Event)
_T = TypeVar("_T")

_CRC_FIELD = b',"crc":"'
_CRC_LENGTH = len(_CRC_FIELD) + 8 + len(b'"}')
_DECODER = json.JSONDecoder()


def utc(moment: float) -> str:
    """Return epoch seconds as `2026-11-21T03:04:05.678Z`."""
    text = datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def moment_of(at: str) -> float | None:
    """Return the epoch seconds that `at` says as `utc` does; None where it says no moment."""
    try:
        return datetime.fromisoformat(at).timestamp()
    except (ValueError, OverflowError):
        return None


def encode_event(event: Fields) -> bytes:
    """Return the fields of an event as one line that ends in its own CRC-32 (of the line without the `crc` field)."""
    body = json.dumps(event, ensure_ascii=False, separators=(",", ":"), default=str).encode("utf-8", "replace")
    if not body.isascii() and plain(text := body.decode()) != text:  # what could lie on a screen is escaped
        body = json.dumps(json.loads(text), separators=(",", ":")).encode()
    return body[:-1] + _CRC_FIELD + f"{zlib.crc32(body):08x}".encode() + b'"}\n'


def decode_line(line: bytes) -> Fields | None:
    """Return the fields of a line (without its newline), None when the line is damaged."""
    body = line[:-_CRC_LENGTH] + b"}"
    if line[-_CRC_LENGTH:] != b'%s%08x"}' % (_CRC_FIELD, zlib.crc32(body)):
        return None
    try:
        text = body.decode("utf-8", "surrogatepass")
        event, end = _DECODER.raw_decode(text)
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) and end == len(text) else None


def _read_lines(path: Path, parse: Callable[[Fields], _T]) -> tuple[list[_T], bytes]:
    """Return every line, parsed, and the bytes of the sound part; what follows is a torn tail.

    Raises JournalError when a sound line follows a damaged one: that is no crash, and nothing is guessed.
    """
    events: list[_T] = []
    sound = 0
    damaged_line = 0
    raw = files.read_span(path, 0, files.size_of(path))
    for number, line in enumerate(raw.split(b"\n"), start=1):
        at_end = sound + len(line) >= len(raw)  # a last line without its newline is torn, even if its text is whole
        event = None if at_end else decode_line(line)
        if event is not None and event.get("seq", len(events) + 1) != len(events) + 1:
            damaged_line = damaged_line or number  # a line before it is gone, whole
        if event is None:
            damaged_line = damaged_line or number
        elif damaged_line:
            raise JournalError(
                f"`{path}` is damaged at line {damaged_line}, and intact lines follow it",
                "restore it from a backup, or move it away: its history is then forgotten, markers and logs stay",
            )
        else:
            events.append(parse(event))
            sound += len(line) + 1
    return events, raw[:sound]


def read_journal(path: Path) -> list[Fields]:
    """Return what each line of a journal says, understood or not; a torn tail is skipped, nothing is mended."""
    return _read_lines(path, lambda fields: fields)[0]


def read_events(path: Path) -> list[Event]:
    """Return the events of a journal that somebody else may be writing: a torn tail is skipped, nothing is mended."""
    return _read_lines(path, parse_event)[0]


_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def _open_file(path: Path) -> int:
    """Open what is a plain file, or make it; at a fifo we would wait for ever."""
    with files.storage(path, "open"):
        if not files.is_plain(path):
            raise OSError(errno.EEXIST, "it is not a plain file")
        return os.open(path, _FLAGS, 0o644)


def _set_aside(path: Path) -> None:
    """Move what an agent put in the place of a file out of the way, to where nothing reads it."""
    if not files.is_plain(path):
        files.move(path, path.parent / ".kept" / f"{path.name}.strange")


class Journal:
    """The open journal and run.log of the holder of the run's lock."""

    def __init__(self, folder: Path, run: str, clock: Callable[[], float], redactor: Redactor | None = None) -> None:
        """Open `folder`/journal.jsonl and run.log; a torn tail is cut. `clock` gives epoch seconds."""
        self._redactor = redactor or Redactor()
        self.path = folder / "journal.jsonl"
        self.run = run
        self.in_linked_folder = files.is_link(folder)
        self._clock = clock
        self.events, sound = _read_lines(self.path, parse_event)
        self._whole = bytearray(sound)
        with files.storage(self.path, "open"):
            self._fd = os.open(self.path, _FLAGS, 0o644)
            self.cut = os.fstat(self._fd).st_size - len(sound)
            if self.cut:
                os.ftruncate(self._fd, len(sound))
                os.fsync(self._fd)
            files.sync_folder(folder)
        self._log_fd = _open_file(folder / "run.log")
        self._sequence = len(self.events)
        self._harmed = False  # an append found it harmed, and nobody has asked since
        self._compared_at = 0  # the ctime of the file when its bytes were compared

    def append(self, event: _E) -> _E:
        """Append one event, synced before this returns, and give it back as it was written: numbered, redacted.

        Raises StorageError, leaving no torn line.
        """
        self._harmed |= self._put_back()
        event = replace(event, seq=self._sequence + 1, at=utc(self._clock()), run=self.run)
        fields = describe_event(event)
        line = encode_event(fields)
        if self._redactor.raw(line) is not line:  # one look at the whole: most events hold no secret
            fields = self._redactor.deep(fields)
            line = encode_event(fields)
            event = cast(_E, parse_event(fields))  # of the same kind: no text is too strange for a field of texts
        with files.storage(self.path, "append to"):
            files.append_fd(self._fd, line, sync=True)
        self._whole += line
        self._sequence += 1  # not before: a number that is missing means a line that is gone
        return event

    def mend(self) -> bool:
        """Put the journal back when somebody deleted, replaced or rewrote it while we hold it.

        Returns True when it was so, now or at an append since this was asked last.
        """
        harmed, self._harmed = self._put_back() or self._harmed, False
        return harmed

    def _put_back(self) -> bool:
        there = None
        with files.storage(self.path, "look at"), suppress(FileNotFoundError, NotADirectoryError):
            there = os.lstat(self.path)
        ours = os.fstat(self._fd)
        same = there is not None and (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)
        if same and ours.st_size == len(self._whole) and self._is_as_written(ours.st_ctime_ns):
            return False
        _set_aside(self.path)
        files.write_atomic(self.path, bytes(self._whole))
        self._fd, old = _open_file(self.path), self._fd
        os.close(old)
        log = self.path.with_name("run.log")
        _set_aside(log)
        self._log_fd, old = _open_file(log), self._log_fd
        os.close(old)
        return True

    def _is_as_written(self, changed_at: int) -> bool:
        """Whether the bytes are those that were written; read again only where the file was written since."""
        if changed_at == self._compared_at:
            return True
        settled = time.time_ns() - changed_at > RACY
        if files.read_span(self.path, 0, len(self._whole)) != self._whole:
            return False
        self._compared_at = changed_at if settled else 0
        return True

    def last_receipt(self, slug: str) -> str:
        """Return the text of the last receipt that was accepted for a feature, "" when there is none."""
        for line in reversed(self._whole.splitlines()):
            if b'"event":"accepted"' in line and (fields := decode_line(bytes(line))):
                event = parse_event(fields)
                if isinstance(event, Accepted) and event.slug == slug:
                    return event.receipt
        return ""

    def log(self, line: str) -> None:
        """Append a line for people to run.log; a full disk is not told here, the journal will tell it."""
        line = self._redactor.text(line)
        try:
            files.append_fd(self._log_fd, f"{utc(self._clock())} {line}\n".encode("utf-8", "replace"), sync=False)
        except OSError:
            return

    def close(self) -> None:
        """Close both files."""
        os.close(self._fd)
        os.close(self._log_fd)
