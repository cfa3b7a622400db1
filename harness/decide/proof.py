"""What the checks of a claim prove, when some pass in the working tree and not in a clean checkout of its commit."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from harness.domain.text import counted, one_line
from harness.domain.verdict import CheckedIn, CheckRun

SHOWN = 5  # names that a sentence has room for


@dataclass(frozen=True, slots=True)
class Settled:
    """The check runs that count, where they ran, and what the agent should know of the difference."""

    runs: tuple[CheckRun, ...]
    checked_in: CheckedIn
    remark: str = ""


def settle(
    runs: Sequence[CheckRun],
    in_tree: Sequence[CheckRun],
    checked_in: CheckedIn,
    left_out: Sequence[str],
    pass_when_clean: Collection[str],
    lacks: Sequence[str] = (),
) -> Settled:
    """Say which runs count: those in the clean checkout, or those `in_tree` where the checkout itself is to blame.

    It is not where the attempt made files that its commit does not hold (`left_out`), nor for a check that has passed
    in a clean checkout before the attempt (`pass_when_clean`). `lacks` is what the checkout has not, in any case.
    """
    green_there = {one.command: one for one in in_tree if one.green}
    red = [one.command for one in runs if not one.green]
    only_in_tree = [command for command in red if command in green_there]
    if not only_in_tree:
        return Settled(tuple(runs), checked_in)
    names = ", ".join(f"`{one_line(command, 60)}`" for command in only_in_tree[:SHOWN])
    verb = "pass" if only_in_tree[1:] else "passes"
    if only_in_tree != red or left_out or any(command in pass_when_clean for command in only_in_tree):
        more = f"; the commit would not hold {say_names(left_out)}" if left_out else ""
        remark = f"{names} {verb} in the working tree, and not in a clean checkout of what would be committed{more}"
        return Settled(tuple(runs), checked_in, remark)
    counting = tuple(green_there.get(one.command, one) for one in runs)
    why = (
        f"lacks {say_names(lacks)}"
        if lacks
        else "lacks something else: a branch or a setting of git, or a file that git is told not to look at"
    )
    because = f"{names} {verb} there, and not in a clean checkout, which {why}"
    return Settled(counting, replace(checked_in, clean=False, because=because, brought=(), set_up_by=()))


def say_names(names: Sequence[str]) -> str:
    """Return some names, and how many more there are."""
    more = f" and {counted(len(names) - SHOWN, 'more file')}" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
