"""Settings from flags, variables, the file and defaults, in that order."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.world import CLAIM, World

from harness.domain.errors import ConfigError
from harness.settings.load import load_config


def test_hosts_that_bound_nothing_are_told(tmp_path: Path) -> None:
    (tmp_path / "harness.yaml").write_text("sandbox_hosts: [pypi.org]\n")
    warned = "`sandbox_hosts` has no effect while `sandbox_network` is `host`"
    assert load_config(tmp_path, {}, {}).warnings == (warned,)


def test_flags_win_over_variables_over_the_file_over_defaults(world: World, harness, monkeypatch) -> None:
    (world.root / "harness.yaml").write_text("timeout: 5m\nmodel: from-file\nstuck_limit: 4\n")
    monkeypatch.setenv("HARNESS_MODEL", "from-variable")
    monkeypatch.setenv("HARNESS_STUCK_LIMIT", "6")
    shown = harness("config", "--stuck-limit", "7", "--json").json["settings"]
    names = ("timeout", "model", "stuck_limit", "pause")
    assert {name: (shown[name]["value"], shown[name]["origin"]) for name in names} == {
        "timeout": ("5m", "harness.yaml"),
        "model": ("from-variable", "HARNESS_MODEL"),
        "stuck_limit": ("7", "--stuck-limit"),
        "pause": ("2s", "default"),
    }
    assert "timeout" in harness("config").out


def test_the_defaults_are_those_of_the_manual(world: World, harness) -> None:
    shown = harness("config", "--json").json["settings"]
    names = ("timeout", "idle_timeout", "max_iterations", "max_attempts", "pause", "stuck_limit", "stuck_bytes",
             "fault_backoff", "outage_limit", "sandbox", "commit", "agent")  # fmt: skip
    assert [shown[name]["value"] for name in names] == [
        "30m", "10m", "200", "30", "2s", "3", "32", "15s", "2h", "none", "done", "auto",
    ]  # fmt: skip


def test_unknown_variables_are_one_warning_and_no_error(world: World, harness, monkeypatch) -> None:
    world.spec("a", checks="true")
    world.agent(CLAIM)
    world.config_file()
    monkeypatch.setenv("HARNESS_TIMEOT", "5m")
    monkeypatch.setenv("HARNESS_ZZZ", "1")
    warning = "`HARNESS_TIMEOT` is not a setting; did you mean `HARNESS_TIMEOUT`? (and 1 more)"
    assert harness("status", "--json").json["warnings"] == [warning]
    assert harness("config").out.count(warning) == 1
    ran = harness("run")
    assert (ran.code, ran.err.count("HARNESS_TIMEOT`")) == (0, 1)


def test_an_unknown_key_is_an_error_with_a_suggestion(world: World, harness) -> None:
    world.spec("a")
    (world.root / "harness.yaml").write_text("time_out: 5m\n")
    ran = harness("run")
    assert ran.code == 2
    assert "unknown key `time_out`" in ran.err
    assert "did you mean `timeout`?" in ran.err


def test_a_home_of_nobody_is_a_folder_of_that_name_as_in_a_shell(tmp_path: Path) -> None:
    config = load_config(tmp_path, {"specs_dir": "~no-such-user/specs"}, {})
    assert config.paths.specs == tmp_path / "~no-such-user/specs"


def test_settings_under_a_name_that_is_nearly_right_are_refused(tmp_path: Path) -> None:
    (tmp_path / ".harness.yml").write_text("max_cost: 5\n")
    with pytest.raises(ConfigError, match=r"`.harness.yml` is not read: settings stand in `harness.yaml`"):
        load_config(tmp_path, {}, {})


def test_what_is_not_read_beside_the_settings_is_told_unless_it_is_the_same_file(tmp_path: Path) -> None:
    settings = tmp_path / "harness.yaml"
    settings.write_text("max_cost: 5\n")
    (tmp_path / "Harness.yaml").hardlink_to(settings)  # as on a disk that ignores case
    (tmp_path / "harness.yml").write_text("max_cost: 9\n")
    config = load_config(tmp_path, {}, {})
    assert (config.settings.max_cost, config.warnings) == (5, ("`harness.yml` is not read: `harness.yaml` is",))


def test_a_key_without_a_value_is_told_and_null_is_one(tmp_path: Path) -> None:
    (tmp_path / "harness.yaml").write_text("model: null\nmax_cost:\n")
    told = ("`harness.yaml` line 2: `max_cost` has no value, and counts as left out",)
    assert load_config(tmp_path, {}, {}).warnings == told


def test_a_variable_in_another_case_is_told(tmp_path: Path) -> None:
    told = ("`harness_max_cost` is not a setting; did you mean `HARNESS_MAX_COST`?",)
    assert load_config(tmp_path, {}, {"harness_max_cost": "5"}).warnings == told


def test_settings_that_are_not_utf_8_are_refused_with_the_line(tmp_path: Path) -> None:
    (tmp_path / "harness.yaml").write_bytes(b"model: a\ncommand: f\xfcr\n")
    with pytest.raises(ConfigError, match=r"`harness.yaml` line 2: this is not UTF-8"):
        load_config(tmp_path, {}, {})
