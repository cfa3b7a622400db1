"""Keys in what a server says, however it quotes them."""

from __future__ import annotations

import json
import textwrap
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from html import escape
from urllib.parse import quote

import pytest
from helpers.keys import KEY
from hypothesis import given
from hypothesis import strategies as st

from harness.sandbox.network.mask import Mask

HARD = "sk/ant+api03==the-Real.key~of_a&test-0123456789"


@given(
    st.lists(st.sampled_from([b"a", b"abcabcabdabcabcab", b"abcabc", b"abcabcabd", b"x\n\n", b"abcabca"]), max_size=9)
)
def test_a_key_is_masked_wherever_a_chunk_ends(parts: list[bytes]) -> None:
    key = b"abcabcabdabcabcab"
    mask = Mask([key.decode()])
    passed = b"".join([*map(mask.feed, parts), mask.end()])
    assert (key in passed, len(passed)) == (False, len(b"".join(parts)))
    assert passed == b"".join(parts).replace(key, b"x" * len(key))


def test_the_end_of_an_event_is_never_held_back() -> None:
    assert Mask([KEY]).feed(b"data: s\n\n") == b"data: s\n\n"


def _each(spell: Callable[[int], str]) -> Callable[[str], str]:
    return lambda key: "".join(spell(ord(letter)) for letter in key)


QUOTED: dict[str, Callable[[str], str]] = {
    "as-it-is": str,
    "in-capitals": str.upper,
    "in-small-letters": str.lower,
    "percent": lambda key: quote(key, safe=""),
    "percent-of-every-letter": _each(lambda code: f"%{code:02X}"),
    "percent-in-small-letters": lambda key: quote(key, safe="").lower(),
    "json": json.dumps,
    "json-of-every-letter": _each(lambda code: f"\\u{code:04x}"),
    "json-with-slashes": lambda key: key.replace("/", "\\/"),
    "python": _each(lambda code: f"\\x{code:02x}"),
    "html": escape,
    "html-of-every-letter": _each(lambda code: f"&#{code};"),
    "html-in-hexadecimal": _each(lambda code: f"&#x{code:X};"),
    "hexadecimal": lambda key: key.encode().hex(),
    "base64": lambda key: b64encode(key.encode()).decode(),
    "base64-of-a-login": lambda key: b64encode(f"user:{key}".encode()).decode(),
    "base64-of-a-header": lambda key: b64encode(f"x-api-key: {key}\r\n".encode()).decode(),
    "base64-for-addresses": lambda key: urlsafe_b64encode(f"Bearer {key}".encode()).decode(),
    "base64-percent": lambda key: quote(b64encode(f"a:{key}".encode())),
    "over-lines": lambda key: "\r\n ".join(textwrap.wrap(key, 9, break_on_hyphens=False)),
    "base64-over-lines": lambda key: "\n".join(textwrap.wrap(b64encode(key.encode()).decode(), 11)),
    "over-lines-of-json": lambda key: json.dumps("\n".join(textwrap.wrap(key, 7, break_on_hyphens=False))),
    "over-lines-of-mail": lambda key: "=\r\n".join(textwrap.wrap(key, 5, break_on_hyphens=False)),
}


def _letters(passed: bytes) -> bytes:
    return passed.replace(b"x", b"").replace(b"\n", b"").replace(b"\r", b"")


@pytest.mark.parametrize("quoted", QUOTED.values(), ids=QUOTED)
@pytest.mark.parametrize("key", [KEY, HARD], ids=["plain", "hard"])
def test_a_key_is_masked_however_it_is_quoted(quoted: Callable[[str], str], key: str) -> None:
    if quoted is escape and "&" in key:
        pytest.skip("`&amp;` is read as it stands")
    raw = f"it was {quoted(key)}, sorry\n".encode()
    for size in (1, 5, len(raw)):
        mask = Mask([key])
        passed = b"".join([*(mask.feed(raw[at : at + size]) for at in range(0, len(raw), size)), mask.end()])
        assert len(passed) == len(raw)
        assert (passed[:7], passed[-8:]) == (b"it was ", b", sorry\n")
        assert len(_letters(passed[7:-8])) <= 24, passed  # what stood around the key, of which 3 letters may be shared


def test_lines_stay_lines() -> None:
    assert Mask([KEY]).feed(f"data: {KEY}\n\ndata: {KEY}\n\n".encode()).count(b"\n\n") == 2


@pytest.mark.parametrize(
    ("secret", "said"),
    [
        (f"Bearer {KEY}", KEY),
        ("Basic " + b64encode(f"me:{KEY}".encode()).decode(), KEY),
        ("Basic " + b64encode(f"me:{KEY}".encode()).decode(), f"me:{KEY}"),
    ],
)
def test_what_a_header_holds_is_a_key_too(secret: str, said: str) -> None:
    assert Mask([secret]).text(f"no: {said}") == "no: " + "x" * len(said)


def test_other_words_stay_as_they_are() -> None:
    for text in ("a%20b%2", "\\u00e9 \\n \\", "&#169; &amp; &", "=\r", "x" * 50, KEY[:-1], "é\udcff"):
        assert Mask([KEY]).text(text) == text
