"""A policy tightens what projects say, and loosens nothing."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from helpers.world import CLAIM, World

from harness.domain.errors import ConfigError
from harness.domain.finding import RULES, Guards, Level
from harness.settings.load import load_config
from harness.settings.options import OPTIONS
from harness.specs.shelf import open_specs_folder

# setting, what the project says (None for nothing), what the policy demands, what holds
CASES = [
    ("max_cost", 50, 20, 20.0),
    ("max_cost", 5, 20, 5.0),
    ("max_cost", None, 20, 20.0),
    ("timeout", 0, "1h", 3600.0),
    ("stuck_limit", 0, 4, 4),
    ("check_retries", 3, 0, 0),
    ("prove", "tree", "commit", "commit"),
    ("prove", "commit", "auto", "commit"),
    ("sandbox", "none", "bwrap", "bwrap"),
    ("sandbox", "bwrap", "container", "bwrap"),
    ("sandbox_network", "none", "broker", "none"),
    ("baseline", None, "refuse", "refuse"),
    ("checks_must_fail_first", "off", "require", "require"),
    ("judge", ["own/**"], ["org/**"], ("org/**", "own/**")),
    ("park", None, [".github/**"], (".github/**",)),
    ("guards", {"test-removed": "off"}, "warn", Guards(own=tuple((one, RULES[one]) for one in sorted(RULES)))),
    ("guards", "strict", {"test-removed": "warn"}, Guards(Level.STRICT)),
    ("guards", None, {"test-removed": "strict"}, Guards(own=(("test-removed", Level.STRICT),))),
    ("sandbox_write", ["/a", "/b"], ["/b", "/c"], ("/b",)),
]


def load(tmp_path: Path, project: dict[str, Any], policy: dict[str, Any], **environ: str) -> Any:
    root = tmp_path / "work" / "project"
    (root / "specs").mkdir(parents=True)
    (root / "harness.yaml").write_text(yaml.safe_dump(project))
    (tmp_path / "work" / "harness-policy.yaml").write_text(yaml.safe_dump(policy))
    return load_config(root, {}, environ)


@pytest.mark.parametrize(("name", "own", "demanded", "holds"), CASES)
def test_the_stricter_value_holds(tmp_path: Path, name: str, own: object, demanded: object, holds: object) -> None:
    config = load(tmp_path, {} if own is None else {name: own}, {name: demanded})
    assert getattr(config.settings, name) == holds
    tightened = own is not None and holds != OPTIONS[name].kind.parse(own)
    assert any("by the policy" in one for one in config.warnings) == tightened


def test_what_a_policy_tightens_of_one_rule_is_said_of_that_rule_alone(tmp_path: Path) -> None:
    config = load(tmp_path, {"guards": "off"}, {"guards": {"test-removed": "strict"}})
    shown = "off but for {test-removed: strict}"
    assert OPTIONS["guards"].kind.show(config.settings.guards) == shown
    (said,) = config.warnings
    assert said.startswith(f"`guards` is {shown}, tightened by the policy `") and said.endswith("harness-policy.yaml`")


def test_each_bound_gives_the_same_twice_and_its_own_value_for_itself() -> None:
    for option in OPTIONS.values():
        values = option.choices or (option.default,)
        for value in values if option.tighten else ():
            assert option.tighten is not None and option.tighten(value, value) == value


def test_what_a_policy_cannot_tighten_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="line 1: `model`: a policy cannot tighten `model`"):
        load(tmp_path, {}, {"model": "x"})


def test_flags_and_variables_loosen_nothing_and_a_person_has_a_policy_too(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / ".config" / "harness").mkdir(parents=True)
    (home / ".config" / "harness" / "policy.yaml").write_text("max_cost: 3\n")
    config = load(tmp_path, {}, {"max_cost": 9}, HOME=str(home), HARNESS_MAX_COST="30")
    assert config.settings.max_cost == 3.0 and config.origins["max_cost"].endswith("policy.yaml")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")
def test_a_policy_of_another_user_is_not_read(tmp_path: Path) -> None:
    root = tmp_path / "project"
    root.mkdir()
    policy = tmp_path / "harness-policy.yaml"
    policy.write_text("checks: [touch /tmp/ran]\n")
    os.chown(policy, 12345, 12345)
    config = load_config(root, {}, {})
    assert config.settings.checks == () and "is not read: it belongs to" in config.warnings[0]


def test_a_policy_holds_for_runs_and_specs(world: World, harness) -> None:
    (world.root.parent / "harness-policy.yaml").write_text("checks: [test -f ok.txt]\ntimeout: 1h\n")
    world.spec("a", checks="test -f a.txt", timeout="5h")
    world.repository()
    world.agent("echo x > a.txt; " + CLAIM)
    world.settings["stuck_limit"] = 1
    ran = world.run()
    assert ran.code == 5 and "`test -f ok.txt` failed" in ran.text, ran.text
    (feature,) = open_specs_folder(load_config(world.root, {}, {})).read().features
    assert feature.timeout == 3600.0
    shown = json.loads(harness("config", "--json").out)["settings"]["checks"]
    assert shown["value"] == "[test -f ok.txt]" and shown["origin"].endswith("harness-policy.yaml")


def test_a_check_of_a_spec_has_no_more_time_and_no_variable_leads_away(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / ".config" / "harness").mkdir(parents=True)
    (home / ".config" / "harness" / "policy.yaml").write_text("check_timeout: 2s\n")
    project = {"checks": [{"run": "true", "timeout": "1m"}, "false"]}
    config = load(tmp_path, project, {}, HOME=str(home), XDG_CONFIG_HOME=str(tmp_path / "elsewhere"))
    assert [one.timeout for one in config.settings.checks] == [2.0, None] and config.settings.check_timeout == 2.0
    spec = config.paths.specs / "a" / "spec.md"
    spec.parent.mkdir()
    spec.write_text("---\nchecks: [{run: x, timeout: 1h}]\n---\n# a\n\nDo it.\n")
    (feature,) = open_specs_folder(config).read().features
    assert [one.timeout for one in feature.checks] == [2.0]


def test_nor_has_a_review_that_a_spec_asks_for(tmp_path: Path) -> None:
    (tmp_path / "harness-policy.yaml").write_text("check_timeout: 2s\n")
    root = tmp_path / "project"
    spec = root / "specs" / "a" / "spec.md"
    spec.parent.mkdir(parents=True)
    spec.write_text("---\nchecks: [x, {review: is it so, timeout: 1h}]\n---\n# a\n\nDo it.\n")
    (root / "harness.yaml").write_text("checks: [{review: is it done, timeout: 1h}]\n")
    config = load_config(root, {}, {})
    (feature,) = open_specs_folder(config).read().features
    assert [one.timeout for one in (*feature.reviews, *config.settings.checks)] == [2.0, 2.0]
