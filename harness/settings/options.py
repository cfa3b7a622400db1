"""Settings: flags > HARNESS_* > harness.yaml > defaults, and where each value came from."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from harness.domain.errors import ConfigError
from harness.domain.feature import Check
from harness.domain.hosts import parse_listed
from harness.domain.look import Rules
from harness.domain.paths import Paths
from harness.domain.reply import ModelPrice
from harness.domain.text import suggest
from harness.domain.units import format_duration, format_size, parse_duration, parse_size
from harness.system import files
from harness.system.yamls import Mistake, Node, is_null, parse_checks, parse_yaml, to_plain

CONFIG_FILE = "harness.yaml"
Parse = Callable[[Any], Any]


# --- one value, parsed: each takes what a flag, a variable or YAML gives, and raises ValueError with a sentence -----


def _text(value: object) -> str:
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return str(value)
    raise ValueError("must be text")


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError("must be a whole number")
    try:
        number = int(value)
    except ValueError:
        raise ValueError("must be a whole number") from None
    if number < 0:
        raise ValueError("must not be negative")
    return number


def _duration(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("must be a duration such as 90s, 30m or 1h30m")
    return parse_duration(value)


def _size(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("must be a size such as 512M or 8G")
    return parse_size(value)


def _switch(value: object) -> bool:
    if isinstance(value, bool):
        return value
    words = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    if isinstance(value, str | int) and (chosen := words.get(str(value).strip().lower())) is not None:
        return chosen
    raise ValueError("must be true or false")


def _one_of(*choices: str) -> Parse:
    def parse(value: object) -> str:
        if value is False and "off" in choices:  # YAML 1.1 reads a bare `off` as false
            value = "off"
        if not isinstance(value, str) or value not in choices:
            raise ValueError("must be one of " + ", ".join(f"`{choice}`" for choice in choices))
        return value

    return parse


def _words(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(shlex.split(value))
    if isinstance(value, list | tuple) and all(isinstance(one, str | int | float) for one in value):
        return tuple(str(one) for one in value)
    raise ValueError("must be a list of words, or one line as a shell splits it")


def _relative(value: object) -> str:
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise ValueError("must be a path")
    return value


def _checks(value: object) -> tuple[Check, ...]:
    node = value if isinstance(value, Node) else Node(str(value), 0)
    return parse_checks("checks", node)


def _dollars(value: object) -> float:
    """Dollars as people write them: 5, 0.50, "$5"."""
    said = str(value).strip().removeprefix("$")
    if isinstance(value, bool) or not re.fullmatch(r"\d{1,9}(?:\.\d{1,6})?", said):
        raise ValueError("must be an amount in dollars, such as 5 or 0.50")
    return float(said)


def _share(value: object) -> float:
    """A share as people write it: 90% or 0.9."""
    said = str(value).strip()
    number = float(said.removesuffix("%")) if re.fullmatch(r"\d{1,3}(?:\.\d{1,6})?%?", said) else -1.0
    share = number / 100 if said.endswith("%") else number
    if isinstance(value, bool) or not 0 < share <= 1:
        raise ValueError("must be a share such as 90% or 0.9")
    return share


def _prices(value: object) -> tuple[ModelPrice, ...]:
    """Dollars for a million tokens, by model: {my-model: {input: 0.5, output: 2}}."""
    if not isinstance(value, dict):
        raise ValueError("must be a mapping such as `my-model: {input: 0.5, output: 2}`")
    return tuple(_price(str(model), figures) for model, figures in value.items())


def _price(model: str, figures: object) -> ModelPrice:
    names = [name.name for name in fields(ModelPrice)][1:]
    if not isinstance(figures, dict) or not {"input", "output"} <= figures.keys():
        raise ValueError(f"must give `input` and `output` for `{model}`, in dollars for a million tokens")
    for name in figures:
        if name not in names:
            raise ValueError(f"must give `{model}` none but {', '.join(names)}{suggest(name, names)}")
    return ModelPrice(model, **{name: _dollars(amount) for name, amount in figures.items()})


def _hosts(value: object) -> tuple[str, ...]:
    """Hosts as people write them: [pypi.org, localhost:5432]."""
    said = _words(value)
    for one in said:
        parse_listed(one)
    return said


def _webhook(value: object) -> str:
    """An address of http or https; it may hold a secret, so no message repeats it."""
    said = value.strip() if isinstance(value, str) else "-"
    try:
        parts = urlsplit(said)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname) and said.isprintable() and " " not in said
    except ValueError:
        fine = False
    if said and not fine:
        raise ValueError("must be an address that begins with https:// or http://")
    return said


def _channels(value: object) -> tuple[str, ...]:
    """Addresses as apprise writes them: mailto://..., slack://...; no message repeats one."""
    said = _words(value)
    if not all(re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", url) for url in said):
        raise ValueError("must be a list of addresses for apprise, such as ntfy://topic or mailto://...")
    return said


def _show_url(url: str) -> str:
    """Return an address without what may be a secret in it."""
    scheme = url.partition(":")[0]
    if not url:
        return '""'
    return f"{scheme}://{urlsplit(url).hostname}/…" if scheme in ("http", "https") else f"{scheme}://…"


def _show_channels(urls: tuple[str, ...]) -> str:
    return "[" + ", ".join(f"{url.partition(':')[0]}://…" for url in urls) + "]"


def _optional_path(value: object) -> str:
    return "" if value in ("", None) else _relative(value)


def _show_dollars(amount: float) -> str:
    return f"{amount:.2f}" if round(amount, 2) == amount else f"{amount:g}"


def _show_prices(prices: tuple[ModelPrice, ...]) -> str:
    return "{" + ", ".join(f"{one.model}: {{input: {one.input:g}, output: {one.output:g}}}" for one in prices) + "}"


# --- the table ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting, typed, with its default. Durations in seconds, 0 for no limit."""

    agent: str = "auto"
    agents: tuple[str, ...] = ()
    model: str = ""
    timeout: float = 1800.0
    idle_timeout: float = 600.0
    max_iterations: int = 200
    max_attempts: int = 30
    max_time: float = 0.0
    stuck_limit: int = 3
    stuck_bytes: int = 32
    pause: float = 2.0
    keep_going: bool = False
    fault_backoff: float = 15.0
    outage_limit: float = 7200.0
    fault_limit: int = 20
    on_limit: str = "halt"
    sandbox: str = "auto"
    sandbox_network: str = "host"
    sandbox_hosts: tuple[str, ...] = ()
    sandbox_read: tuple[str, ...] = ()
    sandbox_write: tuple[str, ...] = ()
    sandbox_memory: int = 0
    sandbox_file_size: int = 16 << 30
    sandbox_processes: int = 4096
    specs_dir: str = "specs"
    spec_file: str = "spec.md"
    order_file: str = ""
    logs_dir: str = "logs"
    template: str = ""
    checks: tuple[Check, ...] = ()
    check_timeout: float = 600.0
    commit: str = "done"
    env_pass: tuple[str, ...] = ()
    permission_mode: str = "bypassPermissions"
    setting_sources: str = ""
    agent_args: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    dialect: str = "text"
    script: str = ""
    pid_namespace: str = "auto"
    max_cost: float = 0.0
    max_cost_per_feature: float = 0.0
    max_cost_per_attempt: float = 0.0
    monthly_budget: float = 0.0
    monthly_stop: float = 0.9
    expected_cost: float = 0.5
    prices: tuple[ModelPrice, ...] = ()
    base_url: str = ""
    api_key_env: str = ""
    api_server: str = "auto"
    fallback_models: tuple[str, ...] = ()
    effort: str = ""
    thinking: str = ""
    max_tokens: int = 32_000
    context_window: int = 0
    compact_at: int = 150_000
    cache_ttl: str = "auto"
    tool_timeout: float = 120.0
    api_timeout: float = 600.0
    inhibit_sleep: str = "auto"
    on_finish: str = ""
    webhook: str = ""
    notify: tuple[str, ...] = ()
    keep_transcripts: int = 20
    json: bool = False
    quiet: bool = False
    verbose: bool = False

    def checks_with(self, own: tuple[Check, ...]) -> tuple[Check, ...]:
        """Return a feature's own checks, then the project's that are not among them."""
        return (*own, *(check for check in self.checks if check not in own))

    @property
    def chain(self) -> tuple[str, ...]:
        """The agents that stand in for one another when a limit ends an attempt; `agent` is the first."""
        first = () if self.agent == "auto" and self.agents else (self.agent,)
        return tuple(dict.fromkeys((*first, *self.agents)))

    @property
    def rules(self) -> Rules:
        """The limits that decisions are made by."""
        return Rules(**{name.name: getattr(self, name.name) for name in fields(Rules)})


@dataclass(frozen=True, slots=True)
class Option:
    """One setting: how a value is parsed, what it is for, and how it is shown as one would write it."""

    parse: Parse
    help: str
    show: Callable[[Any], str] | None = None
    secret: bool = False  # no message repeats a value that cannot be used

    def shown(self, value: object) -> str:
        """Return a value of this setting as a person would write it in harness.yaml."""
        return (self.show or show_value)(value)


OPTIONS: dict[str, Option] = {
    "agent": Option(_text, "who does the work: auto, claude, api, codex, gemini, opencode, command, scripted"),
    "agents": Option(_words, "agents that go on, in this order, when a limit ends the attempt of the one before"),
    "model": Option(_text, "the model that the agent is asked to use; empty for the agent's own choice"),
    "timeout": Option(_duration, "wall time of one attempt; 0 for none"),
    "idle_timeout": Option(_duration, "end an attempt that prints nothing for so long while no tool runs; 0 for never"),
    "max_iterations": Option(_count, "attempts in one run; 0 for no limit"),
    "max_attempts": Option(_count, "attempts a feature gets in its life, until `harness reset`; 0 for no limit"),
    "max_time": Option(_duration, "wall time of the whole run; 0 for none"),
    "stuck_limit": Option(_count, "attempts in a row without progress that halt the run; 0 for never"),
    "stuck_bytes": Option(_count, "a note of at most so many bytes, with no file changed, is no progress"),
    "pause": Option(_duration, "wait between attempts"),
    "keep_going": Option(_switch, "set a blocked or stuck feature aside and go on with the rest"),
    "fault_backoff": Option(_duration, "first wait after somebody else's outage; doubles, with jitter"),
    "outage_limit": Option(_duration, "an outage longer than this halts the run; 0 for never"),
    "fault_limit": Option(_count, "faults in a row that halt the run; 0 for never"),
    "on_limit": Option(_one_of("halt", "wait"), "at a usage limit that says when it resets: halt, or wait for that"),
    "sandbox": Option(
        _one_of("auto", "bwrap", "container", "none"),
        "how agents and checks are confined: bubblewrap where it works, or nothing without it, your container, none",
    ),
    "sandbox_network": Option(
        _one_of("host", "none", "broker"), "the network inside the sandbox; broker: sandbox_hosts alone, keys outside"
    ),
    "sandbox_hosts": Option(_hosts, "with `sandbox_network: broker`: hosts that can be reached from inside"),
    "sandbox_read": Option(_words, "more paths that can be read inside the sandbox"),
    "sandbox_write": Option(_words, "more paths that can be written inside the sandbox"),
    "sandbox_memory": Option(_size, "memory of its own that each process inside may use; 0 for no limit", format_size),
    "sandbox_file_size": Option(_size, "size of one file that is written inside; 0 for no limit", format_size),
    "sandbox_processes": Option(_count, "processes and threads inside, but for root; 0 for no limit"),
    "specs_dir": Option(_relative, "the folder of specs"),
    "spec_file": Option(_relative, "the file in each feature's folder that is its spec"),
    "order_file": Option(_optional_path, "the order, one slug a line; default: order.txt in the folder of specs"),
    "logs_dir": Option(_relative, "the folder that harness writes"),
    "template": Option(_optional_path, "your own prompt template; default: templates/prompt.md, else the shipped one"),
    "checks": Option(_checks, "commands that every claim must pass, besides the feature's own"),
    "check_timeout": Option(_duration, "wall time of one check; 0 for none"),
    "commit": Option(_one_of("done", "never"), "commit each proven feature (where the tree was clean at start)"),
    "env_pass": Option(_words, "more environment variables for the agent: NAME or PREFIX_*"),
    "permission_mode": Option(_text, "Claude Code's --permission-mode"),
    "setting_sources": Option(_text, "Claude Code's --setting-sources; empty for your own `claude`'s"),
    "agent_args": Option(_words, "more arguments for the agent's command line"),
    "command": Option(_words, "the command line of agent `command`; it reads the prompt on stdin"),
    "dialect": Option(
        _one_of("text", "claude", "codex", "gemini", "opencode"), "what agent `command` prints: text, or JSON lines as"
    ),
    "script": Option(_optional_path, "the YAML file of agent `scripted`"),
    "pid_namespace": Option(_one_of("auto", "off"), "a pid namespace around the agent (Linux); off if it needs sudo"),
    "max_cost": Option(_dollars, "dollars that one run may cost; 0 for no limit", _show_dollars),
    "max_cost_per_feature": Option(
        _dollars, "dollars that one feature may cost in its life; 0 for no limit", _show_dollars
    ),
    "max_cost_per_attempt": Option(_dollars, "dollars that one attempt may cost; 0 for no limit", _show_dollars),
    "monthly_budget": Option(
        _dollars, "dollars that all runs here may cost in a month (UTC); 0 for no limit", _show_dollars
    ),
    "monthly_stop": Option(_share, "the share of the monthly budget at which runs stop", "{:.0%}".format),
    "expected_cost": Option(
        _dollars, "dollars an attempt is expected to cost while there is no history of any", _show_dollars
    ),
    "prices": Option(
        _prices, "dollars for a million tokens by model, where the price list is wrong or silent", _show_prices
    ),
    "base_url": Option(_text, "agent `api`: the server; empty for ANTHROPIC_BASE_URL or Anthropic's own"),
    "api_key_env": Option(_text, "agent `api`: the variable that holds the key; empty for ANTHROPIC_API_KEY"),
    "api_server": Option(
        _one_of("auto", "anthropic", "compatible"), "agent `api`: what the server understands; compatible is the least"
    ),
    "fallback_models": Option(_words, "agent `api`: models to go on with, in order, while the first is overloaded"),
    "effort": Option(
        _one_of("", "low", "medium", "high", "xhigh", "max"), "agent `api`: effort; empty for the model's default"
    ),
    "thinking": Option(_one_of("", "adaptive", "disabled"), "agent `api`: thinking; empty for the model's default"),
    "max_tokens": Option(_count, "agent `api`: tokens of one answer at most"),
    "context_window": Option(_count, "agent `api`: tokens the model can take; 0 for what the price list says"),
    "compact_at": Option(_count, "agent `api`: tokens of conversation beyond which it is summarized; 0 for never"),
    "cache_ttl": Option(
        _one_of("auto", "5m", "1h", "off"), "agent `api`: how long the server keeps what never changes in its cache"
    ),
    "tool_timeout": Option(_duration, "agent `api`: wall time of one shell command, at most 10m"),
    "api_timeout": Option(_duration, "agent `api`: how long one call of the server may go without a word"),
    "inhibit_sleep": Option(_one_of("auto", "off"), "keep the machine awake while a run is on, where it can be asked"),
    "on_finish": Option(_text, "a command for the end of a run; the result comes on its stdin as JSON"),
    "webhook": Option(_webhook, "an http(s) address that is told what happens, as JSON", _show_url, secret=True),
    "notify": Option(_channels, "addresses of apprise that are told what happens", _show_channels, secret=True),
    "keep_transcripts": Option(_count, "attempts a feature whose transcripts are not compressed; 0 for all of them"),
    "json": Option(_switch, "one JSON document on stdout"),
    "quiet": Option(_switch, "only what needs a person, on stderr"),
    "verbose": Option(_switch, "also what the agent says"),
}


@dataclass(frozen=True, slots=True)
class Config:
    """The settings of a project, where each came from, and what a person should know about them."""

    settings: Settings
    origins: dict[str, str]
    paths: Paths
    warnings: tuple[str, ...] = ()
    file: Path | None = None


def find_root(start: Path) -> Path:
    """Return the project's root: the nearest folder upwards with harness.yaml or specs/, not beyond a repository's."""
    for folder in (start, *start.parents):
        if (folder / CONFIG_FILE).is_file() or (folder / "specs").is_dir():
            return folder
        if (folder / ".git").exists():
            break
    return start


def load_config(
    start: Path, flags: Mapping[str, Any], environ: Mapping[str, str], *, root: Path | None = None
) -> Config:
    """Return the configuration for a command started in `start`; `root` is looked for upwards unless it is given.

    `flags` holds what was given on the command line (None for what was not). Raises ConfigError that names the source.
    """
    root = root or find_root(start.resolve())
    file = root / CONFIG_FILE
    values: dict[str, Any] = {}
    origins = dict.fromkeys(OPTIONS, "default")
    for name, node in _read_file(file).items():
        where = f"`{file.name}` line {node.line}: `{name}`"
        values[name] = _parse_one(name, node if name == "checks" else to_plain(node), where)
        origins[name] = file.name
    unknown = []
    for variable, text in sorted(environ.items()):
        name = variable.removeprefix("HARNESS_").lower()
        if not variable.startswith("HARNESS_") or variable in _NOT_SETTINGS:
            continue
        if not text:
            continue  # an empty variable is one that is not set
        if name not in OPTIONS:
            close = suggest(name.upper(), [option.upper() for option in OPTIONS]).replace("`", "`HARNESS_", 1)
            unknown.append(f"`{variable}` is not a setting of harness{close}")
            continue
        values[name], origins[name] = _parse_one(name, text, f"`{variable}`"), variable
    for name, value in flags.items():
        if value is not None:
            flag = "--" + name.replace("_", "-")
            values[name], origins[name] = _parse_one(name, value, f"`{flag}`"), flag
    settings = Settings(**values)
    if unknown:
        unknown = [unknown[0] + (f" (and {len(unknown) - 1} more)" if unknown[1:] else "")]
    return Config(
        settings=settings,
        origins=origins,
        paths=Paths(root, _below(root, settings.specs_dir), _below(root, settings.logs_dir)),
        warnings=(*unknown, *_warn(settings)),
        file=file if file.exists() else None,
    )


def _warn(settings: Settings) -> tuple[str, ...]:
    if settings.sandbox_hosts and settings.sandbox_network != "broker":
        return (f"`sandbox_hosts` bounds nothing while `sandbox_network` is `{settings.sandbox_network}`",)
    return ()


# we set them ourselves
_NOT_SETTINGS = {"HARNESS_RUN_ID", "HARNESS_ATTEMPT", "HARNESS_EVENT", "HARNESS_HALT", "HARNESS_EXIT"}


def _below(root: Path, path: str) -> Path:
    return root / Path(path).expanduser()


def _read_file(file: Path) -> dict[str, Node]:
    if not file.exists():
        return {}
    try:
        root = parse_yaml(files.read_text(file, 1 << 20))
    except Mistake as mistake:
        raise ConfigError(f"`{file.name}` line {mistake.line}: {mistake.sentence}", mistake.hint) from None
    if root is None or is_null(root):
        return {}
    if not isinstance(root.value, dict):
        raise ConfigError(f"`{file.name}` is no list of `key: value`", "`harness config` lists every key")
    for name, node in root.value.items():
        if name not in OPTIONS:
            raise ConfigError(
                f"`{file.name}` line {node.line}: unknown key `{name}`{suggest(name, OPTIONS)}",
                "`harness config` lists every key",
            )
    return {name: node for name, node in root.value.items() if not is_null(node)}


def _parse_one(name: str, value: object, where: str) -> Any:  # noqa: ANN401 - the table's parsers give every type
    try:
        return OPTIONS[name].parse(value)
    except Mistake as mistake:
        raise ConfigError(f"{where}: {mistake.sentence}", mistake.hint) from None
    except ValueError as error:
        shown = f" (it is `{value}`)" if isinstance(value, str | int | float) and f"`{value}`" not in str(error) else ""
        shown = "" if OPTIONS[name].secret else shown
        raise ConfigError(f"{where} {_sentence(error)}{shown}", OPTIONS[name].help) from None


def _sentence(error: ValueError) -> str:
    return str(error) if str(error).startswith("must") else f"cannot be used: {error}"


def show_value(value: object) -> str:
    """Return a setting as a person would write it in harness.yaml."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return format_duration(value)
    if isinstance(value, tuple):
        return "[" + ", ".join(one.command if isinstance(one, Check) else str(one) for one in value) + "]"
    return str(value) if value != "" else '""'
