"""The table of settings is the one in the manual."""

from __future__ import annotations

from harness.settings.options import OPTIONS, Settings


def test_the_table_of_options_and_the_settings_are_one() -> None:
    assert list(OPTIONS) and set(OPTIONS) == set(Settings.__dataclass_fields__)
