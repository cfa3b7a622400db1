"""Flags are made from the settings: the same names, the same sentences, the same values."""

from __future__ import annotations

import re

import pytest
from helpers.world import World

from harness.cli.flags import FILE_SETTINGS, RUN_SETTINGS
from harness.settings.load import load_config
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


def flags_of(text: str) -> set[str]:
    """The flags that a help lists, but for those that are no settings."""
    return set(re.findall(r"^  (?:-\w, )?(--[\w-]+)", text, re.MULTILINE)) - {
        "--help",
        "--all",
        "--checks",
        "--schema",
        "--trust",
    }


@pytest.mark.parametrize("command", ["run", "dry-run", "config"])
def test_what_drives_a_run_can_be_tried_with_dry_run_and_shown_with_config(harness, command: str) -> None:
    assert flags_of(harness(command, "--help").out) == {one.flag for one in OPTIONS.values() if one.is_flag}


@pytest.mark.parametrize("command", ["status", "why", "lint"])
def test_who_only_looks_can_be_told_where(harness, command: str) -> None:
    assert set(FILE_SETTINGS) == {"specs_dir", "spec_file", "order_file", "logs_dir", "json"}
    assert flags_of(harness(command, "--help").out) == {OPTIONS[name].flag for name in FILE_SETTINGS}


@pytest.mark.parametrize(
    "line",
    [
        "--timeout DURATION ", "--max-iterations NUMBER ", "--max-cost DOLLARS ", "--specs-dir PATH ",
        "--on-limit halt|wait ", "-k, --keep-going / --no-keep-going",
    ],
)  # fmt: skip
def test_the_help_says_how_a_value_is_written(harness, line: str) -> None:
    assert f"  {line}" in harness("run", "--help").out


@pytest.mark.parametrize(
    ("name", "words", "text"),
    [
        ("timeout", ("--timeout", "5m"), "5m"),
        ("max_cost", ("--max-cost", "0.5"), "0.50"),
        ("keep_going", ("-k",), "true"),
        ("keep_going", ("--no-keep-going",), "false"),
        ("on_limit", ("--on-limit", "wait"), "wait"),
    ],
)
def test_a_flag_a_variable_and_a_line_of_harness_yaml_mean_the_same(
    world: World, harness, name: str, words: tuple[str, ...], text: str
) -> None:
    shown = harness("config", *words, "--json").json["settings"][name]
    assert (shown["value"], shown["help"]) == (text, OPTIONS[name].help)
    by_variable = load_config(world.root, {}, {f"HARNESS_{name.upper()}": text}).settings
    (world.root / "harness.yaml").write_text(f"{name}: {text}\n")
    assert by_variable == load_config(world.root, {}, {}).settings
    assert OPTIONS[name].kind.show(getattr(by_variable, name)) == text
