"""The JSON Schema of harness.yaml and harness itself take and refuse the same files."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from helpers.marks import in_short
from helpers.world import World
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.agents.table import explain
from harness.domain.errors import ConfigError
from harness.settings.load import load_config
from harness.settings.options import OPTIONS, Settings
from harness.settings.schema import compose_schema

jsonschema = pytest.importorskip("jsonschema", reason="a real validator comes with the pinned packages of .ci")
VALIDATOR = jsonschema.Draft202012Validator(compose_schema(explain))
ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
TEMPLATE = (ROOT / "templates" / "harness.yaml").read_text("utf-8")


class EditorLoader(yaml.SafeLoader):
    """YAML 1.2 as editors read it: `on`, `off`, `yes` and `no` are text."""


EditorLoader.yaml_implicit_resolvers = {
    letter: [(tag, found) for tag, found in resolvers if not tag.endswith(":bool") or letter in "tTfF"]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def editor_problems(text: str) -> list[str]:
    """What an editor with the schema would underline."""
    return [error.message for error in VALIDATOR.iter_errors(yaml.load(text, EditorLoader))]


@pytest.fixture(scope="module")
def load(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Settings]:
    """Read a text as harness.yaml; raises ConfigError."""
    root = tmp_path_factory.mktemp("project")

    def read(text: str) -> Settings:
        (root / "harness.yaml").write_text(text, "utf-8")
        return load_config(root, {}, {}, root=root).settings

    return read


def test_it_is_a_schema_that_refers_to_nothing_else() -> None:
    jsonschema.Draft202012Validator.check_schema(compose_schema(explain))
    assert "$ref" not in str(compose_schema(explain))


# --- what we ship and show ----------------------------------------------------------------------------------------


def test_the_template_is_sound_with_every_line_commented_out() -> None:
    assert editor_problems(TEMPLATE) == []


def test_the_template_is_sound_with_every_setting_switched_on_and_tells_the_defaults(load) -> None:
    text = re.sub(r"^# (?=\w+:|  - )", "", TEMPLATE, flags=re.MULTILINE)
    named = set(yaml.load(text, EditorLoader))
    assert {"agent", "timeout", "checks", "env_pass"} <= named
    assert editor_problems(text) == []
    shipped, suggested = load(text), {"checks", "keep_going", "on_limit", "max_cost", "park"}
    assert suggested <= named
    assert [name for name in named - suggested if getattr(shipped, name) != OPTIONS[name].default] == []


EXAMPLES = re.findall(r"^```yaml\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("text", EXAMPLES, ids=lambda text: re.findall(r"^\w+", text, re.MULTILINE)[0])
def test_the_manual_s_examples_of_harness_yaml_are_sound(load, text: str) -> None:
    assert editor_problems(text) == []
    load(text)


def test_the_manual_has_examples_of_harness_yaml() -> None:
    assert len(EXAMPLES) > 5


@pytest.mark.parametrize("name", OPTIONS)
def test_a_default_and_each_example_is_a_value_of_its_setting(load, name: str) -> None:
    described = compose_schema(explain)["properties"][name]
    assert getattr(load(yaml.safe_dump({name: described["default"]})), name) == OPTIONS[name].default
    for value in [described["default"], *described.get("examples", ())]:
        text = yaml.safe_dump({name: value})
        assert editor_problems(text) == []
        load(text)


# --- the same verdict ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "agnet: x\n",
        "timeout: soon\n",
        "timeout: -1\n",
        "timeout: [90s]\n",
        "max_iterations: 2.5\n",
        "max_iterations: many\n",
        "keep_going: perhaps\n",
        "on_limit: stop\n",
        "sandbox_memory: 8X\n",
        "max_cost: 5 EUR\n",
        "monthly_stop: 0\n",
        "monthly_stop: 120%\n",
        "specs_dir: ''\n",
        'command: "it\'s"\n',
        "agents: {claude: api}\n",
        "checks: [{timeout: 5m}]\n",
        "checks: [{run: make, tiemout: 5m}]\n",
        "checks: ['']\n",
        "prices: {m: {input: 1}}\n",
        "prices: {m: {input: 1, output: 2, other: 3}}\n",
        "webhook: hooks.example.com\n",
        "notify: [nobody]\n",
        "- agent\n",
    ],
)
def test_what_harness_refuses_an_editor_underlines(load, text: str) -> None:
    with pytest.raises(ConfigError):
        load(text)
    assert editor_problems(text) != []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing\n",
        "timeout:\n",
        "on_limit:\ncache_ttl: off\ninhibit_sleep: off\nkeep_going: off\n",
        "timeout: 90\nidle_timeout: 1h 30m\nmax_time: 0\npause: 250ms\n",
        "max_iterations: '5'\nmodel: 5\nkeep_going: 1\n",
        "sandbox_memory: 1.5 GiB\nsandbox_file_size: 0\n",
        "max_cost: $5\nmonthly_stop: 75%\nmonthly_budget: 0.25\n",
        "command: ./agent --say 'two words'\nagent_args: [--port, 8080, --loud, true]\n",
        "checks: make test\n",
        "checks:\n  - make test\n  - {run: make lint, timeout: 5m}\n  - run: make\n    timeout:\n",
        "prices: {m: {input: 1, output: $2, cache_read: '0.1'}}\n",
        "webhook: HTTPS://hooks.example.com/x\nnotify: ntfy://a mailto://b\n",
        "effort: ''\nthinking: adaptive\ntemplate: ''\n",
    ],
)
def test_what_harness_takes_an_editor_takes(load, text: str) -> None:
    load(text)
    assert editor_problems(text) == []


NUMBERS = st.integers(-3, 10**16) | st.decimals(-2, 10**10, places=3).map(float).map(
    lambda number: int(number) if number.is_integer() else number  # JSON Schema does not tell 5.0 from 5
)
SIMPLE = (
    "model", "keep_going", "max_iterations", "timeout", "sandbox_memory", "max_cost", "monthly_stop", "agent_args",
    "specs_dir", "template", "cache_ttl", "effort",
)  # fmt: skip


def values(schema: Any) -> st.SearchStrategy[Any]:
    """Values that people and editors write: those a pattern describes, near misses, numbers, words, lists."""
    near = st.text("0123456789.dhmskgibtDHMSKGTB%$+-_ '\"\\aeflnoruy\t\n", max_size=9)
    known = [st.from_regex(schema["pattern"])] if "pattern" in schema else []
    said = st.sampled_from(schema.get("enum", ["true", "Off", "1", "100%", "1h30m", "8G"]))
    one = st.one_of(st.none(), st.booleans(), NUMBERS, near, said, *known)
    return one | st.lists(one, max_size=3) | st.dictionaries(st.just("run"), one, max_size=1)


@pytest.mark.parametrize("name", in_short(SIMPLE, "timeout", "agent_args"))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
@given(data=st.data())
def test_harness_and_an_editor_give_a_value_the_same_verdict(load, name: str, data) -> None:
    value = data.draw(values(OPTIONS[name].kind.schema))
    try:
        load(yaml.safe_dump({name: value}))
        refused = ""
    except ConfigError as error:
        refused = error.message
    if "is longer than a year" not in refused:  # a sum that no pattern knows
        assert VALIDATOR.is_valid({name: value}) == (not refused), refused


@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.deep
def test_no_editor_underlines_what_harness_takes(load, name: str) -> None:
    """Also where harness looks closer than a pattern can: hosts, addresses."""
    for value in (None, "", "x", "5", 5, 0.5, True, [], ["x"], ["https://example.com"], "https://example.com", {}):
        try:
            load(yaml.safe_dump({name: value}))
        except ConfigError:
            continue
        assert VALIDATOR.is_valid({name: value}), value


# --- the command --------------------------------------------------------------------------------------------------


def test_the_schema_is_printed_also_where_harness_yaml_is_broken(world: World, harness) -> None:
    (world.root / "harness.yaml").write_text("time_out: [\n")
    ran = harness("config", "--schema")
    assert (ran.code, ran.err, ran.json) == (0, "", compose_schema(explain))
    assert ran.json["properties"]["on_limit"] == {
        "description": "at a usage limit: halt, or wait for its reset if that time is known",
        "default": "halt",
        "enum": ["halt", "wait", None],
    }
