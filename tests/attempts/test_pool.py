"""Orders go out to an executor and come back: at once in this thread, or in others."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import pytest

from harness.attempts import pool
from harness.attempts.pool import INLINE, Pool


def attempt(order: Any) -> Any:
    return SimpleNamespace(order=order)


def test_inline_carries_out_at_once_in_the_same_thread() -> None:
    done = INLINE.submit(threading.get_ident)
    assert (done.done(), done.result()) == (True, threading.get_ident())


def test_inline_raises_what_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        INLINE.submit(divmod, 1, 0)


def test_what_is_sent_out_while_something_is_kept_comes_back_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "carry_out", lambda order, site: f"{order} carried out")
    waits = Pool(INLINE, lambda: None)
    waits.send(attempt("first"), None)
    came = []
    for one, delivery in waits.take_back():
        came.append(delivery)
        if one.order == "first":
            waits.send(attempt("second"), None)
    assert came == ["first carried out", "second carried out"]
    assert len(waits) == 0


class Later:
    """An executor that carries nothing out by itself."""

    def __init__(self) -> None:
        self.futures: list[Future[Any]] = []

    def submit(self, call: Any, *given: Any) -> Future[Any]:
        self.futures.append(Future())
        return self.futures[-1]


def test_a_wait_ticks_and_ends_when_something_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "POLL", 0.01)
    later = Later()
    waits = Pool(later, lambda: None)  # type: ignore[arg-type]
    waits.send(attempt("a"), None)
    ticks = []

    def tick() -> None:
        ticks.append(1)
        if len(ticks) == 3:
            later.futures[0].set_result("back")

    waits.wait(tick)
    assert len(ticks) == 3
    assert [delivery for _, delivery in waits.take_back()] == ["back"]


def test_an_error_abandons_what_is_out_and_nothing_else_does() -> None:
    abandoned: list[str] = []
    with pytest.raises(KeyError), Pool(Later(), lambda: abandoned.append("all")) as waits:  # type: ignore[arg-type]
        waits.send(attempt("a"), None)
        raise KeyError
    with pytest.raises(KeyError), Pool(Later(), lambda: abandoned.append("none is out")):  # type: ignore[arg-type]
        raise KeyError
    with Pool(Later(), lambda: abandoned.append("no error")) as waits:  # type: ignore[arg-type]
        waits.send(attempt("a"), None)
    assert abandoned == ["all"]
