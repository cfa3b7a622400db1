"""How a run ends, once all that it proved is looked at again."""

from __future__ import annotations

from harness.attempts.earlier import check_all_proven
from harness.attempts.moves import end_with_git
from harness.attempts.retry import stop_for_refused
from harness.attempts.snapshots import name_kept
from harness.domain.halt import Stop
from harness.run.run import Run


def look_back(run: Run, stop: Stop) -> Stop:
    """Return another end where a done feature has regressed, is not committed, or is not on the branch any more."""
    name_kept(run)
    return end_with_git(run, stop_for_refused(run, check_all_proven(run, stop)))
