"""`harness cost`: what was spent, for what, known from where, and why a cache was missed; from the journal alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from harness.domain.money import GroupBy, Sum
from harness.domain.reply import Usage
from harness.domain.units import format_duration
from harness.records.events import AttemptBegan, AttemptEnded, Event, Reviewed
from harness.records.history import spent_at
from harness.records.journal import moment_of
from harness.reports.view import View

Report = dict[str, Any]
DROP = 0.2  # a hit rate that falls by so much from one attempt to the next is told
LEAST = 4096  # tokens of a prompt below which nothing is cached, and no rate means anything
ORDER = ("tools", "system", "model", "agent", "instructions", "spec", "learnings")  # as the model reads them
LIFE, LONG_LIFE = 300.0, 3600.0  # seconds for which a cache is kept


@dataclass(frozen=True, slots=True)
class Expense:
    """One attempt, as far as money goes."""

    slug: str
    number: int
    began: str
    ended: str
    spent: str  # when the money went, for month and day
    seconds: float
    model: str
    dollars: float | None
    source: str
    usage: Usage
    review: bool = False  # it was no attempt, but a review of one
    prices: str = ""  # what a derived figure was worked out with
    parts: dict[str, str] = field(default_factory=dict)  # what stands before every prompt: a digest each

    @property
    def hit_rate(self) -> float | None:
        """The share of the prompts that was read from a cache; None where no prompt was measured."""
        return self.usage.cache_read_tokens / self.usage.prompt_tokens if self.usage.prompt_tokens else None


# --- the journal, read --------------------------------------------------------------------------------------------


def read_expenses(events: Iterable[Event]) -> Iterator[Expense]:
    """Yield every attempt that ended, oldest first; what an earlier version did not write down is empty."""
    open_attempts: dict[str, AttemptBegan] = {}
    for event in events:
        if isinstance(event, AttemptBegan):
            open_attempts[event.slug] = event
        elif isinstance(event, AttemptEnded):
            began = open_attempts.pop(event.slug, None)
            if began is not None or event.dollars:  # else only its claim was looked at again
                yield _read_expense(event, began)
        elif isinstance(event, Reviewed) and event.asked:
            yield _read_review(event)


def _read_review(event: Reviewed) -> Expense:
    agent = " ".join(filter(None, (event.agent, event.agent_version)))
    return Expense(
        slug=event.slug,
        number=event.attempt,
        began=event.at,
        ended=event.at,
        spent=event.at,
        seconds=event.seconds,
        model=event.model,
        dollars=event.dollars,
        source="unknown" if event.dollars is None else event.cost_source or "reported",
        usage=event.usage,
        review=True,
        prices=event.prices,
        parts={"agent": agent},
    )


def _read_expense(ended: AttemptEnded, began: AttemptBegan | None) -> Expense:
    agent = " ".join(filter(None, (ended.agent, ended.agent_version)))
    parts = {**ended.prefix, "model": ended.model, "agent": agent, **(began.sections if began else {})}
    return Expense(
        slug=ended.slug,
        number=ended.attempt,
        began=(began or ended).at,
        ended=ended.at,
        spent=spent_at(ended, began),
        seconds=ended.seconds,
        model=ended.model,
        dollars=ended.dollars,
        source="unknown" if ended.dollars is None else ended.cost_source or "reported",
        usage=ended.usage,
        prices=ended.prices,
        parts={name: digest for name, digest in parts.items() if digest},
    )


# --- the report ---------------------------------------------------------------------------------------------------


def report_cost(view: View, slugs: tuple[str, ...], by: GroupBy) -> Report:
    """Return a row per feature, model or day, the total, the month, and where caches were missed."""
    every = list(read_expenses(view.events))
    for slug in slugs:
        if all(one.slug != slug for one in every):
            view.feature(slug)  # one that never was is told as such
    chosen = [one for one in every if not slugs or one.slug in slugs]
    total = _row("total", chosen)
    proven = [slug for slug in {one.slug for one in chosen} if _is_proven(view, slug)]
    known = total["dollars"] is not None and total["unknown"] == 0
    return {
        "by": by,
        "rows": [_row(name, group) for name, group in _grouped(chosen, by).items()],
        "total": total,
        "proven": len(proven),
        "dollars_per_proven": round(total["dollars"] / len(proven), 6) if proven and total["dollars"] else None,
        "complete": known,
        "prices": sorted({one.prices for one in chosen if one.prices}),
        "month": _report_month(view),
        "warnings": list(find_misses(chosen)),
    }


def _is_proven(view: View, slug: str) -> bool:
    receipt = view.receipt(slug)
    return receipt is not None and receipt.kind == "proven"


def _grouped(expenses: Iterable[Expense], by: GroupBy) -> dict[str, list[Expense]]:
    names: dict[GroupBy, Callable[[Expense], str]] = {
        GroupBy.FEATURE: lambda one: one.slug,
        GroupBy.MODEL: lambda one: one.model or "?",
        GroupBy.DAY: lambda one: one.spent[:10] or "?",
    }
    groups: dict[str, list[Expense]] = {}
    for one in expenses:
        groups.setdefault(names[by](one), []).append(one)
    return groups


def _row(name: str, group: list[Expense]) -> Report:
    spent, usage = Sum(), Usage()
    for one in group:
        spent, usage = spent.plus(one.dollars), usage + one.usage
    sources = {kind: sum(one.source == kind for one in group) for kind in ("reported", "derived", "unknown")}
    return {
        "name": name,
        "attempts": sum(not one.review for one in group),
        "reviews": sum(one.review for one in group),
        "uncached": usage.input_tokens,
        "cache_read": usage.cache_read_tokens,
        "cache_written": usage.cache_write_tokens,
        "output": usage.output_tokens,
        "hit_rate": round(usage.cache_read_tokens / usage.prompt_tokens, 4) if usage.prompt_tokens else None,
        "dollars": None if spent.shown is None else round(spent.shown, 6),
        **sources,
    }


def _report_month(view: View) -> Report:
    spend, rules = view.look.spend, view.config.settings.rules
    return {
        "month": spend.month_name,
        "dollars": None if spend.month.shown is None else round(spend.month.shown, 6),
        "unknown": spend.month.unknown,
        "budget": rules.monthly_budget or None,
        "stops_at": round(rules.monthly_budget * rules.monthly_stop, 6) or None,
    }


# --- why a cache was missed ---------------------------------------------------------------------------------------


def find_misses(expenses: Iterable[Expense]) -> Iterator[str]:
    """Yield a sentence for each attempt that read much less from the cache than the one before, and why."""
    for slug, group in _grouped(expenses, GroupBy.FEATURE).items():
        measured = [one for one in group if one.usage.prompt_tokens >= LEAST and not one.review]
        for before, after in pairwise(measured):
            was, now = before.hit_rate or 0.0, after.hit_rate or 0.0
            if was - now >= DROP - 1e-9:
                yield f"{slug}: the cache's hit rate fell from {was:.0%} to {now:.0%}: {_why_missed(before, after)}"


def _why_missed(before: Expense, after: Expense) -> str:
    between = f"between attempt {before.number} and {after.number}"
    for name in ORDER:
        was, now = before.parts.get(name), after.parts.get(name)
        if was is not None and now is not None and was != now:
            return f"{name} changed {between}"
    gap, life = _gap(before, after), LONG_LIFE if before.usage.cache_write_1h_tokens else LIFE
    if gap is not None and gap > life:
        return f"the cache's life passed: {format_duration(round(gap))} {between}"
    return f"nothing that harness knows of changed {between}"


def _gap(before: Expense, after: Expense) -> float | None:
    """Return the seconds from the end of one agent to the beginning of the next; None where the journal is silent."""
    began, then = moment_of(before.began), moment_of(after.began)
    return None if began is None or then is None else then - began - before.seconds
