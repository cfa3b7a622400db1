"""The money of a run: what an attempt may cost, what it did cost, and what a person is told about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from harness.agents.prices import PriceBook
from harness.agents.start import AttemptLimits
from harness.decide.budget import expect, has_budget, line_for, line_of, lines, warnings
from harness.domain.agent import Agent, CostSource, ModelUse
from harness.domain.errors import AgentError
from harness.domain.feature import Feature
from harness.domain.listener import Tone
from harness.domain.reply import CACHE_LIFE, Cost, Ended, Reply, Usage
from harness.domain.units import format_dollars
from harness.records.events import BudgetWarned
from harness.run.run import Run


def limits_for(run: Run, feature: Feature) -> AttemptLimits:
    """Return what an attempt at the feature may cost, and whether the next one is likely to come late for the cache."""
    spent, last = run.history.of(feature.slug).spent, run.history.last_ended
    checks = sum(check.seconds for check in last.checks) if last is not None else 0.0
    line = line_for(feature, spent, run.spend, run.rules)
    return AttemptLimits(max_cost=line, long_cache=run.settings.pause + checks > CACHE_LIFE)


def limits_for_review(run: Run, feature: Feature, dollars: float | None, among: int) -> AttemptLimits:
    """Return what one of so many reviews of a claim may cost, whose attempt has cost that much, and is not counted."""
    spend, expected = run.spend, expect(run.spend, run.rules, feature).dollars
    spend = replace(
        spend,
        run=spend.run.plus(dollars),
        month=spend.month.plus(dollars),
        reserved=max(0.0, spend.reserved - expected),
    )
    line = line_for(feature, run.history.of(feature.slug).spent.plus(dollars), spend, run.rules)
    return AttemptLimits(max_cost=None if line is None else line / max(1, among))


def price(reply: Reply, agent: Agent, prices: PriceBook) -> Reply:
    """Return the reply with its cost derived from its tokens, where the agent told those and no dollars."""
    said = reply.transcript
    if said.cost.dollars is not None:
        return reply
    if reply.exit.ended is Ended.NOT_STARTED:
        return _at_cost(reply, 0.0)
    if said.usage == Usage() or not said.counted:
        return reply
    return _at_cost(reply, prices.cost(said.model or agent.model, said.usage, requests=said.requests))


def _at_cost(reply: Reply, dollars: float | None) -> Reply:
    if dollars is None:
        return reply
    return replace(reply, transcript=replace(reply.transcript, cost=Cost(round(dollars, 9), "derived")))


def warn_of_budget(run: Run, feature: Feature | None = None) -> None:
    """Say once in a run that four fifths of a line are spent, and write it down."""
    expected = expect(run.spend, run.rules, feature)
    found = lines(run.spend, run.rules)
    if feature is not None:
        found += line_of(feature.slug, run.history.of(feature.slug).spent, run.rules)
    for line, sentence in warnings(found, expected):
        if (line.setting, line.whose) in run.tally.warned:
            continue
        run.tally.warned.add((line.setting, line.whose))
        slug = line.whose if line.setting == "max_cost_per_feature" else ""
        spent, unknown = round(line.spent.dollars, 6), line.spent.unknown
        run.write(
            BudgetWarned(line=line.setting, limit=line.limit, text=sentence, spent=spent, unknown=unknown, slug=slug)
        )
        run.tell(sentence, Tone.NOTICE)
    run.inform_messenger()


# --- before anything is run ---------------------------------------------------------------------------------------


def check_prices(run: Run, agents: Iterable[Agent]) -> None:
    """Raise AgentError when a budget is set and what an agent costs could never be known."""
    if not has_budget(run.rules):
        return
    for agent in agents:
        if agent.cost is CostSource.UNKNOWN:
            said = f"a budget is set, and nothing that agent `{agent.name}` prints says what it costs"
            raise AgentError(
                f"{said} (`dialect: {agent.dialect}`)",
                "limit it with `max_iterations` and `max_time` instead, or name the `dialect` of its JSON lines",
            )
        if agent.cost is CostSource.REPORTED:
            continue
        for model in (agent.model, *agent.fallbacks):
            _check_price(run.prices, agent, model)


def _check_price(prices: PriceBook, agent: Agent, model: str) -> None:
    if not model:
        raise AgentError(
            f"a budget is set, and agent `{agent.name}` does not say which model it uses: it has no known price",
            "name the model with `model:` in harness.yaml, or `--model`",
        )
    if not prices.knows(model):
        raise AgentError(
            f"a budget is set, and no price is known for model `{model}`",
            f"add `prices: {{{model}: {{input: 1.00, output: 5.00}}}}` (dollars for a million tokens) to harness.yaml",
        )


def _can_spend(agent: Agent) -> bool:
    return agent.model_use is not ModelUse.NEVER


def tell_budget(run: Run, agents: Mapping[str, Agent]) -> None:
    """Say the budget in one line, where the prices come from if any were looked up, and whom no line can stop."""
    if not has_budget(run.rules):
        return
    r, month = run.rules, run.spend.month
    parts = [f"{format_dollars(r.max_cost)} for the run"] if r.max_cost else []
    parts += [f"{format_dollars(r.max_cost_per_feature)} a feature"] if r.max_cost_per_feature else []
    parts += [f"{format_dollars(r.max_cost_per_attempt)} an attempt"] if r.max_cost_per_attempt else []
    if r.monthly_budget:
        more = f" and {month.unknown} of unknown cost" if month.unknown else ""
        spent = f"{format_dollars(month.dollars)}{more} spent"
        parts.append(f"{format_dollars(r.monthly_budget)} a month (stops at {r.monthly_stop:.0%}; {spent})")
    source = f"; prices: {run.prices.source}" if run.prices.used else ""
    run.tell(f"budget: {', '.join(parts)}{source}")
    unstoppable = sorted(name for name, agent in agents.items() if not agent.stops_itself and _can_spend(agent))
    if unstoppable:
        names = ", ".join(f"`{name}`" for name in unstoppable)
        run.tell(f"{names} cannot be stopped at a budget: the last attempt may go beyond it", Tone.NOTICE)
    warn_of_budget(run)
