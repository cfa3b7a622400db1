"""`harness status`: what the files say, and what git says about the commits of receipts."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from harness.reports.status import report_status
from harness.reports.view import View
from harness.run.doubts import find_doubts

if TYPE_CHECKING:
    from harness.workspace.heads import Heads


def report_project(view: View) -> dict[str, Any]:
    """Return where every feature stands, with a warning for each receipt that is in doubt."""
    report, paths = report_status(view), view.config.paths

    def open_heads() -> Heads:  # where there is a commit: what it needs is slow to import
        from harness.run.open import environment_of_git
        from harness.workspace.git import Git
        from harness.workspace.heads import Heads

        return Heads(Git(paths.root, environment_of_git(view.config, os.environ), written=view.config.written))

    report["warnings"] += find_doubts(view.look.features, view.look.markers.done, view.history, open_heads)
    return report
