"""What the checks of a feature can show, before anybody works on it: by their words, and by how they ended. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.domain.check_command import find_missing, why_it_cannot_fail
from harness.domain.feature import Check
from harness.domain.text import one_line
from harness.domain.verdict import CheckRun

NO_CHECKS, CANNOT_FAIL, CANNOT_RUN = "no-checks", "cannot-fail", "cannot-run"
ALREADY_GREEN, LACKS = "already-green", "lacks"
HINTS = {
    NO_CHECKS: "add `checks:` to the front matter, e.g. `checks: pytest -q`",
    CANNOT_FAIL: "let its exit code say whether the work is done",
    CANNOT_RUN: "install it, or correct the command",
    ALREADY_GREEN: "add a check that is red until the work is done",
}


@dataclass(frozen=True, slots=True)
class Weakness:
    """What the checks of a feature cannot show, and how to mend that; `command` is "" where it is of all together."""

    rule: str
    command: str
    says: str
    hint: str


@dataclass(frozen=True, slots=True)
class Mending:
    """What could help a clean checkout: names that git ignores and nothing brings, and a command to set it up."""

    ignored: tuple[str, ...] = ()
    setup: str = ""

    def of(self, command: str) -> str:
        """Return the setting that gives a command what it lacks in a clean checkout."""
        needed = [name for name in self.ignored if re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", command)]
        if needed:
            names = ", ".join(needed)
            return f"git ignores {names}: `workspace_include: [{names}]` brings that, or `prove: tree`"
        setup = f"`workspace_setup: {self.setup}` installs it there" if self.setup else "`workspace_setup` installs it"
        return f"it needs what git does not hold: `workspace_include` brings that, {setup}, or `prove: tree`"


def find_weak_words(checks: Sequence[Check], is_there: Callable[[str], bool]) -> Iterator[Weakness]:
    """Yield what can be told of checks that have not run; `is_there` says whether a program is on PATH."""
    if not checks:
        said = "no check: a claim is accepted on the agent's word, and the receipt will say unverified"
        yield Weakness(NO_CHECKS, "", said, HINTS[NO_CHECKS])
    for command in (check.command for check in checks):
        if why := why_it_cannot_fail(command):
            yield Weakness(CANNOT_FAIL, command, f"this check cannot fail: {why}", HINTS[CANNOT_FAIL])
        elif program := find_missing(command, is_there):
            said = f"this check cannot run: `{program}` is not on PATH"
            yield Weakness(CANNOT_RUN, command, said, HINTS[CANNOT_RUN])


def find_weak_runs(runs: Sequence[CheckRun], in_tree: Mapping[str, CheckRun], mending: Mending) -> Iterator[Weakness]:
    """Yield what can be told of checks that ran before the work; `in_tree` has those that were red when clean."""
    for one in runs:
        named, there = f"`{one_line(one.command, 60)}`", in_tree.get(one.command)
        if not one.green and there is not None and (there.green or (there.ran and not one.ran)):
            how = "passes" if there.green else "can run"
            said = f"{named} {how} in the working tree and not in a clean checkout"
            yield Weakness(LACKS, one.command, said, mending.of(one.command))
        elif not one.ran:
            missing = "does it need something that is not installed?"
            hint = missing if one.code in (126, 127) else "is it meant to?"
            yield Weakness(CANNOT_RUN, one.command, f"{named}: {one.ending}", hint)
    if runs and all(one.green for one in runs):
        said = "every check passes before the work: none can show that it was done"
        yield Weakness(ALREADY_GREEN, "", said, HINTS[ALREADY_GREEN])
