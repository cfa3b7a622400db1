"""Which acceptance criteria of a feature its checks prove, where these say so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.domain.feature import Feature
from harness.domain.text import one_line
from harness.domain.verdict import CheckRun
from harness.records.receipt import GREEN_BEFORE, RED_BEFORE
from harness.run.run import Run
from harness.specs.lint import find_criteria
from harness.specs.spec_file import read_spec_text

SHOWN = 200  # characters of a criterion


def say_criteria(run: Run, feature: Feature, runs: Sequence[CheckRun], before: Mapping[str, bool]) -> tuple[str, ...]:
    """Return a line for each criterion: the checks that prove it, and whether they were red before, or `not shown`.

    Last come numbers that checks name and the list does not have.
    """
    checks = [check for check in run.checks_for(feature) if check.proves]
    if not checks:
        return ()
    green, lines = {one.command for one in runs if one.green}, list[str]()
    criteria = find_criteria(read_spec_text(feature))
    for number, text in enumerate(criteria, 1):
        by = [check.command for check in checks if number in check.proves and check.command in green]
        ways = {True: f" ({GREEN_BEFORE})", False: f" ({RED_BEFORE})", None: ""}
        shown = ", ".join(f"`{one_line(command, 60)}`{ways[before.get(command)]}" for command in by)
        lines.append(f"{number}, {shown or 'not shown'}: {one_line(text, SHOWN)}")
    unknown = sorted({number for check in checks for number in check.proves if number > len(criteria)})
    return (*lines, *(f"{number}, not in the list: a check says that it proves it" for number in unknown))
