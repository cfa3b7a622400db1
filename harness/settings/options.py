"""Every setting: a field is its name, its type and its default, and beside it stands all else that is known of it.

Flags, HARNESS_* variables, harness.yaml, `harness config`, its JSON Schema and the manual's tables come from here.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from harness.domain.agent import Dialect
from harness.domain.feature import Check
from harness.domain.finding import Guards
from harness.domain.reply import ModelPrice
from harness.domain.review import Review
from harness.domain.rules import Rules
from harness.settings.kinds import (
    ADDRESS,
    CHANNELS,
    CHECKS,
    COUNT,
    DOLLARS,
    DURATION,
    GUARDS,
    HOSTS,
    OPTIONAL_PATH,
    PATH,
    PRICES,
    SETUP,
    SHARE,
    SIZE,
    SWITCH,
    TEXT,
    WORDS,
    one_of,
)
from harness.settings.setting import Group, Option, setting
from harness.settings.tighten import all_of, by_order, fewest, least, only, stricter_levels


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting, typed, with its default. Durations in seconds, 0 for no limit."""

    agent: str = setting(
        "auto",
        TEXT,
        "who does the work",
        Group.AGENT,
        flag=True,
    )
    agents: tuple[str, ...] = setting(
        (),
        WORDS,
        "agents that take over, in this order, when one meets a usage limit",
        Group.AGENT,
        more="see [limits](#limits-and-outages)",
        examples=(["claude", "api"],),
    )
    model: str = setting(
        "", TEXT, "the model that the agent is asked to use; empty for the agent's own choice", Group.AGENT, flag=True
    )
    env_pass: tuple[str, ...] = setting(
        (),
        WORDS,
        "more environment variables for the agent: NAME or PREFIX_*",
        Group.AGENT,
        examples=(["DATABASE_URL", "MYAPP_*"],),
        tighten=only,
    )
    agent_args: tuple[str, ...] = setting((), WORDS, "more arguments for the agent's command line", Group.AGENT)
    permission_mode: str = setting("bypassPermissions", TEXT, "Claude Code's --permission-mode", Group.AGENT)
    setting_sources: str = setting(
        "",
        TEXT,
        "Claude Code's --setting-sources; empty for your own `claude`'s",
        Group.AGENT,
        examples=("user,project",),
    )
    command: tuple[str, ...] = setting(
        (),
        WORDS,
        "the command line of agent `command`; it reads the prompt on stdin",
        Group.AGENT,
        examples=("my-agent --stdin",),
    )
    dialect: str = setting(
        "text",
        one_of(*Dialect),
        "what agent `command` prints: text, or the JSON lines of another agent",
        Group.AGENT,
    )
    script: str = setting("", OPTIONAL_PATH, "the YAML file of agent `scripted`", Group.AGENT, flag=True)

    timeout: float = setting(
        1800.0, DURATION, "wall time of one attempt; 0 for none", Group.LIMITS, flag=True, tighten=least
    )
    idle_timeout: float = setting(
        600.0,
        DURATION,
        "end an attempt after this long without output, while it runs no tool; 0 for never",
        Group.LIMITS,
        flag=True,
        tighten=least,
    )
    max_iterations: int = setting(
        200, COUNT, "attempts in one run; 0 for no limit", Group.LIMITS, flag=True, tighten=least
    )
    max_attempts: int = setting(
        30,
        COUNT,
        "attempts a feature gets in its life, until `harness reset`; 0 for no limit",
        Group.LIMITS,
        flag=True,
        tighten=least,
    )
    max_time: float = setting(
        0.0, DURATION, "wall time of the whole run; 0 for none", Group.LIMITS, flag=True, tighten=least
    )
    stuck_limit: int = setting(
        3,
        COUNT,
        "attempts in a row without progress after which a feature is stuck; 0 for never",
        Group.LIMITS,
        flag=True,
        tighten=least,
    )
    stuck_bytes: int = setting(
        32, COUNT, "a note of at most this many bytes, with no file changed, is not progress", Group.LIMITS, flag=True
    )
    pause: float = setting(2.0, DURATION, "wait between attempts", Group.LIMITS, flag=True)
    keep_going: bool = setting(
        False, SWITCH, "skip a blocked or stuck feature and work on the others", Group.LIMITS, flag="-k"
    )

    fault_backoff: float = setting(
        15.0, DURATION, "first wait after an outage; doubles, with jitter", Group.OUTAGES, flag=True
    )
    outage_limit: float = setting(
        7200.0, DURATION, "an outage longer than this halts the run (exit 6); 0 for never", Group.OUTAGES, flag=True
    )
    fault_limit: int = setting(
        20, COUNT, "outages in a row that halt the run (exit 6); 0 for never", Group.OUTAGES, flag=True
    )
    on_limit: str = setting(
        "halt",
        one_of("halt", "wait"),
        "at a usage limit: halt, or wait for its reset if that time is known",
        Group.OUTAGES,
        flag=True,
    )

    max_cost: float = setting(
        0.0, DOLLARS, "dollars that one run may cost; 0 for no limit", Group.MONEY, flag=True, tighten=least
    )
    max_cost_per_feature: float = setting(
        0.0,
        DOLLARS,
        "dollars that one feature may cost in its life; 0 for no limit",
        Group.MONEY,
        flag=True,
        tighten=least,
    )
    max_cost_per_attempt: float = setting(
        0.0, DOLLARS, "dollars that one attempt may cost; 0 for no limit", Group.MONEY, flag=True, tighten=least
    )
    monthly_budget: float = setting(
        0.0,
        DOLLARS,
        "dollars that all runs here may cost in a month (UTC); 0 for no limit",
        Group.MONEY,
        flag=True,
        tighten=least,
    )
    monthly_stop: float = setting(
        0.9, SHARE, "the share of the monthly budget at which runs stop", Group.MONEY, tighten=fewest
    )
    expected_cost: float = setting(
        0.5, DOLLARS, "dollars an attempt is expected to cost while fewer than five have ended here", Group.MONEY
    )
    prices: tuple[ModelPrice, ...] = setting(
        (),
        PRICES,
        "dollars for a million tokens, for models that the price list lacks or has wrong",
        Group.MONEY,
        examples=({"my-model": {"input": 0.5, "output": 2}},),
    )

    checks: tuple[Check | Review, ...] = setting(
        (),
        CHECKS,
        "commands that every claim must pass, besides the feature's own, and questions to a reviewer",
        Group.PROOF,
        examples=(["make test"],),
        tighten=all_of,
    )
    check_timeout: float = setting(
        600.0, DURATION, "wall time of one check; 0 for none", Group.PROOF, flag=True, tighten=least
    )
    check_retries: int = setting(
        1,
        COUNT,
        "times that a red check runs again which was green on the same files; one that flips is named",
        Group.PROOF,
        tighten=fewest,
    )
    prove: str = setting(
        "auto",
        one_of("auto", "commit", "tree"),
        "where claims are checked: in a clean checkout of the commit, or the working tree; auto: a checkout if it can",
        Group.PROOF,
        flag=True,
        tighten=by_order("tree", "auto", "commit"),
    )
    judge: tuple[str, ...] = setting(
        (),
        WORDS,
        "files that judge claims besides tests, their data and configuration: no work is proven by changing them",
        Group.PROOF,
        more="see [what judges](#what-judges)",
        examples=(["scripts/verify/**", "expected/*.json"],),
        tighten=all_of,
    )
    park: tuple[str, ...] = setting(
        (),
        WORDS,
        "files that a person lands: a feature that touches them is proven, and waits for `harness land`",
        Group.PROOF,
        examples=(["migrations/**", ".github/**"],),
        tighten=all_of,
    )
    guards: Guards = setting(  # noqa: RUF009 - it is frozen
        Guards(),
        GUARDS,
        "what follows where the change of a claim itself speaks against it, for every rule or by rule: "
        "warn: it stands in the receipt; strict: the claim is red; off",
        Group.PROOF,
        more="see [what a change says against its claim](#what-a-change-says-against-its-claim)",
        examples=("warn", {"test-skipped": "strict", "stub-left": "off"}),
        tighten=stricter_levels,
    )
    held_out_output: str = setting(
        "hide",
        one_of("hide", "show"),
        "what the agent is told of a check that is held out and fails: that one failed, or what it printed, too",
        Group.PROOF,
        tighten=by_order("show", "hide"),
    )
    checks_must_fail_first: str = setting(
        "warn",
        one_of("warn", "require", "off"),
        "run a feature's checks before the work: where none fails, say that they cannot show it, or leave the feature",
        Group.PROOF,
        tighten=by_order("off", "warn", "require"),
    )
    baseline: str = setting(
        "accept",
        one_of("accept", "refuse"),
        "what a run does when `checks` are red before the work: name them, or end at once with exit 2",
        Group.PROOF,
        tighten=by_order("accept", "refuse"),
    )
    workspace_include: tuple[str, ...] = setting(
        (),
        WORDS,
        "what clean checkouts get from the project besides what is installed in it (node_modules, .venv, .env)",
        Group.PROOF,
        examples=(["build", "tests/data.local"],),
    )
    workspace_setup: tuple[Check, ...] = setting(
        (),
        SETUP,
        "commands that install in a clean checkout what checks need, run there before the first check",
        Group.PROOF,
        more="see [what a receipt proves](#what-a-receipt-proves)",
        examples=("npm ci",),
    )
    commit: str = setting(
        "done",
        one_of("done", "never"),
        "commit each done feature (if the tree was clean at the start)",
        Group.PROOF,
        flag=True,
    )

    specs_dir: str = setting("specs", PATH, "the folder of specs", Group.FILES, flag=True)
    spec_file: str = setting(
        "spec.md", PATH, "the file in each feature's folder that is its spec", Group.FILES, flag=True
    )
    order_file: str = setting(
        "",
        OPTIONAL_PATH,
        "the order, one slug a line; default: order.txt in the folder of specs",
        Group.FILES,
        flag=True,
    )
    logs_dir: str = setting("logs", PATH, "the folder that harness writes", Group.FILES, flag=True)
    template: str = setting(
        "", OPTIONAL_PATH, "your own prompt template; default: templates/prompt.md, else the shipped one", Group.FILES
    )
    keep_transcripts: int = setting(
        20, COUNT, "how many attempts of a feature keep their transcripts uncompressed; 0 for all", Group.FILES
    )

    base_url: str = setting(
        "",
        TEXT,
        "agent `api`: the server; empty for ANTHROPIC_BASE_URL or Anthropic's own",
        Group.API,
        examples=("http://localhost:11434",),
    )
    api_key_env: str = setting(
        "", TEXT, "agent `api`: the variable that holds the key; empty for ANTHROPIC_API_KEY", Group.API
    )
    api_server: str = setting(
        "auto",
        one_of("auto", "anthropic", "compatible"),
        "agent `api`: whether the server is Anthropic's (or a gateway to it), or only compatible",
        Group.API,
    )
    fallback_models: tuple[str, ...] = setting(
        (), WORDS, "agent `api`: models to use, in order, while the first is overloaded", Group.API
    )
    effort: str = setting(
        "",
        one_of("", "low", "medium", "high", "xhigh", "max"),
        "agent `api`: effort; empty for the model's default",
        Group.API,
    )
    thinking: str = setting(
        "",
        one_of("", "adaptive", "disabled"),
        "agent `api`: thinking; empty for the model's default",
        Group.API,
        more="`adaptive` shows the model's thinking in the transcript",
    )
    max_tokens: int = setting(
        32_000,
        COUNT,
        "agent `api`: most tokens of one answer",
        Group.API,
        more="one that is cut off inside a tool call is not run, but asked for again with more room",
    )
    context_window: int = setting(
        0,
        COUNT,
        "agent `api`: the context window of the model in tokens; 0 for what the price list says",
        Group.API,
        more="a prompt longer than 80% of it loses its oldest notes first, and you are told",
    )
    compact_at: int = setting(
        150_000,
        COUNT,
        "agent `api`: tokens of conversation beyond which it is summarized; 0 for never",
        Group.API,
        more="the server does that, or the model writes a note for itself and starts over",
    )
    cache_ttl: str = setting(
        "auto",
        one_of("auto", "5m", "1h", "off"),
        "agent `api`: how long the server caches the parts of the prompt that never change",
        Group.API,
        more="`auto` is `5m`, and `1h` when attempts are likely to be further apart than that",
    )
    tool_timeout: float = setting(
        120.0, DURATION, "agent `api`: wall time of one shell command, at most 10m", Group.API
    )
    api_timeout: float = setting(
        600.0,
        DURATION,
        "agent `api`: how long a call may bring no output",
        Group.API,
        more="pings do not count; a long answer may take as long as it keeps growing",
    )

    sandbox: str = setting(
        "auto",
        one_of("auto", "bwrap", "container", "none"),
        "how agents and checks are confined; auto: bubblewrap or nothing; bwrap: or exit 2; container: yours; none",
        Group.SANDBOX,
        flag=True,
        tighten=by_order("none", "auto", "container", "bwrap"),
    )
    sandbox_network: str = setting(
        "host",
        one_of("host", "none", "broker"),
        "the network inside the sandbox; broker: only sandbox_hosts, and keys stay outside",
        Group.SANDBOX,
        more="see [the broker](#keys-outside-listed-hosts-alone)",
        tighten=by_order("host", "broker", "none"),
    )
    sandbox_hosts: tuple[str, ...] = setting(
        (),
        HOSTS,
        "with `sandbox_network: broker`: hosts that can be reached from inside",
        Group.SANDBOX,
        examples=(["pypi.org", "files.pythonhosted.org", "localhost:5432"],),
        tighten=only,
    )
    sandbox_read: tuple[str, ...] = setting(
        (),
        WORDS,
        "more paths that can be read inside the sandbox",
        Group.SANDBOX,
        examples=(["~/.m2", "../shared"],),
        tighten=only,
    )
    sandbox_write: tuple[str, ...] = setting(
        (),
        WORDS,
        "more paths that can be written inside the sandbox",
        Group.SANDBOX,
        examples=(["~/.m2", "../shared"],),
        tighten=only,
    )
    sandbox_memory: int = setting(
        0, SIZE, "private memory of each process inside; 0 for no limit", Group.SANDBOX, examples=("8G",), tighten=least
    )
    sandbox_file_size: int = setting(
        16 << 30, SIZE, "size of one file written inside; 0 for no limit", Group.SANDBOX, tighten=least
    )
    sandbox_processes: int = setting(
        4096, COUNT, "processes and threads inside (not limited for root); 0 for no limit", Group.SANDBOX, tighten=least
    )
    pid_namespace: str = setting(
        "auto",
        one_of("auto", "off"),
        "a pid namespace around the agent (Linux); off if it needs sudo",
        Group.SANDBOX,
        tighten=by_order("off", "auto"),
    )

    inhibit_sleep: str = setting(
        "auto",
        one_of("auto", "off"),
        "keep the machine awake during a run, if it can be done",
        Group.NIGHT,
    )
    on_finish: str = setting(
        "",
        TEXT,
        "a command that is run when a run has ended; it gets the result on stdin as JSON",
        Group.NIGHT,
        examples=("mail -s 'the night is over' me@example.com",),
    )
    webhook: str = setting(
        "",
        ADDRESS,
        "an http(s) address that gets notifications as JSON",
        Group.NIGHT,
        examples=("https://hooks.example.com/abc",),
    )
    notify: tuple[str, ...] = setting(
        (),
        CHANNELS,
        "addresses, as apprise writes them, that get notifications",
        Group.NIGHT,
        examples=(["ntfy://my-topic"],),
    )

    json: bool = setting(False, SWITCH, "one JSON document on stdout", Group.OUTPUT, flag=True)
    quiet: bool = setting(False, SWITCH, "print only what needs a person", Group.OUTPUT, flag="-q")
    verbose: bool = setting(False, SWITCH, "print also what the agent says", Group.OUTPUT, flag="-v")

    def checks_with(self, own: tuple[Check, ...]) -> tuple[Check, ...]:
        """Return a feature's own checks, then the project's that are not among them."""
        return (*own, *self.checks_besides(own))

    def checks_besides(self, own: tuple[Check, ...]) -> tuple[Check, ...]:
        """Return the project's checks that are not among a feature's own."""
        return tuple(check for check in self.commands if check not in own)

    @property
    def commands(self) -> tuple[Check, ...]:
        """The project's checks that are commands."""
        return tuple(one for one in self.checks if isinstance(one, Check))

    def reviews_with(self, own: tuple[Review, ...]) -> tuple[Review, ...]:
        """Return a feature's own questions to reviewers, then the project's that are not among them."""
        return (*own, *(one for one in self.checks if isinstance(one, Review) and one not in own))

    @property
    def chain(self) -> tuple[str, ...]:
        """The agents that stand in for one another when a limit ends an attempt; `agent` is the first."""
        first = () if self.agent == "auto" and self.agents else (self.agent,)
        return tuple(dict.fromkeys((*first, *self.agents)))

    @property
    def rules(self) -> Rules:
        """The limits that decisions are made by."""
        return Rules(**{name.name: getattr(self, name.name) for name in fields(Rules)})


OPTIONS: dict[str, Option] = {
    one.name: replace(one.metadata["option"], name=one.name, default=one.default) for one in fields(Settings)
}
