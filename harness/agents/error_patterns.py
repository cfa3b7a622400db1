"""The words in which agents refuse, run out and fail, and what they mean: tables, first match wins. Pure.

They are held only against the error's own text of a failed run. Sources: recorded runs of Claude Code 2.1.329 and
2.1.197, Codex 0.169.0, Gemini CLI 0.61.0, opencode 1.18.33, and the wordings that users of other loops reported.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.domain.reply import FaultKind, LimitKind


@dataclass(frozen=True, slots=True)
class Wording:
    """A pattern (case ignored) and its meaning; `kind` None for a failure that is the attempt's own.

    It is searched at the start of each line, `anywhere` in it where the text cannot be prose. `says` replaces the
    agent's words where they help nobody.
    """

    pattern: str
    kind: LimitKind | FaultKind | None
    hint: str = ""
    anywhere: bool = False
    says: str = ""


HINTS: dict[LimitKind, str] = {
    LimitKind.USAGE: "wait for the reset, then `harness resume` and `harness run`",
    LimitKind.SPEND: "raise the spend limit, or ask the organisation's administrator; an hour's wait does not help",
    LimitKind.CREDIT: "add credit to the account that the agent uses, or give it another one",
    LimitKind.AUTH: "log in again, or mend the API key that the agent is given, and try the agent by hand",
    LimitKind.REFUSED: "try the agent's command by hand, and mend `model`, `base_url` or `agent_args` in harness.yaml",
}
NOT_STARTED_HINT = "check that the agent's program is installed, executable and in PATH: `harness doctor`"
_PROMPT_HINT = "the agent takes no prompt of this size: shorten the spec or the prompt template"
_ROOT_HINT = (
    "Claude Code refuses bypassPermissions as root outside a sandbox: run as an ordinary user, "
    "or set IS_SANDBOX=1 if this is a container, or `permission_mode: acceptEdits`"
)

# --- errors -----------------------------------------------------------------------------------------------------------

# Claude Code's own sentences. In its text mode they stand on stdout among prose: only at the start of a line.
PREFIX = r"^(?:error: *)?(?:API Error: *(?:\d{3} *)?)?"  # taken off a line before it is held against the table
_SENTENCES = (
    Wording(r"Server is temporarily limiting requests", FaultKind.RATE),
    Wording(r"You['’]ve hit your (?:.*\b)?(?:monthly|spend|spending|individual)\b.*\blimit\b", LimitKind.SPEND),
    Wording(r"Your usage allocation has been disabled by your admin", LimitKind.SPEND),
    Wording(r"You have reached your specified API usage limits", LimitKind.SPEND),
    Wording(r"You['’]ve hit your\b.*\blimit\b", LimitKind.USAGE),
    Wording(r"Claude AI usage limit reached(?:\||\.|$)", LimitKind.USAGE),
    Wording(r"You['’]re out of (?:extra usage|usage credits)", LimitKind.CREDIT),
    Wording(r"(?:Your )?credit balance is too low(?: to access.*)?\.?$", LimitKind.CREDIT),
    Wording(r"(?:Invalid API key|Not logged in)(?: ·|$)", LimitKind.AUTH),
    Wording(r"Failed to authenticate\.|OAuth token (?:has expired|revoked)", LimitKind.AUTH),
    Wording(r"API Error: (?:Connection|Unable to connect|Request timed out)", FaultKind.NETWORK),
    Wording(r"Request timed out\. If the API is slow", FaultKind.NETWORK),
)
_CLAUDE = (
    *_SENTENCES,
    Wording(r"\bmonthly (?:usage |spend(?:ing)? )?limit|\bspend(?:ing)? limit", LimitKind.SPEND, anywhere=True),
    Wording(r"disabled by your (?:admin|org)|specified API usage limits", LimitKind.SPEND, anywhere=True),
    Wording(r"out of (?:extra usage|usage credits)|credit balance is too low", LimitKind.CREDIT, anywhere=True),
)
_CODEX = (
    Wording(r"context window|input_too_large", None, anywhere=True),
    Wording(r"hit your usage limit", LimitKind.USAGE, anywhere=True),
    Wording(r"Quota exceeded|insufficient_quota", LimitKind.CREDIT, anywhere=True),
    Wording(r"Missing environment variable|not logged in", LimitKind.AUTH, anywhere=True),
    Wording(r"rate limit (?:exceeded|reached)", FaultKind.RATE, anywhere=True),
    Wording(r"\bat capacity\b|experiencing high demand", FaultKind.OVERLOAD, anywhere=True),
    Wording(
        r"stream disconnected|waiting for network|Connection failed|error sending request",
        FaultKind.NETWORK,
        anywhere=True,
    ),
)
_GEMINI = (
    Wording(r"input token count .* exceeds|max session turns", None, anywhere=True),
    Wording(r"exhausted your daily quota", LimitKind.USAGE, anywhere=True),
    Wording(r"API_KEY_INVALID|API key not valid|must specify the GEMINI_API_KEY", LimitKind.AUTH, anywhere=True),
    Wording(r"model is overloaded", FaultKind.OVERLOAD, anywhere=True),
    Wording(
        r"fetch failed|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENOTFOUND|EAI_AGAIN",
        FaultKind.NETWORK,
        anywhere=True,
    ),
)
_OPENCODE = (
    Wording(r"credit balance is too low", LimitKind.CREDIT, anywhere=True),
    Wording(r"invalid x-api-key", LimitKind.AUTH, anywhere=True),
    Wording(r"Unable to connect|ECONNREFUSED|ECONNRESET|ENOTFOUND", FaultKind.NETWORK, anywhere=True),
)
# What agents built on LiteLLM (aider and others) print on a line of its own when they give up.
_LITELLM = (
    Wording(r"litellm\.(?:exceptions\.)?(?:AuthenticationError|PermissionDeniedError)\b", LimitKind.AUTH),
    Wording(r"litellm\.(?:exceptions\.)?RateLimitError\b", FaultKind.RATE),
    Wording(r"litellm\.(?:exceptions\.)?(?:InternalServerError|ServiceUnavailableError)\b", FaultKind.SERVER),
    Wording(r"litellm\.(?:exceptions\.)?(?:APIConnectionError|Timeout)\b", FaultKind.NETWORK),
)
ERRORS: dict[str, tuple[Wording, ...]] = {
    "claude": _CLAUDE,
    "codex": _CODEX,
    "gemini": _GEMINI,
    "opencode": _OPENCODE,
    "text": (*_SENTENCES, *_LITELLM),
}

# --- refusals to start: no event at all, the reason on stderr ---------------------------------------------------------

_OPTION = Wording(r"error: (?:unknown|option|missing|too many|required|invalid|unexpected)", LimitKind.REFUSED)
_CLAUDE_START = (
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
    _OPTION,
)
_USAGE_PRINTED = Wording(
    r"-h, --help\b", LimitKind.REFUSED, says="it printed its usage: it did not understand its command line"
)
REFUSALS: dict[str, tuple[Wording, ...]] = {
    "claude": _CLAUDE_START,
    "codex": (
        _OPTION,
        Wording(r"No prompt provided via stdin", LimitKind.REFUSED),
        Wording(r"Not inside a trusted directory", LimitKind.REFUSED, "add `--skip-git-repo-check` to `agent_args`"),
    ),
    "gemini": (_USAGE_PRINTED,),
    "opencode": (_USAGE_PRINTED, Wording(r"You must provide a message", LimitKind.REFUSED, anywhere=True)),
    "text": (),
}
# Exit codes that mean it by themselves, where nothing was printed on stdout.
EXIT_CODES: dict[str, dict[int, Wording]] = {
    "gemini": {
        41: Wording("", LimitKind.AUTH),
        55: Wording("", LimitKind.REFUSED, "add `--skip-trust` to `agent_args`", says="the folder is not trusted"),
    },
    "": {
        126: Wording("", LimitKind.REFUSED, NOT_STARTED_HINT),
        127: Wording("", LimitKind.REFUSED, NOT_STARTED_HINT),
    },
}
