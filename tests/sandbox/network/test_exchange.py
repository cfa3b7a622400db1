"""Calls out of a sandbox, over real sockets: the key is put in outside, answers pass as they are."""

from __future__ import annotations

import re
import resource
import select
import shutil
import ssl
import subprocess
import threading
import time
import zlib
from base64 import b64encode
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fakes.outside import Outside, ask, begin_chunks, inside, say
from helpers.keys import KEY, STAND_IN
from helpers.waiting import PATIENCE, until

from harness.sandbox.network.broker import Broker
from harness.sandbox.network.credentials import Route


def test_the_key_is_put_in_outside(open_box: Any, outside: Outside, tmp_path: Path) -> None:
    connect, _ = open_box()
    body = f'{{"said": "{STAND_IN}"}}'.encode()
    status, said = ask(connect, "POST /anthropic/v1/messages?beta=true", body, f"x-api-key: {STAND_IN}\r\n")
    assert (status, said.endswith(b"fine")) == (200, True)
    ((line, head, sent),) = outside.requests
    assert (line, head["x-api-key"], sent) == ("POST /base/v1/messages?beta=true HTTP/1.1", KEY, body)
    assert head["host"] == outside.url.removeprefix("http://")
    until(lambda: (tmp_path / "network.txt").exists())
    log = (tmp_path / "network.txt").read_text()
    expected = (
        rf"[0-9TZ:.-]+ hello#1 POST 127\.0\.0\.1:{outside.port}/base/v1/messages 200 {len(body)} out 4 back 0\.\d+ s\n"
    )
    assert re.fullmatch(expected, log), log


def test_a_server_that_quotes_the_key_is_masked(open_box: Any, outside: Outside) -> None:
    outside.answer = lambda one: say(one, 400, one.headers["x-api-key"].encode(), quoted=one.headers["x-api-key"])
    connect, _ = open_box()
    status, said = ask(connect, "GET /anthropic/v1/models", lines=f"x-api-key: {STAND_IN}\r\n")
    assert (status, KEY.encode() in said, said.endswith(b"x" * len(KEY))) == (400, False, True)
    assert outside.requests[0][1]["x-api-key"] == KEY


def test_a_server_is_not_asked_for_a_part_of_what_may_hold_the_key(open_box: Any, outside: Outside) -> None:
    connect, _ = open_box()
    for name in ("Range", "range", "If-Range"):
        ask(connect, "GET /anthropic/v1/models", lines=f"x-api-key: {STAND_IN}\r\n{name}: bytes=0-9\r\n")
    assert all("range" not in head and "if-range" not in head for _, head, _ in outside.requests)
    assert len(outside.requests) == 3


def test_a_key_in_the_length_of_an_answer_without_a_body_is_not_passed_on(open_box: Any, outside: Outside) -> None:
    outside.answer = lambda one: one.wfile.write(
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: " + one.headers["x-api-key"].encode() + b"\r\n\r\n"
    )
    connect, _ = open_box()
    status, said = ask(connect, "GET /anthropic/v1/models", lines=f"x-api-key: {STAND_IN}\r\n")
    assert (status, KEY.encode() in said) == (304, False)


@pytest.mark.parametrize("coding", [{"content-encoding": "gzip"}, {"transfer-encoding": "gzip, chunked"}])
def test_an_answer_in_which_a_key_could_not_be_seen_is_refused(
    open_box: Any, outside: Outside, coding: dict[str, str]
) -> None:
    outside.answer = lambda one: say(one, 200, zlib.compress(one.headers["x-api-key"].encode()), **coding)
    connect, _ = open_box()
    status, said = ask(connect, "GET /anthropic/v1/models", lines=f"x-api-key: {STAND_IN}\r\n")
    assert (status, b"compresses its answer (gzip" in said) == (502, True)


def test_a_key_in_a_line_that_is_no_answer_is_masked(open_box: Any, outside: Outside, tmp_path: Path) -> None:
    outside.answer = lambda one: one.wfile.write(f"no {KEY}\r\n".encode())
    connect, _ = open_box()
    status, said = ask(connect, "GET /anthropic/v1/models", lines=f"x-api-key: {STAND_IN}\r\n")
    assert (status, KEY.encode() in said, b"broke off: no xxx" in said) == (502, False, True)
    until(lambda: (tmp_path / "network.txt").exists())
    assert KEY not in (tmp_path / "network.txt").read_text()


def test_a_key_in_the_name_of_a_field_is_masked(open_box: Any, outside: Outside) -> None:
    outside.answer = lambda one: say(one, 200, b"", **{KEY: "x", "said": b64encode(f"me:{KEY}".encode()).decode()})
    connect, _ = open_box()
    _, said = ask(connect, "GET /anthropic/v1/models", lines=f"x-api-key: {STAND_IN}\r\n")
    assert KEY.encode() not in said
    assert b"\r\nsaid: bWU6xxxxxxxx" in said


@pytest.mark.parametrize("status", [302, 400, 401, 429, 500, 529])
def test_what_a_server_answers_is_passed_on_as_it_is(open_box: Any, outside: Outside, status: int) -> None:
    outside.answer = lambda one: say(one, status, b"why", **{"retry-after": "7", "location": "http://127.0.0.1:1/x"})
    connect, _ = open_box()
    told, said = ask(connect, "GET /anthropic/v1/models")
    assert (told, b"retry-after: 7\r\n" in said, said.endswith(b"\r\n\r\nwhy")) == (status, True, True)
    assert len(outside.requests) == 1


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_without_a_body_has_none(open_box: Any, outside: Outside, status: int) -> None:
    def answer(one: Any) -> None:
        one.send_response(status)
        one.end_headers()

    outside.answer = answer
    connect, _ = open_box()
    assert ask(connect, "GET /anthropic/")[0] == status
    outside.answer = lambda one: say(one, 200, b"fine")
    assert ask(connect, "HEAD /anthropic/")[1].endswith(b"Content-Length: 4\r\nConnection: close\r\n\r\n")


def test_events_pass_one_by_one(open_box: Any, outside: Outside) -> None:
    go = [threading.Event() for _ in range(3)]

    def answer(one: Any) -> None:
        write = begin_chunks(one)
        for number, event in enumerate(go):
            write(f"data: {number}\n\n".encode())
            assert event.wait(PATIENCE)
        write(b"")

    outside.answer = answer
    connect, _ = open_box()
    client = connect()
    client.sendall(b"POST /anthropic/v1/messages HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
    heard = b""
    for number, event in enumerate(go):
        while f"data: {number}\n\n".encode() not in heard:
            heard += client.recv(65536)
        event.set()
    while not heard.endswith(b"0\r\n\r\n"):
        heard += client.recv(65536)
    assert outside.requests[0][2] == b"abc"


def test_a_connection_is_used_again_on_both_sides(open_box: Any, outside: Outside) -> None:
    connect, _ = open_box()
    client = connect()
    for _ in range(3):
        client.sendall(b"GET /anthropic/v1/models HTTP/1.1\r\n\r\n")
        said = b""
        while not said.endswith(b"fine"):
            said += client.recv(65536)
    assert (len(outside.requests), outside.connections) == (3, 1)


@pytest.mark.deep
@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl to make a certificate with")
def test_a_server_with_tls_must_prove_its_name(tmp_path: Path) -> None:
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "cert.pem"]
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run([*made, *subject], cwd=tmp_path, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    with Outside() as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        route = Route("a", f"https://localhost:{server.port}", {STAND_IN: KEY})
        known = {"NODE_EXTRA_CA_CERTS": str(tmp_path / "cert.pem")}
        said = []
        for name, environ in (("localhost", known), ("localhost", {}), ("127.0.0.1", known)):
            there = replace(route, upstream=f"https://{name}:{server.port}")
            with inside(Broker([], tmp_path / "network.txt", environ).open_channel("x", [there])) as connect:
                said.append(ask(connect, "GET /a/v1", lines=f"authorization: Bearer {STAND_IN}\r\n")[0])
    assert said == [200, 502, 502]
    assert [head["authorization"] for _, head, _ in server.requests] == [f"Bearer {KEY}"]


def test_a_head_that_never_ends_is_not_waited_for(open_box: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.sandbox.network.exchange.HEAD_TIMEOUT", 0.2)
    connect, _ = open_box()
    client = connect()
    for letter in b"GET /anth":
        client.sendall(bytes([letter]))
        time.sleep(0.05)
        if select.select([client], [], [], 0)[0]:
            break
    assert client.recv(1) == b""


@pytest.mark.parametrize("megabytes", [8, pytest.param(32, marks=pytest.mark.deep)])
def test_a_large_body_takes_no_memory(open_box: Any, outside: Outside, megabytes: int) -> None:
    size, part = megabytes << 20, b"x" * 65536

    def answer(one: Any) -> None:
        one.send_response(200)
        one.send_header("Content-Length", str(size))
        one.end_headers()
        for _ in range(size // len(part)):
            one.wfile.write(part)

    outside.answer = answer
    connect, _ = open_box()
    ask(connect, "HEAD /anthropic/")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    client = connect()
    client.sendall(f"POST /anthropic/ HTTP/1.1\r\nConnection: close\r\nContent-Length: {size}\r\n\r\n".encode())
    for _ in range(size // len(part)):
        client.sendall(part)
    heard = 0
    while said := client.recv(1 << 16):
        heard += len(said)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert (heard > size, grown < size * 5 / 8 / 1024) == (True, True), (heard, grown)


def test_a_client_that_goes_away_ends_its_call(open_box: Any, outside: Outside) -> None:
    def answer(one: Any) -> None:
        begin_chunks(one)(b"data: 1\n\n")
        if not one.connection.recv(1):
            outside.gone.set()

    outside.answer = answer
    connect, _ = open_box()
    client = connect()
    client.sendall(b"GET /anthropic/v1/messages HTTP/1.1\r\n\r\n")
    client.recv(65536)
    client.close()
    assert outside.gone.wait(PATIENCE)
