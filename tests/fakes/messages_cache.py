"""The account of a prompt cache: what a request reads and writes, how long it lives.

    account = CacheAccount(minimum=1024)
    with MessagesApi(script, cache=account) as api: ...
    account.advance(301)  # a clock that tests move
    sum(charge.read for charge in account.ledger)

What a prefix is: all blocks up to a breakpoint, tools first, then system, then messages, and the settings that count
for each of these parts. What invalidates what follows from that.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import accumulate
from typing import Any

from .messages_blocks import Block, find_marks

LIFETIMES = {"5m": 300.0, "1h": 3600.0}  # seconds
LOOKBACK = 20  # blocks, the breakpoint's own among them
MINIMUM = 1024  # tokens


@dataclass(slots=True)
class Entry:
    """A prefix that was written: how long it is, how long it is kept after each use, and until when."""

    tokens: int
    ttl: str
    until: float


@dataclass(slots=True)
class Charge:
    """What one request is charged, in tokens."""

    model: str
    input: int
    read: int = 0
    write_5m: int = 0
    write_1h: int = 0
    output: int = 0
    pending: dict[bytes, Entry] = field(default_factory=dict, repr=False)  # not readable before the answer begins

    @property
    def prompt(self) -> int:
        """All of the input, however it was charged."""
        return self.input + self.read + self.write_5m + self.write_1h

    def usage(self) -> dict[str, Any]:
        """As the service reports it."""
        return {
            "input_tokens": self.input,
            "cache_read_input_tokens": self.read,
            "cache_creation_input_tokens": self.write_5m + self.write_1h,
            "cache_creation": {
                "ephemeral_5m_input_tokens": self.write_5m,
                "ephemeral_1h_input_tokens": self.write_1h,
            },
            "output_tokens": self.output,
            "service_tier": "standard",
        }


class CacheAccount:
    """Every entry of one workspace's cache, and what each request was charged."""

    def __init__(self, clock: Callable[[], float] | None = None, minimum: int | Mapping[str, int] = MINIMUM) -> None:
        """`clock` in seconds; without one time stands still and only `advance` moves it.

        `minimum` is how many tokens a prefix must have to be kept, for all models or by model.
        """
        self.entries: dict[bytes, Entry] = {}  # by prefix; the dead ones are still there
        self.ledger: list[Charge] = []
        self._clock = clock or (lambda: 0.0)
        self._ahead = 0.0
        self._minimum = minimum
        self._lock = threading.Lock()

    @property
    def now(self) -> float:
        """The time, in seconds of the clock and all that it was advanced."""
        return self._clock() + self._ahead

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._ahead += seconds

    def open(self, body: Mapping[str, Any], blocks: Sequence[Block]) -> Charge:
        """What a request reads and writes; nothing is readable by others before `begin`."""
        with self._lock:
            return self._open(body, blocks)

    def begin(self, charge: Charge) -> None:
        """The answer begins: what the request wrote can be read from now on, and it is on the ledger."""
        with self._lock:
            for entry in charge.pending.values():
                entry.until = self.now + LIFETIMES[entry.ttl]
            self.entries |= charge.pending
            self.ledger.append(charge)

    def total(self) -> Charge:
        """All charges of the ledger in one."""
        total = Charge("all", 0)
        for charge in self.ledger:
            for name in ("input", "read", "write_5m", "write_1h", "output"):
                setattr(total, name, getattr(total, name) + getattr(charge, name))
        return total

    def _open(self, body: Mapping[str, Any], blocks: Sequence[Block]) -> Charge:
        keys = list(_prefixes(body, blocks))
        marks = find_marks(body, blocks)
        sums = list(accumulate(block.tokens for block in blocks))
        hit = max((self._look_back(keys, number) for number, _ in marks), default=-1)
        read = sums[hit] if hit >= 0 else 0
        charge = Charge(body["model"], 0, read)
        for number in {hit, *(number for number, _ in marks if number <= hit)}:
            if entry := self._alive(keys[number]) if number >= 0 else None:
                entry.until = self.now + LIFETIMES[entry.ttl]
        written = read
        for number, ttl in marks:
            if number > hit and sums[number] >= self._minimum_of(body["model"]):
                charge.pending[keys[number]] = Entry(sums[number], ttl, 0.0)
                if ttl == "1h":
                    charge.write_1h += sums[number] - written
                else:
                    charge.write_5m += sums[number] - written
                written = sums[number]
        charge.input = (sums[-1] if sums else 0) - written
        return charge

    def _look_back(self, keys: Sequence[bytes], number: int) -> int:
        """The nearest block at or before a breakpoint at which a living entry ends, -1 for none."""
        positions = range(number, max(-1, number - LOOKBACK), -1)
        return next((position for position in positions if self._alive(keys[position])), -1)

    def _alive(self, key: bytes) -> Entry | None:
        entry = self.entries.get(key)
        return entry if entry and self.now < entry.until else None

    def _minimum_of(self, model: str) -> int:
        return self._minimum if isinstance(self._minimum, int) else self._minimum.get(model, MINIMUM)


def _prefixes(body: Mapping[str, Any], blocks: Sequence[Block]) -> Iterator[bytes]:
    """A key for each block: it stands for all that was read up to there, and for the settings that count there."""
    key, part = _digest(str(body["model"]).encode()), "tools"
    for block in blocks:
        if block.part != part:
            key, part = _digest(key + _settings(body, blocks, part, block.part)), block.part
        key = _digest(key + block.digest)
        yield key


def _settings(body: Mapping[str, Any], blocks: Sequence[Block], left: str, entered: str) -> bytes:
    """What besides the blocks must be the same from here on."""
    told: list[object] = [entered]
    if left == "tools":
        told.append(body.get("speed"))
    if entered == "messages":
        output = body.get("output_config") or {}
        told += [body.get("tool_choice"), body.get("thinking"), output.get("effort")]
        told.append(any(block.kind == "image" for block in blocks))
    return json.dumps(told, sort_keys=True).encode()


def _digest(raw: bytes) -> bytes:
    return blake2b(raw, digest_size=16).digest()
