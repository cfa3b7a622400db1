"""The attempts in flight: orders go out to an executor, deliveries come back to the main thread."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from types import TracebackType
from typing import ParamSpec, Self, TypeVar

from harness.attempts.attempt import Attempt
from harness.attempts.order import Delivery
from harness.attempts.work import carry_out
from harness.run.site import Site

POLL = 0.2  # seconds between two ticks of the main thread while it waits
LOOK_AGAIN = 1.0  # seconds after which it looks at the project, though nothing has come back

_P = ParamSpec("_P")
_T = TypeVar("_T")


class Inline(Executor):
    """Carries out an order at once, in the thread that submits it: one job needs no other."""

    def submit(self, call: Callable[_P, _T], /, *given: _P.args, **named: _P.kwargs) -> Future[_T]:
        """Return what is done already; what it raises is raised here."""
        done = Future[_T]()
        done.set_result(call(*given, **named))
        return done


INLINE = Inline()


class Pool:
    """The attempts whose orders are out; its length is how many they are."""

    def __init__(self, executor: Executor, abandon: Callable[[], None]) -> None:
        """`executor` carries the orders out: here at once, in threads, or elsewhere; `abandon` ends what it works on.

        That is for an error in the main thread: nobody will keep what comes back.
        """
        self._executor, self._abandon = executor, abandon
        self._out: dict[Future[Delivery], Attempt] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._out and error is not None:
            self._abandon()

    def __len__(self) -> int:
        """Return how many attempts are in flight."""
        return len(self._out)

    def send(self, attempt: Attempt, site: Site) -> None:
        """Send an attempt's order out."""
        self._out[self._executor.submit(carry_out, attempt.order, site)] = attempt

    def take_back(self) -> Iterator[tuple[Attempt, Delivery]]:
        """Yield what has come back by now, also of what is sent out meanwhile; raises what its order raised."""
        while back := [future for future in self._out if future.done()]:
            for future in back:
                yield self._out.pop(future), future.result()

    def wait(self, tick: Callable[[], object]) -> None:
        """Wait until something comes back, a second at most; `tick` is called every 200 ms."""
        until = time.monotonic() + LOOK_AGAIN
        while time.monotonic() < until and not wait(self._out, POLL, FIRST_COMPLETED).done:
            tick()
