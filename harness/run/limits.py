"""What a limit of an agent means for the run: another agent, a wait for the reset, or the end."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import partial

from harness.agents.table import names
from harness.decide import backoff
from harness.decide.backoff import Turn, is_believed, retry_time, take_turn
from harness.domain.agent import Agent
from harness.domain.errors import AgentError
from harness.domain.listener import Tone
from harness.domain.look import Wait
from harness.domain.reply import Limit
from harness.domain.units import format_duration
from harness.records.events import AgentChanged, Waiting
from harness.records.halt_file import local_time
from harness.run.run import Run
from harness.run.spending import check_prices

WAITS = ""  # the key of a wait: it is no attempt's
STEP = 5.0  # seconds of one stretch of a long wait; between two the wall clock is read again

# --- who goes on ---------------------------------------------------------------------------------------------------


def tell_chain(run: Run) -> None:
    """Say who goes on when a limit ends an attempt, and who could not."""
    first, *others = run.chain
    for name in others:
        try:
            check_prices(run, [run.agent_named(name)])
        except AgentError as error:
            run.tell(f"agent {name} could not stand in: {error.message}; {error.hint}", Tone.NOTICE)
    if others:
        run.tell(f"when {first} meets a limit, next: {', then '.join(others)}")


def stand_ins(run: Run) -> dict[str, Agent]:
    """Return the agents of the chain behind the first, by name; without those that cannot be started now.

    Raises AgentError for a name nobody has.
    """
    found = {}
    for name in run.chain[1:]:
        if name not in names():
            raise AgentError(
                f"`agents` names `{name}`, and there is no such agent", f"choose one of {', '.join(names())}"
            )
        with suppress(AgentError):
            found[name] = run.agent_named(name)
    return found


def pick_agent_in_turn(run: Run) -> None:
    """Go on with the first agent of the chain that no limit closes and that can start."""
    _go_on(run, take_turn(run.failover.turn, run.clock(), partial(_can_start, run)), "its limit is over")


def _can_start(run: Run, name: str) -> bool:
    """Whether an agent of the chain can be started within the budget; one that cannot is told."""
    try:
        check_prices(run, [run.agent_named(name)])
    except AgentError as error:
        run.tell(f"agent {name} cannot stand in: {error.message}; {error.hint}", Tone.BAD)
        return False
    return True


def _go_on(run: Run, turn: Turn, because: str) -> None:
    """Go on as it was decided, and say so where another agent takes over."""
    was = run.failover.turn
    if turn.worker != was.worker:
        back, until = was.closed_until.get(turn.worker), turn.closed_until.get(was.worker)
        run.write(AgentChanged(was=was.worker, agent=turn.worker, because=because, until=until))
        stay = f", until {local_time(until)}" if until is not None and back is None else ""
        run.tell(f"agent {turn.worker} takes over from {was.worker}{stay} ({because})", Tone.NOTICE)
    run.failover.turn = turn


# --- a limit ------------------------------------------------------------------------------------------------------


def meet_limit(run: Run, member: str, limit: Limit) -> None:
    """Go on with the next agent of the chain; else wait for the reset where that is wanted and known; else stop.

    `member` of the chain met the limit, "" where the agent is the feature's own: nobody stands in for that. It need not
    be whose turn it is now: another attempt may have met the same limit before.
    """
    was = run.failover.turn
    opens, now = retry_time(limit, run.clock(), run.clocks.jitter()), run.clock()
    can_start = partial(_can_start, run) if member else None
    turn = backoff.meet_limit(was.passed_to(member), limit, opens, run.rules, now, can_start)
    if turn.worker == member:  # nobody could take over
        turn = replace(turn, worker=was.worker)
    _go_on(run, turn, f"{limit.kind}: {limit.text}")


def wait_for_reset(run: Run, wait: Wait) -> None:
    """Wait until the reset by the wall clock, some seconds more, and say so; a person, or `max_time`, ends it early.

    What follows is the probe: the next attempt, whose first call costs nothing where the limit still holds.
    """
    until = run.clock() + wait.seconds if wait.until is None else wait.until
    left = format_duration(round(max(0.0, until - run.clock())))
    run.write(Waiting(seconds=round(until - run.clock(), 3), until=until, because=wait.because, reset=True))
    run.tell(f"waiting until {local_time(until)} ({left}): {wait.because}; the attempt does not count", Tone.NOTICE)
    run.heartbeat.phase("waiting")
    run.narrator.began(WAITS, f"waiting until {local_time(until)}")
    try:
        _sleep(run, until)
    finally:
        run.narrator.ended(WAITS)
    if not is_believed(until, run.clock()):
        run.failover.end_wait()
        run.tell("the wait is over: going on", Tone.NOTICE)


def _sleep(run: Run, until: float) -> None:
    """Sleep in steps, by the wall clock; a jump that makes the wait longer than any window ends it."""
    while is_believed(until, run.clock()) and run.interrupts.asked() is None and not run.out_of_time:
        left = until - run.clock()
        rest = run.settings.max_time - run.clocks.elapsed if run.settings.max_time else left
        run.interrupts.wait(min(left, STEP, rest))
        run.watch_clock()


def restore_limits(run: Run) -> None:
    """Go on with the limits that a killed run had met: no call before the reset."""
    features = {feature.slug: feature for feature in run.specs.shelf.read().features}
    for name, slug, limit in list(run.history.limits_met()):
        feature = features.get(slug)
        if feature is not None and retry_time(limit, run.clock(), 0.0) is not None:
            run.tell(
                f"resuming: {name} had met a limit that holds until {local_time(limit.resets_at or 0)}", Tone.NOTICE
            )
            if feature.agent is None:
                run.failover.turn = run.failover.turn.passed_to(name)
            meet_limit(run, run.failover.turn.worker if feature.agent is None else "", limit)
