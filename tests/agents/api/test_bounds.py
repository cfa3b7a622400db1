"""A server that never stops, sends on to another, or compresses: a fault of its own, at once, in little memory."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from fakes.api_agent import Agent
from fakes.endless import KINDS, endless
from fakes.raw_server import BLOCK, DELTA, END, OVER, START, STOP, RawServer, answer, sse
from helpers.marks import LINUX, in_short

from harness.agents.api.counted import ROUNDED
from harness.domain.reply import FaultKind

pytestmark = pytest.mark.xdist_group("anthropic")

WHOLE = answer(sse(START, BLOCK, DELTA, STOP, END, OVER))
DEAR = {"letters", "arguments", "objects", "pings", "comments"}
LEAST_MEMORY = 200  # MB of one API agent, whatever its server does


@pytest.mark.parametrize("kind", in_short(KINDS, *(set(KINDS) - DEAR)))
def test_a_server_that_never_stops_is_at_fault_at_once(agent: Agent, kind: str) -> None:
    with RawServer(lambda number, headers: endless(kind)) as server:
        said = agent(server.url, server="compatible", model="m", max_tokens=1000, patience=900)
    assert said.failure.kind is (FaultKind.SERVER if kind == "an-error" else FaultKind.NETWORK)
    assert said.failure.text.startswith(("the server", "the head of the server", "an event of the server"))
    assert server.count == 1
    assert said.transcript.usage.output_tokens <= 1000 + ROUNDED  # an estimate of what it said, which may be paid for


@pytest.mark.deep
@pytest.mark.skipif(not LINUX, reason="needs /proc")
@pytest.mark.parametrize("kind", KINDS)
def test_a_server_that_never_stops_fills_no_memory(tmp_path: Path, kind: str) -> None:
    line = [sys.executable, "-m", "harness.agents.api", "--model", "m", "--server", "compatible", "--base-url"]
    with RawServer(lambda number, headers: endless(kind)) as server:
        agent = subprocess.Popen([*line, server.url], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, cwd=tmp_path)
        peak = 0
        while agent.poll() is None:  # not its maxrss: that is at least what this process has
            peak = max(peak, peak_of(agent.pid))
            time.sleep(0.01)
    assert agent.returncode == 1
    assert 0 < peak < LEAST_MEMORY << 10


def peak_of(pid: int) -> int:
    """Return the most memory that a process has had, in KiB; 0 where it has ended."""
    with suppress(OSError):
        found = re.search(r"^VmHWM:\s*(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
        return int(found[1]) if found else 0
    return 0


def test_a_count_that_never_ends_is_none(agent: Agent) -> None:
    replies = [endless("a-document"), WHOLE]
    with RawServer(lambda number, headers: replies[number - 1]) as server:
        assert agent(server.url).code == 0


@pytest.mark.parametrize("status", ["302 Found", "307 Temporary Redirect", "308 Permanent Redirect"])
def test_a_redirect_is_not_followed_and_told(agent: Agent, status: str) -> None:
    with RawServer(lambda number, headers: WHOLE) as other:
        there = other.url
        to = f"HTTP/1.1 {status}\r\nlocation: {there}/v1/messages?who=me\r\ncontent-length: 0\r\n\r\n".encode()
        with RawServer(lambda number, headers: to) as server:
            said = agent(server.url, server="compatible", model="m", patience=900)
    assert (server.count, other.count) == (1, 0)
    assert (said.failure.kind, said.failure.text) == (
        FaultKind.NETWORK,
        f"the server redirects to {there}, which is not followed: set `base_url` to the server itself",
    )


def test_answers_are_asked_for_as_they_are(agent: Agent) -> None:
    asked: list[str] = []

    def reply(number: int, headers: dict[str, str]) -> bytes:
        asked.append(headers["accept-encoding"])
        return WHOLE

    with RawServer(reply) as server:
        agent(server.url, server="compatible", model="m")
    assert asked == ["identity"]


def test_an_answer_in_one_long_event_is_an_answer(agent: Agent) -> None:
    said = DELTA | {"delta": {"type": "text_delta", "text": "word " * 20_000}}
    with RawServer(lambda number, headers: answer(sse(START, BLOCK, said, STOP, END, OVER))) as server:
        assert agent(server.url, server="compatible", model="m").code == 0
