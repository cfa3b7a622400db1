"""Every agent, by its profile alone: whoever adds one writes a module, a line in `AGENTS`, and nothing else.

`acme` is such a one: made up here, and known to every room.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fakes.outside import Outside
from helpers.marks import in_short
from helpers.recorded import lines_of, read, reply
from helpers.world import PRELUDE, World

from harness.agents.choose import choose_agent
from harness.agents.dialects import LANGUAGES
from harness.agents.error_patterns import ErrorTexts, Wording
from harness.agents.failures import diagnose
from harness.agents.from_settings import agent_options
from harness.agents.mistakes import find_mistakes
from harness.agents.profile import Credential, Loads, Profile
from harness.agents.start import Line
from harness.agents.table import AGENTS, all_agents, names
from harness.cli.doctor import Diagnosis, examine
from harness.cli.dry_run import report_dry_run
from harness.domain.agent import Access, Agent, CostSource, Dialect, Home, ModelUse
from harness.domain.errors import AgentError
from harness.domain.provider import Provider
from harness.domain.reply import Ended, Exit, Limit, LimitKind
from harness.reports.view import read_view
from harness.settings.load import Config, load_config
from harness.workspace.quarantine import find_absent

ACME = Profile(
    name="acme",
    dialect=Dialect.OPENCODE,
    program="acme",
    command_line=Line("acme", ("run", "--format", "json"), model_args=("-m", "{model}")),
    passes=("ACME_*",),
    home=Home(reads=(".config/acme",), writes=(".local/share/acme/auth.json",)),
    access=Access(
        providers=(Provider("acme", {"ACME_API_KEY": "acme-"}, "ACME_BASE_URL", "https://api.acme.example"),),
        logins=(".local/share/acme/auth.json",),
        login_hosts=("api.acme.example",),
    ),
    credentials=(Credential("ACME_API_KEY", "acme"),),
    loads=Loads(instructions=("ACME.md",), settings=(".acme.json",)),
    errors=ErrorTexts((Wording(r"acme: the tank is empty", LimitKind.CREDIT, "fill the tank"),)),
)
EVERY = (*AGENTS, "acme")
every_agent = pytest.mark.parametrize("name", EVERY)
STREAMS = {
    Dialect.CLAUDE: "trivial",
    Dialect.CODEX: "codex/cx-trivial",
    Dialect.GEMINI: "gemini/gm-trivial",
    Dialect.OPENCODE: "opencode/oc-trivial",
}


@pytest.fixture(autouse=True)
def acme(monkeypatch: pytest.MonkeyPatch) -> Profile:
    """One more agent in the table."""
    monkeypatch.setitem(AGENTS, "acme", ACME)
    return ACME


def lines_in(dialect: Dialect) -> list[bytes]:
    """A short run as it is printed in that dialect."""
    return list(lines_of(STREAMS[dialect])) if dialect in STREAMS else [b"hello"]


@pytest.fixture
def install(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], dict[str, str]]:
    """Put a program in an agent's place, which keeps its prompt and prints a short run; gives back the environment."""

    def call(name: str) -> dict[str, str]:
        profile = AGENTS[name]
        program = tmp_path / "bin" / (profile.program or "python")
        program.parent.mkdir()
        (tmp_path / "stream").write_bytes(b"\n".join(lines_in(profile.dialect)) + b"\n")
        code = f"printf '%s' \"$prompt\" > {tmp_path}/prompt; note 'did it'; cat {tmp_path}/stream"
        asked = f'case "$*" in *--version*|*--check*) echo "{name} 9.9.9"; exit 0;; esac'
        program.write_text(f"#!/bin/sh\n{asked}\n{PRELUDE}{code}\n")
        program.chmod(0o755)
        for module in ("harness.agents.api.launch", "harness.agents.scripted_profile"):
            monkeypatch.setattr(f"{module}.sys", SimpleNamespace(executable=str(program)))
        (world.root / "script.yaml").write_text("features: {}")
        world.settings = {"agent": name, "command": [str(program)], "script": "script.yaml"}
        keys = {one.variable: "a-key-of-a-test" for one in profile.credentials[:1]}
        path = f"{program.parent}:{world.environ['PATH']}"
        return {**world.environ, "PATH": path, "HOME": str(tmp_path), "IS_SANDBOX": "1", **keys}

    return call


def config_of(world: World, environ: dict[str, str]) -> Config:
    return load_config(world.root, world.settings, environ)


def agent_of(world: World, environ: dict[str, str], tmp_path: Path) -> Agent:
    return choose_agent(agent_options(config_of(world, environ).settings), None, world.root, tmp_path, environ)


# --- each of them ---------------------------------------------------------------------------------------------------


@every_agent
def test_a_profile_is_without_mistake(name: str) -> None:
    assert (AGENTS[name].name, find_mistakes(AGENTS[name])) == (name, [])


def test_every_dialect_is_read_by_somebody() -> None:
    assert set(LANGUAGES) == set(Dialect)


@every_agent
def test_a_command_line_and_a_probe_can_be_built(world: World, install: Any, tmp_path: Path, name: str) -> None:
    agent = agent_of(world, install(name), tmp_path)
    assert Path(agent.argv[0]).name == (AGENTS[name].program or "python")
    assert agent.probe and agent.version in ((), (agent.argv[0], "--version"))
    assert (agent.name, agent.dialect) == (name, AGENTS[name].dialect)


@pytest.mark.parametrize("name", in_short(EVERY, "claude", "codex", "acme"))
def test_its_prompt_reaches_its_stdin_and_its_stream_is_read(
    world: World, install: Any, tmp_path: Path, name: str
) -> None:
    world.spec("a", "A sentence of the spec.")
    ran = world.run(environ=install(name), max_iterations=1)
    prompt = (tmp_path / "prompt").read_text()
    assert "A sentence of the spec." in prompt and prompt == world.prompt("a", 1).rstrip("\n")
    assert prompt.startswith(AGENTS[name].prepare_prompt("x", world.root).removesuffix("x"))
    assert world.outcomes() == ["progressed"], ran.text
    assert [event["agent"] for event in world.events("attempt_began")] == [name]


@every_agent
def test_its_stream_says_what_its_profile_says_about_money(
    world: World, install: Any, tmp_path: Path, name: str
) -> None:
    agent = agent_of(world, install(name), tmp_path)
    said = read(lines_in(agent.dialect), agent.dialect).transcript(Exit(Ended.EXITED, 0))
    assert {
        CostSource.REPORTED: said.cost.dollars is not None,
        CostSource.DERIVED: said.usage.output_tokens > 0,
        CostSource.UNKNOWN: said.cost.dollars is None and said.usage.output_tokens == 0,
    }[agent.cost]


@pytest.mark.parametrize("name", in_short(EVERY, "claude", "acme"))
def test_a_budget_is_refused_where_no_cost_could_be_known_and_its_limits_are_told(
    world: World, install: Any, tmp_path: Path, name: str
) -> None:
    environ, bounds = install(name), {"max_cost": 5, "model": "nobody-knows-it", "max_iterations": 1}
    agent = agent_of(world, environ, tmp_path)
    world.spec("a")
    refusals = {
        CostSource.UNKNOWN: f"`{name}` prints says what it costs",
        CostSource.DERIVED: "no price is known",
    }
    if agent.cost in refusals:
        with pytest.raises(AgentError, match=refusals[agent.cost]):
            world.run(environ=environ, **bounds)
    else:
        told = f"`{name}` cannot be stopped at a budget" in world.run(environ=environ, **bounds).text
        assert told is (not agent.stops_itself and agent.model_use is not ModelUse.NEVER)


@pytest.mark.parametrize("name", in_short(EVERY, "claude", "acme"))
def test_doctor_says_a_sentence_about_it_and_never_its_key(world: World, install: Any, name: str) -> None:
    environ = install(name)
    world.spec("a")
    found = {one.name: one for one in examine(config_of(world, environ), environ)}
    assert (found["agent"].state, found["credentials"].state) == ("ok", "ok")
    assert name in found["agent"].says
    variables = [one.variable for one in AGENTS[name].credentials[:1]]
    assert all(variable in found["credentials"].says for variable in variables)
    assert "a-key-of-a-test" not in str(found)


@pytest.mark.parametrize(
    "name", in_short([name for name in EVERY if {**AGENTS, "acme": ACME}[name].credentials], "acme")
)
def test_doctor_says_what_lets_it_in_where_no_key_is_set(world: World, install: Any, tmp_path: Path, name: str) -> None:
    environ, profile = install(name), AGENTS[name]
    for one in profile.credentials:
        environ.pop(one.variable, None)
    world.spec("a")

    def look() -> Diagnosis:
        return next(one for one in examine(config_of(world, environ), environ) if one.name == "credentials")

    if profile.find_key is not None:  # it cannot start without one
        assert look().says == "not looked for: there is no agent"
        return
    assert (look().state, look().hint.endswith(f"or set {profile.credentials[0].variable}")) == ("fail", True)
    if not profile.access.logins:  # a key alone lets it in
        return
    login = tmp_path / profile.access.logins[0]
    login.parent.mkdir(parents=True)
    login.write_text("a secret")
    assert look().says == f"~/{profile.access.logins[0]} is there"


@every_agent
def test_dry_run_lists_what_it_loads(world: World, install: Any, name: str) -> None:
    environ, loads = install(name), AGENTS[name].loads
    world.spec("a")
    for path in (*loads.instructions, *loads.settings):
        (world.root / path).parent.mkdir(exist_ok=True)
        (world.root / path).write_text("{}")
    report = report_dry_run(read_view(config_of(world, environ)), environ, every=False, with_checks=False)
    assert (report["agent"], report["loads"]) == (name, [*loads.instructions, *loads.settings])


@every_agent
def test_its_settings_cannot_appear_unseen(world: World, name: str) -> None:
    absent = find_absent(world.root, all_agents().guarded)
    assert {str(world.root / path) for path in AGENTS[name].loads.settings} <= set(absent)


def test_every_file_that_can_name_a_command_for_an_agent_to_start_is_guarded() -> None:
    obeyed = {".claude/settings.json", ".claude/settings.local.json", ".mcp.json", ".codex/config.toml"}
    obeyed |= {".gemini/settings.json", "opencode.json", "opencode.jsonc"}  # hooks, servers, plugins
    assert obeyed <= set(all_agents().guarded)


@every_agent
def test_every_list_of_agents_names_it(world: World, harness: Any, name: str) -> None:
    assert name in names()
    assert name in harness("config", "--json").json["settings"]["agent"]["help"]
    world.spec("a")
    with pytest.raises(AgentError) as caught:
        world.run(agent="nobody")
    assert name in caught.value.hint


# --- a profile that cannot be right ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("damage", "mistake"),
    [
        pytest.param({"dialect": "klingon"}, "there is no reader for its dialect, `klingon`", id="dialect"),
        pytest.param({"credentials": (Credential("ACME_TOKEN"),)}, "neither its provider nor a reason", id="provider"),
        pytest.param({"passes": ()}, "its environment does not let that through", id="environment"),
        pytest.param({"access": replace(ACME.access, login_hosts=("a b",))}, "its hosts must be", id="hosts"),
        pytest.param({"access": replace(ACME.access, startup_hosts=("*.x",))}, "its hosts must be", id="wildcard"),
        pytest.param({"home": Home()}, "its login `.local/share/acme/auth.json` is among neither", id="login"),
        pytest.param({"installed": (".local/share/acme",)}, "that every command inside can read", id="login seen"),
        pytest.param({"loads": Loads(settings=("/etc/acme",))}, "`/etc/acme` is not a path below", id="absolute"),
        pytest.param({"home": replace(ACME.home, folders=("../x",))}, "`../x` is not a path below", id="upwards"),
    ],
)
def test_a_mistake_in_a_profile_is_told_before_anything_is_run(
    world: World, install: Any, monkeypatch: pytest.MonkeyPatch, damage: dict[str, Any], mistake: str
) -> None:
    environ = install("acme")
    monkeypatch.setitem(AGENTS, "acme", replace(ACME, **damage))
    world.spec("a")
    with pytest.raises(AgentError) as caught:
        world.run(environ=environ)
    assert caught.value.message.startswith("agent `acme` cannot be used: ") and mistake in caught.value.message
    assert (caught.value.exit_code, world.has("logs/attempts")) == (2, False)


# --- one more agent -------------------------------------------------------------------------------------------------


@pytest.fixture
def with_acme(confined: Any, tmp_path: Path) -> Any:
    """A confined world in which `acme` is installed and logged in."""
    program = tmp_path / "bin" / "acme"
    program.parent.mkdir()
    source = Path(__file__).parents[1] / "fakes" / "acme.py"
    program.write_text(f"#!{sys.executable} -I\n{source.read_text()}")
    program.chmod(0o755)
    for name, text in {".config/acme/acme.json": "{}", ".local/share/acme/auth.json": "mine"}.items():
        path = tmp_path / "home" / name
        path.parent.mkdir(parents=True)
        path.write_text(text)
    kept = {name: value for name, value in confined.environment.items() if not name.lower().endswith("_proxy")}
    confined.environment = {**kept, "PATH": f"{program.parent}:{kept['PATH']}"}
    confined.settings = {"agent": "acme", "sandbox": "bwrap"}
    confined.seen = lambda: json.loads((confined.root / "seen.json").read_text())
    return confined


@pytest.fixture
def outside() -> Iterator[Outside]:
    with Outside() as server:
        yield server


group = pytest.mark.xdist_group("sandbox")


@group
@pytest.mark.deep
def test_acme_finds_its_settings_and_its_login_in_the_sandbox(with_acme: Any, tmp_path: Path) -> None:
    with_acme.spec("a", "REFRESH")
    ran = with_acme.go()
    assert ran.code == 0, ran.text
    assert "agent acme (acme 9.9.9)" in ran.text
    assert with_acme.seen() == {"settings": True, "login": True, "key": ""}
    assert (tmp_path / "home/.local/share/acme/auth.json").read_text() == "refreshed"
    (ended,) = with_acme.events("attempt_ended")
    assert (ended["agent"], ended["dollars"], ended["cost_source"]) == ("acme", 0.25, "reported")


@group
def test_acme_gets_a_stand_in_for_its_key_and_no_login_beside_it(with_acme: Any, outside: Outside) -> None:
    with_acme.environment |= {"ACME_API_KEY": "acme-the-real-key", "ACME_BASE_URL": outside.url}
    with_acme.spec("a", "CALL")
    ran = with_acme.go(sandbox_network="broker")
    assert ran.code == 0, ran.text
    seen = with_acme.seen()
    assert (seen["settings"], seen["login"], seen["answer"]) == (True, False, "fine")
    assert seen["key"].startswith("acme-") and seen["key"] != "acme-the-real-key"
    assert outside.requests[0][1]["authorization"] == "Bearer acme-the-real-key"


@group
@pytest.mark.deep
def test_a_check_gets_no_key_of_acme(with_acme: Any) -> None:
    with_acme.environment["ACME_API_KEY"] = "acme-the-real-key"
    with_acme.spec("a", checks='test -z "$ACME_API_KEY"')
    assert with_acme.go(sandbox_network="broker", env_pass=["ACME_*"]).code == 0


@group
@pytest.mark.deep
def test_settings_of_acme_that_appear_during_an_attempt_are_set_aside(with_acme: Any) -> None:
    with_acme.spec("a", "FORGE")
    with_acme.go()
    assert [event["marker"] for event in with_acme.events("foreign")] == [".acme.json"]
    assert not with_acme.has(".acme.json")


@group
@pytest.mark.deep
def test_words_of_acme_end_the_run_as_its_profile_says(with_acme: Any) -> None:
    with_acme.spec("a", "RUN DRY")
    ran = with_acme.go()
    assert (ran.code, ran.stop.because) == (6, "credit: acme: the tank is empty")
    assert "fill the tank" in ran.stop.advice


def test_acme_fails_in_its_own_words_and_in_those_of_its_dialect(tmp_path: Path) -> None:
    agent = Agent("acme", Dialect.OPENCODE, (), "", (), {}, tmp_path)

    def meaning(words: str, code: int = 1) -> LimitKind | None:
        met = diagnose(reply([], agent.dialect, code, stderr_tail=words), agent, 0.0)
        return met.kind if isinstance(met, Limit) else None

    said = [meaning(words) for words in ("acme: the tank is empty", "Error: invalid x-api-key", "I give up")]
    assert said == [LimitKind.CREDIT, LimitKind.AUTH, None]
    assert meaning("", 127) is LimitKind.REFUSED


def test_a_person_s_own_agent_is_a_profile_from_settings(world: World, install: Any, tmp_path: Path) -> None:
    environ = install("command")
    world.settings["dialect"] = "opencode"
    agent = agent_of(world, environ, tmp_path)
    assert (agent.dialect, agent.cost, agent.version) == (Dialect.OPENCODE, CostSource.REPORTED, ())
