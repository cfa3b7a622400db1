"""What reaches outside the sandbox: of what the project's own files say, and of nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.domain.feature import Check, Feature
from harness.settings.load import load_config
from harness.settings.options import OPTIONS
from harness.settings.reach import Reach, find_reaches


def reaches(root: Path, said: dict[str, Any], *checks: str, **environ: str) -> dict[str, list[Reach]]:
    """What a project with these settings asks for, by key; with checks it has a feature."""
    (root / "harness.yaml").write_text(yaml.safe_dump(said))
    features = [Feature("a", root / "specs/a/spec.md", checks=tuple(map(Check, checks)))] if checks else []
    found = dict[str, list[Reach]]()
    for one in find_reaches(load_config(root, {}, environ), features):
        found.setdefault(one.key, []).append(one)
    return found


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ({"on_finish": "mail x"}, "`on_finish` runs as you: `mail x`"),
        ({"agent_args": "--dir /"}, "`agent_args` tells the agent what it may do and whom it asks: `--dir /`"),
        ({"sandbox": "none"}, "`sandbox: none`: agent and checks work as you, without a sandbox of harness"),
        ({"sandbox": "container"}, "`sandbox: container`: agent and checks work as you, without a sandbox of harness"),
        ({"sandbox_write": "~/.m2"}, "`sandbox_write`: `~/.m2` can be written inside the sandbox"),
        ({"sandbox_read": "~/.m2"}, "`sandbox_read`: `~/.m2` can be read inside the sandbox"),
        ({"env_pass": "AWS_*"}, "`env_pass`: `AWS_*` of your environment is given to agent and checks"),
        ({"base_url": "http://x"}, "`base_url` `http://x` gets all prompts"),
        ({"api_key_env": "K"}, "the server of agent `api` gets the key in `K` and all prompts"),
        ({"base_url": "http://x", "api_key_env": "K"}, "`base_url` `http://x` gets the key in `K` and all prompts"),
        (
            {"base_url": "http://x", "api_server": "anthropic"},
            "`base_url` `http://x` gets your Anthropic key and all prompts",
        ),
        ({"webhook": "https://x/secret"}, "`webhook` `https://x/…` is told how runs go"),
        ({"notify": ["ntfy://secret"]}, "`notify` `ntfy://…` is told how runs go"),
    ],
    ids=lambda value: value if isinstance(value, str) else "+".join(value),
)
def test_what_reaches_outside_even_from_the_sandbox(tmp_path: Path, said: dict[str, Any], shown: str) -> None:
    found = [one for listed in reaches(tmp_path, said).values() for one in listed]
    assert [(one.says, one.always) for one in found] == [(shown, True)]
    words = {f"HARNESS_{name.upper()}": value if isinstance(value, str) else value[0] for name, value in said.items()}
    assert reaches(tmp_path, {}, **words) == {}, "the person said it"


@pytest.mark.parametrize(
    "said",
    [
        {"timeout": "1h", "max_cost": 5, "model": "m", "agent": "codex", "keep_going": True},
        {"sandbox": "auto", "sandbox_network": "host"},
        {"sandbox": "bwrap", "sandbox_network": "broker", "sandbox_hosts": ["example.com"]},
        {"template": "mine.md", "order_file": "order"},
        {"checks": [], "env_pass": [], "command": []},
    ],
    ids=lambda said: "+".join(said),
)
def test_what_stays_inside_is_not_asked_about(tmp_path: Path, said: dict[str, Any]) -> None:
    assert reaches(tmp_path, said) == {}


def test_hosts_that_a_project_adds_to_the_persons_own_broker_are_asked_about(tmp_path: Path) -> None:
    found = reaches(tmp_path, {"sandbox_hosts": ["example.com"]}, HARNESS_SANDBOX_NETWORK="broker")
    assert [one.value for one in found["sandbox_hosts"]] == ["example.com"]


def test_checks_and_commands_reach_outside_only_without_a_sandbox(tmp_path: Path) -> None:
    found = reaches(
        tmp_path, {"checks": ["make test"], "command": "cat", "workspace_setup": "npm ci"}, "true", "make test"
    )
    assert [one.value for one in found["check"]] == ["make test", "true"]
    assert {one.always for listed in found.values() for one in listed} == {False}
    assert found.keys() == {"check", "command", "setup", "unconfined"}


def test_a_command_reaches_outside_by_the_files_that_it_names(tmp_path: Path) -> None:
    (tmp_path / "harness.yaml").write_text("command: [x, y]\nagent_args: [z]\n")
    config = load_config(tmp_path, {}, {})
    found = find_reaches(config, (), ["/home/me/y"])
    assert [(one.says, one.always) for one in found if one.key in ("command", "agent_args")] == [
        ("`agent_args` tells the agent what it may do and whom it asks: `z`, and lets it read `/home/me/y`", True),
        ("`command` is run as the agent: `x y`, and lets it read `/home/me/y`", True),
    ]
    assert not {one.digest for one in found} & {one.digest for one in find_reaches(config, (), ["/home/me/other"])}


def test_a_spec_whose_agent_may_change_what_programs_obey_is_asked_about(tmp_path: Path) -> None:
    feature = Feature("a", tmp_path / "specs/a/spec.md", may_change=(".husky",))
    told = [(one.says, one.always) for one in find_reaches(load_config(tmp_path, {}, {}), [feature])]
    assert told[0] == ("the agent of `a` may change what programs obey: `.husky`", True)


def test_a_text_that_would_lie_on_a_terminal_is_shown_plain(tmp_path: Path) -> None:
    assert reaches(tmp_path, {}, "true \x1b[2K\u202e# x")["check"][0].says == "a check runs `true # x`"


def test_what_is_run_is_shown_to_its_end_and_with_its_line_ends(tmp_path: Path) -> None:
    command = f"true # is over\n{'x' * 3000} | sh"
    (said,) = reaches(tmp_path, {"on_finish": command})["on_finish"]
    assert said.says == f"`on_finish` runs as you: `true # is over\\n{'x' * 3000} | sh`"


def test_a_key_and_an_address_are_trusted_together(tmp_path: Path) -> None:
    one, other = ({"base_url": url, "api_key_env": "K"} for url in ("http://a", "http://b"))
    assert reaches(tmp_path, one)["base_url"][0].digest != reaches(tmp_path, other)["base_url"][0].digest


ASKED_ABOUT = {
    "agent_args", "api_key_env", "api_server", "base_url", "checks", "command", "env_pass", "notify", "on_finish",
    "sandbox", "sandbox_hosts", "sandbox_network", "sandbox_read", "sandbox_write", "webhook",
    "workspace_setup",
    "logs_dir", "order_file", "script", "specs_dir", "template",  # where they lead; see run.trust
}  # fmt: skip
STAYS_INSIDE = {
    "agent", "agents", "dialect", "model", "fallback_models", "effort", "thinking", "cache_ttl", "prices",
    "permission_mode", "setting_sources",  # no wider than what an agent does without them
    "commit", "prove", "workspace_include", "checks_must_fail_first", "baseline", "judge", "held_out_output", "park",
    "guards",
    "spec_file", "keep_transcripts", "inhibit_sleep", "json", "quiet", "verbose",
    "sandbox_file_size", "sandbox_memory", "sandbox_processes", "pid_namespace",  # limits: a project can be without
    "api_timeout", "check_retries", "check_timeout", "compact_at", "context_window", "expected_cost", "fault_backoff",
    "fault_limit", "idle_timeout", "keep_going", "max_attempts", "max_cost", "max_cost_per_attempt",
    "max_cost_per_feature",
    "max_iterations", "max_time", "max_tokens", "monthly_budget", "monthly_stop", "on_limit", "outage_limit", "pause",
    "stuck_bytes", "stuck_limit", "timeout", "tool_timeout",
}  # fmt: skip


def test_of_each_setting_it_is_decided_whether_it_reaches_outside() -> None:
    assert set(OPTIONS) == ASKED_ABOUT | STAYS_INSIDE and not ASKED_ABOUT & STAYS_INSIDE
