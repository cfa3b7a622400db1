"""Projects with something wrong in them, as functions that arrange a world."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from helpers.world import World

Arrange = Callable[[World], object]


def write(world: World, name: str, content: str | bytes) -> Path:
    path = world.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def spec(content: str | bytes, slug: str = "a") -> Arrange:
    """A spec with this content."""
    return lambda world: write(world, f"specs/{slug}/spec.md", content)


def front(text: str) -> Arrange:
    """A spec with this front matter."""
    return spec(f"---\n{text}\n---\n# a\n\nDo it.\n")


def both(*arrange: Arrange) -> Arrange:
    return lambda world: [one(world) for one in arrange]


def link(name: str, target: str) -> Arrange:
    def arrange(world: World) -> None:
        path = world.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        (world.root.parent / "outside").mkdir()
        (world.root.parent / "outside" / "spec.md").write_text("# outside\n\nDo it.\n")
        path.symlink_to(target)

    return arrange


def settings(text: str | bytes) -> Arrange:
    return both(GOOD, lambda world: write(world, "harness.yaml", text))


def folder(name: str) -> Arrange:
    return lambda world: (world.root / name).mkdir(parents=True)


GOOD = spec("# a\n\nDo it.\n")
