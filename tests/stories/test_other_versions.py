"""A journal of another version: what it holds that this one does not know ends no command."""

from __future__ import annotations

import copy
import random
from pathlib import Path
from typing import Any

import pytest
from helpers.marks import in_short
from helpers.world import CLAIM, World

from harness.records.events import KINDS
from harness.records.journal import encode_event, read_journal

BEGAN = {"event": "attempt_began", "slug": "a", "attempt": 1, "agent": "command", "because": "not begun"}
ENDED = {"event": "attempt_ended", "slug": "a", "attempt": 1, "outcome": "stalled", "charged": True}
STRANGE: dict[str, list[dict[str, Any]]] = {
    "a kind that nobody knows": [{"event": "attempt_forked", "slug": "a", "into": [1, 2]}],
    "no kind at all": [{"slug": "a"}],
    "a kind that is no word": [{"event": ["attempt_began"], "slug": "a"}],
    "an attempt that begins without its number": [{"event": "attempt_began", "slug": "a"}],
    "an attempt that begins without its feature": [{"event": "attempt_began", "attempt": 1}],
    "an attempt that ends without its number": [BEGAN, {"event": "attempt_ended", "slug": "a"}],
    "an attempt that ends without its feature": [BEGAN, {"event": "attempt_ended", "attempt": 1}],
    "an attempt whose number is a word": [{**BEGAN, "attempt": "first"}],
    "a feature that is a list": [{**BEGAN, "slug": ["a"]}],
    "marks of another shape": [{**BEGAN, "log": {"offset": 3}, "learnings": "none", "absent": 5}],
    "sections of another shape": [{**BEGAN, "sections": ["spec"]}, {**ENDED, "prefix": 3, "dollars": 1.0}],
    "a limit of an unknown kind": [BEGAN, {**ENDED, "outcome": "fault", "limit": {"kind": "heat", "text": "hot"}}],
    "a limit without its kind": [BEGAN, {**ENDED, "outcome": "fault", "limit": {"text": "used up"}}],
    "a limit that is a word": [BEGAN, {**ENDED, "outcome": "fault", "limit": "usage limit"}],
    "a limit that resets never": [
        BEGAN,
        {**ENDED, "outcome": "fault", "limit": {"kind": "usage limit", "text": "used up", "resets_at": 1e300}},
    ],
    "an outcome that nobody knows": [BEGAN, {**ENDED, "outcome": "delegated"}],
    "figures that are words": [BEGAN, {**ENDED, "seconds": "long", "dollars": "few", "usage": {"input_tokens": "x"}}],
    "figures without end": [BEGAN, {**ENDED, "seconds": float("inf"), "dollars": float("nan")}],
    "files that are a number": [BEGAN, {**ENDED, "changed": 7, "checks": 3, "remarks": 1}],
    "checks of another shape": [BEGAN, {**ENDED, "checks": ["make test"]}, {"event": "blocked", "slug": "a"}],
    "a receipt without its text": [BEGAN, {"event": "accepted", "slug": "a"}],
    "a marker of nobody": [{"event": "marked"}, {"event": "by_hand"}, {"event": "reset"}, {"event": "answered"}],
    "a wait without its end": [BEGAN, {"event": "waiting", "because": "busy"}, ENDED],
    "a wait until after all calendars": [BEGAN, {"event": "waiting", "seconds": 1, "until": 1e300}, ENDED],
    "another agent, not named": [BEGAN, {"event": "agent_changed", "until": "soon"}, ENDED],
    "a jump without its length": [BEGAN, {"event": "clock_jumped"}, ENDED],
    "an end of a reason that nobody knows": [{"event": "halted", "halt": "ECLIPSE", "code": "dark"}],
    "an end without a word": [{"event": "halted"}, {"event": "run_ended"}, {"event": "parked"}],
    "a run that is a number": [{"event": "run_began", "run": 5, "pid": "me", "features": 3}],
    "a moment that is none": [{**BEGAN, "at": "yesterday"}, {**ENDED, "at": 5, "dollars": 1.0}],
    "a moment without its zone": [{**BEGAN, "at": "2026-01-01T00:00:00"}, {**ENDED, "dollars": 1.0}],
}


def write_strange(logs: Path, *events: dict[str, Any]) -> None:
    """A journal of these events, and of a run that was killed."""
    logs.mkdir(exist_ok=True)
    first = {"event": "run_began", "pid": 1, "started": "1"}
    head = {"at": "2026-01-01T00:00:00.000Z", "run": "0" * 32}
    lines = [{"seq": number, **head, **event} for number, event in enumerate([first, *events], start=1)]
    (logs / "journal.jsonl").write_bytes(b"".join(map(encode_event, lines)))


IN_SHORT = (
    "a kind that nobody knows", "figures that are words",
)  # fmt: skip


@pytest.mark.parametrize("events", in_short(STRANGE, *IN_SHORT))
def test_what_another_version_wrote_breaks_no_command(world: World, harness, events: list[dict[str, Any]]) -> None:
    world.spec("a")
    world.config_file(max_iterations=1)
    write_strange(world.root / "logs", *events)
    commands = [("status",), ("why",), ("why", "a"), ("queue",), ("cost",), ("cost", "--by", "day"), ("run", "--quiet")]
    for words in [line for plain in commands for line in ([*plain], [*plain, "--json"])][:-1]:
        ran = harness(*words)
        assert (words, ran.code in (0, 1, 2, 6), "Traceback" in ran.err) == (words, True, False), ran.err
    assert not list((world.root / "logs").glob("bug-*"))


# --- a real journal, changed at random --------------------------------------------------------------------------------

VALUES = (
    None, True, 0, -1, 10**18, 10**40, 1.5, 1e300, float("nan"), "", "x" * 5_000, "../../x", "\x1b[31m\u202e",
    "2031-01-01T00:00:00.000Z", [], ["a", 1], {}, {"kind": "heat", "text": 3, "resets_at": -1},
)  # fmt: skip


def mutate(events: list[dict[str, Any]], chance: random.Random) -> list[dict[str, Any]]:
    """The events after a few changes: fields that are missing, new or of another value, other kinds, lines twice."""
    events = copy.deepcopy(events)
    for _ in range(chance.randint(1, 4)):
        event = chance.choice(events)
        holders = [event, *(one for one in event.values() if isinstance(one, dict) and one)]
        holder = chance.choice(holders)
        name = chance.choice([one for one in holder if one != "seq"])
        match chance.randint(0, 4):
            case 0:
                del holder[name]
            case 1:
                holder[name] = chance.choice(VALUES)
            case 2:
                holder["of_a_newer_version"] = chance.choice(VALUES)
            case 3:
                event["event"] = chance.choice([*sorted(KINDS), "attempt_forked"])
            case _:
                events.insert(chance.randrange(len(events)), copy.deepcopy(event))
    return [{**event, "seq": number} for number, event in enumerate(events, start=1)]


@pytest.mark.parametrize("seeds", [range(1), pytest.param(range(1, 40), marks=pytest.mark.deep)], ids=["few", "many"])
def test_a_real_journal_changed_at_random_breaks_no_command(world: World, harness, seeds: range) -> None:
    for slug, check in (("a", "true"), ("b", "true"), ("c", "false")):
        world.spec(slug, checks=check)
    world.agent(f'if [ $slug = b ]; then echo "BLOCKED: which?" >> "$log"; else {CLAIM}; fi')
    world.config_file(keep_going=True, max_iterations=4)
    assert harness("run", "--quiet").code in (1, 4)
    events, around = read_journal(world.root / "logs/journal.jsonl"), sorted(world.root.parent.iterdir())
    for seed in seeds:
        (world.root / "logs/journal.jsonl").write_bytes(
            b"".join(map(encode_event, mutate(events, random.Random(seed))))
        )
        for words in (
            ("status",),
            ("why",),
            ("why", "c"),
            ("cost",),
            ("verify",),
            ("run", "--quiet", "--max-iterations=1"),
        ):
            ran = harness(*words)
            assert (seed, words, ran.code in range(8)) == (seed, words, True), ran.err
            assert "\x1b" not in ran.out + ran.err
    assert sorted(world.root.parent.iterdir()) == around
    assert not list((world.root / "logs").glob("bug-*"))
