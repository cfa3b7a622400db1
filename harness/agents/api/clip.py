"""Output of any length in a bounded space: its head, its tail, and how much is missing between. Pure."""

from __future__ import annotations

from harness.domain.text import plain

LIMIT = 100 * 1024  # bytes of UTF-8 that one tool result has at most
_MARK_ROOM = 128  # bytes of the line that says what was cut


class Clip:
    """Takes a stream in parts and keeps its first third and last two thirds of `limit` bytes: errors come last."""

    def __init__(self, limit: int = LIMIT) -> None:
        self.limit = limit
        self.size = 0  # bytes fed so far
        self._head = bytearray()
        self._tail = bytearray()
        self._head_room, self._tail_room = _rooms(limit)

    def feed(self, data: bytes) -> None:
        """Take the next bytes; holds never more than twice the limit."""
        self.size += len(data)
        room = self._head_room - len(self._head)
        if room > 0:
            self._head += data[:room]
            data = data[room:]
        self._tail += data[-self._tail_room :]
        if len(self._tail) > 2 * self._tail_room:
            del self._tail[: -self._tail_room]

    def text(self) -> tuple[str, int]:
        """What is kept, as plain text of at most `limit` bytes of UTF-8, and how many bytes were cut."""
        if len(self._head) + len(self._tail) == self.size:
            return clipped(_read(self._head + self._tail), self.limit)
        return _join(_read(self._head), _read(self._tail), self.limit, self.size)


def clipped(text: str, limit: int = LIMIT) -> tuple[str, int]:
    """Return `text` in at most `limit` bytes of UTF-8, head and tail kept, and how many bytes were cut."""
    if len(text) * 4 <= limit:
        return text, 0
    size = len(text.encode("utf-8", "replace"))
    return (text, 0) if size <= limit else _join(text, text, limit, size)


def _join(head: str, tail: str, limit: int, size: int) -> tuple[str, int]:
    """The beginning of one text, a line that says how much is missing, and the end of the other."""
    head_room, tail_room = _rooms(limit)
    first = head[:head_room].encode("utf-8", "replace")[:head_room]
    last = tail[-tail_room:].encode("utf-8", "replace")[-tail_room:]
    cut = max(0, size - len(first) - len(last))
    mark = f"\n[... {cut:,} bytes cut out of the middle; to see them, write to a file and look at parts of it ...]\n"
    return first.decode("utf-8", "ignore") + mark + last.decode("utf-8", "ignore"), cut


def _rooms(limit: int) -> tuple[int, int]:
    room = max(3, limit - _MARK_ROOM)
    return room // 3, room - room // 3


def _read(raw: bytearray) -> str:
    return plain(raw.decode("utf-8", "replace"))
