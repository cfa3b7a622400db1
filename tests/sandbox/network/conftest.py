"""A way out of a sandbox, and the server it leads to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes.outside import Outside, inside
from helpers.keys import KEY, STAND_IN

from harness.sandbox.network.broker import Broker
from harness.sandbox.network.credentials import Route
from harness.system.redact import Redactor


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
