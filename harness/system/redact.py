"""Secrets out of text, at write time: known values in every form they travel in, and the shapes of well-known tokens.

Pure. What is found becomes `[redacted NAME]`, which needs no escaping in JSON, so a line of JSON stays one.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import re
from collections.abc import Iterable, Mapping
from enum import Enum
from functools import cache, partial
from typing import Any, TypeVar
from urllib.parse import quote, quote_plus

from harness.domain.own_fields import OWN_FIELDS, OWN_LISTS
from harness.system.token_shapes import SHAPES

SHORTEST = 8  # characters of a value that may be a secret
_AnyText = TypeVar("_AnyText", str, bytes)
_T = TypeVar("_T")

_SAYS_SECRET = re.compile(
    r"(?:KEYS?|TOKENS?)(?![A-Z])|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIAL|SSHPASS|_(?:PASS|PWD|AUTH)$", re.I
)
_SAYS_WHERE = re.compile(
    r"_(?:URL|URI|FILE|PATH|DIR|SOCK|HOST|ENDPOINT|TYPE|NAME|REGION|ALGORITHM|LIMIT|TTL|ENV|ENV_PASS)$", re.I
)
_IN_URL = re.compile(r"://[^/\s:@]*:([^/\s@]{8,})@")
_ORDINARY = re.compile(
    r"[A-Za-z]?[a-z]{1,15}|[A-Z]{1,15}|\d{1,9}|(?:~|\.{0,2})/.*|[a-z]+://[^@]*|\$.*"
    r"|.*BLOCKED.*",  # how an agent begins a question: without that word it would reach nobody
    re.DOTALL,
)

# A private key goes from its first line to its last, or as far as it looks like one: each part is looked for once.
_KEY_LINE = "PRIVATE KEY-----"
_KEY_BEGINS = r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY-----"
_KEY_ENDS = r"-----END [A-Z0-9 ]{0,30}PRIVATE KEY-----"
_KEY_BODY = r"[A-Za-z0-9+/=\\\s:,-]{0,16384}[A-Za-z0-9+/=]"
_LONGEST_KEY = 1 << 14
_LONG_LINE = 16  # characters of a line of a value with several that is a secret by itself


def find_secrets(variables: Mapping[str, str]) -> dict[str, str]:
    """Return which variables hold a secret: their name says so, and the value is no path, number or ordinary word."""
    found: dict[str, str] = {}
    for name, value in variables.items():
        if inside := _IN_URL.search(value):
            found[name] = inside[1]
        elif _SAYS_SECRET.search(name) and not _SAYS_WHERE.search(name):
            value = value.strip()
            if len(value) >= SHORTEST and not _ORDINARY.fullmatch(value):
                found[name] = value
    return found


_VARIABLE = re.compile(
    r"^[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.]*)[ \t]*(?:=|:[ \t])[ \t]*"
    r"(?:\"((?:[^\"\\]|\\.)*)\"|'([^']*)'|`([^`]*)`|([^\r\n]*))",
    re.MULTILINE | re.DOTALL,
)
_ESCAPED = {"\\n": "\n", "\\r": "\r", '\\"': '"', "\\$": "$"}


def parse_env(text: str) -> dict[str, str]:
    """Return the variables of a `.env` file: `NAME=value` or `NAME: value`, with `export`, quotes and comments.

    A value in quotes may have several lines, and in double quotes escapes.
    """
    found: dict[str, str] = {}
    for one in _VARIABLE.finditer("\n".join(text.removeprefix("\ufeff").splitlines())):
        name, double, single, backquoted, plain = one.groups()
        if double is not None:
            found[name] = re.sub(r'\\[nr"$]', lambda escape: _ESCAPED[escape[0]], double)
        else:
            quoted = single if single is not None else backquoted
            found[name] = re.split(r"\s#", plain.strip())[0].rstrip() if quoted is None else quoted
    return found


def _forms(value: str) -> Iterable[str]:
    """Every form in which a value travels: as it is, in JSON, in a URL, as hex, as base64 at each of three offsets."""
    yield value
    yield from (line for line in value.splitlines() if len(line) >= _LONG_LINE and not line.startswith("-----"))
    for ascii_only in (True, False):
        yield json.dumps(value, ensure_ascii=ascii_only)[1:-1]
    yield from (quote(value, safe=""), quote(value), quote_plus(value))
    raw = value.encode("utf-8", "replace")
    yield from (raw.hex(), raw.hex().upper())
    for offset in range(3):
        whole = base64.b64encode(b"\0" * offset + raw).decode()
        inner = whole[-(-offset * 8 // 6) : (offset + len(raw)) * 8 // 6]  # the characters that hold nothing else
        yield from (inner, inner.replace("+", "-").replace("/", "_"))


_BY_RARITY = (
    "~!QZXJKVYWGBFHMPUNDLCROSIATE=/+qzxj0123456789 :kvbywgfpumcdlhrnsioate-._"  # in what agents print, JSON above all
)


@cache
def _compile(pattern: Any) -> re.Pattern[Any]:  # noqa: ANN401 - str or bytes
    """Return a shape's pattern, compiled when the first text may hold it: all of them take a tenth of a second."""
    return re.compile(pattern)


@cache
def _sort_shapes(encode: Any) -> tuple[dict[Any, list[tuple[int, Any]]], list[tuple[Any, Any]]]:  # noqa: ANN401
    """Return the shapes' numbers and words by a rare letter, which is looked for at once, and what replaces each."""
    by_letter: dict[Any, list[tuple[int, Any]]] = {}
    for number, one in enumerate(SHAPES):
        for word in one.words:
            letter = min(word, key=_BY_RARITY.find)
            by_letter.setdefault(encode(letter), []).append((number, encode(word)))
    return by_letter, [(encode(one.pattern), encode(f"[redacted {one.name}]")) for one in SHAPES]


def _to_bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")


class _Kinds:
    """The patterns for one kind of text, str or bytes."""

    def __init__(self, known: Mapping[str, str], encode: Any) -> None:  # noqa: ANN401 - str or _to_bytes
        self.known = [(encode(form), encode(f"[redacted {name}]")) for form, name in known.items()]
        self.shapes, self.replacements = _sort_shapes(encode)
        self.backslash = encode("\\")
        self.quote, self.key_line, self.key_word = encode('"'), encode(_KEY_LINE), encode("[redacted private key]")
        self.key_begins, self.key_ends, self.key_body = (
            re.compile(encode(one)) for one in (_KEY_BEGINS, _KEY_ENDS, _KEY_BODY)
        )

    def clean(self, text: Any) -> Any:  # noqa: ANN401 - str or bytes, as the patterns
        for form, word in self.known:
            if form in text:
                text = self._replace_form(text, form, word)
        if self.key_line in text:
            text = self._replace_keys(text)
        looked = (members for letter, members in self.shapes.items() if letter in text)
        for number in sorted({number for members in looked for number, word in members if word in text}):
            pattern, word = self.replacements[number]
            text = _compile(pattern).sub(partial(_replace_group, word), text)
        return text

    def _replace_form(self, text: Any, form: Any, word: Any) -> Any:  # noqa: ANN401
        """Replace a known form; a first letter that belongs to an escape (`\\n`) stays, or the JSON would break."""
        head, *rest = text.split(form)
        parts = [head]
        for part in rest:
            slashes = len(parts[-1]) - len(parts[-1].rstrip(self.backslash))
            parts += [form[:1] if slashes % 2 else form[:0], word, part]
        return form[:0].join(parts)

    def _replace_keys(self, text: Any) -> Any:  # noqa: ANN401
        """Replace private keys, in one walk: where the next last line and the next quote are is never asked twice."""
        parts, at = [], 0
        last, quote = self.key_ends.search(text), text.find(self.quote)
        while (begins := self.key_begins.search(text, at)) is not None:
            end = start = begins.end()
            if last is not None and last.start() <= start:
                last = self.key_ends.search(text, start + 1)
            if 0 <= quote < start:
                quote = text.find(self.quote, start)
            if last is not None and last.start() - start <= _LONGEST_KEY and not 0 <= quote < last.start():
                end = last.end()
            elif body := self.key_body.match(text, start):
                end = body.end()
            parts += [text[at : begins.start()], self.key_word]
            at = end
        return text[:0].join([*parts, text[at:]])


def _replace_group(word: Any, found: re.Match[Any]) -> Any:  # noqa: ANN401
    if not found.re.groups:
        return word
    (start, end), at = found.span(1), found.start()
    return found[0][: start - at] + word + found[0][end - at :]


class Redactor:
    """Takes secrets out of text and bytes; what holds none comes back as the very same object."""

    TOO_LARGE = "is larger than what is read of `.env*` files: not every secret in it is known"

    def __init__(self, secrets: Mapping[str, str] | Iterable[str] = (), unread: tuple[str, ...] = ()) -> None:
        """`secrets` are values by name, or values alone; `unread` are names of files that may hold more."""
        self.unread = unread
        named = secrets if isinstance(secrets, Mapping) else {f"secret {n}": v for n, v in enumerate(secrets, 1)}
        known: dict[str, str] = {}
        for name, value in named.items():
            for form in _forms(value):
                if len(form) >= SHORTEST:
                    known.setdefault(form, re.sub(r"[^A-Za-z0-9_. -]", "", name) or "secret")
        known = {form: known[form] for form in sorted(known, key=len, reverse=True)}
        self._known = {form.encode("utf-8", "replace"): name for form, name in known.items()}
        self.longest = max(map(len, self._known), default=0)  # bytes of a known secret, in the longest of its forms
        self._str = _Kinds(known, str)
        self._bytes = _Kinds(known, _to_bytes)

    def text(self, text: str) -> str:
        """Return the text without secrets."""
        return text if len(text) < SHORTEST else str(self._str.clean(text))

    def names_in(self, raw: bytes) -> tuple[str, ...]:
        """Return the names of the known secrets whose values are in there, in any form; shapes do not count."""
        return tuple(dict.fromkeys(self._known[form] for form in self._known if form in raw))

    def raw(self, raw: bytes) -> bytes:
        """Return whole lines of bytes without secrets."""
        cleaned: bytes = self._bytes.clean(raw)
        return raw if cleaned == raw else cleaned

    def deep(self, value: _T) -> _T:
        """Return a value with every text redacted: in lists, mappings, records; keys and `OWN_FIELDS` stay."""
        return self._deep(value)  # type: ignore[no-any-return]

    def _deep(self, value: Any) -> Any:  # noqa: ANN401
        if isinstance(value, Enum):
            return value
        if isinstance(value, str):
            text = self.text(value)
            return value if text == value else text
        if isinstance(value, dict):
            return {key: self._deep_field(key, one) for key, one in value.items()}
        if isinstance(value, list | tuple):
            inner = [self._deep(one) for one in value]
            if all(one is other for one, other in zip(inner, value, strict=True)):
                return value
            return inner if isinstance(value, list) else tuple(inner)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            own = {one.name: getattr(value, one.name) for one in dataclasses.fields(value)}
            clean = {name: self._deep_field(name, one) for name, one in own.items()}
            changed = {name: one for name, one in clean.items() if one is not own[name] and one != own[name]}
            return dataclasses.replace(value, **changed) if changed else value
        return value

    def _deep_field(self, name: object, value: Any) -> Any:  # noqa: ANN401
        """Redact what a field holds; a word of our own stays, and so do several of them."""
        if isinstance(value, str):
            return value if name in OWN_FIELDS else self._deep(value)
        several = list(value.values()) if isinstance(value, dict) else value
        is_own = name in OWN_LISTS and isinstance(several, list | tuple) and all(isinstance(it, str) for it in several)
        return value if is_own else self._deep(value)


class NamesIn:
    """Looks for known secrets in a stream of bytes; `found` are their names. What comes in two pieces is found too."""

    def __init__(self, redactor: Redactor) -> None:
        """Nothing has come yet."""
        self._redactor, self._tail = redactor, b""
        self.found: set[str] = set()

    def feed(self, data: bytes) -> None:
        """Look in the next bytes."""
        data = self._tail + data if self._tail else data
        self.found.update(self._redactor.names_in(data))
        keep = self._redactor.longest - 1
        self._tail = data[-keep:] if keep > 0 else b""


class LineRedactor:
    """A stream of bytes, redacted line by line: a secret that comes in pieces is whole when it is looked for."""

    LONGEST = 1 << 20  # bytes of a line that are held back
    OVERLAP = 1 << 14  # of a longer line, what is held back at its end

    def __init__(self, redactor: Redactor) -> None:
        """Nothing is held yet."""
        self._redactor = redactor
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """Take the next bytes, and return those that can be written."""
        data = self._held + data if self._held else data
        cut = data.rfind(b"\n") + 1
        if (opened := data.rfind(b"-----BEGIN ", max(0, cut - self.OVERLAP), cut)) >= 0:
            is_key = b"PRIVATE KEY-----" in data[opened : opened + 64]
            if is_key and b"-----END " not in data[opened:cut]:
                cut = data.rfind(b"\n", 0, opened) + 1  # a key of many lines, not yet at its end
        if len(data) - cut > self.LONGEST:
            cut = _end_of_word(data, len(data) - self.OVERLAP)
        self._held = data[cut:]
        return self._redactor.raw(data[:cut]) if cut else b""

    def end(self) -> bytes:
        """Return what is left, a last line without its newline."""
        held, self._held = self._held, b""
        return self._redactor.raw(held)


_NO_TOKEN = re.compile(rb"[^A-Za-z0-9_\-./+=%~]")


def _end_of_word(data: bytes, most: int) -> int:
    """Where to cut a line that is too long, so that no token is cut in two: behind the last byte that is none's."""
    found = None
    for found in _NO_TOKEN.finditer(data, max(0, most - LineRedactor.OVERLAP), most):  # noqa: B007 - the last one
        pass
    return found.end() if found else most
