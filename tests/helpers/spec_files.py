"""Specs written and read, for the tests of what becomes of them."""

from __future__ import annotations

import os
import time
from pathlib import Path

from harness.domain.feature import Feature
from harness.specs.parse import parse_spec
from harness.specs.shelf import SpecsFolder


def write(specs: Path, slug: str, text: str | bytes = "# Words\n", *, age: float = 100) -> Path:
    """A spec last changed `age` seconds ago, so that its reading settles."""
    path = specs / slug / "spec.md"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    then = time.time() - age
    os.utime(path, (then, then))
    os.utime(specs, (then, then))
    return path


def read(specs: Path) -> dict[str, Feature]:
    return {feature.slug: feature for feature in SpecsFolder(specs).read().features}


def order(specs: Path, order_file: Path | None = None) -> list[str]:
    return [feature.slug for feature in SpecsFolder(specs, order_file=order_file).read().features]


def problem(front_matter: str) -> str | None:
    content = f"---\n{front_matter}\n---\nwords\n".encode()
    return parse_spec(Path("specs/a/spec.md"), content, "", "specs/a/spec.md").problem
