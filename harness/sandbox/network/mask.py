"""Takes keys out of what a server says: it may quote what it was sent, and not only word for word. Pure.

A form of a key is the key itself, its base64 (wherever in a longer text it was encoded), or its hexadecimal digits.
Each is found in capital and small letters, with any of its characters escaped (`%73`, `\\u0073`, `\\x73`, `&#115;`),
and broken over lines. Not found is a key in pieces of several events, escaped twice, reversed, or encrypted.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode, urlsafe_b64encode
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from contextlib import suppress

SHORTEST = 16  # characters of a key that is looked for: a server of one's own may take `ollama`, which is a word, too
_ESCAPED = re.compile(
    rb"(?P<blank>(?:\r?\n){2,})|(?P<fold>=?\r?\n[ \t]*|\\[rn])|%(?P<url>[0-9a-f]{2})|\\u00(?P<json>[0-9a-f]{2})"
    rb"|\\x(?P<hex>[0-9a-f]{2})|&#x0{0,4}(?P<html>[0-9a-f]{2});|&#0{0,4}(?P<number>[0-9]{2,3});|\\(?P<plain>[/=+-])",
    re.IGNORECASE,
)
_BEGUN = re.compile(
    rb"(?:%[0-9a-f]?|\\(?:u0{0,2}[0-9a-f]?|x[0-9a-f]?)?|&(?:#(?:x?0{0,4}[0-9a-f]{0,3}))?|=?\r?)\Z", re.I
)
_LETTER = re.compile(rb"[^\r\n]")


class Mask:
    """Takes keys out of a stream of bytes, whose length stays."""

    def __init__(self, secrets: Iterable[str]) -> None:
        """`secrets` are keys, or values of headers that hold them; nothing is held back yet."""
        words = {word for secret in secrets for word in _words(secret) if len(word) >= SHORTEST}
        self._forms = sorted({form.lower() for word in words for form in _forms(word.encode("utf-8", "replace"))})
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """Take the next bytes, and return those that can be passed on: all, unless they end in the start of a key."""
        if not self._forms:
            return data
        data = self._held + data
        begun = _BEGUN.search(data, max(0, len(data) - 12))
        known = begun.start() if begun else len(data)
        read = _Text(data[:known])
        masked = bytearray(data)
        for form in self._forms:
            while (at := read.text.find(form)) >= 0:
                start, end = read.place(at)[0], read.place(at + len(form) - 1)[1]
                masked[start:end] = _LETTER.sub(b"x", bytes(masked[start:end]))
                read.text[at : at + len(form)] = bytes(len(form))  # no other key begins in what was one
        held = max(_overlap(read.text, form) for form in self._forms)
        passed = read.place(len(read.text) - held)[0] if held else known
        self._held = data[passed:]
        return bytes(masked[:passed])

    def end(self) -> bytes:
        """Return what was held back."""
        held, self._held = self._held, b""
        return held

    def text(self, text: str) -> str:
        """Return a text without keys."""
        whole = Mask(())
        whole._forms = self._forms
        raw = text.encode("utf-8", "surrogateescape")
        return (whole.feed(raw) + whole.end()).decode("utf-8", "surrogateescape")


def _words(secret: str) -> Iterator[str]:
    """Yield what of a secret a server may quote: all, a word of it, and what is behind a login in base64."""
    yield secret
    words = secret.split()
    yield from words
    if len(words) == 2 and words[0].lower() == "basic":
        with suppress(ValueError):
            login = b64decode(words[1], validate=True).decode("utf-8")
            yield from (login, login.partition(":")[2])


def _forms(word: bytes) -> Iterator[bytes]:
    """Yield a word as it is, in hexadecimal digits, and in base64 as the middle of any text, whose ends it shares."""
    yield bytes(_Text(word).text)
    yield word.hex().encode()
    for encode in (b64encode, urlsafe_b64encode):
        for before in range(3):
            first, beyond = -(-before * 8 // 6), (before + len(word)) * 8 // 6
            yield encode(bytes(before) + word)[first:beyond]


class _Text:
    """A text without escapes and line ends, in small letters, that knows where each of its characters was."""

    def __init__(self, data: bytes) -> None:
        self._begins: list[int] = []  # of the pieces, in the text
        self._pieces: list[tuple[int, int]] = []  # where each was: an escape has an end, plain bytes have 0
        text, at = bytearray(), 0
        for found in _ESCAPED.finditer(data):
            self._add(len(text), at, 0)
            text += data[at : found.start()]
            at = found.end()
            if letter := _unescape(found):
                self._add(len(text), found.start(), at)
                text += letter
        self._add(len(text), at, 0)
        self.text = bytearray((text + data[at:]).lower())

    def _add(self, begin: int, start: int, end: int) -> None:
        self._begins.append(begin)
        self._pieces.append((start, end))

    def place(self, index: int) -> tuple[int, int]:
        """Return where a character was: its first byte, and the one behind it."""
        piece = bisect_right(self._begins, index) - 1
        start, end = self._pieces[piece]
        start += 0 if end else index - self._begins[piece]
        return start, end or start + 1


def _unescape(found: re.Match[bytes]) -> bytes:
    kind, text = found.lastgroup, found[found.lastgroup or 0]
    if kind == "blank":
        return b"\n"  # no key goes on behind an empty line
    if kind == "fold":
        return b""
    if kind == "plain":
        return text
    return bytes([int(text, 10 if kind == "number" else 16) & 0xFF])


def _overlap(data: bytearray, form: bytes) -> int:
    """How many bytes at the end of `data` could begin a form."""
    return next((size for size in range(min(len(form) - 1, len(data)), 0, -1) if data.endswith(form[:size])), 0)
