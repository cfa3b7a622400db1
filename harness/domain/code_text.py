"""Source text of JavaScript, TypeScript, Go and Rust, cut into its items by brackets. Pure.

By patterns, not by a parser: what these cannot read with certainty is None.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

_LANGUAGES = {".go": "go", ".rs": "rust"} | dict.fromkeys(
    (".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx"), "javascript"
)
_COMMENT = r"//[^\n]*|/\*.*?\*/"
_QUOTED = r'"(?:\\.|[^"\\\n])*"'
_TOKENS = {
    "go": re.compile(rf"{_COMMENT}|{_QUOTED}|`[^`]*`|'(?:\\[^\n]{{1,9}}?|[^\\'\n])'", re.DOTALL),
    "rust": re.compile(
        rf"{_COMMENT}|b?r(?P<marks>\#*)\".*?\"(?P=marks)|\"(?:\\.|[^\"\\])*\"|'(?:\\[^\n]{{1,9}}?|[^\\'\n])'", re.DOTALL
    ),
    "javascript": re.compile(rf"{_COMMENT}|{_QUOTED}|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`|/", re.DOTALL),
}
_REGEX = re.compile(r"/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n\[])+/[a-z]*")
_BEFORE_REGEX = re.compile(r"(?:^|[(,=:\[!&|?{};>]|\breturn)\s*\Z")
_PLAIN_TEMPLATE = re.compile(r"`(?:\\.|[^`\\$]|\$(?!\{)|\$\{[^{}`]*\})*`", re.DOTALL)
_OPEN, _CLOSE = "([{", ")]}"


@dataclass(frozen=True, slots=True)
class Item:
    """A statement or declaration: its text, and the same without comments and with strings emptied, as long."""

    text: str
    plain: str

    @property
    def said(self) -> str:
        """Its words, whatever their spaces; comments aside."""
        return " ".join("".join(a if b != "\0" else "" for a, b in zip(self.text, self.plain, strict=True)).split())

    @property
    def code(self) -> str:
        """Its code without strings and comments."""
        return " ".join(self.plain.replace("\0", " ").split())


def find_language(name: str) -> str:
    """Return `go`, `rust` or `javascript` (TypeScript, too) by a file's name; "" for another."""
    return _LANGUAGES.get(PurePosixPath(name).suffix, "")


def blank_out(text: str, language: str) -> str | None:
    """Return a text of the same length, in it spaces for what strings hold and NULs for comments."""
    parts, at = list[str](), 0
    while found := _TOKENS[language].search(text, at):
        token = found[0]
        if token == "/":  # division, or the start of a regular expression
            before = text[max(0, found.start() - 40) : found.start()]
            pattern = _REGEX.match(text, found.start()) if _BEFORE_REGEX.search(before) else None
            if pattern is None and not text.startswith("/ ", found.start()):
                return None
            token = pattern[0] if pattern else token
        if token.startswith("`") and language == "javascript" and not _PLAIN_TEMPLATE.fullmatch(token):
            return None
        parts += [text[at : found.start()], _blank(token)]
        at = found.start() + len(token)
    return "".join((*parts, text[at:]))


def _blank(token: str) -> str:
    if token == "/":
        return token
    if token.startswith(("//", "/*")):
        return re.sub(r"[^\n]", "\0", token)
    return '"' + re.sub(r"[^\n]", " ", token[1:-1]) + '"' if len(token) > 1 else token


def split_items(text: str, language: str) -> list[Item] | None:
    """Return the items of a text at its outermost level; None where its brackets do not match."""
    plain = blank_out(text, language)
    if plain is None or "\0" in text:
        return None
    items, start, open_ = list[Item](), 0, list[str]()
    for at, letter in enumerate(plain):
        if letter in _OPEN:
            open_.append(_CLOSE[_OPEN.index(letter)])
        elif letter in _CLOSE and (not open_ or open_.pop() != letter):
            return None
        if not open_ and _ends(plain, at, language):
            items.append(Item(text[start : at + 1], plain[start : at + 1]))
            start = at + 1
    items.append(Item(text[start:], plain[start:]))
    return None if open_ else [one for one in items if one.said]


def _ends(plain: str, at: int, language: str) -> bool:
    """Whether an item ends at this letter of the outermost level."""
    if language == "rust":
        return plain[at] == ";" or (plain[at] == "}" and not plain[at + 1 :].lstrip(" \n\0").startswith(";"))
    return plain[at] in ";\n"


def find_body(item: Item) -> tuple[str, str, str] | None:
    """Return what stands before a block, in its braces and after it; None where an item has none."""
    start, end = item.plain.find("{"), item.plain.rfind("}")
    return None if start < 0 or end < start else (item.text[:start], item.text[start + 1 : end], item.text[end + 1 :])
