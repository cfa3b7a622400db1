"""Where the files that ship with harness lie: inside the wheel, or at the top of an editable checkout."""

from __future__ import annotations

from pathlib import Path

from harness.domain.errors import ConfigError


def shipped_template(name: str) -> Path:
    """Return a template that ships with harness: inside the wheel, or at the top of an editable checkout."""
    here = Path(__file__).resolve().parent.parent  # the package
    for folder in (here / "templates", here.parent / "templates"):
        if (folder / name).is_file():
            return folder / name
    raise ConfigError(f"harness is installed without its template `{name}`", "install harness-loop again")
