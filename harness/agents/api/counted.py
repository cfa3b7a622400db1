"""What a server says a call used, believed as far as it can be true. Pure.

A token of the prompt is at least a byte that was sent, but for what the server adds by itself. One of the answer need
be none that came: models think without a word. Of these there are no more than were asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.domain.reply import Usage
from harness.domain.text import shown

ADDED = 20_000  # tokens that a server may add to a prompt: how tools are used, a gateway's own words
ROUNDED = 1_000  # tokens by which an answer may be counted as longer than was asked for
NOT_COUNTED = "the server does not say what a call used: what it cost is not known"


class Unbelievable(Exception):
    """What a server says that a call used cannot be true; the message is a sentence."""

    def __init__(self, amount: object, what: str, why: str = "") -> None:
        """`amount` is what it said, of `what`."""
        said = shown(f"{amount:,}" if isinstance(amount, int) else f"`{amount}`")
        super().__init__(f"the server says that a call used {said} {what} tokens{why}: what it cost is not known")


@dataclass(frozen=True, slots=True)
class Most:
    """The tokens that a call can have used at most."""

    prompt: int
    output: int


def most_of(*, sent: int, said: int, max_tokens: int) -> Most:
    """Return what a call can have used that sent so many bytes and asked for so many tokens.

    `said` are the tokens of earlier answers: their thinking is part of the prompt, and may not have been sent.
    """
    return Most(sent + said + ADDED, max_tokens + ROUNDED)


def read_usage(told: object, before: Usage, most: Most) -> Usage:
    """Return the tokens of a call; what is not told is as `before`. Raises Unbelievable.

    A compaction's own tokens are not in the sums, and are added.
    """
    if not isinstance(told, Mapping):
        raise Unbelievable(told, "such")
    creation = told.get("cache_creation")
    hour = creation.get("ephemeral_1h_input_tokens") if isinstance(creation, Mapping) else None

    def read(field: str, name: str, was: int) -> int:
        count = _count(told.get(field), name)
        return was if count is None else count

    long = _count(hour, "cache write")
    usage = Usage(
        read("input_tokens", "input", before.input_tokens),
        read("output_tokens", "output", before.output_tokens),
        read("cache_read_input_tokens", "cache read", before.cache_read_tokens),
        read("cache_creation_input_tokens", "cache write", before.cache_write_tokens),
        before.cache_write_1h_tokens if long is None else long,
    )
    _check(usage, most)
    iterations = told.get("iterations")
    for one in iterations if isinstance(iterations, list) else ():
        if isinstance(one, Mapping) and one.get("type") == "compaction":
            more = Usage(_count(one.get("input_tokens"), "input") or 0, _count(one.get("output_tokens"), "output") or 0)
            _check(more, most)
            usage += more
    return usage


def _count(value: object, name: str) -> int | None:
    """Return the number; None where there is none. Raises Unbelievable."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise Unbelievable(value, name)
    return value


def _check(usage: Usage, most: Most) -> None:
    if usage.output_tokens > most.output:
        raise Unbelievable(usage.output_tokens, "output", f", of {most.output - ROUNDED:,} that it may")
    if usage.prompt_tokens > most.prompt:
        raise Unbelievable(usage.prompt_tokens, "input", ", and that is more than was sent")
    if usage.cache_write_1h_tokens > most.prompt:
        raise Unbelievable(usage.cache_write_1h_tokens, "cache write", ", and that is more than was sent")
