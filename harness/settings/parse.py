"""One value of a setting, parsed: each function takes what a flag, a variable or YAML gives, or raises ValueError."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from dataclasses import fields
from typing import Any
from urllib.parse import urlsplit

from harness.domain.feature import Check
from harness.domain.hosts import parse_listed
from harness.domain.reply import ModelPrice
from harness.domain.text import suggest
from harness.domain.units import parse_duration, parse_size
from harness.system.yamls import Node, parse_checks

Parse = Callable[[Any], Any]


def _text(value: object) -> str:
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return str(value)
    raise ValueError("must be text")


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError("must be a whole number")
    try:
        number = int(value)
    except ValueError:
        raise ValueError("must be a whole number") from None
    if number < 0:
        raise ValueError("must not be negative")
    return number


def _duration(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("must be a duration such as 90s, 30m or 1h30m")
    return parse_duration(value)


def _size(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("must be a size such as 512M or 8G")
    return parse_size(value)


def _switch(value: object) -> bool:
    if isinstance(value, bool):
        return value
    words = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    if isinstance(value, str | int) and (chosen := words.get(str(value).strip().lower())) is not None:
        return chosen
    raise ValueError("must be true or false")


def _one_of(*choices: str) -> Parse:
    def parse(value: object) -> str:
        if value is False and "off" in choices:  # YAML 1.1 reads a bare `off` as false
            value = "off"
        if not isinstance(value, str) or value not in choices:
            raise ValueError("must be one of " + ", ".join(f"`{choice}`" for choice in choices))
        return value

    return parse


def _words(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(shlex.split(value))
    if isinstance(value, list | tuple) and all(isinstance(one, str | int | float) for one in value):
        return tuple(str(one) for one in value)
    raise ValueError("must be a list of words, or one line as a shell splits it")


def _relative(value: object) -> str:
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise ValueError("must be a path")
    return value


def _checks(value: object) -> tuple[Check, ...]:
    node = value if isinstance(value, Node) else Node(str(value), 0)
    return parse_checks("checks", node)


def _dollars(value: object) -> float:
    """Dollars as people write them: 5, 0.50, "$5"."""
    said = str(value).strip().removeprefix("$")
    if isinstance(value, bool) or not re.fullmatch(r"\d{1,9}(?:\.\d{1,6})?", said):
        raise ValueError("must be an amount in dollars, such as 5 or 0.50")
    return float(said)


def _share(value: object) -> float:
    """A share as people write it: 90% or 0.9."""
    said = str(value).strip()
    number = float(said.removesuffix("%")) if re.fullmatch(r"\d{1,3}(?:\.\d{1,6})?%?", said) else -1.0
    share = number / 100 if said.endswith("%") else number
    if isinstance(value, bool) or not 0 < share <= 1:
        raise ValueError("must be a share such as 90% or 0.9")
    return share


def _prices(value: object) -> tuple[ModelPrice, ...]:
    """Dollars for a million tokens, by model: {my-model: {input: 0.5, output: 2}}."""
    if not isinstance(value, dict):
        raise ValueError("must be a mapping such as `my-model: {input: 0.5, output: 2}`")
    return tuple(_price(str(model), figures) for model, figures in value.items())


def _price(model: str, figures: object) -> ModelPrice:
    names = [name.name for name in fields(ModelPrice)][1:]
    if not isinstance(figures, dict) or not {"input", "output"} <= figures.keys():
        raise ValueError(f"must give `input` and `output` for `{model}`, in dollars for a million tokens")
    for name in figures:
        if name not in names:
            raise ValueError(f"must give `{model}` none but {', '.join(names)}{suggest(name, names)}")
    return ModelPrice(model, **{name: _dollars(amount) for name, amount in figures.items()})


def _hosts(value: object) -> tuple[str, ...]:
    """Hosts as people write them: [pypi.org, localhost:5432]."""
    said = _words(value)
    for one in said:
        parse_listed(one)
    return said


def _webhook(value: object) -> str:
    """An address of http or https; it may hold a secret, so no message repeats it."""
    said = value.strip() if isinstance(value, str) else "-"
    try:
        parts = urlsplit(said)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname) and said.isprintable() and " " not in said
    except ValueError:
        fine = False
    if said and not fine:
        raise ValueError("must be an address that begins with https:// or http://")
    return said


def _channels(value: object) -> tuple[str, ...]:
    """Addresses as apprise writes them: mailto://..., slack://...; no message repeats one."""
    said = _words(value)
    if not all(re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", url) for url in said):
        raise ValueError("must be a list of addresses for apprise, such as ntfy://topic or mailto://...")
    return said


def _show_url(url: str) -> str:
    """Return an address without what may be a secret in it."""
    scheme = url.partition(":")[0]
    if not url:
        return '""'
    return f"{scheme}://{urlsplit(url).hostname}/…" if scheme in ("http", "https") else f"{scheme}://…"


def _show_channels(urls: tuple[str, ...]) -> str:
    return "[" + ", ".join(f"{url.partition(':')[0]}://…" for url in urls) + "]"


def _optional_path(value: object) -> str:
    return "" if value in ("", None) else _relative(value)


def _show_dollars(amount: float) -> str:
    return f"{amount:.2f}" if round(amount, 2) == amount else f"{amount:g}"


def _show_prices(prices: tuple[ModelPrice, ...]) -> str:
    return "{" + ", ".join(f"{one.model}: {{input: {one.input:g}, output: {one.output:g}}}" for one in prices) + "}"
