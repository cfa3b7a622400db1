"""How long to wait, and when to give up, after outages, usage limits and an agent that fails at once. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from harness.domain.halt import Halt, Stop
from harness.domain.look import Wait
from harness.domain.reply import CACHE_LIFE, FURTHEST, Limit, LimitKind
from harness.domain.rules import Rules

JITTER = 60.0  # seconds after a reset within which the next attempt begins: not everybody at once
SAME_FAILURES = 3  # failures in a row that say the same: the next would say it again
DEFAULT_FAULT_LIMIT = 20  # where `fault_limit` is 0, what must not go on for ever all the same

# --- an outage ----------------------------------------------------------------------------------------------------


def after_fault(faults: int, outage: float, rules: Rules, jitter: float, because: str) -> Wait | Stop:
    """Return how long to wait after the `faults`-th fault in a row, or the halt when the outage is too long.

    `outage` is the seconds since the first of them; `jitter` a random number in [0, 1). The wait doubles from
    `fault_backoff`, is capped below the life of a prompt cache, and loses up to a quarter by jitter.
    """
    if rules.outage_limit and outage >= rules.outage_limit:
        return Stop(Halt.QUOTA, f"the outage lasts longer than `outage_limit`: {because}")
    if rules.fault_limit and faults >= rules.fault_limit:
        return Stop(Halt.QUOTA, f"{faults} faults in a row (`fault_limit`), the last one: {because}")
    wait = min(rules.fault_backoff * 2.0 ** min(faults - 1, 30), max(CACHE_LIFE, rules.fault_backoff))
    wait *= 1 - jitter / 4
    if rules.outage_limit:
        wait = min(wait, rules.outage_limit - outage)
    return Wait(wait, because)


# --- a limit ------------------------------------------------------------------------------------------------------


def retry_time(limit: Limit, now: float, jitter: float) -> float | None:
    """Epoch seconds from which an attempt makes sense again: a window's reset and some seconds more.

    None where nobody knows: other limits than a window, no reset told, one in the past or too far to be true.
    """
    resets_at = limit.resets_at
    if limit.kind is not LimitKind.USAGE or resets_at is None or not now < resets_at <= now + FURTHEST:
        return None
    return resets_at + JITTER * jitter


def is_believed(moment: float, now: float) -> bool:
    """Whether it makes sense to wait for a moment: it lies ahead, and no further than a window can be."""
    return 0 < moment - now <= FURTHEST + JITTER


def after_limit(limit: Limit, opens: Iterable[float | None], limits: int, rules: Rules, now: float) -> Wait | Stop:
    """Return how long to wait after the `limits`-th limit in a row, or the halt that it means.

    `opens` is when each agent that could go on may be asked again (see `retry_time`).
    """
    halt = Halt.CANNOT_START if limit.kind is LimitKind.REFUSED else Halt.QUOTA
    stop = Stop(halt, f"{limit.kind}: {limit.text}", advice=limit.hint, resets_at=limit.resets_at)
    if rules.on_limit != "wait" or limit.kind is LimitKind.REFUSED:
        return stop
    known = [moment for moment in opens if moment is not None and moment > now]
    if not known:
        unknown = "; when it resets is not known, so there is nothing to wait for"
        return replace(stop, because=stop.because + unknown) if limit.kind is LimitKind.USAGE else stop
    if limits >= (rules.fault_limit or DEFAULT_FAULT_LIMIT):
        return replace(stop, because=f"{stop.because}; {limits} limits in a row (`fault_limit`)")
    return Wait(min(known) - now, stop.because, min(known))


def pick_agent(chain: Iterable[str], closed: Mapping[str, float | None], now: float) -> str:
    """Return the first agent that no limit closes, "" when there is none.

    `closed` says of each that met a limit when it may be asked again, None for not in this run.
    """
    for name in chain:
        opens = closed.get(name, now)
        if opens is not None and opens <= now:
            return name
    return ""


@dataclass(frozen=True, slots=True)
class Turn:
    """Whose turn it is in a chain of agents, and what the limits met so far mean for the run."""

    chain: tuple[str, ...]
    worker: str
    closed_until: Mapping[str, float | None] = field(default_factory=dict)  # an agent that met a limit: see pick_agent
    limits: int = 0  # in a row
    wait: Wait | None = None
    stop: Stop | None = None

    def passed_to(self, agent: str) -> Turn:
        """Return it as the turn of this agent, if it is one of the chain."""
        return replace(self, worker=agent) if agent in self.chain else self


def take_turn(turn: Turn, now: float, can_start: Callable[[str], bool]) -> Turn:
    """Return the turn of the first agent that no limit closes and that can start; without one, it stays whose it was.

    An agent that cannot start is closed for this run, and not asked again.
    """
    while (name := pick_agent(turn.chain, turn.closed_until, now)) not in ("", turn.worker):
        if can_start(name):
            closed = {one: until for one, until in turn.closed_until.items() if one != name}
            return replace(turn, worker=name, closed_until=closed)
        turn = replace(turn, closed_until={**turn.closed_until, name: None})
    return turn


def meet_limit(
    turn: Turn, limit: Limit, opens: float | None, rules: Rules, now: float, can_start: Callable[[str], bool] | None
) -> Turn:
    """Return the turn after a limit of its worker: the next agent goes on, else the run waits, else it stops.

    `opens` is when the worker may be asked again (see `retry_time`); `can_start` says whether an agent of the chain
    could go on, and is None where nobody may: the spec names its agent.
    """
    turn, moments = replace(turn, limits=turn.limits + 1), [opens]
    if can_start is not None and limit.kind is not LimitKind.REFUSED:
        turn = replace(turn, closed_until={**turn.closed_until, turn.worker: opens})
        if turn.limits < (rules.fault_limit or DEFAULT_FAULT_LIMIT):
            turn = take_turn(turn, now, can_start)
            if pick_agent(turn.chain, turn.closed_until, now) == turn.worker:
                return turn
        moments = list(turn.closed_until.values())
    match after_limit(limit, moments, turn.limits, rules, now):
        case Wait() as wait:
            return replace(turn, wait=wait)
        case Stop() as stop:
            return replace(turn, stop=stop)


# --- an agent that fails at once ----------------------------------------------------------------------------------


def after_failures(reasons: Sequence[str], rules: Rules) -> Stop | None:
    """Return the halt when the agent failed at once, without a token, again and again; `reasons` are what it said.

    Three that say the same are enough; numbers in them (a time, a process) do not count.
    """
    last = [re.sub(r"0x[0-9a-f]+|\d+", "#", reason) for reason in reasons[-SAME_FAILURES:]]
    if len(last) == SAME_FAILURES and len(set(last)) == 1:
        return Stop(
            Halt.QUOTA,
            f"the agent failed at once, without using a token, {SAME_FAILURES} times in a row: {reasons[-1]}",
        )
    if len(reasons) >= (rules.fault_limit or DEFAULT_FAULT_LIMIT):
        return Stop(
            Halt.QUOTA,
            f"the agent failed at once, without using a token, {len(reasons)} times in a row; the last: {reasons[-1]}",
        )
    return None
