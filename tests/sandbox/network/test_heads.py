"""The head of a request is read in one way or refused, and the key goes where one is offered."""

from __future__ import annotations

import pytest
from helpers.keys import KEY, STAND_IN

from harness.sandbox.network.heads import BadHead, is_straight, parse_head, put_key


@pytest.mark.parametrize(
    "raw",
    [b"", b"GET /", b"GET / HTTP/2.0", b"get / HTTP/1.1", b"GET /\0 HTTP/1.1", b"GET / x HTTP/1.1",
     b"GET / HTTP/1.1\r\nA : b", b"GET / HTTP/1.1\r\n folded: x", b"GET / HTTP/1.1\r\nA: b\n", b"GET / HTTP/1.1\r\nA",
     b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2", b"POST / HTTP/1.1\r\nContent-Length: +1",
     b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked",
     b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked", b"GET / HTTP/1.1" + b"\r\nA: b" * 201],
)  # fmt: skip
def test_a_head_that_can_be_read_in_two_ways_is_refused(raw: bytes) -> None:
    with pytest.raises(BadHead):
        parse_head(raw)


@pytest.mark.parametrize(
    ("name", "value", "sent"),
    [
        ("x-api-key", STAND_IN, KEY),
        ("Authorization", f"Bearer {STAND_IN}", f"Bearer {KEY}"),
        ("x-goog-api-key", STAND_IN, KEY),
        ("authorization", STAND_IN, STAND_IN),
        ("authorization", f"Basic {STAND_IN}", f"Basic {STAND_IN}"),
        ("anthropic-version", STAND_IN, STAND_IN),
        ("x-api-key", f"x{STAND_IN}", f"x{STAND_IN}"),
    ],
)
def test_a_key_is_put_where_one_is_offered_and_nowhere_else(name: str, value: str, sent: str) -> None:
    assert put_key([(name, value)], "/v1", {STAND_IN: KEY}) == ([(name, sent)], "/v1")


def test_a_key_of_a_query_goes_as_a_field() -> None:
    fields, path = put_key([], f"/v1beta/models?alt=sse&key={STAND_IN}", {STAND_IN: KEY})
    assert (fields, path) == ([("x-goog-api-key", KEY)], "/v1beta/models?alt=sse")


@pytest.mark.parametrize("path", ["/a/../b", "/a/%2e%2E/b", "/a/..%2fb", "/a/..;x/b", "/a/..\\b", "/..", "/a/./b"])
def test_a_path_that_leaves_its_place_is_seen(path: str) -> None:
    assert not is_straight(path)
    assert is_straight("/v1/models/a..b?x=/../y")
