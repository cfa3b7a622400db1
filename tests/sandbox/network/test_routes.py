"""What a request comes to: everything that is not listed is refused in one line."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from fakes.outside import Outside, tunnel

from harness.domain.hosts import may_dial, parse_target


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
