"""Durations, sizes and dollars as people write them: `1h30m`, `64 KiB`, `$0.12`. Pure."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime

LONGEST = 366 * 86_400  # seconds; beyond it, poll() and friends refuse a timeout

_SECONDS = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_BYTES = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_NUMBER = r"\d{1,15}(?:\.\d{1,9})?"
_PART = re.compile(rf"({_NUMBER})\s*(ms|[dhms])\s*", re.ASCII | re.IGNORECASE)
_SIZE = re.compile(rf"({_NUMBER})\s*(?:([kmgt])i?b?|b|bytes?|)", re.ASCII | re.IGNORECASE)


def parse_duration(text: str | float) -> float:
    """Seconds in `90`, `0.1s`, `30m`, `1h30m`, `2h`, `1d`; ValueError with a sentence for anything else."""
    said = _written(text)
    seconds = float(said) if re.fullmatch(_NUMBER, said, re.ASCII) else _sum_parts(said)
    if seconds is None:
        raise ValueError(f"`{_cut(said)}` is not a duration; write seconds, or e.g. `90s`, `30m`, `1h30m`")
    if seconds > LONGEST:
        raise ValueError(f"`{_cut(said)}` is longer than a year")
    return seconds


def format_duration(seconds: float) -> str:
    """The duration as parse_duration reads it: `0.1s`, `1m30s`, `2h`; from a minute on in whole seconds."""
    if not math.isfinite(seconds):
        return str(seconds)
    if seconds < 0:
        return f"-{format_duration(-seconds)}"
    if seconds < 59.9995:
        return f"{round(seconds, 3):g}s"
    rest, parts = round(seconds), ""
    for unit in "dhms":
        count, rest = divmod(rest, int(_SECONDS[unit]))
        parts += f"{count}{unit}" if count else ""
    return parts


def parse_size(text: str | float) -> int:
    """Bytes in `32`, `64 KiB`, `1.5M`; k, M, G and T are powers of 1024; ValueError with a sentence otherwise."""
    said = _written(text)
    match = _SIZE.fullmatch(said)
    if match is None:
        raise ValueError(f"`{_cut(said)}` is not a size; write bytes, or e.g. `64k`, `20M`, `1.5 GiB`")
    return round(float(match[1]) * _BYTES[(match[2] or "").lower()])


def format_size(size: int) -> str:
    """The size as people read it: `1 byte`, `32 bytes`, `1.5 KiB`, `256 KiB`."""
    if abs(size) < 1024:
        return f"{size} byte{'' if size == 1 else 's'}"
    power = 1
    while power < 4 and abs(size) >= 1023.95 * 1024**power:
        power += 1
    amount = round(size / 1024**power, 1)
    return f"{amount:.{0 if amount.is_integer() else 1}f} {'KMGT'[power - 1]}iB"


def format_dollars(amount: float | None) -> str:
    """The amount as people read it: `$4.20`, `$0.0125`; `?` for an unknown one: unknown is never 0."""
    if amount is None:
        return "?"
    return f"${amount:.4f}" if 0 < amount < 0.095 else f"${amount:.2f}"


def end_of_month(name: str) -> float:
    """The moment the month after `2026-11` begins (UTC), in epoch seconds."""
    year, month = map(int, name.split("-"))
    return datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC).timestamp()


def _written(text: str | float) -> str:
    """The value as a person wrote it: YAML gives numbers as numbers, and a bool is no number."""
    if isinstance(text, bool):
        raise ValueError(f"`{str(text).lower()}` is not a number")
    if isinstance(text, int | float):
        if not math.isfinite(text) or text < 0:
            raise ValueError(f"`{text}` is not a number that can be used; write 0 or more")
        text = f"{text:.9f}".rstrip("0").rstrip(".") if isinstance(text, float) else str(text)
    return text.strip()


def _sum_parts(said: str) -> float | None:
    """`1h30m` as seconds: each unit once, the larger first; None when it is something else."""
    total, smallest, at = 0.0, math.inf, 0
    while at < len(said):
        part = _PART.match(said, at)
        if part is None or _SECONDS[part[2].lower()] >= smallest:
            return None
        smallest = _SECONDS[part[2].lower()]
        total, at = total + float(part[1]) * smallest, part.end()
    return total if said else None


def _cut(text: str) -> str:
    """The text for a message: one line, printable, not endless."""
    shown = text if text.isprintable() else ascii(text)[1:-1]
    return shown if len(shown) <= 40 else f"{shown[:40]}…"
