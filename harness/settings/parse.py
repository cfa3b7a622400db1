"""One value of a setting, read: each function takes what a flag, a variable or YAML gives, or raises ValueError.

Read it with the module's name: `parse.duration("30m")`. `checks` alone may raise Mistake, which names its line.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from dataclasses import fields
from urllib.parse import urlsplit

from harness.domain.feature import Check
from harness.domain.finding import RULES, Guards, Level
from harness.domain.hosts import parse_listed
from harness.domain.reply import ModelPrice
from harness.domain.review import Review
from harness.domain.text import suggest
from harness.domain.units import parse_duration, parse_size
from harness.system.yamls import Node, parse_checks, parse_commands

YES_OR_NO = {
    "true": True, "yes": True, "on": True, "1": True,
    "false": False, "no": False, "off": False, "0": False,
}  # fmt: skip


def text(value: object) -> str:
    """Return text as it stands; a number counts as its digits."""
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return str(value)
    raise ValueError("must be text")


def count(value: object) -> int:
    """Return a whole number of 0 or more."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError("must be a whole number")
    try:
        number = int(value)
    except ValueError:
        raise ValueError("must be a whole number") from None
    if number < 0:
        raise ValueError("must not be negative")
    return number


def duration(value: object) -> float:
    """Return the seconds in `90s`, `30m`, `1h30m` or plain seconds."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("must be a duration such as 90s, 30m or 1h30m")
    return parse_duration(value)


def size(value: object) -> int:
    """Return the bytes in `512M`, `8G` or plain bytes."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("must be a size such as 512M or 8G")
    return parse_size(value)


def switch(value: object) -> bool:
    """Return whether something is on: a bool, or one of the words for it in any case."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str | int) and (chosen := YES_OR_NO.get(str(value).strip().lower())) is not None:
        return chosen
    raise ValueError("must be true or false")


def one_of(*choices: str) -> Callable[[object], str]:
    """Return the parser of a value that is one of these words."""

    def parse(value: object) -> str:
        if value is False and "off" in choices:  # YAML 1.1 reads a bare `off` as false
            value = "off"
        if not isinstance(value, str) or value not in choices:
            raise ValueError("must be one of " + ", ".join(f"`{choice}`" for choice in choices))
        return value

    return parse


def words(value: object) -> tuple[str, ...]:
    """Return a list of words; one line is split as a shell does."""
    if isinstance(value, str):
        return tuple(shlex.split(value))
    if isinstance(value, list | tuple) and all(isinstance(one, str | int | float) for one in value):
        return tuple(str(one) for one in value)
    raise ValueError("must be a list of words, or one line as a shell splits it")


def path(value: object) -> str:
    """Return a path as it stands."""
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise ValueError("must be a path")
    return value


def optional_path(value: object) -> str:
    """Return a path as it stands, "" for none."""
    return "" if value in ("", None) else path(value)


def checks(value: object) -> tuple[Check | Review, ...]:
    """Return the checks of a node of YAML, or of one command. Raises Mistake."""
    return parse_checks("checks", _as_node(value))


def _as_node(value: object) -> Node:
    return value if isinstance(value, Node) else Node(str(value), 0)


def setup(value: object) -> tuple[Check, ...]:
    """Return the commands of a node of YAML, or one command, that set a checkout up. Raises Mistake, ValueError."""
    commands = parse_commands("workspace_setup", _as_node(value))
    if any(one.fix for one in commands):
        raise ValueError("must not say `fix: true`: what it changes of the commit is put back")
    return commands


def dollars(value: object) -> float:
    """Return dollars as people write them: 5, 0.50, "$5"."""
    said = str(value).strip().removeprefix("$")
    if isinstance(value, bool) or not re.fullmatch(r"\d{1,9}(?:\.\d{1,6})?", said):
        raise ValueError("must be an amount in dollars, such as 5 or 0.50")
    return float(said)


def share(value: object) -> float:
    """Return a share as people write it, 90% or 0.9: more than 0, at most 1."""
    said = str(value).strip()
    number = float(said.removesuffix("%")) if re.fullmatch(r"\d{1,3}(?:\.\d{1,6})?%?", said) else -1.0
    part = number / 100 if said.endswith("%") else number
    if isinstance(value, bool) or not 0 < part <= 1:
        raise ValueError("must be a share such as 90% or 0.9")
    return part


def prices(value: object) -> tuple[ModelPrice, ...]:
    """Return dollars for a million tokens, by model: {my-model: {input: 0.5, output: 2}}."""
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
    return ModelPrice(model, **{name: dollars(amount) for name, amount in figures.items()})


def hosts(value: object) -> tuple[str, ...]:
    """Return hosts as people write them: [pypi.org, localhost:5432]."""
    said = words(value)
    for one in said:
        parse_listed(one)
    return said


def address(value: object) -> str:
    """Return an address of http or https, "" for none; it may hold a secret, so no message repeats it."""
    said = value.strip() if isinstance(value, str) else "-"
    try:
        parts = urlsplit(said)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname) and said.isprintable() and " " not in said
    except ValueError:
        fine = False
    if said and not fine:
        raise ValueError("must be an address that begins with https:// or http://")
    return said


def channels(value: object) -> tuple[str, ...]:
    """Return addresses as apprise writes them, mailto://..., slack://...; no message repeats one."""
    said = words(value)
    if not all(re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", url) for url in said):
        raise ValueError("must be a list of addresses for apprise, such as ntfy://topic or mailto://...")
    return said


def guards(value: object) -> Guards:
    """Return the level of every rule (`warn`), or of some: {test-removed: strict}."""
    level = one_of(*Level)
    if not isinstance(value, dict):
        return Guards(every=Level(level(value)))
    for rule in value:
        if rule not in RULES:
            raise ValueError(f"must name rules, and `{rule}` is none{suggest(str(rule), RULES)}")
    return Guards(own=tuple((str(rule), Level(level(said))) for rule, said in value.items()))
