"""What the guards of a project take as the person's, and when they look for it."""

from __future__ import annotations

from pathlib import Path

from harness.domain.paths import Paths
from harness.workspace.guards import make_guards


def test_what_is_named_later_is_remembered_anew(tmp_path: Path) -> None:
    hook = tmp_path / "tools/hooks/post-checkout"
    hook.parent.mkdir(parents=True)
    hook.write_text("")
    guards = make_guards(Paths(tmp_path, tmp_path / "specs", tmp_path / "logs"), ())
    guards.remember()
    guards.name([hook.parent])
    guards.remember_anew()
    assert guards.tree.changes() == []
