"""Claude Code, headless: all that harness knows about it, but for the meaning of its lines (`dialect_claude`).

Observed with 2.1.329 and 2.1.197: stream-json needs --verbose; a prompt that begins with `/` is run as a slash command;
` @path` is replaced by the file's content; background tasks keep the process alive after its result; its own retries
last three minutes, which would hide an outage from the loop.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from harness.agents.claude_settings import find_named
from harness.agents.dialect_claude import read_claude
from harness.agents.error_patterns import ANTHROPIC_STATUS, OPTION, SENTENCES, ErrorTexts, Wording
from harness.agents.language import Language
from harness.agents.profile import Credential, Loads, Profile, RootRule
from harness.agents.providers import ANTHROPIC
from harness.agents.start import Start
from harness.domain.agent import Access, CostSource, Dialect, Home, StateFile
from harness.domain.provider import Redirected
from harness.domain.reply import LimitKind
from harness.system import files

PROGRAM = "claude"
FIRST_LINE = "Follow the instructions below.\n\n"
# A mention begins at a line's start or behind white space; Claude Code puts the file's content in its place when there
# is such a file, also for `@dir/`, `@"quoted"` and `@file#L10`. Observed with 2.1.329: `\@file` is left alone.
_MENTION = re.compile(r"(?P<before>^|\s)@(?P<path>\"[^\"\n]+\"|\S+)", re.MULTILINE)

# --- its command line and its prompt ----------------------------------------------------------------------------------


def command_line(start: Start) -> tuple[str, ...]:
    """Return the arguments; the prompt goes to stdin. It is told the dollars at which it stops by itself."""
    options, max_cost = start.options, start.attempt_limits.max_cost
    line = [PROGRAM, "-p", "--output-format", "stream-json", "--verbose", "--permission-mode", options.permission_mode]
    if start.model:
        line += ["--model", start.model]
    if options.setting_sources:
        line += ["--setting-sources", options.setting_sources]
    if max_cost is not None:
        line += ["--max-budget-usd", f"{max_cost:.4f}"]
    return (*line, *options.agent_args)


def prepare_prompt(prompt: str, root: Path) -> str:
    """Return the prompt with a plain first line, and no mention in it that Claude Code would replace by a file."""

    def defuse(match: re.Match[str]) -> str:
        return f"{match['before']}\\@{match['path']}" if _is_there(root, match["path"]) else match[0]

    return FIRST_LINE + _MENTION.sub(defuse, prompt)


def _is_there(root: Path, mention: str) -> bool:
    """Whether the words behind an `@` name a file or folder, as Claude Code would read them."""
    name = mention.strip('"').partition("#")[0]
    for path in (name, name.rstrip(".,;:!?)]}'`\"")):
        try:
            if path and files.exists(root / Path(path).expanduser()):
                return True
        except (OSError, ValueError, RuntimeError):
            continue
    return False


def redirect(inside: Redirected) -> Redirected:
    """Keep it from hosts that would be refused, each of which would be told to the next attempt."""
    return replace(inside, env={"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", **inside.env})


# --- its errors; sources: recorded runs of 2.1.329 and 2.1.197 --------------------------------------------------------

_ERRORS = (
    *SENTENCES,
    Wording(r"\bmonthly (?:usage |spend(?:ing)? )?limit|\bspend(?:ing)? limit", LimitKind.SPEND, anywhere=True),
    Wording(r"disabled by your (?:admin|org)|specified API usage limits", LimitKind.SPEND, anywhere=True),
    Wording(r"out of (?:extra usage|usage credits)|credit balance is too low", LimitKind.CREDIT, anywhere=True),
)
_PROMPT_HINT = "the agent takes no prompt of this size: shorten the spec or the prompt template"
_ROOT_HINT = (
    "Claude Code refuses bypassPermissions as root outside a sandbox: run as an ordinary user, "
    "or set IS_SANDBOX=1 if this is a container, or `permission_mode: acceptEdits`"
)
_REFUSALS = (
    Wording(r"cannot be used with root/sudo", LimitKind.REFUSED, _ROOT_HINT, anywhere=True),
    Wording(r"piped stdin input exceeds", LimitKind.REFUSED, _PROMPT_HINT, anywhere=True),
    Wording(
        r"Session ID .* is already in use",
        LimitKind.REFUSED,
        "another Claude Code has this session: leave `--session-id` out of `agent_args`",
        anywhere=True,
    ),
    Wording(r"Invalid MCP config|MCP config file not found", LimitKind.REFUSED, anywhere=True),
    Wording(r"Settings file not found|Invalid (?:JSON in )?settings", LimitKind.REFUSED, anywhere=True),
    Wording(r"requires --verbose|Input must be provided", LimitKind.REFUSED, anywhere=True),
    OPTION,
)
LANGUAGE = Language(read_claude, ANTHROPIC_STATUS, ErrorTexts(_ERRORS, _REFUSALS), CostSource.REPORTED)

# --- what it is -------------------------------------------------------------------------------------------------------

_LOGIN = ".claude/.credentials.json"
_CLOUD = "the keys of a cloud, of which no stand-in is made: they stay outside, which is told"
PROFILE = Profile(
    name="claude",
    title="Claude Code",
    dialect=Dialect.CLAUDE,
    program=PROGRAM,
    command_line=command_line,
    prepare_prompt=prepare_prompt,
    passes=("CLAUDE_*", "ANTHROPIC_*", "DISABLE_*", "IS_SANDBOX", "AWS_*", "GOOGLE_*", "CLOUD_ML_REGION", "BASH_*"),
    own={
        "CLAUDE_CODE_MAX_RETRIES": "4",  # an outage is the loop's to wait out
        "CLAUDE_CODE_DISABLE_BACKGROUND_TASKS": "1",
        "DISABLE_AUTOUPDATER": "1",
    },
    temporaries=("CLAUDE_CODE_TMPDIR",),
    stops_itself=True,
    home=Home(
        reads=tuple(f".claude/{name}" for name in ("settings.json", "settings.local.json", "CLAUDE.md", "agents",
                    "commands", "skills", "plugins", "output-styles", "rules", "keybindings.json")),
        writes=(_LOGIN,),
        folders=(".claude",),
        state=StateFile(".claude.json", projects="projects", keys=("primaryApiKey", "customApiKeyResponses")),
    ),
    installed=(".local/share/claude", ".claude/local"),
    access=Access(
        providers=(ANTHROPIC,),
        logins=(_LOGIN,),
        login_hosts=("api.anthropic.com", "console.anthropic.com", "platform.claude.com"),
        redirect=redirect,
    ),
    credentials=(
        Credential("ANTHROPIC_API_KEY", "anthropic"),
        Credential("CLAUDE_CODE_OAUTH_TOKEN", "anthropic"),
        Credential("ANTHROPIC_AUTH_TOKEN", "anthropic"),
        Credential("CLAUDE_CODE_USE_BEDROCK", reason=_CLOUD),
        Credential("CLAUDE_CODE_USE_VERTEX", reason=_CLOUD),
    ),
    loads=Loads(
        instructions=("CLAUDE.md", "CLAUDE.local.md"),
        settings=(".claude/settings.json", ".claude/settings.local.json", ".mcp.json"),
        by_source=True,
    ),
    find_named=find_named,
    root_rule=RootRule("bypassPermissions", unless="IS_SANDBOX"),
)  # fmt: skip
