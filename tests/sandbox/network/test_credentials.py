"""What a command gets in place of a key, and where its calls go."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from helpers.keys import KEY, STAND_IN

from harness.agents.table import AGENTS, all_agents
from harness.domain.provider import Provider
from harness.sandbox.network.credentials import Route, substitute_for_agent, substitute_for_check
from harness.system.command import Command

RELAY = "http://127.0.0.1:20617"


def substitute(name: str, *argv: str, passed: tuple[str, ...] = (), also: tuple[Provider, ...] = (), **env: str) -> Any:
    profile, command = AGENTS[name], Command((name, *argv), Path("/"), env)
    settle = profile.settle_providers or (lambda argv, env: profile.access.providers)
    access = replace(profile.access, providers=settle(command.argv, env))
    providers = (*all_agents().providers, *also)
    return substitute_for_agent(command, access, providers, relay=RELAY, word=lambda: "a" * 40, passed=passed)


def test_claude_gets_stand_ins_and_the_brokers_address() -> None:
    substituted = substitute(
        "claude", ANTHROPIC_API_KEY=KEY, CLAUDE_CODE_OAUTH_TOKEN="sk-ant-oat01-real", HTTPS_PROXY="http://p"
    )
    assert substituted.env == {
        "ANTHROPIC_API_KEY": STAND_IN,
        "CLAUDE_CODE_OAUTH_TOKEN": "sk-ant-oat01-" + "a" * 40,
        "ANTHROPIC_BASE_URL": f"{RELAY}/anthropic",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        **dict.fromkeys(("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"), RELAY),
        **dict.fromkeys(("NO_PROXY", "no_proxy"), "localhost,127.0.0.1,::1"),
        "NODE_USE_ENV_PROXY": "1",
    }
    keys = {STAND_IN: KEY, "sk-ant-oat01-" + "a" * 40: "sk-ant-oat01-real"}
    assert substituted.routes == (Route("anthropic", "https://api.anthropic.com", keys),)
    assert substituted.holds_key


def test_the_upstream_is_what_the_person_had_set() -> None:
    substituted = substitute(
        "claude", ANTHROPIC_BASE_URL="http://localhost:4000/tenant/", ANTHROPIC_CUSTOM_HEADERS="X-Key: 1\nY:2"
    )
    assert substituted.routes == (Route("anthropic", "http://localhost:4000/tenant", {}, (("X-Key", "1"), ("Y", "2"))),)
    assert "ANTHROPIC_CUSTOM_HEADERS" not in substituted.env


def test_a_login_without_a_key_needs_no_route() -> None:
    substituted = substitute("claude", HOME="/home/u")
    assert (substituted.routes, substituted.holds_key) == ((), False)


def test_the_api_agent_is_told_by_its_arguments() -> None:
    argv = ("--base-url", "http://127.0.0.1:9/x", "--api-key-env", "MINE")
    substituted = substitute("api", *argv, MINE="hidden-key-1", ANTHROPIC_API_KEY=KEY)
    assert substituted.argv == ("api", *argv, "--base-url", f"{RELAY}/anthropic")
    assert substituted.routes == (Route("anthropic", "http://127.0.0.1:9/x", {"sk-" + "a" * 40: "hidden-key-1"}),)
    assert "ANTHROPIC_API_KEY" not in substituted.env


def test_an_address_that_is_one_word_with_its_option_is_replaced_too() -> None:
    substituted = substitute("api", "--base-url=http://127.0.0.1:9/x", ANTHROPIC_API_KEY=KEY)
    assert substituted.argv[-2:] == ("--base-url", f"{RELAY}/anthropic")
    assert substituted.routes[0].upstream == "http://127.0.0.1:9/x"


def test_codex_gemini_and_opencode_are_told_in_their_own_ways() -> None:
    codex = substitute("codex", "exec", "--json", "-", CODEX_API_KEY="sk-real")
    assert codex.argv == ("codex", "exec", "-c", f'openai_base_url="{RELAY}/openai"', "--json", "-")
    assert codex.routes[0].upstream == "https://api.openai.com/v1"
    assert substitute("gemini", GEMINI_API_KEY="AIza-real").env["GOOGLE_GEMINI_BASE_URL"] == f"{RELAY}/gemini"
    opencode = substitute("opencode", OPENAI_API_KEY="sk-real", OPENCODE_CONFIG_CONTENT='{"theme": "x"}')
    assert opencode.env["OPENCODE_CONFIG_CONTENT"] == (
        '{"theme": "x", "provider": {"openai": {"options": {"baseURL": "http://127.0.0.1:20617/openai"}}}}'
    )


def test_gemini_is_told_that_an_address_of_ours_is_no_gateway() -> None:
    substituted = substitute("gemini", GEMINI_API_KEY="AIza-real")
    assert substituted.files == {"gemini.json": '{"security": {"auth": {"selectedType": "gemini-api-key"}}}'}
    assert substituted.env["GEMINI_CLI_SYSTEM_SETTINGS_PATH"] == "/tmp/gemini.json"


def test_opencode_goes_on_without_an_address_for_a_provider_it_does_not_know() -> None:
    acme = Provider("acme", {"ACME_API_KEY": "acme-"}, "ACME_BASE_URL", "https://api.acme.example")
    substituted = substitute("opencode", also=(acme,), OPENAI_API_KEY="sk-real", ACME_API_KEY="acme-real")
    assert [route.name for route in substituted.routes] == ["openai", "acme"]
    assert list(json.loads(substituted.env["OPENCODE_CONFIG_CONTENT"])["provider"]) == ["openai"]


def test_a_secret_without_a_route_stays_outside_unless_it_is_let_through() -> None:
    secret = {"AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG", "AWS_REGION": "eu"}
    substituted = substitute("claude", **secret)
    assert (substituted.kept, "AWS_SECRET_ACCESS_KEY" in substituted.env) == (("AWS_SECRET_ACCESS_KEY",), False)
    assert substitute("claude", passed=("AWS_*",), **secret).env["AWS_SECRET_ACCESS_KEY"]


def test_a_check_gets_the_hosts_and_no_key() -> None:
    command = Command(("sh",), Path("/"), {"ANTHROPIC_API_KEY": KEY, "A": "b"})
    env = substitute_for_check(command, all_agents().providers, relay=RELAY).env
    assert ("ANTHROPIC_API_KEY" in env, env["A"], env["https_proxy"]) == (False, "b", RELAY)
