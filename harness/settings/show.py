"""One value of a setting, shown as a person would write it in harness.yaml: the other way round from `parse`."""

from __future__ import annotations

from urllib.parse import urlsplit

from harness.domain.feature import Check
from harness.domain.finding import Guards
from harness.domain.reply import ModelPrice
from harness.domain.review import Review
from harness.domain.units import format_duration, format_size


def text(value: str) -> str:
    """Return text as it stands, two quotes for none."""
    return value or '""'


def count(value: int) -> str:
    """Return a number's digits."""
    return str(value)


def switch(value: bool) -> str:
    """Return the word for on or off."""
    return "true" if value else "false"


def duration(seconds: float) -> str:
    """Return `1h30m` and the like."""
    return format_duration(seconds)


def size(size: int) -> str:
    """Return `16 GiB` and the like."""
    return format_size(size)


def dollars(amount: float) -> str:
    """Return an amount in dollars and cents, or in as many digits as it needs."""
    return f"{amount:.2f}" if round(amount, 2) == amount else f"{amount:g}"


def share(part: float) -> str:
    """Return `90%` and the like."""
    return f"{part:.0%}"


def words(value: tuple[str, ...]) -> str:
    """Return a list in one line."""
    return f"[{', '.join(value)}]"


def checks(value: tuple[Check | Review, ...]) -> str:
    """Return the commands in one line, and the questions to reviewers."""
    return words(tuple(one.command if isinstance(one, Check) else f"review: {one.question}" for one in value))


def prices(value: tuple[ModelPrice, ...]) -> str:
    """Return what reading and writing costs, by model, in one line."""
    return "{" + ", ".join(f"{one.model}: {{input: {one.input:g}, output: {one.output:g}}}" for one in value) + "}"


def guards(value: Guards) -> str:
    """Return the level of every rule, or those that a person set, in one line; `{}` for those of harness.

    A policy can set some beside a level for all: `off but for {secret: strict}`, which no file can say.
    """
    own = "{" + ", ".join(f"{rule}: {level}" for rule, level in value.own) + "}"
    if value.every is None:
        return own
    return f"{value.every} but for {own}" if value.own else value.every


def address(url: str) -> str:
    """Return an address without what may be a secret in it."""
    scheme = url.partition(":")[0]
    if not url:
        return '""'
    return f"{scheme}://{urlsplit(url).hostname}/…" if scheme in ("http", "https") else f"{scheme}://…"


def channels(urls: tuple[str, ...]) -> str:
    """Return what kinds of channels there are, without what may be a secret in them."""
    return words(tuple(f"{url.partition(':')[0]}://…" for url in urls))
