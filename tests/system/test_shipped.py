"""What ships with harness is found where it is looked for."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from helpers.files import REPOSITORY

from harness.system.shipped import shipped_template


def test_the_templates_are_found_in_this_checkout() -> None:
    assert shipped_template("prompt.md") == REPOSITORY / "templates" / "prompt.md"


@pytest.mark.deep
def test_a_wheel_carries_the_templates_where_they_are_looked_for(tmp_path: Path) -> None:
    built = subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", str(tmp_path), str(REPOSITORY)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if built.returncode and "Temporary failure in name resolution" in built.stderr:
        pytest.skip("building a wheel needs the package registry")
    assert built.returncode == 0, built.stderr
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        wheel.extractall(tmp_path / "site")
    templates = REPOSITORY / "templates"
    names = {path.relative_to(templates) for path in templates.rglob("*") if path.is_file()}
    inside = tmp_path / "site" / "harness" / "templates"
    assert {path.relative_to(inside) for path in inside.rglob("*") if path.is_file()} == names
    code = "import harness.system.shipped as s; print(s.shipped_template('prompt.md'))"
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path / "site", capture_output=True, text=True, check=True
    )
    assert Path(found.stdout.strip()) == inside / "prompt.md"
