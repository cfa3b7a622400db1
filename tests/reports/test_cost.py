"""`harness cost`: what was spent, for what, and why a cache was missed."""

from __future__ import annotations

import pytest
from helpers.stages import scripted
from helpers.world import World

from harness.domain.reply import Usage
from harness.records.event_fields import parse_event
from harness.reports.cost import find_misses, read_expenses


def attempt(number: int, at: str, read: int, written: int = 0, *, parts: dict | None = None, **fields) -> list[dict]:
    """Two events of the journal: an attempt of a minute."""
    parts = {"system": "s1", "spec": "p1", **(parts or {})}
    sections = {name: parts[name] for name in parts if name in ("instructions", "spec", "learnings")}
    prefix = {name: parts[name] for name in parts if name in ("tools", "system")}
    usage = {"input_tokens": 10_000 - read - written, "output_tokens": 5, "cache_read_tokens": read}
    usage |= {"cache_write_tokens": written}
    head = {"slug": "a", "attempt": number, "at": f"2026-11-21T{at}:00.000Z", "run": "r"}
    ended = {"prefix": prefix, "usage": usage, "dollars": 0.5, "seconds": 60.0, "model": "m", "agent": "api"}
    return [
        {**head, "event": "attempt_began", "sections": sections},
        {**head, "event": "attempt_ended", **ended, **fields},
    ]


@pytest.mark.parametrize(
    ("first", "second", "why"),
    [
        pytest.param(attempt(3, "10:00", 9000), attempt(4, "10:02", 8000), None, id="a small fall is nothing"),
        pytest.param(
            attempt(3, "10:00", 9000), attempt(4, "10:02", 0, parts={"system": "s2", "spec": "p2"}),
            "system changed between attempt 3 and 4", id="the first that changed",
        ),
        pytest.param(
            attempt(3, "10:00", 9000), attempt(4, "10:02", 0, model="n"), "model changed between attempt 3 and 4",
            id="model",
        ),
        pytest.param(
            attempt(3, "10:00", 9000), attempt(4, "10:13", 0),
            "the cache's life passed: 12m between attempt 3 and 4", id="too late",
        ),
        pytest.param(
            attempt(3, "10:00", 9000), attempt(4, "10:02", 0),
            "nothing that harness knows of changed between attempt 3 and 4", id="nothing known",
        ),
    ],
)  # fmt: skip
def test_a_missed_cache_is_told_with_its_reason(first, second, why) -> None:
    found = list(find_misses(read_expenses(map(parse_event, [*first, *second]))))
    assert found == ([] if why is None else [f"a: the cache's hit rate fell from 90% to 0%: {why}"])


def test_short_prompts_are_not_judged_by_their_hit_rate() -> None:
    small = {"usage": {"input_tokens": 10}}
    events = [*attempt(1, "10:00", 9000), *attempt(2, "10:02", 0, **small)]
    assert list(find_misses(read_expenses(map(parse_event, events)))) == []


def test_a_journal_of_an_earlier_version_is_read_too() -> None:
    old = {"event": "attempt_ended", "slug": "a", "attempt": 1, "at": "2026-01-01T00:00:00.000Z", "run": "r"}
    began = {**old, "event": "attempt_began"}
    [one, two] = read_expenses(map(parse_event, [began, old, began, {**old, "dollars": 0.5}]))
    assert (one.dollars, one.source, one.usage, one.hit_rate) == (None, "unknown", Usage(), None)
    assert (two.dollars, two.source) == (0.5, "reported")


@pytest.mark.deep
def test_what_changed_between_attempts_is_written_down(world: World) -> None:
    world.spec("a")
    scripted(world, {"cost": 0.1}, {"learning": "one lesson"}, {})
    world.run(max_iterations=3)
    first, second, third = (e["sections"] for e in world.events("attempt_began"))
    assert list(first) == ["instructions", "spec", "learnings", "prior log", "observed"]
    assert {name for name in first if first[name] != second[name]} == {"prior log"}
    assert {name for name in first if second[name] != third[name]} == {"learnings", "prior log"}
