"""Flags, made from the table of settings."""

from __future__ import annotations

from harness.cli.flags import FILE_SETTINGS, RUN_SETTINGS
from harness.settings.options import OPTIONS


def test_a_command_has_a_flag_for_each_of_its_settings(harness) -> None:
    told = {command: harness(command, "--help").out for command in ("run", "lint")}
    assert set(RUN_SETTINGS) | set(FILE_SETTINGS) <= set(OPTIONS)
    assert [name for name in RUN_SETTINGS if f"--{name.replace('_', '-')}" not in told["run"]] == []
    assert ("--specs-dir" in told["lint"], "--max-cost" in told["lint"]) == (True, False)


def test_a_flag_reaches_the_settings_and_is_named_as_their_origin(harness) -> None:
    def config(*words: str) -> tuple[str, str]:
        said = harness("config", "--json", *words).json["settings"]["specs_dir"]
        return said["value"], said["origin"]

    assert (config(), config("--specs-dir", "wanted")) == (("specs", "default"), ("wanted", "--specs-dir"))
