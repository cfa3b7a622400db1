"""Tunnels to listed hosts, and the log of what was asked for."""

from __future__ import annotations

import socket
import threading
from pathlib import Path
from typing import Any

from fakes.outside import Outside, ask, inside, tunnel
from helpers.keys import KEY, STAND_IN

from harness.sandbox.network.broker import Broker

RELAY = "http://127.0.0.1:20617"


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
