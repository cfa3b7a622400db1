"""The broker as a whole: it opens and closes without a trace, and its log has a limit."""

from __future__ import annotations

import resource
import threading
from pathlib import Path
from typing import Any

import pytest
from fakes.outside import Outside, ask, begin_chunks, inside, list_open
from helpers.waiting import PATIENCE, until

from harness.sandbox.network.broker import Broker, count_connections
from harness.sandbox.network.credentials import Route


@pytest.mark.parametrize("begun", [False, True], ids=["before an answer", "in the middle of one"])
def test_closing_leaves_no_thread_and_no_socket(outside: Outside, tmp_path: Path, begun: bool) -> None:
    ends, in_time = threading.Event(), []

    def answer(one: Any) -> None:
        if begun:
            begin_chunks(one)(b"x")
        in_time.append(ends.wait(PATIENCE))

    outside.answer = answer
    before = list_open()
    broker = Broker([f"127.0.0.1:{outside.port}"], tmp_path / "network.txt", {})
    with inside(broker.open_channel("x", [Route("a", outside.url, {})])) as connect:
        clients = [connect() for _ in range(4)]
        clients[0].sendall(b"GET /a/ HTTP/1.1\r\n\r\n")
        clients[1].sendall(f"CONNECT 127.0.0.1:{outside.port} HTTP/1.1\r\n\r\n".encode())
        clients[2].sendall(b"GET /a")
        assert clients[1].recv(100).startswith(b"HTTP/1.1 200 ")
        until(lambda: len(outside.requests) == 1)
    ends.set()  # only now: whoever waited for the answer has waited in vain
    until(lambda: list_open() <= before and in_time)
    assert in_time == [True]


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
    waiting.settimeout(PATIENCE)
    assert waiting.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_the_log_has_a_limit(open_box: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.sandbox.network.broker.LOG_LIMIT", 1000)
    connect, _ = open_box()
    for number in range(30):
        ask(connect, f"GET /anthropic/{number}?secret=1")
    until(lambda: (tmp_path / "network.txt.old").exists())
    assert all((tmp_path / name).stat().st_size < 1300 for name in ("network.txt", "network.txt.old"))
    assert "secret" not in (tmp_path / "network.txt").read_text()


@pytest.mark.parametrize(("limit", "most"), [(1 << 20, 128), (1024, 64), (10, 1), (resource.RLIM_INFINITY, 128)])
def test_all_commands_leave_descriptors_for_the_run(monkeypatch: pytest.MonkeyPatch, limit: int, most: int) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda kind: (limit, limit))
    assert count_connections() == most


@pytest.mark.parametrize(("listed", "says"), [(True, b"HTTP/1.1 200 "), (False, b"HTTP/1.1 403 ")])
def test_who_only_reads_reaches_no_listed_host(outside: Outside, tmp_path: Path, listed: bool, says: bytes) -> None:
    broker = Broker([f"127.0.0.1:{outside.port}"], tmp_path / "network.txt", {})
    with inside(broker.open_channel("review", listed=listed)) as connect:
        client = connect()
        client.sendall(f"CONNECT 127.0.0.1:{outside.port} HTTP/1.1\r\n\r\n".encode())
        assert client.recv(100).startswith(says)
