"""The head of an HTTP request, read strictly, and what of it travels on. Pure.

What two readers could read in two ways is refused: control characters, folded lines, two lengths, a length beside
chunks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

LIMIT = 64 * 1024  # bytes of a head
MOST_FIELDS = 200
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_REQUEST = re.compile(r"([A-Z]{1,20}) ([\x21-\x7e]+) HTTP/1\.([01])")
_FIELD = re.compile(rf"({_TOKEN}):[ \t]*([\t\x20-\x7e\x80-\xff]*)")
_OF_THE_HOP = {"connection", "keep-alive", "proxy-connection", "proxy-authorization", "proxy-authenticate", "te",
               "trailer", "transfer-encoding", "upgrade", "content-length", "expect"}  # fmt: skip

Fields = list[tuple[str, str]]


class BadHead(Exception):
    """A head that is no HTTP, or can be read in two ways; the message is a sentence."""


@dataclass(frozen=True, slots=True)
class Head:
    """What a request asks for: `length` in bytes of its body, None for one that comes in chunks."""

    method: str
    target: str
    fields: Fields = field(default_factory=list)
    length: int | None = 0
    modern: bool = True  # HTTP/1.1
    keeps: bool = True  # the connection may be used again

    def get(self, name: str) -> str:
        """Return the first value of a field, "" when there is none."""
        return next((value for key, value in self.fields if key.lower() == name), "")


def parse_head(raw: bytes) -> Head:
    """Return what a head of bytes says, without its empty line. Raises BadHead."""
    first, *lines = raw.decode("latin-1").split("\r\n")
    request = _REQUEST.fullmatch(first)
    if request is None:
        raise BadHead("the first line is not a request of HTTP/1.0 or 1.1")
    if len(lines) > MOST_FIELDS:
        raise BadHead("the head has too many fields")
    fields: Fields = []
    for line in lines:
        found = _FIELD.fullmatch(line)
        if found is None:
            raise BadHead("a line of the header is not a field")
        fields.append((found[1], found[2].strip(" \t")))
    connection = {word.strip().lower() for word in ",".join(_values(fields, "connection")).split(",")}
    modern = request[3] == "1"
    keeps = "close" not in connection if modern else "keep-alive" in connection
    return Head(request[1], request[2], fields, _length(fields), modern, keeps)


def _length(fields: Fields) -> int | None:
    lengths, codings = _values(fields, "content-length"), _values(fields, "transfer-encoding")
    if codings:
        if lengths or len(codings) > 1 or codings[0].lower() != "chunked":
            raise BadHead("the length of the body can be read in two ways")
        return None
    if len(lengths) > 1 or any(re.fullmatch(r"[0-9]{1,15}", one) is None for one in lengths):
        raise BadHead("the length of the body can be read in two ways")
    return int(lengths[0]) if lengths else 0


def onward(fields: Iterable[tuple[str, str]]) -> Fields:
    """Return the fields that go further than one hop."""
    fields = list(fields)
    named = {word.strip().lower() for word in ",".join(_values(fields, "connection")).split(",")}
    return [(name, value) for name, value in fields if name.lower() not in _OF_THE_HOP | named]


def put_key(fields: Fields, path: str, keys: Mapping[str, str]) -> tuple[Fields, str]:
    """Return fields and path with the real key where a stand-in is offered as one, and nowhere else.

    A key that were put anywhere could come back in an error that quotes what was sent. That of a query goes as a field,
    which the same servers take.
    """
    out: Fields = []
    for name, value in fields:
        scheme, space, word = value.rpartition(" ")
        wanted = {"x-api-key": "", "x-goog-api-key": "", "authorization": "bearer"}.get(name.lower())
        is_offered = wanted is not None and scheme.strip().lower() == wanted and word in keys
        out.append((name, f"{scheme}{space}{keys[word]}" if is_offered else value))
    place, mark, query = path.partition("?")
    parts = query.split("&") if mark else []
    offered = [part for part in parts if part.startswith("key=") and part[4:] in keys]
    if offered:
        left = "&".join(part for part in parts if part not in offered)
        path = f"{place}?{left}" if left else place
        out = [(name, value) for name, value in out if name.lower() != "x-goog-api-key"]
        out.append(("x-goog-api-key", keys[offered[0][4:]]))
    return out, path


def is_straight(path: str) -> bool:
    """Whether a path stays below where it begins: no `..`, however it is written."""
    place = re.sub(r"%2e", ".", path.partition("?")[0], flags=re.IGNORECASE)
    place = re.sub(r"%(2f|5c)", "/", place, flags=re.IGNORECASE).replace("\\", "/")
    return not any(part.partition(";")[0] in (".", "..") for part in place.split("/"))


def _values(fields: Iterable[tuple[str, str]], wanted: str) -> list[str]:
    return [value for name, value in fields if name.lower() == wanted]
