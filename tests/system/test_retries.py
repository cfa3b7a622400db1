"""What a signal broke off is done again."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.system import retries
from harness.system.capture import capture
from harness.system.pipes import memory_file, new_pipe
from harness.system.process import Supervisor
from harness.system.retries import socket_pair, uninterrupted


def broken_off(call: Callable[..., Any], times: int) -> Callable[..., Any]:
    """The call, which a signal breaks off so many times."""
    left = [times]

    def called(*words: object, **more: object) -> Any:
        if left[0]:
            left[0] -= 1
            raise InterruptedError
        return call(*words, **more)

    return called


def test_a_call_that_is_broken_off_is_made_again_but_not_for_ever() -> None:
    assert uninterrupted(broken_off(lambda: 7, 3)) == 7
    with pytest.raises(InterruptedError):
        uninterrupted(broken_off(lambda: 7, retries.MOST))


def test_what_a_run_opens_is_opened_again(monkeypatch: pytest.MonkeyPatch) -> None:
    for place, name in (("os", "pipe"), ("os", "memfd_create"), ("socket", "socketpair")):
        monkeypatch.setattr(f"{place}.{name}", broken_off(getattr(__import__(place), name), 2))
    for fd in (*new_pipe(), memory_file(b"x"), *(one.detach() for one in socket_pair())):
        os.close(fd)


def test_what_a_run_starts_is_started_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("subprocess._fork_exec", broken_off(__import__("_posixsubprocess").fork_exec, 2))
    assert capture(["echo", "x"], cwd=tmp_path).stdout == b"x\n"
    monkeypatch.setattr("subprocess._fork_exec", broken_off(__import__("_posixsubprocess").fork_exec, 2))
    Supervisor(namespace="off").close()
