"""`harness clean`: what is kept of old attempts on features that are done is forgotten, when a person says so."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.cli.attempts import open_refs
from harness.cli.interventions import hold_journal
from harness.domain.text import counted
from harness.domain.units import format_duration, format_size
from harness.records.events import Cleaned
from harness.records.journal import moment_of
from harness.records.transcripts import NAMES
from harness.reports.attempts import Known, read_attempts
from harness.reports.view import View, read_view
from harness.settings.load import Config
from harness.system import files

Report = dict[str, Any]


def clean(config: Config, older_than: float, *, rehearse: bool) -> Report:
    """Forget what is kept of attempts that began more than `older_than` seconds ago, or only say what that would be.

    Of each its ref goes, and what its agent and its checks printed; how it ended stays, and so do all commits that are
    on a branch. Attempts on features that are not done stay whole.
    """
    view = read_view(config)
    chosen = find_old(view, time.time() - older_than)
    printed = [path for one in chosen for path in _find_printed(config, one)]
    report: Report = {
        "attempts": [one.name for one in chosen],
        "bytes": sum(path.stat().st_size for path in printed),
        "older_than": older_than,
        "done": not rehearse and bool(chosen),
    }
    if not rehearse and chosen:
        with hold_journal(config) as journal:
            journal.append(Cleaned(attempts=tuple(one.name for one in chosen)))
            open_refs(config).forget([one.name for one in chosen])
            for path in printed:
                files.remove(path)
    return report


def find_old(view: View, until: float) -> list[Known]:
    """Return the attempts on done features, or on features that are gone, that began before a moment and are kept."""
    there = {feature.slug for feature in view.look.features}
    over = [one for one in read_attempts(view.events) if one.ended is not None and not one.cleaned]
    over = [one for one in over if one.began.slug in view.look.markers.done or one.began.slug not in there]
    return [one for one in over if (moment_of(one.began.at) or until) < until]


def _find_printed(config: Config, known: Known) -> Sequence[Path]:
    """Return what the agent of an attempt, and its checks, printed."""
    folder = config.paths.attempt(known.began.slug, known.began.attempt)
    named = [folder / f"{name}{end}" for name in (*NAMES, "prompt.md") for end in ("", ".gz")]
    return [path for path in named if files.is_plain(path) and os.path.lexists(path)]


def show_clean(report: Report) -> list[str]:
    """Return the lines of `harness clean`."""
    age = f"older than {format_duration(report['older_than'])}"
    if not report["attempts"]:
        return [f"nothing is kept of attempts on done features that are {age}"]
    said = f"{counted(len(report['attempts']), 'attempt')} on done features, {age}: {format_size(report['bytes'])}"
    return [f"{said} {'forgotten' if report['done'] else 'would be forgotten'}; commits on branches stay"]
