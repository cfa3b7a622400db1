"""Settings: flags > HARNESS_* > harness.yaml > defaults, and where each value came from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from harness.domain.feature import Check
from harness.domain.look import Rules
from harness.domain.reply import ModelPrice
from harness.domain.units import format_duration, format_size
from harness.settings.parse import (
    Parse,
    _channels,
    _checks,
    _count,
    _dollars,
    _duration,
    _hosts,
    _one_of,
    _optional_path,
    _prices,
    _relative,
    _share,
    _show_channels,
    _show_dollars,
    _show_prices,
    _show_url,
    _size,
    _switch,
    _text,
    _webhook,
    _words,
)

# --- one value, parsed: each takes what a flag, a variable or YAML gives, and raises ValueError with a sentence -----


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


def show_value(value: object) -> str:
    """Return a setting as a person would write it in harness.yaml."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return format_duration(value)
    if isinstance(value, tuple):
        return "[" + ", ".join(one.command if isinstance(one, Check) else str(one) for one in value) + "]"
    return str(value) if value != "" else '""'
