"""What a reviewer does not see of a checkout."""

from __future__ import annotations

from pathlib import Path

from harness.workspace.steering import find_names, remove_steering

NAMES = {"CLAUDE.md", ".claude"}


def write(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x")


def test_what_tells_agents_what_to_do_is_removed_at_any_depth_and_no_link_is_followed(tmp_path: Path) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "checkout"
    write(outside, "CLAUDE.md", "a/held-out/case")
    write(folder, "Claude.MD", "a/b/CLAUDE.md", "a/.claude/rules.md", "a/claude.py", "specs/one/held-out/case")
    write(folder, "specs/one/spec.md", "a/held-out/kept", "specs/deep/er/held-out/kept")
    for name in (".claude", "linked", "specs/linked"):
        (folder / name).symlink_to(outside)
    remove_steering(folder, NAMES, "specs")
    left = [str(path.relative_to(folder)) for path in sorted(folder.rglob("*")) if path.is_file()]
    assert left == ["a/claude.py", "a/held-out/kept", "specs/deep/er/held-out/kept", "specs/one/spec.md"]
    assert sorted(path.name for path in outside.rglob("*")) == ["CLAUDE.md", "a", "case", "held-out"]
    remove_steering(folder, NAMES, "")
    assert (folder / "a/held-out/kept").exists()


def test_what_is_left_out_is_named_by_its_uppermost_folder() -> None:
    listed = ["a.py", "sub/CLAUDE.md", ".claude/a.md", ".claude/b/c.md", "CLAUDE.md.txt"]
    assert find_names(listed, NAMES) == (".claude", "sub/CLAUDE.md")
