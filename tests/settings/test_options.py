"""A setting stands in one place: whatever else names it says the same."""

from __future__ import annotations

from dataclasses import MISSING, fields
from pathlib import Path

import pytest

from harness.agents.api.launch import ApiOptions
from harness.agents.start import AgentOptions
from harness.agents.table import explain, names
from harness.domain.errors import ConfigError
from harness.domain.rules import Rules
from harness.settings.load import load_config
from harness.settings.options import OPTIONS, Settings
from harness.settings.setting import Group

TYPES = {one.name: one.type for one in fields(Settings)}


@pytest.mark.parametrize("name", OPTIONS)
def test_a_default_is_shown_as_one_would_write_it(tmp_path: Path, name: str) -> None:
    shown = OPTIONS[name].kind.show(OPTIONS[name].default)
    (tmp_path / "harness.yaml").write_text(f"{name}: {shown}\n")
    config = load_config(tmp_path, {}, {})
    assert (getattr(config.settings, name), config.origins[name]) == (getattr(Settings(), name), "harness.yaml")


@pytest.mark.parametrize("part", [Rules, ApiOptions], ids=lambda part: part.__name__)
def test_what_a_room_needs_of_the_settings_has_their_names_and_types_and_no_default(part: type) -> None:
    assert {one.name: one.type for one in fields(part)}.items() <= TYPES.items()
    assert [one.name for one in fields(part) if one.default is not MISSING] == []


def test_what_agents_need_of_the_settings_has_their_names_and_types_too() -> None:
    needed = {one.name: one.type for one in fields(AgentOptions) if one.name != "api"}
    assert needed.pop("dialect") == "Dialect"  # a word of harness.yaml until then
    assert needed.items() <= TYPES.items()


def test_the_settings_of_the_api_agent_all_reach_it() -> None:
    group = {name for name, option in OPTIONS.items() if option.group is Group.API}
    assert {one.name for one in fields(ApiOptions)} == group


def test_the_agents_that_a_person_is_told_of_are_those_there_are() -> None:
    assert explain("agent", OPTIONS["agent"].help).endswith(": " + ", ".join(names()))


@pytest.mark.parametrize(("name", "secret"), [("webhook", "tell-nobody"), ("notify", "tell-nobody")])
def test_no_message_repeats_what_may_hold_a_secret(tmp_path: Path, name: str, secret: str) -> None:
    with pytest.raises(ConfigError) as error:
        load_config(tmp_path, {name: secret}, {})
    assert secret not in error.value.message + error.value.hint
