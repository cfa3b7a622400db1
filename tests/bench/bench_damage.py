"""Damaged journals and hostile texts: nothing lost in silence, nothing invented, nothing that acts on a terminal.

python tests/bench/bench_damage.py [--journals N] [--texts N]
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import tempfile
from collections import Counter
from pathlib import Path

from measure import Figure, show

from harness.domain.errors import JournalError
from harness.domain.slugs import check_slug
from harness.domain.text import fenced, one_line, plain
from harness.records.journal import encode_event, read_journal

# --- journals -----------------------------------------------------------------------------------------------------


def write_events(count: int, chance: random.Random) -> list[dict[str, object]]:
    """Events such as a run writes, of different lengths."""
    words = ["done", "stalled", "ein Wort mit Ümlaut", "line\nbreak", "x" * chance.randrange(400)]
    return [
        {
            "seq": number,
            "at": "2026-11-21T03:00:00.000Z",
            "run": "r",
            "event": "attempt_ended",
            "why": chance.choice(words),
        }
        for number in range(1, count + 1)
    ]


def damage(raw: bytes, chance: random.Random) -> tuple[str, bytes]:
    """One way in which a disk or a hand spoils a file."""
    at = chance.randrange(len(raw))
    match chance.randrange(6):
        case 0:
            return "cut", raw[:at]
        case 1:
            return "bit", raw[:at] + bytes([raw[at] ^ (1 << chance.randrange(8))]) + raw[at + 1 :]
        case 2:
            return "zeros", raw[:at] + b"\0" * (len(raw) - at)
        case 3:
            return "garbage at the end", raw + bytes(chance.randrange(256) for _ in range(chance.randrange(1, 80)))
        case 4:
            end = min(len(raw), at + chance.randrange(1, 200))
            return "hole", raw[:at] + raw[end:]
        case _:
            return "a line twice as torn", raw + raw[: chance.randrange(1, 60)]


def try_journal(path: Path, chance: random.Random) -> str:
    """Damage one journal and read it: `prefix`, `refused`, or what is wrong."""
    events = write_events(chance.randrange(1, 12), chance)
    how, raw = damage(b"".join(map(encode_event, events)), chance)
    path.write_bytes(raw)
    try:
        found = read_journal(path)
    except JournalError:
        return "refused"
    if found == events[: len(found)]:
        whole = raw.count(b"\n") == len(events) and how not in ("bit", "zeros", "hole", "cut")
        return "lost in silence" if whole and len(found) < len(events) else "prefix"
    return f"invented after {how}"


def measure_journals(count: int, seed: int = 1) -> list[Figure]:
    """So many damaged journals."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        ends = Counter(try_journal(Path(folder) / "journal.jsonl", chance) for _ in range(count))
    wrong = count - ends["prefix"] - ends["refused"]
    note = f"{ends['prefix']} read up to the damage, {ends['refused']} refused"
    return [Figure(f"wrongs in {count} damaged journals, seed {seed}", "count", [wrong], 0, note=note)]


# --- texts --------------------------------------------------------------------------------------------------------

_PIECES = (
    "\x1b[2J", "\x1b]52;c;aGk=\x07", "\x1b]8;;http://x\x1b\\", "\x1bP", "\x9b31m", "\x90", "\x1b", "\r", "\n",
    "\t", "\v", "\f", "\x1c", "\x85", "\u2028", "\u202e", "\u200b", "\ufeff", "\U000e0041", "\x00", "\x7f",
    "\ud800", "LEARNINGS", "<<<LEARNINGS", "PRIOR_LOG", "<<<PRIOR_LOG", "| ", "BLOCKED: x", "ordinary words", "漢字",
    "🙂", "-", ".done", "../", "CON",
)  # fmt: skip
_UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200b\ufeff\ud800-\udfff]")


def try_text(chance: random.Random) -> list[str]:
    """What is wrong with how one hostile text is shown, fenced and taken as a name."""
    text = "".join(chance.choice(_PIECES) for _ in range(chance.randrange(1, 24)))
    wrongs = []
    shown = plain(text)
    if _UNSAFE.search(shown) or plain(shown) != shown:
        wrongs.append(f"shown: {text!r}")
    if any(not line.startswith("| ") for line in fenced(shown).split("\n") if shown):
        wrongs.append(f"outside its block: {text!r}")
    if len(one_line(text, 80)) > 80 or "\n" in one_line(text, 80):
        wrongs.append(f"more than a line: {text!r}")
    if check_slug(text) is None and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", text):
        wrongs.append(f"taken as a name: {text!r}")
    return wrongs


def measure_texts(count: int, seed: int = 1) -> list[Figure]:
    """So many hostile texts."""
    chance = random.Random(seed)
    wrongs = [wrong for _ in range(count) for wrong in try_text(chance)]
    return [
        Figure(f"wrongs in {count} hostile texts, seed {seed}", "count", [len(wrongs)], 0, note=";".join(wrongs[:3]))
    ]


def measure(*, journals: int = 90_000, texts: int = 100_000) -> list[Figure]:
    """All of it."""
    return [*measure_journals(journals), *measure_texts(texts)]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--journals", type=int, default=90_000)
    parser.add_argument("--texts", type=int, default=100_000)
    given = parser.parse_args()
    figures = measure(journals=given.journals, texts=given.texts)
    show(figures)
    sys.exit(any(figure.met is False for figure in figures))
