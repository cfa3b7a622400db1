"""Text from elsewhere, made safe to show and to store: control sequences out, lines cut, blocks fenced. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

# ESC sequences (CSI, OSC, DCS, SOS, PM, APC, two-byte), their 8-bit forms, and whatever control character is left. One
# that is never closed ends with its line: it must not swallow all that follows.
_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"
    r"|[\x1b][\]PX^_][^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]*[0-~]"
    r"|\x9b[0-?]*[ -/]*[@-~]"
    r"|[\x90\x98\x9d-\x9f][^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?"
)
# Bidirectional overrides, zero-width and tag characters, and the interlinear marks: invisible, so they can lie.
_INVISIBLE = re.compile("[\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
# A character that cannot be written as UTF-8 (a lone surrogate) would crash the writer.
_SURROGATES = re.compile("[\ud800-\udfff]")


def plain(text: str) -> str:
    """Return `text` without control sequences and invisible characters; newlines and tabs stay."""
    if text.isascii() and text.isprintable():
        return text
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = _ESCAPES.sub("", text)
    text = _SURROGATES.sub("\ufffd", text)
    return _CONTROLS.sub("", _INVISIBLE.sub("", text))


def one_line(text: str, limit: int = 200) -> str:
    """Return `text` as one plain line of at most `limit` characters."""
    line = " ".join(plain(text[: limit * 8]).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def fenced(text: str) -> str:
    """Return `text` with `| ` before every line, so that no line of it can open or close a block."""
    return "\n".join(f"| {line}" for line in text.splitlines())


def cut_middle(text: str, limit: int) -> str:
    """Return `text` in at most about `limit` characters: its head and its tail, and how much is missing between."""
    if len(text) <= limit:
        return text
    half = max(1, limit // 2)
    return f"{text[:half]}\n… {len(text) - 2 * half} characters cut …\n{text[-half:]}"


def counted(number: int, noun: str) -> str:
    """Return `1 feature`, `2 features`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def shown(text: str) -> str:
    """The text for a message: on one line, printable, not endless."""
    shown = text if text.isprintable() else ascii(text)[1:-1]
    return shown if len(shown) <= 80 else f"{shown[:80]}…"


def suggest(word: str, options: Iterable[str]) -> str:
    """The end of a sentence that offers the nearest of the options; empty when none is near."""
    options = tuple(options)
    same = [option for option in options if option.lower() == word.lower()]
    near = same or difflib.get_close_matches(word[:64], options, n=1)
    return f"; did you mean `{near[0]}`?" if near else ""
