"""How a policy tightens a setting: from the project's value and the policy's, the stricter one. Never a looser one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.domain.finding import RULES, Guards, Level

_LEVELS = [Level.OFF, Level.WARN, Level.STRICT]
Tighten = Callable[[Any, Any], Any]  # the project's value, the policy's: the stricter


def least(own: float, demanded: float) -> float:
    """Return the lower limit; 0 is none."""
    return min(own, demanded) if own and demanded else own or demanded


def fewest(own: float, demanded: float) -> float:
    """Return the smaller number."""
    return min(own, demanded)


def all_of(own: tuple[Any, ...], demanded: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return both lists, the policy's first."""
    return tuple(dict.fromkeys((*demanded, *own)))


def only(own: tuple[Any, ...], demanded: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return what stands in both lists."""
    return tuple(one for one in own if one in demanded)


def by_order(*choices: str) -> Tighten:
    """Return what gives the later one of these choices, which are named from the loosest on."""

    def later(own: str, demanded: str) -> str:
        return max(own, demanded, key=choices.index)

    return later


def stricter_levels(own: Guards, demanded: Guards) -> Guards:
    """Return the stricter level of each rule for which the policy says one."""
    named = {rule for rule, _ in demanded.own} | (set(RULES) if demanded.every else set())
    levels = {rule: max(own.level_of(rule), demanded.level_of(rule), key=_LEVELS.index) for rule in sorted(named)}
    if all(own.level_of(rule) is level for rule, level in levels.items()):
        return own
    if set(levels) == set(RULES) and len(set(levels.values())) == 1:
        return Guards(every=next(iter(levels.values())))
    kept = {rule: level for rule, level in own.own if rule not in levels}
    return Guards(own.every, tuple(sorted((kept | levels).items())))
