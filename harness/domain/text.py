"""Text from elsewhere, made safe to show and to store: control sequences out, lines cut, blocks fenced. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence

# ESC sequences (CSI, OSC, DCS, SOS, PM, APC, two-byte), their 8-bit forms, and whatever control character is left. One
# that is never closed ends with its line: it must not swallow all that follows.
_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"
    r"|[\x1b][\]PX^_][^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]*[0-~]"
    r"|\x9b[0-?]*[ -/]*[@-~]"
    r"|[\x90\x98\x9d-\x9f][^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?"
)
# What is invisible, or means something else on each screen, can lie: Unicode's format characters (Cf), those for
# private use (Co), and all that it calls ignorable, variation selectors and tags among them.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ue000-\uf8ff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
    "\U000f0000-\U0010ffff]"
)
_LINE_ENDS = re.compile("\r\n?|[\u2028\u2029]")
_BLANKS = re.compile("\u2800")  # of Braille: a space that no program takes for one
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
# A character that cannot be written as UTF-8 (a lone surrogate) would crash the writer.
_SURROGATES = re.compile("[\ud800-\udfff]")


def plain(text: str) -> str:
    """Return `text` without control sequences and invisible characters; newlines and tabs stay."""
    if text.isascii() and text.isprintable():
        return text
    text = _ESCAPES.sub("", _BLANKS.sub(" ", _LINE_ENDS.sub("\n", text)))
    text = _SURROGATES.sub("\ufffd", text)
    return _CONTROLS.sub("", _INVISIBLE.sub("", text))


def one_line(text: str, limit: int = 200) -> str:
    """Return `text` as one plain line of at most `limit` characters."""
    line = " ".join(plain(text[: limit * 8]).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


_ORDERS = re.compile(r"(#|@|\bGH-)(?=\w)")


def without_orders(line: str) -> str:
    """Return a line in which a CI and a forge find nothing to obey: no `[skip ci]`, no `closes #1`, no `@name`."""
    return _ORDERS.sub(r"\1 ", line.replace("[", "(").replace("]", ")").replace("***", "*"))


def fenced(text: str) -> str:
    """Return `text` with `| ` before every line, so that no line of it can open or close a block."""
    return "\n".join(f"| {line}" for line in text.splitlines())


def cut_middle(text: str, limit: int) -> str:
    """Return `text` in at most about `limit` characters: its head and its tail, and how much is missing between."""
    if len(text) <= limit:
        return text
    half = max(1, limit // 2)
    return f"{text[:half]}\n… {len(text) - 2 * half} characters cut …\n{text[-half:]}"


def find_not_utf8(content: bytes) -> int | None:
    """Return the first line, from 1, that is not UTF-8; None where every line is."""
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        return content.count(b"\n", 0, error.start) + 1
    return None


def counted(number: int, noun: str) -> str:
    """Return `1 feature`, `2 features`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def is_object_id(text: str) -> bool:
    """Return whether it can be the whole name of a commit; other words git might take for options."""
    return len(text) in (40, 64) and not set(text) - set("0123456789abcdef")


def listed(words: Iterable[str]) -> str:
    """Return `a, b and c`."""
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last


def some_of(names: Sequence[str], most: int) -> str:
    """Return the first names, each in backquotes, and how many more there are."""
    more = f" and {len(names) - most} more" if names[most:] else ""
    return ", ".join(f"`{printable(name)}`" for name in names[:most]) + more


def list_some(names: Sequence[str], most: int) -> str:
    """Return the first names in a sentence, each in backquotes, and that there are more."""
    return listed([*(f"`{printable(name)}`" for name in names[:most]), *(["more"] if names[most:] else [])])


def printable(text: str) -> str:
    """Return a name as it is, or escaped where it holds a line end or a character that could lie."""
    return text if text.isprintable() and plain(text) == text else ascii(text)[1:-1]


def shown(text: str) -> str:
    """The text for a message: on one line, printable, not endless."""
    shown = printable(text)
    return shown if len(shown) <= 80 else f"{shown[:80]}…"


def suggest(word: str, options: Iterable[str]) -> str:
    """The end of a sentence that offers the nearest of the options; empty when none is near."""
    options = tuple(options)
    same = [option for option in options if option.lower() == word.lower()]
    near = same or difflib.get_close_matches(word[:64], options, n=1)
    return f"; did you mean `{near[0]}`?" if near else ""
