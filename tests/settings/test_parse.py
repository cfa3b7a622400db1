"""One value of a setting, parsed or refused with its place."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.world import World

from harness.domain.errors import ConfigError
from harness.domain.finding import Guards, Level
from harness.settings.load import load_config


@pytest.mark.parametrize("name", ["MAX_ITERATIONS", "TIMEOUT", "KEEP_GOING"])
def test_a_variable_that_is_no_number_ends_with_2(world: World, harness, monkeypatch, name: str) -> None:
    world.spec("a")
    monkeypatch.setenv(f"HARNESS_{name}", "abc")
    ran = harness("run")
    assert ran.code == 2
    assert f"`HARNESS_{name}`" in ran.err
    assert "`abc`" in ran.err
    assert not world.has("logs")


def test_a_setting_that_names_no_host_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "harness.yaml").write_text("sandbox_network: broker\nsandbox_hosts: [pypi.org, '*.evil.org']\n")
    with pytest.raises(ConfigError, match=r"`harness.yaml` line 2: `sandbox_hosts` must be host names"):
        load_config(tmp_path, {}, {})


def test_what_follows_from_a_finding_is_said_for_every_rule_or_by_rule(tmp_path: Path) -> None:
    def read(said: str) -> object:
        (tmp_path / "harness.yaml").write_text(f"guards: {said}\n")
        return load_config(tmp_path, {}, {}).settings.guards

    assert read("off") == read("'off'") == Guards(every=Level.OFF)
    assert read("{test-removed: strict, secret: off}") == Guards(
        own=(("test-removed", Level.STRICT), ("secret", Level.OFF))
    )
    with pytest.raises(ConfigError, match=r"`test-remove` is none; did you mean `test-removed`\?"):
        read("{test-remove: strict}")
    with pytest.raises(ConfigError, match="must be one of `strict`, `warn`, `off`"):
        read("loud")
