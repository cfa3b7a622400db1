"""The broker: the model answers, the key stays outside, listed hosts alone are reached, and nothing is left."""

from __future__ import annotations

import os
import re
import resource
import select
import shlex
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fakes.messages_api import MessagesApi
from fakes.messages_script import work_on_feature
from fakes.outside import Outside, ask, begin_chunks, count_open, inside, say, wait_until
from hypothesis import given
from hypothesis import strategies as st

from harness.domain.errors import AgentError, ConfigError
from harness.domain.hosts import Target, may_dial, parse_listed, parse_target
from harness.sandbox.network.broker import Broker
from harness.sandbox.network.credentials import Route, substitute_for_agent, substitute_for_check
from harness.sandbox.network.heads import BadHead, Mask, is_straight, parse_head, put_key
from harness.sandbox.network.upstream import Proxy, find_proxy
from harness.settings.load import load_config
from harness.system.redact import Redactor

KEY = "sk-ant-api03-" + "the-real-key-of-a-test-" + "0123456789"
STAND_IN = "sk-ant-api03-" + "a" * 40
RELAY = "http://127.0.0.1:20617"

# --- which hosts ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "targets"),
    [
        ("pypi.org", ["pypi.org:80", "pypi.org:443"]),
        ("Registry.NPMjs.org:443", ["registry.npmjs.org:443"]),
        ("localhost:5432", ["localhost:5432"]),
        ("10.0.0.5:8080", ["10.0.0.5:8080"]),
        ("pypi.org.", ["pypi.org:80", "pypi.org:443"]),
    ],
)
def test_an_entry_is_a_name_with_or_without_its_port(text: str, targets: list[str]) -> None:
    assert list(map(str, parse_listed(text))) == targets


@pytest.mark.parametrize(
    "text",
    ["*.pypi.org", "https://pypi.org", "pypi.org/simple", "pypi org", "", ".", "-a.org", "a..org", "pypi.org:0",
     "pypi.org:65536", "pypi.org:x", "[::1]:80", "127.1", "0x7f000001", "2130706433", "pÿpi.org", "a" * 64 + ".org",
     "user@pypi.org", "pypi.org\n"],
)  # fmt: skip
def test_an_entry_that_is_no_name_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="must"):
        parse_listed(text)


@pytest.mark.parametrize(
    "text",
    ["pypi.org\0.evil.org:443", "pypi.org%00:443", "a@pypi.org:443", "pypi。org:443", "pypi.org:443:443", "pypi.org",
     "[::1]:443", "pypi.org:0443443", "pypi.org :443", "pypi.org../:443", "http://pypi.org:443", "127.1:443"],
)  # fmt: skip
def test_a_request_for_something_between_two_names_is_for_no_host(text: str) -> None:
    assert parse_target(text) is None


def test_a_request_is_read_as_the_list_is() -> None:
    assert parse_target("PyPI.org.:443") == Target("pypi.org", 443)
    assert parse_target("pypi.org", 80) == Target("pypi.org", 80)


@pytest.mark.parametrize(
    ("host", "address", "allowed"),
    [
        ("pypi.org", "151.101.0.223", True),
        ("pypi.org", "2a04:4e42::223", True),
        ("localhost", "127.0.0.1", True),
        ("localhost", "::1", True),
        ("10.0.0.5", "10.0.0.5", True),
        ("pypi.org", "127.0.0.1", False),
        ("pypi.org", "10.0.0.5", False),
        ("pypi.org", "169.254.169.254", False),
        ("pypi.org", "100.64.0.1", False),
        ("pypi.org", "0.0.0.0", False),
        ("pypi.org", "224.0.0.1", False),
        ("pypi.org", "::1", False),
        ("pypi.org", "fe80::1%eth0", False),
        ("pypi.org", "::ffff:127.0.0.1", False),
        ("pypi.org", "64:ff9b::7f00:1", False),
        ("pypi.org", "2002:7f00:1::", False),
        ("localhost", "10.0.0.5", False),
    ],
)
def test_a_name_that_is_listed_may_lead_to_public_addresses_alone(host: str, address: str, allowed: bool) -> None:
    assert may_dial(host, address) is allowed


def test_a_setting_that_names_no_host_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "harness.yaml").write_text("sandbox_network: broker\nsandbox_hosts: [pypi.org, '*.evil.org']\n")
    with pytest.raises(ConfigError, match=r"`harness.yaml` line 2: `sandbox_hosts` must be names of hosts"):
        load_config(tmp_path, {}, {})


def test_hosts_that_bound_nothing_are_told(tmp_path: Path) -> None:
    (tmp_path / "harness.yaml").write_text("sandbox_hosts: [pypi.org]\n")
    warned = "`sandbox_hosts` bounds nothing while `sandbox_network` is `host`"
    assert load_config(tmp_path, {}, {}).warnings == (warned,)


# --- heads ----------------------------------------------------------------------------------------------------------


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


# --- what a command gets --------------------------------------------------------------------------------------------


def substitute(name: str, *argv: str, passed: tuple[str, ...] = (), **env: str) -> Any:
    return substitute_for_agent(name, (name, *argv), env, relay=RELAY, word=lambda: "a" * 40, passed=passed)


def test_claude_gets_stand_ins_and_the_brokers_address() -> None:
    outfit = substitute(
        "claude", ANTHROPIC_API_KEY=KEY, CLAUDE_CODE_OAUTH_TOKEN="sk-ant-oat01-real", HTTPS_PROXY="http://p"
    )
    assert outfit.env == {
        "ANTHROPIC_API_KEY": STAND_IN,
        "CLAUDE_CODE_OAUTH_TOKEN": "sk-ant-oat01-" + "a" * 40,
        "ANTHROPIC_BASE_URL": f"{RELAY}/anthropic",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        **dict.fromkeys(("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"), RELAY),
        **dict.fromkeys(("NO_PROXY", "no_proxy"), "localhost,127.0.0.1,::1"),
        "NODE_USE_ENV_PROXY": "1",
    }
    keys = {STAND_IN: KEY, "sk-ant-oat01-" + "a" * 40: "sk-ant-oat01-real"}
    assert outfit.routes == (Route("anthropic", "https://api.anthropic.com", keys),)
    assert outfit.holds_key


def test_the_upstream_is_what_the_person_had_set() -> None:
    outfit = substitute(
        "claude", ANTHROPIC_BASE_URL="http://localhost:4000/tenant/", ANTHROPIC_CUSTOM_HEADERS="X-Key: 1\nY:2"
    )
    assert outfit.routes == (Route("anthropic", "http://localhost:4000/tenant", {}, (("X-Key", "1"), ("Y", "2"))),)
    assert "ANTHROPIC_CUSTOM_HEADERS" not in outfit.env


def test_a_login_without_a_key_needs_no_route() -> None:
    outfit = substitute("claude", HOME="/home/u")
    assert (outfit.routes, outfit.holds_key) == ((), False)


def test_the_api_agent_is_told_by_its_arguments() -> None:
    argv = ("--base-url", "http://127.0.0.1:9/x", "--api-key-env", "MINE")
    outfit = substitute("api", *argv, MINE="hidden-key-1", ANTHROPIC_API_KEY=KEY)
    assert outfit.argv == ("api", *argv, "--base-url", f"{RELAY}/anthropic")
    assert outfit.routes == (Route("anthropic", "http://127.0.0.1:9/x", {"sk-" + "a" * 40: "hidden-key-1"}),)
    assert "ANTHROPIC_API_KEY" not in outfit.env


def test_codex_gemini_and_opencode_are_told_in_their_own_ways() -> None:
    codex = substitute("codex", "exec", "--json", "-", CODEX_API_KEY="sk-real")
    assert codex.argv == ("codex", "exec", "-c", f'openai_base_url="{RELAY}/openai"', "--json", "-")
    assert codex.routes[0].upstream == "https://api.openai.com/v1"
    assert substitute("gemini", GEMINI_API_KEY="AIza-real").env["GOOGLE_GEMINI_BASE_URL"] == f"{RELAY}/gemini"
    opencode = substitute("opencode", OPENAI_API_KEY="sk-real", OPENCODE_CONFIG_CONTENT='{"theme": "x"}')
    assert opencode.env["OPENCODE_CONFIG_CONTENT"] == (
        '{"theme": "x", "provider": {"openai": {"options": {"baseURL": "http://127.0.0.1:20617/openai"}}}}'
    )


def test_gemini_is_told_that_an_address_of_ours_is_no_gateway() -> None:
    outfit = substitute("gemini", GEMINI_API_KEY="AIza-real")
    assert outfit.files == {"gemini.json": '{"security": {"auth": {"selectedType": "gemini-api-key"}}}'}
    assert outfit.env["GEMINI_CLI_SYSTEM_SETTINGS_PATH"] == "/tmp/gemini.json"


def test_a_secret_without_a_route_stays_outside_unless_it_is_let_through() -> None:
    secret = {"AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG", "AWS_REGION": "eu"}
    outfit = substitute("claude", **secret)
    assert (outfit.kept, "AWS_SECRET_ACCESS_KEY" in outfit.env) == (("AWS_SECRET_ACCESS_KEY",), False)
    assert substitute("claude", passed=("AWS_*",), **secret).env["AWS_SECRET_ACCESS_KEY"]


def test_a_check_gets_the_hosts_and_no_key() -> None:
    outfit = substitute_for_check(("sh",), {"ANTHROPIC_API_KEY": KEY, "A": "b"}, relay=RELAY)
    assert ("ANTHROPIC_API_KEY" in outfit.env, outfit.env["A"], outfit.env["https_proxy"]) == (False, "b", RELAY)


# --- the person's own proxy -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("exempt", "direct"),
    [("", False), ("*", True), ("pypi.org", True), (".org", True), ("a.b, pypi.org:443", True), ("i.org", False),
     ("pypi.org:80", False), ("evil.pypi.org", False), ("*.org", True)],
)  # fmt: skip
def test_no_proxy_is_read_as_others_do(exempt: str, direct: bool) -> None:
    environ = {"HTTPS_PROXY": "http://u:p%40@proxy:3128", "NO_PROXY": exempt}
    found = find_proxy(environ, "https", Target("pypi.org", 443))
    assert found == (None if direct else Proxy(Target("proxy", 3128), "Basic dTpwQA=="))


# --- calls ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def outside() -> Iterator[Outside]:
    with Outside() as server:
        yield server


@pytest.fixture
def open_box(outside: Outside, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Open a box whose route `anthropic` leads to the server outside; gives a way to connect, and the broker."""
    opened = []

    def open_it(*listed: str, **environ: str) -> Any:
        broker = Broker(listed, tmp_path / "network.txt", environ, Redactor({"KEY": KEY}))
        way = inside(broker.open_channel("hello#1", [Route("anthropic", f"{outside.url}/base", {STAND_IN: KEY})]))
        opened.append(way)
        return way.__enter__(), broker

    yield open_it
    for way in opened:
        way.__exit__(None, None, None)


def test_the_key_is_put_in_outside(open_box: Any, outside: Outside, tmp_path: Path) -> None:
    connect, _ = open_box()
    body = f'{{"said": "{STAND_IN}"}}'.encode()
    status, said = ask(connect, "POST /anthropic/v1/messages?beta=true", body, f"x-api-key: {STAND_IN}\r\n")
    assert (status, said.endswith(b"fine")) == (200, True)
    ((line, head, sent),) = outside.requests
    assert (line, head["x-api-key"], sent) == ("POST /base/v1/messages?beta=true HTTP/1.1", KEY, body)
    assert head["host"] == outside.url.removeprefix("http://")
    wait_until(lambda: (tmp_path / "network.txt").exists())
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
            assert event.wait(10)
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


def test_a_body_of_100_mb_takes_no_memory(open_box: Any, outside: Outside) -> None:
    size, part = 100 << 20, b"x" * 65536

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
    assert (heard > size, grown < 20 << 10) == (True, True), (heard, grown)


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
    assert outside.gone.wait(5)


@pytest.mark.parametrize("begun", [False, True], ids=["before an answer", "in the middle of one"])
def test_closing_leaves_no_thread_and_no_socket(outside: Outside, tmp_path: Path, begun: bool) -> None:
    ends = threading.Event()

    def answer(one: Any) -> None:
        if begun:
            begin_chunks(one)(b"x")
        ends.wait(20)

    outside.answer = answer
    before = count_open()
    broker = Broker([f"127.0.0.1:{outside.port}"], tmp_path / "network.txt", {})
    with inside(broker.open_channel("x", [Route("a", outside.url, {})])) as connect:
        clients = [connect() for _ in range(4)]
        clients[0].sendall(b"GET /a/ HTTP/1.1\r\n\r\n")
        clients[1].sendall(f"CONNECT 127.0.0.1:{outside.port} HTTP/1.1\r\n\r\n".encode())
        clients[2].sendall(b"GET /a")
        assert clients[1].recv(100).startswith(b"HTTP/1.1 200 ")
        wait_until(lambda: len(outside.requests) == 1)
        began = time.monotonic()
    assert time.monotonic() - began < 1
    ends.set()
    wait_until(lambda: count_open() == before)


def test_more_connections_than_one_command_may_have_wait(open_box: Any, outside: Outside) -> None:
    connect, _ = open_box()
    idle = [connect() for _ in range(140)]
    first = idle[0]
    waiting = connect()
    waiting.sendall(b"GET /anthropic/ HTTP/1.1\r\nConnection: close\r\n\r\n")
    waiting.settimeout(0.3)
    with pytest.raises(TimeoutError):
        waiting.recv(1)
    for one in (first, *idle):
        one.close()
    waiting.settimeout(10)
    assert waiting.recv(65536).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 403),
        (b"GET /openai/v1 HTTP/1.1\r\n\r\n", 403),
        (b"GET /anthropic/../x HTTP/1.1\r\n\r\n", 403),
        (b"GET https://pypi.org/ HTTP/1.1\r\n\r\n", 400),
        (b"OPTIONS * HTTP/1.1\r\n\r\n", 400),
        (b"nonsense\r\n\r\n", 400),
        (b"GET /" + b"x" * 70_000, 400),
        (b"GET /anthropic/ HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", 426),
    ],
)
def test_everything_else_is_refused_in_one_line(open_box: Any, outside: Outside, sent: bytes, status: int) -> None:
    connect, _ = open_box()
    client = connect()
    client.sendall(sent)
    said = b""
    while part := client.recv(65536):
        said += part
    head, _, line = said.partition(b"\r\n\r\n")
    assert (int(head.split()[1]), line.startswith(b"harness: "), line.count(b"\n")) == (status, True, 1)
    assert outside.requests == []


# --- hosts ----------------------------------------------------------------------------------------------------------


def tunnel(connect: Any, target: str) -> tuple[int, socket.socket]:
    client = connect()
    client.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode("latin-1"))
    return int(client.recv(65536).split()[1]), client


def test_a_listed_host_is_reached_by_tunnel_and_by_address(open_box: Any, outside: Outside) -> None:
    here = f"127.0.0.1:{outside.port}"
    connect, broker = open_box(here)
    status, client = tunnel(connect, here)
    client.sendall(b"GET /through HTTP/1.1\r\nConnection: close\r\n\r\n")
    said = b""
    while part := client.recv(65536):
        said += part
    assert (status, said.endswith(b"fine")) == (200, True)
    assert ask(connect, f"GET http://{here}/whole?x=1", lines=f"x-api-key: {STAND_IN}\r\n")[0] == 200
    (first, _, _), (second, head, _) = outside.requests
    assert (first, second) == ("GET /through HTTP/1.1", "GET /whole?x=1 HTTP/1.1")
    assert head["x-api-key"] == STAND_IN, "a key is for its own upstream alone"
    assert broker.take_refused() == ()


def test_a_route_is_reached_by_a_whole_address_too(open_box: Any, outside: Outside) -> None:
    connect, _ = open_box()
    assert ask(connect, f"GET {RELAY}/anthropic/v1/models", lines=f"x-api-key: {STAND_IN}\r\n")[0] == 200
    assert outside.requests[0][1]["x-api-key"] == KEY


@pytest.mark.parametrize(
    "target",
    ["127.0.0.1:{port}", "localhost:{port}", "evil.example:443", "pypi.org:22", "pypi.org\0.x:443", "pypi.org%2e:443",
     "a@pypi.org:443", "2130706433:{port}", "[::1]:{port}", "sub.pypi.org:443", "xpypi.org:443"],
)  # fmt: skip
def test_a_host_that_is_not_listed_is_refused_and_told_once(open_box: Any, outside: Outside, target: str) -> None:
    connect, broker = open_box("pypi.org:443")
    assert tunnel(connect, target.format(port=outside.port))[0] in (400, 403)
    assert outside.connections == 0
    if "\0" not in target:
        (remark,) = broker.take_refused()
        assert remark.endswith(", which `sandbox_hosts` of harness.yaml does not list: refused")
    assert broker.take_refused() == ()


def test_a_listed_name_that_leads_home_is_refused(open_box: Any, outside: Outside) -> None:
    name = socket.gethostname().lower()
    try:
        found = {str(one[4][0]) for one in socket.getaddrinfo(name, outside.port, type=socket.SOCK_STREAM)}
        target = parse_target(f"{name}:{outside.port}")
    except OSError:
        found, target = set(), None
    if target is None or not found or any(may_dial(name, address) for address in found):
        pytest.skip(f"this machine's own name, `{name}`, leads to no private address")
    connect, broker = open_box(str(target))
    assert tunnel(connect, str(target))[0] == 403
    assert broker.take_refused() == (
        f"it asked for {target}, which leads to an address that is not public: refused, "
        "though `sandbox_hosts` lists it",
    )


def test_a_tunnel_goes_through_the_persons_own_proxy(open_box: Any, outside: Outside, tmp_path: Path) -> None:
    proxies = Broker([f"10.255.255.1:{outside.port}"], tmp_path / "proxy.log", {})
    with inside(proxies.open_channel("the proxy")) as to_proxy:
        host, port = to_proxy().getpeername()
        connect, _ = open_box(f"10.255.255.2:{outside.port}", https_proxy=f"http://{host}:{port}")
        status, _ = tunnel(connect, f"10.255.255.2:{outside.port}")
        assert status == 502
    assert proxies.take_refused()[0].startswith(f"it asked for 10.255.255.2:{outside.port},")


def test_both_ways_of_a_tunnel_flow_at_once(open_box: Any) -> None:
    """Both sides write before they read: neither may wait for the other."""
    size = 8 << 20
    with socket.create_server(("127.0.0.1", 0)) as server:
        here = f"127.0.0.1:{server.getsockname()[1]}"
        connect, _ = open_box(here)
        _, client = tunnel(connect, here)
        there, _ = server.accept()

        def talk(one: socket.socket) -> None:
            writer = threading.Thread(target=lambda: (one.sendall(b"x" * size), one.shutdown(socket.SHUT_WR)))
            writer.start()
            heard = 0
            while part := one.recv(1 << 16):
                heard += len(part)
            writer.join()
            assert heard == size

        other = threading.Thread(target=talk, args=(there,))
        other.start()
        talk(client)
        other.join()
        there.close()


def test_the_log_has_a_limit(open_box: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.sandbox.network.broker.LOG_LIMIT", 1000)
    connect, _ = open_box()
    for number in range(30):
        ask(connect, f"GET /anthropic/{number}?secret=1")
    wait_until(lambda: (tmp_path / "network.txt.old").exists())
    assert all((tmp_path / name).stat().st_size < 1300 for name in ("network.txt", "network.txt.old"))
    assert "secret" not in (tmp_path / "network.txt").read_text()


# --- runs -----------------------------------------------------------------------------------------------------------

WANTED = shutil.which("bwrap") is not None and sys.platform.startswith("linux")
group = pytest.mark.xdist_group("sandbox")
FINISH = 'note "did $slug"; echo finished > $done'
PYTHON = shlex.quote(sys.executable)
LOOK_FOR_KEY = """
import glob, sys, os
key = sys.argv[1][::-1].encode()
places = [*glob.glob("/proc/*/environ"), *glob.glob("/proc/*/cmdline"), *glob.glob("/tmp/**", recursive=True)]
for home in ("~/**", "~/.*/**"):
    places += glob.glob(os.path.expanduser(home), recursive=True)
found = [place for place in places if os.path.isfile(place) and key in open(place, "rb").read()]
print("found" if found else "nowhere", len(places) > 3, found)
"""
CALL = """
import os, urllib.request as u
key = {"x-api-key": os.environ["ANTHROPIC_API_KEY"]}
asked = u.Request(os.environ["ANTHROPIC_BASE_URL"] + "/v1/messages", b"{}", key)
print(u.urlopen(asked).read().decode())
"""


@pytest.fixture
def brokered(world: Any, tmp_path: Path, outside: Outside) -> Any:
    """A world whose runs have a broker, with a home of its own, a key, and a server for the key."""
    if not WANTED:
        pytest.skip("BUBBLEWRAP IS NOT INSTALLED")
    (tmp_path / "home").mkdir()
    (tmp_path / "look.py").write_text(LOOK_FOR_KEY)
    (tmp_path / "call.py").write_text(CALL)
    here = {"sandbox_read": [str(tmp_path / "look.py"), str(tmp_path / "call.py")]}
    world.settings |= {"sandbox": "bwrap", "sandbox_network": "broker", "env_pass": ["ANTHROPIC_*"], **here}
    kept = {name: value for name, value in world.environ.items() if not name.lower().endswith("_proxy")}
    home = {"HOME": str(tmp_path / "home"), "ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": outside.url}
    world.environment = {**kept, **home}
    world.go = lambda *wanted, **flags: world.run(*wanted, environ=world.environment, **flags)
    return world


@group
def test_a_call_of_the_model_has_the_key_and_nothing_inside_has(
    brokered: Any, outside: Outside, tmp_path: Path
) -> None:
    brokered.spec("hello")
    look = f"{PYTHON} {tmp_path}/look.py {KEY[::-1]}"
    brokered.agent(f'echo "$({PYTHON} {tmp_path}/call.py) $({look}) $ANTHROPIC_API_KEY" > said.txt; {FINISH}')
    ran = brokered.go()
    assert ran.code == 0, ran.text
    answered, found, looked, *_, word = (brokered.root / "said.txt").read_text().split()
    assert (answered, found, looked) == ("fine", "nowhere", "True")
    assert outside.requests[0][1]["x-api-key"] == KEY
    assert (word.startswith("sk-ant-api03-"), word == KEY) == (True, False)
    alone = "sandbox: bwrap: agents and checks see this project and their tools alone, with the network of"
    assert f"{alone} `sandbox_hosts` alone; keys stay outside" in ran.lines
    assert " hello#1 POST " in brokered.log("network.txt")


@group
def test_a_host_that_is_refused_is_told_to_the_next_attempt(brokered: Any) -> None:
    brokered.spec("hello")
    get = f"{PYTHON} -c 'import urllib.request as u; u.urlopen(\"https://evil.example/x?y=1\")'"
    brokered.agent(f'test "$attempt" -gt 1 || {get}; {get}; note "tried"; echo "$HARNESS_ATTEMPT" >> tried.txt')
    brokered.go(max_iterations="2")
    remark = "it asked for evil.example:443, which `sandbox_hosts` of harness.yaml does not list: refused"
    assert [event["remarks"] for event in brokered.events("attempt_ended")] == [[remark], [remark]]
    assert f"The last attempt: {remark}." in brokered.prompt("hello", 2)
    assert "hello#1 CONNECT evil.example:443 refused: `evil.example:443` is not in `sandbox_hosts`" in brokered.log(
        "network.txt"
    )


@group
def test_a_check_reaches_listed_hosts_and_has_no_key(brokered: Any, outside: Outside) -> None:
    get = f"{PYTHON} -c 'import urllib.request as u; u.urlopen(\"{outside.url}/straight\")'"
    by_proxy = f"NO_PROXY= no_proxy= {get.replace('straight', 'proxied')}"
    checks = [get, by_proxy, 'test -z "$ANTHROPIC_API_KEY"', "! " + by_proxy.replace(str(outside.port), "1")]
    brokered.spec("hello", checks=checks)
    brokered.agent(FINISH)
    ran = brokered.go(sandbox_hosts=[f"127.0.0.1:{outside.port}"])
    assert ran.code == 0, ran.text + brokered.log("attempts/hello/0001/checks.log")
    assert [line for line, *_ in outside.requests] == ["GET /straight HTTP/1.1", "GET /proxied HTTP/1.1"]
    log = brokered.log("network.txt")
    assert f" check TCP 127.0.0.1:{outside.port} open " in log
    assert f" check GET 127.0.0.1:{outside.port}/proxied 200 " in log


@group
def test_an_agent_is_started_as_without_a_broker(brokered: Any) -> None:
    """Its environment is its own, a broken pipe ends it, and its strays, its end and its TERM are counted as ever."""
    brokered.spec("hello")
    brokered.agent('sh -c "kill -PIPE \\$\\$; echo ignored" >> said.txt; ls /proc/self/fd >> said.txt; env >> said.txt;'
                   "setsid sleep 1000 & exit 3")  # fmt: skip
    brokered.go(max_iterations="1")
    said = (brokered.root / "said.txt").read_text().splitlines()
    assert said[:4] == ["0", "1", "2", "3"]
    assert not [line for line in said if line.startswith("LC_CTYPE")] or "LC_CTYPE" in os.environ
    (ended,) = brokered.events("attempt_ended")
    assert (ended["exit"], ended["strays"]) == (3, 1)
    brokered.agent('trap "note heard the TERM; exit 0" TERM; while :; do sleep 0.05; done')
    brokered.go(timeout="0.7s", max_iterations="1")
    assert "heard the TERM" in brokered.log("hello.log")


@group
def test_a_run_that_ends_at_its_time_leaves_no_thread_and_no_socket(brokered: Any, outside: Outside) -> None:
    outside.answer = lambda one: begin_chunks(one)(b"x") or one.connection.recv(1)
    brokered.spec("hello")
    brokered.agent(f"{PYTHON} {brokered.root.parent}/call.py & sleep 1000")
    brokered.go(timeout="1s", max_iterations="1")
    before = count_open()
    began = time.monotonic()
    brokered.go(timeout="1s", max_iterations="1")
    assert time.monotonic() - began < 8
    wait_until(lambda: count_open()[0] <= before[0] and count_open()[1] <= before[1])
    assert brokered.outcomes() == ["timed_out", "timed_out"]


@group
def test_a_login_is_inside_where_there_is_no_key_and_stays_outside_where_there_is(
    brokered: Any, tmp_path: Path
) -> None:
    brokered.spec("hello")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/codex").write_text("#!/bin/sh\ncat $HOME/.codex/auth.json && env | grep -i https_proxy\n")
    (tmp_path / "bin/codex").chmod(0o755)
    (tmp_path / "home/.codex").mkdir()
    (tmp_path / "home/.codex/auth.json").write_text("a login\n")
    brokered.environment["PATH"] = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    del brokered.environment["ANTHROPIC_API_KEY"], brokered.environment["ANTHROPIC_BASE_URL"]
    brokered.settings |= {"agent": "codex", "max_iterations": "1"}
    ran = brokered.go()
    assert "but ~/.codex/auth.json itself is inside, since codex has no key in the environment" in ran.text
    assert "agent codex (a login HTTPS_PROXY" in ran.text
    brokered.environment["OPENAI_API_KEY"] = "sk-proj-not-a-real-key-1"
    with pytest.raises(AgentError, match=r"agent `codex` cannot start inside the sandbox: .*auth.json"):
        brokered.go(sandbox="auto")


@group
@pytest.mark.parametrize("word", ["auto", "bwrap", "none", "container"])
def test_without_bubblewrap_no_key_is_given_to_anybody(world: Any, tmp_path: Path, word: str) -> None:
    world.spec("hello")
    for name in ("git", "sh", "cat"):
        (tmp_path / name).symlink_to(str(shutil.which(name)))
    with pytest.raises(AgentError, match=r"`sandbox_network: broker` needs|`bwrap` is not on PATH"):
        world.run(sandbox=word, sandbox_network="broker", environ={**world.environ, "PATH": str(tmp_path)})


@group
def test_the_api_agent_does_a_feature_through_the_broker(brokered: Any) -> None:
    brokered.spec("hello", checks=["grep -q hello hello.txt"])
    brokered.repository()
    work = work_on_feature({"hello.txt": "hello\n"}, note="- said hello", done_line="hello.txt says hello")
    with MessagesApi(work) as api:
        brokered.environment["ANTHROPIC_BASE_URL"] = api.url
        brokered.settings |= {"agent": "api", "api_server": "anthropic"}
        ran = brokered.go(max_iterations="2")
        assert (ran.code, brokered.outcomes()) == (0, ["done"]), ran.text
        assert {request.headers["authorization"] for request in api.requests} == {f"Bearer {KEY}"}
    assert brokered.log("hello.done").startswith("hello.txt says hello\n")
    assert brokered.events("attempt_ended")[0]["remarks"] == []
