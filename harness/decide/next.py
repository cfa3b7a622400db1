"""The decisions, pure: what to do next, where a feature stands. No files, no clocks."""

from __future__ import annotations

from collections.abc import Iterable

from harness.decide.budget import over, over_its_own, stop_for
from harness.domain.feature import Feature
from harness.domain.halt import Halt, HaltFile, Stop
from harness.domain.look import FeatureHistory, Look, Standing, State, Wait, Work
from harness.domain.rules import Rules
from harness.domain.text import counted, one_line
from harness.domain.verdict import Outcome

_NOTHING = FeatureHistory()

# --- what next ----------------------------------------------------------------------------------------------------


def what_next(look: Look, rules: Rules) -> Work | Wait | Stop:
    """Return the next feature to work on, a wait before it, or why the run ends. First that applies (see Halt).

    While attempts are in flight, a wait or an end is no more than that nothing is to be begun now.
    """
    todo = [feature for feature in look.features if feature.slug not in look.markers.done]
    if look.interrupted:
        return Stop(Halt.INTERRUPTED, "interrupted by a signal")
    if look.moved is not None:
        return look.moved
    if not todo:
        return Stop(Halt.ALL_DONE, f"{counted(len(look.features), 'feature')}, all done")
    if look.halt is not None:
        return _pause(look.halt)
    if look.pending_stop is not None:
        return look.pending_stop
    ready, standings = _first_ready(todo, look, rules)
    limit = _limit_reached(look, rules)
    more = ready is not None and limit is None
    if (stop := _over_budget(ready, standings, look, rules, anything_left=more)) is not None:
        return stop
    if (stop := _needs_a_person(standings, look, rules, anything_left=more)) is not None:
        return stop
    if ready is None:
        return _nothing_ready(standings)
    return limit or look.wait or ready


def _limit_reached(look: Look, rules: Rules) -> Stop | None:
    if not look.begins:
        return Stop(Halt.NOTHING_READY, "no agent is started to land work", advice="`harness run` works on it again")
    if rules.max_iterations and look.iterations + len(look.in_flight) >= rules.max_iterations:
        return Stop(Halt.LIMIT_REACHED, f"{counted(look.iterations, 'iteration')} used (`max_iterations`)")
    if rules.max_time and look.elapsed >= rules.max_time:
        return Stop(Halt.LIMIT_REACHED, "the time for this run is used up (`max_time`)")
    return None


Standings = list[tuple[Feature, Standing]]


def _pause(halt: HaltFile) -> Stop:
    if not halt.gone:
        return Stop(Halt.PAUSED, f"`{halt.path}` is present")
    return Stop(Halt.PAUSED, f"`{halt.path}` was there, but has been removed", advice="`harness run` goes on")


def _first_ready(todo: list[Feature], look: Look, rules: Rules) -> tuple[Work | None, Standings]:
    """Return the first feature that can be worked on, and where the others that were looked at stand.

    Where one stands that is in flight, shows when it comes back.
    """
    ready: Work | None = None
    standings: Standings = []
    notable = look.histories.keys() | look.markers.blocked | look.skipped  # only these can be blocked or stuck
    for feature in todo:
        if feature.slug in look.in_flight or (ready is not None and feature.slug not in notable):
            continue
        standing = standing_of(feature, look, rules)
        if standing.state is not State.READY:
            standings.append((feature, standing))
        elif ready is None:
            ready = Work(feature, standing.because)
    return ready, standings


def _over_budget(
    ready: Work | None, standings: Standings, look: Look, rules: Rules, *, anything_left: bool
) -> Stop | None:
    """Return the halt when there is no money for the next attempt; a feature over its own budget may be skipped."""
    poor = [feature for feature, standing in standings if standing.state is State.OVER_BUDGET]
    if poor and not (anything_left and rules.keep_going):
        return stop_for(poor[0], look.histories.get(poor[0].slug, _NOTHING).spent, look.spend, rules)
    return over(look.spend, rules, ready.feature if ready is not None else None)


def _needs_a_person(standings: Standings, look: Look, rules: Rules, *, anything_left: bool) -> Stop | None:
    """Return the halt for a blocked or stuck feature: at once, or at the end where the rest may go on."""
    blocked = [(f, s) for f, s in standings if s.state is State.BLOCKED]
    stuck = [(f, s) for f, s in standings if s.state is State.STUCK]
    fresh = [(f, s) for f, s in blocked if f.slug in look.blocked_in_this_run]
    if anything_left and rules.keep_going:
        return None
    if fresh and not rules.keep_going:
        blocked = fresh
    elif anything_left:
        blocked = []
    if blocked:
        feature, standing = blocked[0]
        parked = look.histories.get(feature.slug, _NOTHING).parked
        advice = f'answer with `harness answer {feature.slug} "text"`, then `harness run`'
        advice = f"look at it, then `harness land {feature.slug}`" if parked else advice
        return Stop(Halt.BLOCKED, f"{feature.slug}: {standing.because}", feature.slug, advice)
    if stuck:
        feature, standing = stuck[0]
        exhausted = rules.max_attempts and look.histories.get(feature.slug, _NOTHING).charged >= rules.max_attempts
        advice = f"improve the spec, then `harness reset {feature.slug}`" if exhausted else ""
        return Stop(Halt.STUCK, f"{feature.slug}: {standing.because}", feature.slug, advice)
    return None


def _nothing_ready(standings: Standings) -> Stop:
    names = ", ".join(f"{feature.slug} ({standing.because})" for feature, standing in standings[:5])
    return Stop(Halt.NOTHING_READY, names)


def standing_of(feature: Feature, look: Look, rules: Rules) -> Standing:
    """Say where a feature stands and why."""
    slug, record = feature.slug, look.histories.get(feature.slug, _NOTHING)
    if slug in look.markers.done:
        return Standing(State.DONE, "it has its `.done`")
    if feature.problem:
        return Standing(State.BROKEN, feature.problem)
    if slug in look.markers.blocked and slug not in look.markers.answered:
        asks = one_line(record.question) or "see its .blocked file"
        return Standing(State.BLOCKED, asks if record.parked else f"waits for an answer: {asks}")
    if slug in look.skipped:
        return Standing(State.STUCK, "skipped for the rest of this run: no progress")
    if missing := [name for name in feature.depends_on if name not in look.markers.done]:
        return Standing(State.WAITING, f"waits for {', '.join(missing)}")
    if rules.max_attempts and record.charged >= rules.max_attempts:
        return Standing(State.STUCK, f"all {counted(rules.max_attempts, 'attempt')} used (`max_attempts`)")
    if (limit := stuck_limit_of(feature, rules)) and record.attempts_without_progress >= limit:
        last = f"; the last one: {record.reason}" if record.reason else ""
        return Standing(
            State.STUCK, f"{counted(record.attempts_without_progress, 'attempt')} in a row without progress{last}"
        )
    if (why := over_its_own(feature, record.spent, look.spend, rules)) is not None:
        return Standing(State.OVER_BUDGET, why)
    return Standing(State.READY, _why_ready(feature, record, slug in look.markers.answered))


def stuck_limit_of(feature: Feature, rules: Rules) -> int:
    """Return how many attempts in a row without progress trip the breaker for this feature, 0 for never."""
    return rules.stuck_limit if feature.stuck_limit is None else feature.stuck_limit


def _why_ready(feature: Feature, record: FeatureHistory, answered: bool) -> str:
    if record.is_landing:
        return "it may land, which has not come to its end"
    if answered or record.answer:
        return "its question was answered"
    if not record.attempts:
        return "not begun; " + (f"{', '.join(feature.depends_on)} done" if feature.depends_on else "next in order")
    if record.unfinished:
        return f"attempt {record.attempts} was cut off"
    if not record.outcome:
        return record.reason or "starts over after a reset"
    return f"attempt {record.attempts} {_ENDED_SO.get(record.outcome, f'ended: {record.outcome}')}"


_ENDED_SO: dict[str, str] = {
    Outcome.DONE: "was done, but its `.done` is gone",
    Outcome.PROGRESSED: "made progress",
    Outcome.UNCONFIRMED: "was unconfirmed",
    Outcome.BLOCKED: "asked a question",
    Outcome.STALLED: "made no progress",
    Outcome.TIMED_OUT: "ran out of time",
    Outcome.FAILED: "failed",
    Outcome.INTERRUPTED: "was interrupted",
    Outcome.FAULT: "was ended by a usage limit or an outage",
}


def with_dependencies(features: Iterable[Feature], wanted: Iterable[str]) -> tuple[Feature, ...]:
    """Return the wanted features and everything they depend on, in the order given; all of them if none is named."""
    features = tuple(features)
    queue = list(wanted)
    if not queue:
        return features
    by_slug = {feature.slug: feature for feature in features}
    needed: set[str] = set()
    while queue:
        slug = queue.pop()
        if slug not in needed and slug in by_slug:
            needed.add(slug)
            queue.extend(by_slug[slug].depends_on)
    return tuple(feature for feature in features if feature.slug in needed)
