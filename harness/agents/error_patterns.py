"""The words in which agents refuse, run out and fail, and what they mean: patterns, first match wins. Pure.

They are held only against the error's own text of a failed run. What one agent alone says stands in its module.
Sources: recorded runs of the versions that are named there, and the wordings that users of other loops reported.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

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


@dataclass(frozen=True, slots=True)
class ErrorTexts:
    """How an agent fails: `errors` in the text of a failed run; `refusals` besides those where it said no event;
    `exit_codes` that mean it by themselves where nothing was printed on stdout."""

    errors: tuple[Wording, ...] = ()
    refusals: tuple[Wording, ...] = ()
    exit_codes: Mapping[int, Wording] = field(default_factory=dict)

    def __add__(self, other: ErrorTexts) -> ErrorTexts:
        """Return both; what is ours is looked at first, and wins."""
        return ErrorTexts(
            (*self.errors, *other.errors),
            (*self.refusals, *other.refusals),
            {**other.exit_codes, **self.exit_codes},
        )


HINTS: dict[LimitKind, str] = {
    LimitKind.USAGE: "wait for the reset, then `harness resume` and `harness run`",
    LimitKind.SPEND: "raise the spend limit, or ask the organisation's administrator; an hour's wait does not help",
    LimitKind.CREDIT: "add credit to the account that the agent uses, or give it another one",
    LimitKind.AUTH: "log in again, or correct the API key, and try the agent by hand",
    LimitKind.REFUSED: "try the agent's command by hand; correct `model`, `base_url` or `agent_args` in harness.yaml",
}
NOT_STARTED_HINT = "check that the agent's program is installed, executable and in PATH: `harness doctor`"

# --- what more than one agent says ------------------------------------------------------------------------------------

# Claude Code's own sentences. In its text mode they stand on stdout among prose: only at the start of a line.
PREFIX = r"^(?:error: *)?(?:API Error: *(?:\d{3} *)?)?"  # taken off a line before it is held against the table
SENTENCES = (
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
# What agents built on LiteLLM (aider and others) print on a line of its own when they give up.
LITELLM = (
    Wording(r"litellm\.(?:exceptions\.)?(?:AuthenticationError|PermissionDeniedError)\b", LimitKind.AUTH),
    Wording(r"litellm\.(?:exceptions\.)?RateLimitError\b", FaultKind.RATE),
    Wording(r"litellm\.(?:exceptions\.)?(?:InternalServerError|ServiceUnavailableError)\b", FaultKind.SERVER),
    Wording(r"litellm\.(?:exceptions\.)?(?:APIConnectionError|Timeout)\b", FaultKind.NETWORK),
)

# Where Anthropic's status stands in the text of an error. At the start of a line, where text may be prose.
ANTHROPIC_STATUS = r"(?m)^(?:Failed to authenticate\. )?API Error: (?:Request rejected \()?([45]\d\d)\b"

# Refusals to start: no event at all, the reason on stderr.
OPTION = Wording(r"error: (?:unknown|option|missing|too many|required|invalid|unexpected)", LimitKind.REFUSED)
USAGE_PRINTED = Wording(
    r"-h, --help\b", LimitKind.REFUSED, says="it printed its usage: it did not understand its command line"
)

# Of a shell, or of whoever starts a program for it: not executable, not found.
ANY_AGENT = ErrorTexts(
    exit_codes={
        126: Wording("", LimitKind.REFUSED, NOT_STARTED_HINT),
        127: Wording("", LimitKind.REFUSED, NOT_STARTED_HINT),
    }
)
